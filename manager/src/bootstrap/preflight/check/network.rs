//! The network: the board's own address, its device, its neighbours, names.

use super::super::code::Check;
use super::super::facts::NetworkDevice;
use super::{Found, Subject};

/// In megabits a second.
const SLOW: u32 = 100;

pub(super) fn all(subject: &Subject) -> Vec<Found> {
    if !subject.shell {
        return vec![];
    }
    let mut found = own(subject);
    found.extend(neighbours(subject));
    found.extend(names(subject));
    found
}

fn own(subject: &Subject) -> Vec<Found> {
    let (facts, address) = (subject.facts, subject.board.address);
    let Some(own) = facts.addresses.iter().find(|other| other.address == address) else {
        let others: Vec<String> = facts.addresses.iter().map(|other| other.address.to_string()).collect();
        let some = !others.is_empty();
        let seen = || format!("it has {}, not {address}", others.join(", "));
        return some.then(|| (Check::Address, seen())).into_iter().collect();
    };
    let mut found = vec![];
    if own.leased && !subject.rack.network.addresses_reserved {
        found.push((Check::Lease, format!("{address} on {} has an end", own.device)));
    }
    if let Some(device) = facts.links.iter().find(|link| link.name == own.device) {
        found.extend(of_device(device, subject.rack.network.mtu));
    }
    found
}

fn of_device(device: &NetworkDevice, mtu: u16) -> Vec<Found> {
    let mut found = vec![];
    if device.mtu != u32::from(mtu) {
        found.push((Check::Mtu, format!("{} has {}, the rack {mtu}", device.name, device.mtu)));
    }
    if device.wireless {
        found.push((Check::Wireless, device.name.clone()));
    }
    if let Some(speed) = device.speed.filter(|speed| (1..SLOW).contains(speed)) {
        found.push((Check::SlowLink, format!("{} runs at {speed} Mbit/s", device.name)));
    }
    found
}

fn neighbours(subject: &Subject) -> Vec<Found> {
    if !subject.facts.ping {
        return vec![(Check::NoPing, "it has no ping".to_owned())];
    }
    let mut found = vec![];
    for ping in &subject.facts.pings {
        let known = subject.rack.boards.iter().find(|board| board.address == ping.address);
        let Some(board) = known.filter(|board| subject.reached.contains(&board.name)) else { continue };
        if !ping.answers {
            found.push((Check::Neighbour, format!("{} at {} does not answer", board.name, ping.address)));
        } else if !ping.carried {
            let mtu = subject.rack.network.mtu;
            found.push((Check::PathMtu, format!("packets of {mtu} bytes do not reach {}", board.name)));
        }
    }
    found
}

fn names(subject: &Subject) -> Vec<Found> {
    let (facts, name) = (subject.facts, subject.board.name.as_str());
    let mut found = vec![];
    if !facts.host_name.is_empty() && facts.host_name != name {
        found.push((Check::HostName, format!("it is called {}", facts.host_name)));
    }
    for (asked, answers) in &facts.names {
        let Some(board) = subject.rack.boards.iter().find(|board| board.name.as_str() == asked) else {
            continue;
        };
        let said: Vec<String> = answers.iter().map(ToString::to_string).collect();
        if board.name == subject.board.name {
            match said.as_slice() {
                [] => found.push((Check::OwnName, format!("{asked} has no address"))),
                _ if answers.contains(&board.address) => {}
                _ => found.push((Check::OwnName, format!("{asked} leads to {}", said.join(", ")))),
            }
        } else if !said.is_empty() && !answers.contains(&board.address) {
            found.push((
                Check::OtherName,
                format!("{asked} leads to {}, not {}", said.join(", "), board.address),
            ));
        }
    }
    found
}
