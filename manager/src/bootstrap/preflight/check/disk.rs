//! Disks: the data disk in its place and no card, room left, writable.

use super::super::code::Check;
use super::super::facts::{Facts, Mount};
use super::{Found, Subject};
use crate::rack::{Bytes, DataDisk};

/// Below this much an engine can pull no image.
const LEAST: Bytes = Bytes(1 << 30);
/// Of a disk, in hundredths, unless that is plenty anyway.
const LEAST_SHARE: u64 = 5;
const PLENTY: Bytes = Bytes(4 << 30);
/// What an engine and its containers write to.
const WRITTEN: [&str; 2] = ["/", "/var/lib/docker"];
/// What says that nothing can be written. Since Linux 6.15 ext4 stays `rw` after an error, and says it so; one whose
/// disk is gone was shut down (fs/ext4/super.c, `_ext4_show_options`).
const STOPPED: [&str; 3] = ["ro", "emergency_ro", "shutdown"];

pub(super) fn all(subject: &Subject) -> Vec<Found> {
    let mut found = full(subject);
    match &subject.board.data_disk {
        Some(disk) if subject.shell => found.extend(data(subject.facts, disk)),
        Some(_) => {}
        None => found.extend(on_card(subject)),
    }
    found
}

fn data(facts: &Facts, disk: &DataDisk) -> Vec<Found> {
    let Some(device) = &facts.labelled else {
        return vec![(Check::NoDataDisk, format!("there is no file system {}", disk.uuid))];
    };
    let mut found = vec![];
    if let Some(card) = card(facts, device) {
        found.push((Check::DataOnCard, format!("{device} is a part of the SD card {card}")));
    }
    let place = disk.mount.trim_end_matches('/');
    let there = facts.mounts.iter().rfind(|mount| mount.target == place);
    match there {
        None => found.push((Check::DataNotMounted, format!("{device} is not mounted at {place}"))),
        Some(other) if other.source != *device => {
            found.push((
                Check::DataNotMounted,
                format!("{} is mounted at {place}, not {device}", other.source),
            ));
        }
        Some(_) if !is_lasting(facts, disk, place) => {
            let seen = format!("/etc/fstab has no line that mounts {} at {place}", disk.uuid);
            found.push((Check::DataNotLasting, seen));
        }
        Some(_) => {}
    }
    found
}

fn is_lasting(facts: &Facts, disk: &DataDisk, place: &str) -> bool {
    facts.fstab.iter().any(|line| {
        let [what, at, ..] = line.as_slice() else { return false };
        what.to_lowercase().ends_with(&disk.uuid.to_lowercase()) && at.trim_end_matches('/') == place
    })
}

fn on_card(subject: &Subject) -> Option<Found> {
    let root = holder(subject.facts, "/")?;
    let card = card(subject.facts, &root.source).filter(|_| subject.holds_data())?;
    Some((
        Check::SystemOnCard,
        format!("its system is on the SD card {card}, and `data_disk` names no other"),
    ))
}

/// The SD card that this device is, or is a part of.
fn card<'a>(facts: &'a Facts, device: &str) -> Option<&'a str> {
    let name = device.strip_prefix("/dev/")?;
    let part = |card: &&String| {
        name.strip_prefix(card.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('p'))
    };
    facts.cards.iter().find(part).map(String::as_str)
}

/// What is mounted where this path lies.
fn holder<'a>(facts: &'a Facts, path: &str) -> Option<&'a Mount> {
    let above = |mount: &&Mount| {
        let target = mount.target.trim_end_matches('/');
        path.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    // Of two at one place the later one is seen.
    facts.mounts.iter().filter(above).max_by_key(|mount| mount.target.len())
}

fn full(subject: &Subject) -> Vec<Found> {
    let data = subject.board.data_disk.iter().map(|disk| disk.mount.as_str());
    let mut mounts: Vec<&Mount> =
        WRITTEN.into_iter().chain(data).filter_map(|path| holder(subject.facts, path)).collect();
    mounts.sort_by_key(|mount| &mount.target);
    mounts.dedup();
    let mut found = vec![];
    for mount in mounts {
        if let Some(stopped) = STOPPED.into_iter().find(|option| mount.options.contains(*option)) {
            let seen = format!("{} at {} is mounted with {stopped}", mount.source, mount.target);
            found.push((Check::ReadOnly, seen));
        }
        let (Some(size), Some(left)) = (mount.size, mount.available) else { continue };
        if left < LEAST || (left < PLENTY && left.0 < size.0 / 100 * LEAST_SHARE) {
            let mebibytes = |bytes: Bytes| bytes.as_mebibytes();
            let seen = format!("{} has {} of {} MiB left", mount.target, mebibytes(left), mebibytes(size));
            found.push((Check::DiskFull, seen));
        }
    }
    found
}
