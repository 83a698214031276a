//! What is wrong with boards, decided from what was seen of them. Pure: every check is a function of facts and
//! the rack, and a fact that a board did not give finds nothing.

mod clock;
mod disk;
mod engine;
mod firewall;
mod network;
mod nftables;
mod port;
mod rack;
mod system;
mod time;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::code::{Check, Severity};
use super::facts::Facts;
use crate::bootstrap::link::{LinkError, Root};
use crate::rack::{Board, BoardName, Rack, Role};

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub check: Check,
    /// Where; nothing where it is the whole rack.
    pub board: Option<BoardName>,
    /// What was seen.
    pub seen: String,
}

/// What there is of a board to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was not reached.
    Unreached {
        /// Which of the checks that is.
        check: Check,
        /// Why, as a letter.
        letter: String,
    },
    /// It was reached.
    Reached(Box<Looked>),
}

/// What was seen of a board that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// What it is like; nothing where it could not be looked at.
    pub facts: Option<Facts>,
    /// Why not.
    pub failed: Option<String>,
    /// How we may do there what only root may.
    pub root: Root,
    /// As whom we are there.
    pub user: String,
    /// Whether there is a shell at all.
    pub shell: bool,
}

impl Seen {
    /// A board that was not reached, for this reason.
    #[must_use]
    pub fn unreached(error: &LinkError, letter: String) -> Self {
        let check = match error {
            LinkError::UnknownKey { .. } | LinkError::ChangedKey { .. } => Check::HostKey,
            LinkError::NotLetIn { .. } => Check::NotLetIn,
            LinkError::Engine { .. } | LinkError::Tls { .. } => Check::EngineSilent,
            _ => Check::NoAnswer,
        };
        Self::Unreached { check, letter }
    }
}

/// One board with all that its checks go by.
struct Subject<'a> {
    rack: &'a Rack,
    board: &'a Board,
    facts: &'a Facts,
    root: Root,
    user: &'a str,
    shell: bool,
    /// Boards that were reached: one that is off is no fault of its neighbours.
    reached: &'a BTreeSet<&'a BoardName>,
}

impl Subject<'_> {
    /// Whether it is in the swarm.
    fn is_member(&self) -> bool {
        self.board.roles.iter().any(|role| *role != Role::Admin)
    }

    /// Whether data services run on it.
    fn holds_data(&self) -> bool {
        let name = &self.board.name;
        let kafka = self.rack.kafka.as_ref().is_some_and(|kafka| kafka.brokers.contains(name));
        kafka || self.rack.cassandra.as_ref().is_some_and(|cassandra| cassandra.nodes.contains(name))
    }
}

/// What a check found: nothing, or what was seen.
type Found = (Check, String);

/// Everything that is wrong with the rack's boards of which something was seen, by board and code.
#[must_use]
pub fn judge(rack: &Rack, seen: &BTreeMap<BoardName, Seen>) -> Vec<Finding> {
    let reached: BTreeSet<&BoardName> =
        seen.iter().filter(|(_, seen)| matches!(seen, Seen::Reached(_))).map(|(name, _)| name).collect();
    let mut findings = vec![];
    for board in &rack.boards {
        let Some(seen) = seen.get(&board.name) else { continue };
        let mut found = of_board(rack, board, seen, &reached);
        found.sort();
        let name = Some(board.name.clone());
        findings.extend(found.into_iter().map(|(check, seen)| Finding { check, board: name.clone(), seen }));
    }
    findings.extend(clock::all(rack, seen));
    findings.extend(rack::all(rack, seen));
    findings
}

fn of_board(rack: &Rack, board: &Board, seen: &Seen, reached: &BTreeSet<&BoardName>) -> Vec<Found> {
    let looked = match seen {
        Seen::Unreached { check, letter } => return vec![(*check, letter.clone())],
        Seen::Reached(looked) => looked,
    };
    let mut found = vec![];
    if looked.shell && looked.root == Root::No {
        found.push((Check::NoRoot, format!("{} is there without rights", looked.user)));
    }
    if let Some(why) = &looked.failed {
        found.push((Check::NoFacts, why.clone()));
    }
    if let Some(facts) = &looked.facts {
        let (root, user, shell) = (looked.root, looked.user.as_str(), looked.shell);
        let subject = Subject { rack, board, facts, root, user, shell, reached };
        let rooms = [system::all, time::all, disk::all, network::all, port::all, firewall::all, engine::all];
        found.extend(rooms.into_iter().flat_map(|room| room(&subject)));
    }
    found
}

/// The worst of them.
#[must_use]
pub fn worst(findings: &[Finding]) -> Option<Severity> {
    findings.iter().map(|finding| finding.check.severity()).max()
}

/// A time as people read it: `1.25 s`, `3 ms`.
fn spoken(time: Duration) -> String {
    if time >= Duration::from_secs(1) {
        return format!("{:.2} s", time.as_secs_f64());
    }
    format!("{} ms", time.as_millis().max(1))
}
