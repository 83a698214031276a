//! Where a node of the ring is, and who a seed may be: what Cassandra's and Stargate's rules share.

use std::net::IpAddr;

use crate::lint::compose::{Service, Stack, Word};

const ADDRESSES: [&str; 2] = ["CASSANDRA_LISTEN_ADDRESS", "CASSANDRA_BROADCAST_ADDRESS"];

/// Whether a seed that this service names may be one of these nodes, as far as the file says.
pub(super) fn may_be_one(stack: &Stack, asks: &Service, seed: &str, nodes: &[&Service]) -> bool {
    let names_of_its_own = asks.key("extra_hosts").is_some() && !is_address(without_port(seed));
    names_of_its_own || nodes.iter().any(|node| may_be(stack, seed, node))
}

fn may_be(stack: &Stack, seed: &str, node: &Service) -> bool {
    let host = without_port(seed);
    if node.is_called(host) || ADDRESSES.iter().filter_map(|name| node.value(name)).any(|word| word.is(host))
    {
        return true;
    }
    if is_address(host) {
        // A node that states no address has one that the file does not know.
        return !states_its_address(node);
    }
    // On an overlay a name without dots is the swarm's; with the name of the stack before it as well.
    let of_swarm = !stack.on_host(node) && !host.strip_prefix("tasks.").unwrap_or(host).contains('.');
    !of_swarm || host.ends_with(&format!("_{}", node.name.text)) || has_alias(node, host)
}

fn without_port(seed: &str) -> &str {
    match seed.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.parse::<u16>().is_ok() => host,
        _ => seed,
    }
}

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

fn states_its_address(node: &Service) -> bool {
    let stated: Vec<&Word> = ADDRESSES.iter().filter_map(|name| node.value(name)).collect();
    !stated.is_empty() && stated.iter().all(|word| word.known().is_some_and(is_address))
}

fn has_alias(node: &Service, name: &str) -> bool {
    let networks = node.node.get("networks").map(|node| node.pairs()).unwrap_or_default();
    let aliases = networks.iter().filter_map(|(_, network)| network.get("aliases"));
    aliases.flat_map(|list| list.items()).filter_map(|item| item.word()).any(|word| word.text == name)
}
