//! [`File`] to [`Config`]: every value checked once, every problem with its place and remedy.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;

use super::file::{File, SensorSection, Written};
use super::problem::{Origins, Problem, Problems};
use super::{
    Config, DEFAULT_INTERVAL, DEFAULT_LOG, DEFAULT_QUEUE_BYTES, DEFAULT_QUEUE_DIRECTORY, SensorConfig,
};
use crate::record::BoardName;
use crate::source::host::HostSettings;
use crate::source::i2c::{Chip, ChipSettings};

/// The least a queue may be bounded to: a handful of segments.
const LEAST_QUEUE_BYTES: i64 = 1 << 20;
/// Sources are read at most ten times a second and at least once an hour.
const INTERVALS: std::ops::RangeInclusive<f64> = 0.1..=3600.0;

pub(super) struct Checker<'a> {
    pub(super) origins: Origins<'a>,
    pub(super) problems: Vec<Problem>,
    /// The machine's host name, the board's name where the file gives none.
    pub(super) hostname: Option<String>,
}

impl Checker<'_> {
    pub(super) fn config(mut self, file: &File) -> Result<Config, Problems> {
        let interval = self.interval(file.interval_seconds.as_ref()).unwrap_or(DEFAULT_INTERVAL);
        let board = self.board(file);
        let sensors: Vec<_> = file.sensor.iter().map(|section| self.sensor(section, interval)).collect();
        self.twins(&file.sensor);
        let queue_directory =
            self.path(file.queue.directory.as_ref()).unwrap_or_else(|| DEFAULT_QUEUE_DIRECTORY.into());
        let queue_max_bytes = self.queue_bytes(file.queue.max_bytes.as_ref());
        let kafka_bootstrap = self.bootstrap(file);
        let host = HostSettings {
            data_disk: self.path(file.host.data_disk.as_ref()),
            docker_socket: self.path(file.host.docker_socket.as_ref()),
        };
        match (board, sensors.into_iter().collect::<Option<Vec<_>>>()) {
            (Some(board), Some(sensors)) if self.problems.is_empty() => Ok(Config {
                board,
                interval,
                log: file.log.as_ref().map_or_else(|| DEFAULT_LOG.to_owned(), |log| log.get_ref().clone()),
                queue_directory,
                queue_max_bytes,
                kafka_bootstrap,
                host,
                sensors,
            }),
            _ => Err(Problems(self.problems)),
        }
    }

    fn say(&mut self, span: Option<Range<usize>>, what: impl Into<String>, remedy: impl Into<String>) {
        let place = span.map_or_else(|| self.origins.whole(), |span| self.origins.place(&span));
        self.problems.push(Problem { place, what: what.into(), remedy: remedy.into() });
    }

    fn board(&mut self, file: &File) -> Option<BoardName> {
        if let Some(written) = &file.board {
            return match written.get_ref().parse() {
                Ok(name) => Some(name),
                Err(error) => {
                    self.say(
                        Some(written.span()),
                        format!("board: {error}"),
                        "set board = \"w3\", or the like",
                    );
                    None
                }
            };
        }
        let host = self.hostname.clone().unwrap_or_default();
        let name = BoardName::of_host(&host).ok();
        if name.is_none() {
            self.say(
                None,
                format!("the host name \"{host}\" cannot be a board's name"),
                "set board = \"w3\", or the like",
            );
        }
        name
    }

    fn interval(&mut self, written: Option<&Spanned<f64>>) -> Option<Duration> {
        let written = written?;
        let seconds = *written.get_ref();
        if !INTERVALS.contains(&seconds) {
            self.say(
                Some(written.span()),
                format!(
                    "interval_seconds: {seconds} is not between {} and {}",
                    INTERVALS.start(),
                    INTERVALS.end()
                ),
                "10 suits a rack, 1 a demonstration",
            );
            return None;
        }
        Some(Duration::from_secs_f64(seconds))
    }

    fn path(&mut self, written: Option<&Spanned<String>>) -> Option<PathBuf> {
        let written = written?;
        let path = PathBuf::from(written.get_ref());
        if path.is_absolute() {
            return Some(path);
        }
        self.say(
            Some(written.span()),
            format!("\"{}\" is not an absolute path", written.get_ref()),
            "begin it with '/': a service has no folder of its own to start from",
        );
        None
    }

    fn queue_bytes(&mut self, written: Option<&Spanned<i64>>) -> u64 {
        let Some(written) = written else { return DEFAULT_QUEUE_BYTES };
        let bytes = *written.get_ref();
        if bytes < LEAST_QUEUE_BYTES {
            self.say(
                Some(written.span()),
                format!("max_bytes: {bytes} is less than {LEAST_QUEUE_BYTES}"),
                "give the queue at least 1_048_576; 1_073_741_824 keeps a board's records for weeks",
            );
        }
        u64::try_from(bytes).unwrap_or(DEFAULT_QUEUE_BYTES)
    }

    fn bootstrap(&mut self, file: &File) -> Vec<String> {
        let brokers = file.kafka.as_ref().and_then(|kafka| kafka.bootstrap.as_deref()).unwrap_or_default();
        if brokers.is_empty() {
            self.say(
                None,
                "no Kafka broker is named",
                "add [kafka] with bootstrap = [\"10.0.0.11:9092\"], or the like",
            );
        }
        for broker in brokers {
            if !is_address(broker.get_ref()) {
                self.say(
                    Some(broker.span()),
                    format!("\"{}\" is not host:port", broker.get_ref()),
                    "name each broker with its port, for example \"10.0.0.11:9092\" or \"w1.local:9092\"",
                );
            }
        }
        brokers.iter().map(|broker| broker.get_ref().clone()).collect()
    }

    fn sensor(&mut self, section: &SensorSection, interval: Duration) -> Option<SensorConfig> {
        let name = self.required(section, section.name.as_ref(), "name", "\"inlet\"");
        let chip = self.required(section, section.chip.as_ref(), "chip", "\"bme280\"").and_then(|text| {
            let parsed = text.parse::<Chip>();
            if let (Err(error), Some(written)) = (&parsed, &section.chip) {
                self.say(
                    Some(written.span()),
                    format!("chip: {error}"),
                    "name the chip as it is marked, in lower case",
                );
            }
            parsed.ok()
        });
        let bus = self.required(section, section.bus.as_ref(), "bus", "\"/dev/i2c-1\"").map(PathBuf::from);
        let address = chip.and_then(|chip| self.address(section.address.as_ref(), chip));
        let shunt_ohms = self.shunt(section.shunt_ohms.as_ref());
        let interval = match &section.interval_seconds {
            None => Some(interval),
            written => self.interval(written.as_ref()),
        };
        let supply = section.supply.as_ref().is_some_and(|written| *written.get_ref());
        Some(SensorConfig {
            chip: ChipSettings { name: name?, chip: chip?, address: address?, shunt_ohms, supply },
            bus: bus?,
            interval: interval?,
        })
    }

    fn required(
        &mut self,
        section: &SensorSection,
        written: Option<&Spanned<String>>,
        key: &str,
        example: &str,
    ) -> Option<String> {
        match written {
            Some(value) if !value.get_ref().is_empty() => Some(value.get_ref().clone()),
            Some(value) => {
                self.say(
                    Some(value.span()),
                    format!("{key} is empty"),
                    format!("write {key} = {example}, or the like"),
                );
                None
            }
            None => {
                let near = near(section);
                self.say(
                    near,
                    format!("a sensor has no {key}"),
                    format!("add {key} = {example}, or the like"),
                );
                None
            }
        }
    }

    fn address(&mut self, written: Option<&Spanned<i64>>, chip: Chip) -> Option<u8> {
        let Some(written) = written else { return Some(chip.default_address()) };
        let address = *written.get_ref();
        let known = chip.addresses();
        match u8::try_from(address).ok().filter(|address| known.contains(address)) {
            Some(address) => Some(address),
            None => {
                let list: Vec<_> = known.iter().map(|address| format!("0x{address:02x}")).collect();
                self.say(
                    Some(written.span()),
                    format!("address: a {chip} never answers at 0x{address:02x}"),
                    format!("it can be strapped to {}; pirack-agent scan shows who answers", list.join(", ")),
                );
                None
            }
        }
    }

    fn shunt(&mut self, written: Option<&Spanned<f64>>) -> Option<f64> {
        let written = written?;
        let ohms = *written.get_ref();
        if ohms.is_finite() && (0.0001..=10.0).contains(&ohms) {
            return Some(ohms);
        }
        self.say(
            Some(written.span()),
            format!("shunt_ohms: {ohms} is no shunt"),
            "0.1 is what most breakout boards carry",
        );
        None
    }

    /// Two sensors of one name cannot be told apart later; two at one address are one chip.
    fn twins(&mut self, sensors: &[SensorSection]) {
        let mut names = HashMap::new();
        let mut places = HashMap::new();
        for section in sensors {
            if let Some(name) = &section.name
                && names.insert(name.get_ref().clone(), ()).is_some()
            {
                self.say(
                    Some(name.span()),
                    format!("two sensors are named \"{}\"", name.get_ref()),
                    "give each a name of its own",
                );
            }
            if let (Some(bus), Some(address)) = (&section.bus, &section.address)
                && places.insert((bus.get_ref().clone(), *address.get_ref()), ()).is_some()
            {
                let what = format!("two sensors answer at 0x{:02x} on {}", address.get_ref(), bus.get_ref());
                self.say(Some(address.span()), what, "strap one to another address, or take one out");
            }
        }
    }
}

/// Where to point for something that is missing from a sensor: the first thing that is there.
fn near(section: &SensorSection) -> Option<Range<usize>> {
    let texts = [&section.name, &section.chip, &section.bus];
    let span = |written: &Written<String>| written.as_ref().map(Spanned::span);
    texts.into_iter().find_map(span).or_else(|| section.address.as_ref().map(Spanned::span))
}

fn is_address(text: &str) -> bool {
    text.parse::<SocketAddr>().is_ok()
        || text.rsplit_once(':').is_some_and(|(host, port)| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
            !host.is_empty() && host.chars().all(allowed) && port.parse::<u16>().is_ok_and(|port| port > 0)
        })
}
