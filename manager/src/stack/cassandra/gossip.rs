//! What Cassandra's nodes hear of each other, as each tells it over CQL: from 4.1 on, in `system_views.gossip_info`.
//!
//! The table calls nobody up or down. It has each node's heartbeat, which goes up by one a second, as far as the
//! one who tells has heard of it; beside the node's own, that says whether it is heard. So it can be told from here
//! that all is well, and only that ([`heard_by_all`]): who is down, a node decides by itself, and nodetool tells.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use scylla::DeserializeRow;
use uuid::Uuid;

use super::health::{Gossip, State};

/// What is asked; rows are [`Heard`].
pub(super) const QUESTION: &str =
    "SELECT address, generation, heartbeat, status_with_port, host_id FROM system_views.gossip_info";
/// As many heartbeats, of one a second, somebody may be behind: news take a few seconds through a ring, and a node
/// that is not heard for some twenty is called down.
const BEHIND: i32 = 10;

/// What one node has heard of another, or of itself.
#[derive(Clone, Debug, PartialEq, Eq, DeserializeRow)]
pub(super) struct Heard {
    address: IpAddr,
    /// When it started, in seconds.
    generation: i32,
    heartbeat: i32,
    status_with_port: Option<String>,
    host_id: Option<String>,
}

impl Heard {
    fn status(&self) -> &str {
        let status = self.status_with_port.as_deref().unwrap_or_default();
        status.split(',').next().unwrap_or_default()
    }

    /// Gossip remembers for days who has gone.
    fn has_gone(&self) -> bool {
        matches!(self.status(), "LEFT" | "removed")
    }

    fn gossip(&self) -> Option<Gossip> {
        let state = match self.status() {
            "NORMAL" => State::Normal,
            "LEAVING" => State::Leaving,
            "BOOT" => State::Joining,
            "MOVING" => State::Moving,
            _ => return None,
        };
        let host_id = Uuid::try_parse(self.host_id.as_deref()?).ok()?;
        Some(Gossip { up: true, state, owned_ratio: None, host_id })
    }
}

/// The ring, where all whom anybody in it counts among them tell, and each hears all the others. `told` is what the
/// nodes told, by their addresses.
pub(super) fn heard_by_all(told: &BTreeMap<IpAddr, Vec<Heard>>) -> Option<Vec<(IpAddr, Gossip)>> {
    let own: BTreeMap<IpAddr, &Heard> = (told.iter())
        .filter_map(|(address, view)| Some((*address, view.iter().find(|heard| heard.address == *address)?)))
        .filter(|(_, heard)| !heard.has_gone())
        .collect();
    let all: BTreeSet<IpAddr> = own.keys().copied().collect();
    let hears_all = |address: &IpAddr| {
        let view = || told[address].iter().filter(|heard| !heard.has_gone());
        let fresh = |heard: &Heard| {
            own.get(&heard.address).is_some_and(|own| {
                heard.generation == own.generation && own.heartbeat.saturating_sub(heard.heartbeat) <= BEHIND
            })
        };
        view().all(fresh) && view().map(|heard| heard.address).collect::<BTreeSet<_>>() == all
    };
    if own.is_empty() || !own.keys().all(hears_all) {
        return None;
    }
    own.into_iter().map(|(address, heard)| Some((address, heard.gossip()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    fn heard(last: u8, heartbeat: i32, status: &str) -> Heard {
        Heard {
            address: address(last),
            generation: 1_700_000_000,
            heartbeat,
            status_with_port: Some(format!("{status},-42")),
            host_id: Some(Uuid::from_u128(last.into()).to_string()),
        }
    }

    /// Three that hear each other, each a little behind the others, and remember one that went.
    fn whole() -> BTreeMap<IpAddr, Vec<Heard>> {
        let view = |of: u8| {
            let one = |last: u8| heard(last, if last == of { 100 } else { 97 }, "NORMAL");
            vec![one(1), one(2), one(3), heard(9, 4, "LEFT")]
        };
        (1..=3).map(|of| (address(of), view(of))).collect()
    }

    fn letters(told: &BTreeMap<IpAddr, Vec<Heard>>) -> Option<Vec<String>> {
        Some(heard_by_all(told)?.iter().map(|(_, gossip)| gossip.letters()).collect())
    }

    #[test]
    fn a_ring_in_which_all_hear_all_needs_nobody_to_tell_of_it() {
        assert_eq!(letters(&whole()).unwrap(), ["UN", "UN", "UN"]);
        let mut leaving = whole();
        leaving.values_mut().for_each(|view| view[2] = heard(3, 100, "LEAVING"));
        assert_eq!(letters(&leaving).unwrap(), ["UN", "UN", "UL"]);
    }

    #[test]
    fn whatever_is_not_well_is_left_to_nodetool() {
        let told_by = |of: u8, at: usize, heard: Option<Heard>| {
            let mut told = whole();
            let view = told.get_mut(&address(of)).unwrap();
            match heard {
                Some(heard) => view[at] = heard,
                None => drop(view.remove(at)),
            }
            letters(&told)
        };
        assert_eq!(told_by(1, 1, Some(heard(2, 89, "NORMAL"))), None, "b1 has not heard of b2 for 11 s");
        assert!(told_by(1, 1, Some(heard(2, 90, "NORMAL"))).is_some());
        let before = Heard { generation: 1_600_000_000, ..heard(2, 100, "NORMAL") };
        assert_eq!(told_by(1, 1, Some(before)), None, "b1 knows b2 from before its last start");
        assert_eq!(told_by(1, 1, None), None, "b1 has never heard of b2");
        assert_eq!(told_by(2, 1, Some(heard(2, 100, "hibernate"))), None, "b2 is in no state that is known");
        assert_eq!(told_by(3, 3, Some(heard(9, 4, "BOOT"))), None, "b3 hears of one that tells nothing");
        let mut silent = whole();
        silent.remove(&address(3));
        assert_eq!(letters(&silent), None, "b3 tells nothing");
        assert_eq!(letters(&BTreeMap::new()), None);
    }
}
