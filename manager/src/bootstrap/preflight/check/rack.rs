//! What is wrong between boards: two that are the same in something, and how many manage.

use std::collections::BTreeMap;

use super::super::code::Check;
use super::super::facts::Facts;
use super::{Finding, Seen};
use crate::rack::{BoardName, Rack, Role};

pub(super) fn all(rack: &Rack, seen: &BTreeMap<BoardName, Seen>) -> Vec<Finding> {
    let mut findings = vec![];
    let managers = rack.with_role(Role::Manager).count();
    if managers.is_multiple_of(2) {
        let names: Vec<&str> = rack.with_role(Role::Manager).map(|board| board.name.as_str()).collect();
        let seen = format!("{managers}: {}", names.join(", "));
        findings.push(Finding { check: Check::EvenManagers, board: None, seen });
    }
    let facts: Vec<(&BoardName, &Facts)> =
        rack.boards.iter().filter_map(|board| facts(board, seen)).collect();
    findings.extend(shared(&facts, Check::MachineId, |_, facts| facts.machine_id.clone()));
    findings.extend(shared(&facts, Check::SameHostName, |_, facts| {
        Some(facts.host_name.clone()).filter(|name| !name.is_empty())
    }));
    findings.extend(shared(&facts, Check::SameMac, |name, facts| {
        let address = rack.board(name)?.address;
        let device = &facts.addresses.iter().find(|other| other.address == address)?.device;
        facts.links.iter().find(|link| link.name == *device).map(|link| link.mac.clone())
    }));
    findings
}

pub(super) fn facts<'a>(
    board: &'a crate::rack::Board,
    seen: &'a BTreeMap<BoardName, Seen>,
) -> Option<(&'a BoardName, &'a Facts)> {
    match seen.get(&board.name)? {
        Seen::Reached(looked) => Some((&board.name, looked.facts.as_ref()?)),
        Seen::Unreached { .. } => None,
    }
}

/// A finding for every board but the first that has what another has.
fn shared(
    all: &[(&BoardName, &Facts)],
    check: Check,
    of: impl Fn(&BoardName, &Facts) -> Option<String>,
) -> Vec<Finding> {
    let mut first: BTreeMap<String, &BoardName> = BTreeMap::new();
    let mut findings = vec![];
    for (name, facts) in all {
        let Some(value) = of(name, facts) else { continue };
        match first.get(&value) {
            Some(other) => {
                let seen = format!("{value} is {other}'s too");
                findings.push(Finding { check, board: Some((*name).clone()), seen });
            }
            None => {
                first.insert(value, name);
            }
        }
    }
    findings
}
