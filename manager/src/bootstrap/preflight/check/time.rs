//! Time: who keeps it, that the admin serves it, and that the others ask the admin for it. Away from the internet
//! there is no other that boards could agree on.

use super::super::code::Check;
use super::{Found, Subject};
use crate::rack::{BoardName, Role};
use crate::stack::port::TIME;

pub(super) fn all(subject: &Subject) -> Vec<Found> {
    [keeps, serves, follows].into_iter().filter_map(|check| check(subject)).collect()
}

fn keeps(subject: &Subject) -> Option<Found> {
    let none = subject.shell && subject.facts.time_daemons.is_empty();
    none.then(|| (Check::NoTimeDaemon, "neither chrony nor ntpd nor systemd-timesyncd runs".to_owned()))
}

/// Whether this is the admin of a rack that has other boards.
pub(super) fn is_server(subject: &Subject) -> bool {
    subject.board.roles.contains(&Role::Admin) && subject.rack.boards.len() > 1
}

fn serves(subject: &Subject) -> Option<Found> {
    if !is_server(subject) {
        return None;
    }
    let facts = subject.facts;
    let answers = facts.listeners.iter().any(|other| other.udp && other.port == TIME && !other.local);
    if !facts.listeners.is_empty() && !answers {
        return Some((Check::TimeServer, format!("nothing answers there at udp {TIME}")));
    }
    let refused = |board: &&crate::rack::Board| facts.time_served.get(&board.address) == Some(&false);
    let refused: Vec<&BoardName> =
        subject.rack.boards.iter().filter(refused).map(|board| &board.name).collect();
    let names = || refused.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    (!refused.is_empty()).then(|| (Check::TimeServer, format!("its chrony does not answer {}", names())))
}

fn follows(subject: &Subject) -> Option<Found> {
    if subject.board.roles.contains(&Role::Admin) {
        return None;
    }
    let admin = subject.rack.with_role(Role::Admin).next()?;
    let asked = subject.facts.time_sources.as_ref()?;
    let follows = asked.contains(&admin.address.to_string()) || asked.contains(admin.name.as_str());
    let asked = || match asked.len() {
        0 => "nobody".to_owned(),
        _ => asked.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    };
    (!follows).then(|| (Check::TimeSource, format!("it asks {}, not {}", asked(), admin.name)))
}
