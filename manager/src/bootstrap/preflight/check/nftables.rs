//! nftables: whether its rules drop what another board begins to send, as libnftables-json(5) writes them.
//!
//! What cannot be told from the rules alone (a named set, a mark, a limit) never counts against a board: only a
//! packet that is certainly dropped is.

use std::net::Ipv4Addr;

use serde_json::Value;

/// More chains below each other than anybody writes; a ruleset cannot hold a loop.
const DEEPEST: usize = 16;

/// The first packet of a connection, or one of UDP.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) from: Ipv4Addr,
    pub(super) to: Ipv4Addr,
    pub(super) port: u16,
    pub(super) udp: bool,
    /// The network device that it comes in by.
    pub(super) device: &'a str,
}

/// A board's rules.
pub(super) struct Ruleset<'a> {
    items: &'a [Value],
    /// Those that `iptables` shows too are judged there.
    without_iptables: bool,
}

/// What a chain does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Accepts,
    Drops,
    GoesOn,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hit {
    No,
    Perhaps,
    Yes,
}

impl From<bool> for Hit {
    fn from(hit: bool) -> Self {
        if hit { Self::Yes } else { Self::No }
    }
}

impl<'a> Ruleset<'a> {
    pub(super) fn of(json: &'a Value, without_iptables: bool) -> Self {
        Self { items: json["nftables"].as_array().map_or(&[], Vec::as_slice), without_iptables }
    }

    /// Whether some chain that what comes in has to pass drops it.
    pub(super) fn drops(&self, packet: &Packet) -> bool {
        let chains = self.items.iter().map(|item| &item["chain"]);
        let entries = chains.filter(|chain| chain["hook"] == "input" && chain["type"] == "filter");
        entries.filter(|chain| self.judged(chain)).any(|chain| match self.walk(chain, packet, 0) {
            Verdict::GoesOn => chain["policy"] == "drop",
            verdict => verdict == Verdict::Drops,
        })
    }

    fn judged(&self, chain: &Value) -> bool {
        let of_iptables = chain["family"] == "ip" && chain["table"] == "filter" && chain["name"] == "INPUT";
        (chain["family"] == "ip" || chain["family"] == "inet") && !(of_iptables && self.without_iptables)
    }

    fn walk(&self, chain: &Value, packet: &Packet, depth: usize) -> Verdict {
        let rules = self.items.iter().map(|item| &item["rule"]);
        let own = |rule: &&Value| {
            rule["family"] == chain["family"]
                && rule["table"] == chain["table"]
                && rule["chain"] == chain["name"]
        };
        for rule in rules.filter(own) {
            let mut hit = Hit::Yes;
            for part in rule["expr"].as_array().into_iter().flatten() {
                hit = hit.min(condition(part, packet));
                if hit == Hit::No {
                    break;
                }
                if let Some(verdict) = self.outcome(part, hit, chain, packet, depth) {
                    return verdict;
                }
            }
        }
        Verdict::GoesOn
    }

    /// What this part of a rule that applies does; nothing where the next one is looked at.
    fn outcome(
        &self,
        part: &Value,
        hit: Hit,
        chain: &Value,
        packet: &Packet,
        depth: usize,
    ) -> Option<Verdict> {
        if let Some(map) = part.get("vmap") {
            for entry in map["data"]["set"].as_array().into_iter().flatten() {
                let hit = hit.min(compare(&map["key"], &entry[0], packet));
                if hit != Hit::No
                    && let Some(verdict) = self.outcome(&entry[1], hit, chain, packet, depth)
                {
                    return Some(verdict);
                }
            }
            return None;
        }
        let sure = hit == Hit::Yes;
        if part.get("accept").is_some() {
            return Some(Verdict::Accepts);
        }
        if part.get("drop").is_some() || part.get("reject").is_some() {
            return sure.then_some(Verdict::Drops);
        }
        if part.get("return").is_some() {
            return sure.then_some(Verdict::GoesOn);
        }
        let (word, target) = ["jump", "goto"].into_iter().find_map(|word| Some((word, part.get(word)?)))?;
        let known = self.items.iter().map(|item| &item["chain"]).find(|known| {
            known["family"] == chain["family"]
                && known["table"] == chain["table"]
                && known["name"] == target["target"]
        });
        match known.filter(|_| depth < DEEPEST).map(|known| self.walk(known, packet, depth + 1)) {
            Some(Verdict::Accepts) | None => Some(Verdict::Accepts),
            Some(Verdict::Drops) => sure.then_some(Verdict::Drops),
            Some(Verdict::GoesOn) => (sure && word == "goto").then_some(Verdict::GoesOn),
        }
    }
}

/// Whether a part of a rule lets the next part be looked at.
fn condition(part: &Value, packet: &Packet) -> Hit {
    let Some(test) = part.get("match") else {
        let counts = ["limit", "quota", "ct count", "xt"].iter().any(|word| part.get(word).is_some());
        return if counts { Hit::Perhaps } else { Hit::Yes };
    };
    let hit = compare(&test["left"], &test["right"], packet);
    match (test["op"].as_str(), hit) {
        (Some("==" | "in"), hit) => hit,
        (Some("!="), Hit::No) => Hit::Yes,
        (Some("!="), Hit::Yes) => Hit::No,
        _ => Hit::Perhaps,
    }
}

/// What a packet has where a rule looks.
enum Field<'a> {
    Address(Ipv4Addr),
    Port(u16),
    Word(&'a str),
}

/// Whether what the packet has in `left` is `right`, or among it.
fn compare(left: &Value, right: &Value, packet: &Packet) -> Hit {
    match field(left, packet) {
        Ok(field) => among(&field, right),
        Err(hit) => hit,
    }
}

fn field<'a>(left: &'a Value, packet: &Packet<'a>) -> Result<Field<'a>, Hit> {
    let protocol = if packet.udp { "udp" } else { "tcp" };
    let word = |value: &'a Value| value.as_str().unwrap_or_default();
    if let Some(payload) = left.get("payload") {
        return match (word(&payload["protocol"]), word(&payload["field"])) {
            ("ip", "saddr") => Ok(Field::Address(packet.from)),
            ("ip", "daddr") => Ok(Field::Address(packet.to)),
            ("ip", "protocol") => Ok(Field::Word(protocol)),
            ("th", "dport") => Ok(Field::Port(packet.port)),
            (of, "dport") if of == protocol => Ok(Field::Port(packet.port)),
            ("tcp" | "udp", _) if word(&payload["protocol"]) == protocol => Err(Hit::Perhaps),
            ("tcp" | "udp" | "ip6" | "icmp" | "icmpv6" | "sctp" | "dccp", _) => Err(Hit::No),
            _ => Err(Hit::Perhaps),
        };
    }
    match (word(&left["meta"]["key"]), word(&left["ct"]["key"])) {
        ("l4proto", _) => Ok(Field::Word(protocol)),
        ("nfproto", _) => Ok(Field::Word("ipv4")),
        ("protocol", _) => Ok(Field::Word("ip")),
        ("iifname" | "iif", _) if !packet.device.is_empty() => Ok(Field::Word(packet.device)),
        (_, "state") => Ok(Field::Word("new")),
        _ => Err(Hit::Perhaps),
    }
}

fn among(field: &Field, right: &Value) -> Hit {
    let all = right.as_array().or_else(|| right["set"].as_array());
    if let Some(all) = all {
        return all.iter().map(|one| among(field, one)).max().unwrap_or(Hit::No);
    }
    if right.as_str().is_some_and(|name| name.starts_with('@')) {
        return Hit::Perhaps;
    }
    let known = match field {
        Field::Address(address) => addresses(right).map(|(first, last)| (first..=last).contains(address)),
        Field::Port(port) => ports(right).map(|(first, last)| (first..=last).contains(port)),
        Field::Word(word) => right.as_str().map(|text| match text.strip_suffix('*') {
            Some(start) => word.starts_with(start),
            None => *word == text,
        }),
    };
    known.map_or(Hit::Perhaps, Hit::from)
}

fn addresses(right: &Value) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let address = |value: &Value| value.as_str()?.parse::<Ipv4Addr>().ok();
    if let Some(prefix) = right.get("prefix") {
        let (first, bits) = (u32::from(address(&prefix["addr"])?), prefix["len"].as_u64()?.min(32));
        let rest = u32::MAX.checked_shr(u32::try_from(bits).ok()?).unwrap_or(0);
        return Some(((first & !rest).into(), (first | rest).into()));
    }
    if let Some(range) = right.get("range") {
        return Some((address(&range[0])?, address(&range[1])?));
    }
    address(right).map(|one| (one, one))
}

fn ports(right: &Value) -> Option<(u16, u16)> {
    let port = |value: &Value| u16::try_from(value.as_u64()?).ok();
    match right.get("range") {
        Some(range) => Some((port(&range[0])?, port(&range[1])?)),
        None => port(right).map(|one| (one, one)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A policy of drop, with a map of states, a named set, a limit, a chain that is jumped to, and another family.
    const DESK: &str = include_str!("../tests/nftables.json");

    fn closed(json: &Value, from: &str, udp: bool, ports: &[u16]) -> Vec<u16> {
        let (from, to) = (from.parse().unwrap(), "10.0.0.11".parse().unwrap());
        let drops =
            |port: u16| Ruleset::of(json, true).drops(&Packet { from, to, port, udp, device: "eth0" });
        ports.iter().copied().filter(|port| drops(*port)).collect()
    }

    #[test]
    fn only_what_is_certainly_dropped_is_closed() {
        let desk: Value = serde_json::from_str(DESK).unwrap();
        let tcp = [22, 2377, 7000, 7946, 9042, 9093, 9095];
        assert_eq!(closed(&desk, "10.0.0.12", false, &tcp), [7946, 9095]);
        assert_eq!(closed(&desk, "10.0.0.12", true, &[4789, 7946]), [7946]);
        // A named set may hold anybody.
        assert_eq!(closed(&desk, "172.16.0.5", false, &tcp), [7000, 7946, 9042, 9093, 9095]);
        assert_eq!(closed(&desk, "192.168.1.5", false, &tcp), tcp);
        assert_eq!(closed(&serde_json::json!({"nftables": []}), "10.0.0.12", false, &tcp), [0_u16; 0]);
    }

    #[test]
    fn rules_that_iptables_shows_are_judged_there() {
        let chain = serde_json::json!({"chain": {"family": "ip", "table": "filter", "name": "INPUT",
            "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}});
        let json = serde_json::json!({ "nftables": [chain] });
        assert_eq!(closed(&json, "10.0.0.12", false, &[22]), [0_u16; 0]);
        let packet =
            Packet { from: Ipv4Addr::LOCALHOST, to: Ipv4Addr::LOCALHOST, port: 22, udp: false, device: "" };
        assert!(Ruleset::of(&json, false).drops(&packet));
    }
}
