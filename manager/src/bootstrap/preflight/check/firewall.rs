//! Firewalls: whether what they let in is what the other boards need. They are read as `ufw status verbose`,
//! `iptables -S` and `nft -j list ruleset` write them.

use std::net::Ipv4Addr;

use super::super::code::Check;
use super::nftables::{Packet, Ruleset};
use super::port::{self, Wanted};
use super::{Found, Subject};

/// What a rule lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    /// Of one kind only.
    udp: Option<bool>,
    /// At these ports; at all of them where there is none.
    ports: Vec<(u16, u16)>,
    /// From these addresses; from all where there is none.
    from: Option<(Ipv4Addr, u32)>,
}

pub(super) fn all(subject: &Subject) -> Vec<Found> {
    let mut found = vec![];
    let ufw = &subject.facts.ufw;
    let rules = if ufw.contains("Status: active") {
        let shut = ["deny (incoming)", "reject (incoming)"].iter().any(|word| ufw.contains(word));
        shut.then(|| ("ufw", ufw.lines().filter_map(of_ufw).collect()))
    } else {
        let shut = subject.facts.input.lines().any(|line| line == "-P INPUT DROP");
        shut.then(|| ("iptables", subject.facts.input.lines().filter_map(of_iptables).collect::<Vec<Rule>>()))
    };
    if let Some((firewall, rules)) = rules {
        let lets = |wanted: &Wanted, from| rules.iter().any(|rule| rule.lets(wanted, from));
        found.extend(closed(subject, firewall, lets));
    }
    if let Some(ruleset) = &subject.facts.nftables {
        let ruleset = Ruleset::of(ruleset, !subject.facts.input.is_empty());
        let device = subject.facts.addresses.iter().find(|own| own.address == subject.board.address);
        let device = device.map_or("", |own| own.device.as_str());
        let lets = |wanted: &Wanted, from| {
            let (to, port, udp) = (subject.board.address, wanted.port, wanted.udp);
            !ruleset.drops(&Packet { from, to, port, udp, device })
        };
        found.extend(closed(subject, "nftables", lets));
    }
    let drops =
        |line: &&str| line.starts_with("-A") && (line.contains("-j DROP") || line.contains("-j REJECT"));
    if let Some(rule) = subject.facts.docker_user.lines().find(drops) {
        found.push((Check::DockerUser, rule.to_owned()));
    }
    found
}

/// The ports that some other board does not get to.
fn closed(subject: &Subject, firewall: &str, lets: impl Fn(&Wanted, Ipv4Addr) -> bool) -> Option<Found> {
    let others: Vec<Ipv4Addr> = subject.rack.boards.iter().map(|board| board.address).collect();
    let others = others.iter().filter(|address| **address != subject.board.address);
    let wanted = port::wanted(subject).into_iter().filter(|wanted| wanted.open);
    let shut = wanted.filter(|wanted| others.clone().any(|from| !lets(wanted, *from)));
    let told = |wanted: Wanted| format!("{}/{}", wanted.port, if wanted.udp { "udp" } else { "tcp" });
    let shut: Vec<String> = shut.map(told).collect();
    (!shut.is_empty()).then(|| (Check::Firewall, format!("{firewall} closes {}", shut.join(", "))))
}

impl Rule {
    fn lets(&self, wanted: &Wanted, from: Ipv4Addr) -> bool {
        let at = self.ports.is_empty()
            || self.ports.iter().any(|(first, last)| (*first..=*last).contains(&wanted.port));
        let kind = self.udp.is_none_or(|udp| udp == wanted.udp);
        at && kind && self.from.is_none_or(|network| holds(network, from))
    }
}

fn holds((network, bits): (Ipv4Addr, u32), address: Ipv4Addr) -> bool {
    let mask = u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0);
    u32::from(network) & mask == u32::from(address) & mask
}

/// `9092/tcp  ALLOW IN  Anywhere`, `Anywhere  ALLOW IN  10.0.0.0/24`, `7000:7010/tcp on eth0  ALLOW IN  Anywhere`.
fn of_ufw(line: &str) -> Option<Rule> {
    let (to, from) = line.split_once(" ALLOW IN ")?;
    let to = to.split_whitespace().next().filter(|_| !line.contains("(v6)"))?;
    let (ports, kind) = to.split_once('/').unwrap_or((to, ""));
    let ports = if to == "Anywhere" { vec![] } else { spans(ports)? };
    let from = match from.split_whitespace().next()? {
        "Anywhere" => None,
        network => Some(network_of(network)?),
    };
    Some(Rule { udp: kind_of(kind), ports, from })
}

/// `-A INPUT -s 10.0.0.0/24 -p tcp -m tcp --dport 9092 -j ACCEPT`.
fn of_iptables(line: &str) -> Option<Rule> {
    let words: Vec<&str> = line.split_whitespace().collect();
    // Anything that narrows a rule otherwise (a state, a device) makes it another.
    let narrow = ["-i", "-d", "--sport", "--state", "--ctstate", "!", "--icmp-type", "--uid-owner"];
    if !line.starts_with("-A INPUT ")
        || !line.ends_with("-j ACCEPT")
        || words.iter().any(|word| narrow.contains(word))
    {
        return None;
    }
    let after =
        |key: &str| words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1).copied());
    let ports = after("--dport").or_else(|| after("--dports"));
    let from = match after("-s") {
        Some(network) => Some(network_of(network)?),
        None => None,
    };
    let udp = match after("-p") {
        None => None,
        Some(kind) => Some(kind_of(kind)?),
    };
    Some(Rule { udp, ports: ports.map_or(Some(vec![]), spans)?, from })
}

fn kind_of(kind: &str) -> Option<bool> {
    match kind {
        "udp" => Some(true),
        "tcp" => Some(false),
        _ => None,
    }
}

/// `80`, `80,443`, `7000:7010`.
fn spans(text: &str) -> Option<Vec<(u16, u16)>> {
    let span = |part: &str| {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    text.split(',').map(span).collect()
}

fn network_of(text: &str) -> Option<(Ipv4Addr, u32)> {
    let (address, bits) = text.split_once('/').unwrap_or((text, "32"));
    Some((address.parse().ok()?, bits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_both_firewalls_write_them() {
        let rule = |udp, ports: &[(u16, u16)], from: Option<(&str, u32)>| {
            let from = from.map(|(address, bits)| (address.parse().unwrap(), bits));
            Some(Rule { udp, ports: ports.to_vec(), from })
        };
        let ufw = [
            ("9092/tcp                   ALLOW IN    Anywhere", rule(Some(false), &[(9092, 9092)], None)),
            ("Anywhere                   ALLOW IN    10.0.0.0/24", rule(None, &[], Some(("10.0.0.0", 24)))),
            (
                "7000:7010,9042/tcp on eth0 ALLOW IN    10.0.0.5",
                rule(Some(false), &[(7000, 7010), (9042, 9042)], Some(("10.0.0.5", 32))),
            ),
            ("22                         DENY IN     Anywhere", None),
            ("9092/tcp (v6)              ALLOW IN    Anywhere (v6)", None),
        ];
        for (line, expected) in ufw {
            assert_eq!(of_ufw(line), expected, "{line}");
        }
        let iptables = [
            ("-A INPUT -s 10.0.0.0/24 -j ACCEPT", rule(None, &[], Some(("10.0.0.0", 24)))),
            (
                "-A INPUT -p tcp -m multiport --dports 22,9092 -j ACCEPT",
                rule(Some(false), &[(22, 22), (9092, 9092)], None),
            ),
            ("-A INPUT -i lo -j ACCEPT", None),
            ("-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", None),
            ("-A INPUT -p icmp -j ACCEPT", None),
        ];
        for (line, expected) in iptables {
            assert_eq!(of_iptables(line), expected, "{line}");
        }
    }
}
