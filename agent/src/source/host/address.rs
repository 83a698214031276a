//! The board's address: the one its packets to the world would bear, or its first global one.
//!
//! The kernel's own routing answers the first question: connecting a UDP socket sends nothing, it only
//! chooses the route and with it the local address. A rack without a way out (a conference booth) has
//! no such route; then the interfaces are asked, by `sysinfo`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sysinfo::Networks;

use super::network::is_physical;
use super::relist::Relist;

/// How old the routing's answer may grow: a lease changes seldom, and is noticed soon.
const ROUTE_EVERY: Duration = Duration::from_secs(10);

/// Addresses that stand for "the world" and belong to nobody (RFC 5737, RFC 3849).
const WORLD: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];

/// Finds the address; asks the routing now and then, the interfaces only when told to.
#[derive(Debug)]
pub(super) struct Address {
    class: PathBuf,
    routing: Relist,
    route: Option<IpAddr>,
    fallback: Option<IpAddr>,
}

impl Address {
    pub(super) fn new(root: &Path) -> Self {
        let class = root.join("sys/class/net");
        Self { class, routing: Relist::every(ROUTE_EVERY), route: None, fallback: None }
    }

    /// Asks the interfaces again.
    pub(super) fn list(&mut self) {
        let Ok(networks) = Networks::new_with_refreshed_list() else { return };
        let mut candidates: Vec<Candidate> = networks
            .iter()
            .flat_map(|(interface, data)| {
                let name = interface.to_string_lossy();
                let physical = is_physical(&self.class, &name);
                data.ip_networks().iter().map(move |ip| Candidate { address: ip.addr, physical })
            })
            .collect();
        self.fallback = choose(&mut candidates);
    }

    /// The address, as far as it is known now.
    pub(super) fn now(&mut self) -> Option<IpAddr> {
        if self.routing.due() {
            self.route = WORLD.into_iter().find_map(towards);
        }
        self.route.or(self.fallback)
    }
}

/// The local address that packets to `world` would bear; none without a route.
fn towards(world: IpAddr) -> Option<IpAddr> {
    let any: IpAddr =
        if world.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    // Port 9 is "discard"; nothing is ever sent there.
    socket.connect(SocketAddr::new(world, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| reach(*address).is_some())
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    address: IpAddr,
    physical: bool,
}

/// A physical interface's address before a bridge's, IPv4 before IPv6, the lowest first, so that the
/// choice does not change with the order of the list.
fn choose(candidates: &mut [Candidate]) -> Option<IpAddr> {
    candidates.sort_by_key(|candidate| (!candidate.physical, candidate.address));
    candidates.iter().find_map(|candidate| reach(candidate.address))
}

/// The address, if others can reach the board by it.
fn reach(address: IpAddr) -> Option<IpAddr> {
    let local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    let nobody = address.is_loopback() || address.is_unspecified() || address.is_multicast();
    (!local && !nobody).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(candidates: &[(&str, bool)]) -> Option<String> {
        let mut candidates: Vec<Candidate> = candidates
            .iter()
            .map(|(text, physical)| Candidate { address: text.parse().unwrap(), physical: *physical })
            .collect();
        choose(&mut candidates).map(|address| address.to_string())
    }

    #[test]
    fn a_rack_without_a_way_out_is_known_by_its_cable_and_not_by_docker_s_bridge() {
        let board = [("172.17.0.1", false), ("127.0.0.1", false), ("fe80::1", true), ("192.168.7.13", true)];
        assert_eq!(chosen(&board).as_deref(), Some("192.168.7.13"));
    }

    #[test]
    fn addresses_that_nobody_can_reach_are_none() {
        assert_eq!(
            chosen(&[("127.0.0.1", false), ("::1", false), ("169.254.9.9", true), ("fe80::1", true)]),
            None
        );
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn ipv6_is_told_where_there_is_nothing_else_and_a_bridge_s_address_before_none() {
        assert_eq!(chosen(&[("fe80::1", true), ("2001:db8::7", true)]).as_deref(), Some("2001:db8::7"));
        assert_eq!(chosen(&[("10.1.1.1", false)]).as_deref(), Some("10.1.1.1"));
    }
}
