//! The sections that say where records go, checked: each sink's address, login and rate, and the metrics' door.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use toml::Spanned;

use super::check::Checker;
use super::file::{CassandraSection, File, KafkaSection};
use super::{DEFAULT_CASSANDRA_RATE, DEFAULT_KAFKA_RATE, DEFAULT_KEYSPACE, DEFAULT_METRICS_LISTEN};
use crate::letter::chain;
use crate::record::BoardName;
use crate::ship::{Destination, Rate};
use crate::sink::cassandra::CassandraSettings;
use crate::sink::kafka::KafkaSettings;
use crate::sink::login::Login;

/// Where CQL is spoken when nobody says otherwise.
const CQL_PORT: u16 = 9042;
/// No sink takes more in a second.
const FASTEST: i64 = 1_000_000;

impl Checker<'_> {
    /// Where records go. What could not be read at all has been told, and is not missing as well: so only a
    /// `whole` file must name a sink.
    pub(super) fn sinks(
        &mut self,
        file: &File,
        board: Option<&BoardName>,
        whole: bool,
    ) -> (Option<Destination<KafkaSettings>>, Option<Destination<CassandraSettings>>) {
        if file.kafka.is_none() && file.cassandra.is_none() && whole {
            self.say(
                None,
                "no sink is named: neither Kafka nor Cassandra",
                "add [kafka] with bootstrap = [\"10.0.0.11:9092\"], or the like, or [cassandra] with contact_points, or both",
            );
        }
        let kafka = file.kafka.as_ref().and_then(|section| self.kafka(section, board, whole));
        let cassandra = file.cassandra.as_ref().and_then(|section| self.cassandra(section, board, whole));
        (kafka, cassandra)
    }

    fn kafka(
        &mut self,
        section: &KafkaSection,
        board: Option<&BoardName>,
        whole: bool,
    ) -> Option<Destination<KafkaSettings>> {
        let brokers = section.bootstrap.as_deref().unwrap_or_default();
        if brokers.is_empty() && whole {
            self.say(
                None,
                "no Kafka broker is named",
                "add bootstrap = [\"10.0.0.11:9092\"], or the like, to [kafka]",
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
        self.security(section.security.as_ref());
        let login = self.login("kafka", section.user.as_ref(), section.password_file.as_ref());
        let rate = self.rate(section.records_per_second.as_ref(), DEFAULT_KAFKA_RATE);
        let settings = KafkaSettings {
            bootstrap: brokers.iter().map(|broker| broker.get_ref().clone()).collect(),
            board: board?.clone(),
            login,
        };
        Some(Destination { settings, rate })
    }

    fn security(&mut self, written: Option<&Spanned<String>>) {
        let Some(written) = written else { return };
        let what = match written.get_ref().as_str() {
            "plaintext" => return,
            known @ ("ssl" | "tls" | "sasl_ssl" | "sasl_plaintext") => {
                format!("security: \"{known}\" is not built, only \"plaintext\" is")
            }
            other => format!("security: \"{other}\" is no security; \"plaintext\" is the one that is built"),
        };
        self.say(
            Some(written.span()),
            what,
            "write \"plaintext\", and keep the rack's network to the rack; a login is set by user and password_file",
        );
    }

    fn cassandra(
        &mut self,
        section: &CassandraSection,
        board: Option<&BoardName>,
        whole: bool,
    ) -> Option<Destination<CassandraSettings>> {
        let points = section.contact_points.as_deref().unwrap_or_default();
        if points.is_empty() && whole {
            self.say(
                None,
                "no Cassandra node is named",
                "add contact_points = [\"10.0.0.11\"], or the like, to [cassandra]",
            );
        }
        let mut contact_points = Vec::new();
        for point in points {
            match with_port(point.get_ref(), CQL_PORT) {
                Some(address) => contact_points.push(address),
                None => self.say(
                    Some(point.span()),
                    format!("\"{}\" is neither host nor host:port", point.get_ref()),
                    "name each node by its address, for example \"10.0.0.11\" or \"w1.local:9042\"",
                ),
            }
        }
        let keyspace = section.keyspace.as_ref().map_or(DEFAULT_KEYSPACE, |written| written.get_ref());
        if let Some(written) = section.keyspace.as_ref().filter(|_| !is_keyspace(keyspace)) {
            self.say(
                Some(written.span()),
                format!("keyspace: \"{keyspace}\" is no keyspace's name"),
                "use 1 to 48 lower-case letters, digits and '_', a letter first; \"rack\" is the manager's own",
            );
        }
        if let Some(written) =
            section.datacenter.as_ref().filter(|written| written.get_ref().trim().is_empty())
        {
            self.say(
                Some(written.span()),
                "datacenter: \"\" is no datacenter's name",
                "write the name that `nodetool status` shows, or leave the key out",
            );
        }
        let login = self.login("cassandra", section.user.as_ref(), section.password_file.as_ref());
        let rate = self.rate(section.records_per_second.as_ref(), DEFAULT_CASSANDRA_RATE);
        let settings = CassandraSettings {
            contact_points,
            keyspace: keyspace.to_owned(),
            datacenter: section.datacenter.as_ref().map(|written| written.get_ref().clone()),
            login,
            board: board?.clone(),
            queues: Vec::new(), // the agent tells, once its queue is open
        };
        Some(Destination { settings, rate })
    }

    fn login(
        &mut self,
        section: &str,
        user: Option<&Spanned<String>>,
        file: Option<&Spanned<String>>,
    ) -> Option<Login> {
        let (user, file) = match (user, file) {
            (Some(user), Some(file)) => (user, file),
            (None, None) => return None,
            (Some(alone), None) => {
                self.say(
                    Some(alone.span()),
                    format!("[{section}] has a user and no password_file"),
                    "add password_file with the path of a file that holds the password and nothing else",
                );
                return None;
            }
            (None, Some(alone)) => {
                self.say(
                    Some(alone.span()),
                    format!("[{section}] has a password_file and no user"),
                    "add user, or take password_file out",
                );
                return None;
            }
        };
        if user.get_ref().is_empty() {
            self.say(
                Some(user.span()),
                "user: \"\" is nobody",
                "name the user, or take user and password_file out",
            );
            return None;
        }
        let path = self.path(Some(file))?;
        match Login::read(user.get_ref(), &path) {
            Ok((login, warning)) => {
                self.warnings.extend(warning);
                Some(login)
            }
            Err(error) => {
                let told = chain(&error);
                let (what, remedy) = told.split_once(": ").unwrap_or((&told, "see to the file"));
                self.say(Some(file.span()), what, remedy);
                None
            }
        }
    }

    fn rate(&mut self, written: Option<&Spanned<i64>>, default: Rate) -> Rate {
        let Some(written) = written else { return default };
        let records = *written.get_ref();
        let rate = u32::try_from(records).ok().filter(|_| records <= FASTEST).and_then(NonZeroU32::new);
        if rate.is_none() {
            self.say(
                Some(written.span()),
                format!("records_per_second: {records} is not between 1 and {FASTEST}"),
                format!("{} suits boards that share a rack's brokers or nodes", default.records()),
            );
        }
        rate.map_or(default, Rate::per_second)
    }

    /// Where metrics are served; nowhere when it says so.
    pub(super) fn metrics(&mut self, written: Option<&Spanned<String>>) -> Option<SocketAddr> {
        let text = written.map_or(DEFAULT_METRICS_LISTEN, |written| written.get_ref());
        if matches!(text, "" | "off") {
            return None;
        }
        let address = text.parse::<SocketAddr>().ok().filter(|address| address.port() > 0);
        if address.is_none() {
            self.say(
                written.map(Spanned::span),
                format!("listen: \"{text}\" is no address to listen on"),
                "write one of this board's addresses and a port, for example \"0.0.0.0:9477\"; \"off\" serves none",
            );
        }
        address
    }
}

fn is_address(text: &str) -> bool {
    text.parse::<SocketAddr>().is_ok()
        || text
            .rsplit_once(':')
            .is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
}

/// `host:port`, with this port where none is written.
fn with_port(text: &str, port: u16) -> Option<String> {
    if is_address(text) {
        return Some(text.to_owned());
    }
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Some(format!("[{text}]:{port}"));
    }
    is_host(text).then(|| format!("{text}:{port}"))
}

fn is_keyspace(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.len() <= 48 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(allowed)
}
