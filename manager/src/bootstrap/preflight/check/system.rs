//! The board itself: processor, system, memory, kernel, heat and power.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::super::code::Check;
use super::{Found, Subject, clock};
use crate::rack::{Bytes, identity};
use crate::stack::{StackError, desired, memory};

const HOT_MILLICELSIUS: i64 = 75_000;
/// Raspberry Pi documentation, "vcgencmd: `get_throttled`".
const WEAK_NOW: u32 = 1;
const EVER: u32 = 0xf_0000;

pub(super) fn all(subject: &Subject) -> Vec<Found> {
    let checks =
        [architecture, userland, system, declared, wanted, swap, overlay, cgroup, heat, weak, was_weak];
    let mut found: Vec<Found> = checks.into_iter().filter_map(|check| check(subject)).collect();
    found.extend(clock::blind(subject));
    found
}

fn architecture(subject: &Subject) -> Option<Found> {
    let machine = subject.facts.machine.as_str();
    let known = ["", "aarch64", "arm64", "x86_64"].contains(&machine);
    (!known).then(|| (Check::Architecture, format!("it is {machine}")))
}

fn userland(subject: &Subject) -> Option<Found> {
    let userland = subject.facts.userland.as_deref()?;
    let wide = match subject.facts.machine.as_str() {
        "aarch64" | "arm64" => "arm64",
        "x86_64" => "amd64",
        _ => return None,
    };
    let seen = || format!("its kernel is {}, its packages are {userland}", subject.facts.machine);
    (userland != wide).then(|| (Check::Userland, seen()))
}

fn system(subject: &Subject) -> Option<Found> {
    let os = &subject.facts.os;
    (!os.is_empty() && !os.contains("debian")).then(|| (Check::System, subject.facts.os_name.clone()))
}

/// Less than the file says it has.
fn declared(subject: &Subject) -> Option<Found> {
    let (said, has) = (subject.board.memory?, subject.facts.memory?);
    let seen = || format!("the file says {said}, and it reports {} MiB", has.as_mebibytes());
    (memory::class_of(has) < said && has < said).then(|| (Check::Memory, seen()))
}

/// Whether its services fit: by the reckoning that their limits come from, with every other board large enough.
fn wanted(subject: &Subject) -> Option<Found> {
    let has = subject.facts.memory?;
    let mut rack = subject.rack.clone();
    for board in &mut rack.boards {
        if board.name != subject.board.name {
            board.memory = Some(Bytes::mebibytes(1 << 20));
        }
    }
    for app in &mut rack.apps {
        app.secrets = BTreeMap::new();
    }
    let (identity, _) = identity::settle(None, &rack, Uuid::nil);
    let all = memory::Memory::from([(subject.board.name.clone(), has)]);
    let error = desired(&rack, &identity, &all, &BTreeMap::new()).err()?;
    let own = |board: &str| board == subject.board.name.as_str();
    match &error {
        StackError::TooSmall { board, .. }
        | StackError::Full { board, .. }
        | StackError::Heap { board, .. }
        | StackError::Young { board, .. }
            if own(board) =>
        {
            Some((Check::Memory, error.to_string()))
        }
        _ => None,
    }
}

fn swap(subject: &Subject) -> Option<Found> {
    let disks: Vec<&str> = subject
        .facts
        .swaps
        .iter()
        .map(String::as_str)
        .filter(|swap| !swap.starts_with("/dev/zram"))
        .collect();
    (subject.holds_data() && !disks.is_empty())
        .then(|| (Check::Swap, format!("it swaps to {}", disks.join(", "))))
}

fn overlay(subject: &Subject) -> Option<Found> {
    if !subject.is_member() {
        return None;
    }
    if subject.facts.overlay == Some(false) {
        return Some((Check::Overlay, "it has no overlay file system".to_owned()));
    }
    let shared = subject.rack.apps.iter().any(|app| !app.networks.is_empty());
    (shared && subject.facts.vxlan == Some(false)).then(|| (Check::Overlay, "it has no VXLAN".to_owned()))
}

fn cgroup(subject: &Subject) -> Option<Found> {
    let kernel = subject.facts.memory_cgroup == Some(false);
    let engine = matches!(&subject.facts.engine, Some(Ok(engine)) if engine.memory_limit == Some(false));
    let seen = if kernel { "its kernel has the memory control group off" } else { "its engine says so" };
    (subject.is_member() && (kernel || engine)).then(|| (Check::MemoryCgroup, seen.to_owned()))
}

fn heat(subject: &Subject) -> Option<Found> {
    let heat = subject.facts.temperature_millicelsius.filter(|heat| *heat >= HOT_MILLICELSIUS)?;
    Some((Check::Hot, format!("{} degrees", heat / 1000)))
}

fn weak(subject: &Subject) -> Option<Found> {
    let flags = subject.facts.throttled.unwrap_or_default();
    let weak = subject.facts.under_voltage == Some(true) || flags & WEAK_NOW != 0;
    weak.then(|| (Check::UnderVoltage, "under-voltage".to_owned()))
}

fn was_weak(subject: &Subject) -> Option<Found> {
    let flags = subject.facts.throttled.filter(|flags| flags & (EVER | 0xe) != 0)?;
    let words = [
        (1 << 1, "its frequency is capped"),
        (1 << 2, "it is slowed down"),
        (1 << 3, "it is near its limit of heat"),
        (1 << 16, "its supply was too weak"),
        (1 << 17, "its frequency was capped"),
        (1 << 18, "it was slowed down"),
        (1 << 19, "it was near its limit of heat"),
    ];
    let said: Vec<&str> =
        words.into_iter().filter(|(bit, _)| flags & bit != 0).map(|(_, word)| word).collect();
    Some((Check::WasWeak, said.join(", ")))
}
