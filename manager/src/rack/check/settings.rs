//! What holds for the whole rack: its name, its network, its agents.

use std::time::Duration;

use super::super::code::Code;
use super::super::file::{AgentSection, File, NetworkSection};
use super::super::{Agent, Bytes, Network, RackName};
use super::Checker;

/// Ethernet's.
const MTU: u16 = 1500;
/// Cassandra orders writes by clocks; half a second is what a good local time server leaves far behind.
const CLOCK_OFFSET: Duration = Duration::from_millis(500);
/// As an agent has it by itself.
const QUEUE: Bytes = Bytes(pirack_agent::config::DEFAULT_QUEUE_BYTES);
const INTERVAL: Duration = pirack_agent::config::DEFAULT_INTERVAL;
/// Less than this an agent refuses.
const LEAST_QUEUE: Bytes = Bytes::mebibytes(1);

impl Checker<'_> {
    pub(super) fn rack_name(&mut self, file: &File) -> Option<RackName> {
        match &file.name {
            Some(written) => {
                let name = written.get_ref().parse().ok();
                if name.is_none() {
                    self.say(
                        Code::Name,
                        written.span(),
                        format!("\"{}\" cannot be a rack's name", written.get_ref()),
                        "use 1 to 50 letters, digits, '-' and '_', with a letter or digit at either end, for example \"desk\"",
                    );
                }
                name
            }
            None => {
                self.missing(
                    (&[], "name"),
                    None,
                    "the rack has no name",
                    "write name = \"desk\", or the like, below the version",
                );
                None
            }
        }
    }

    pub(super) fn network(&mut self, section: &NetworkSection) -> Option<Network> {
        let mtu = self.number(&section.mtu, 1280..=9216, "1500 is Ethernet's, 9000 that of jumbo frames");
        let clock_offset = self.time(&section.clock_offset, ("1ms", "10s"), "500ms");
        let mut insecure_registries = vec![];
        for item in section.insecure_registries.iter().flat_map(|list| list.get_ref()) {
            let text = item.get_ref();
            let parts = text.rsplit_once(':').filter(|(host, port)| {
                host.parse::<super::super::BoardName>().is_ok()
                    && port.parse::<u16>().is_ok_and(|port| port > 0)
            });
            if parts.is_none() {
                let what = format!("\"{text}\" is no registry");
                self.say(Code::Name, item.span(), what, "write host:port, for example \"10.0.0.1:5000\"");
            }
            insecure_registries.push(text.clone());
        }
        Some(Network {
            mtu: mtu.unwrap_or(MTU),
            clock_offset: clock_offset.unwrap_or(CLOCK_OFFSET),
            addresses_reserved: section.addresses_reserved.as_ref().is_some_and(|written| *written.get_ref()),
            insecure_registries,
        })
    }

    pub(super) fn agent(&mut self, section: &AgentSection) -> Option<Agent> {
        let queue = self.size(&section.queue);
        if let (Some(written), Some(_)) = (&section.queue, queue.filter(|queue| *queue < LEAST_QUEUE)) {
            let what = format!("a queue of {} is less than {LEAST_QUEUE}", written.get_ref());
            self.say(Code::Range, written.span(), what, "1GiB keeps a board's records for weeks");
        }
        Some(Agent {
            enabled: section.enabled.as_ref().is_none_or(|written| *written.get_ref()),
            packages: self.path(&section.packages),
            interval: self.time(&section.interval, ("100ms", "1h"), "10s").unwrap_or(INTERVAL),
            queue: queue.unwrap_or(QUEUE),
        })
    }
}
