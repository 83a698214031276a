//! What a board must have before a task starts there: its agent with its configuration, and its images.
//!
//! A task's image is there before the task: a rack at a booth has no registry, and a task that must pull waits
//! ten seconds for one that does not answer. The digest that a tag had when it was first pulled is what the
//! rack remembers, so that the same file gives the same services whatever is pushed under the tag later.

use std::collections::BTreeSet;

use pirack_swarm::desired::Image;
use pirack_swarm::host::HeldImage;
use pirack_swarm::plan::Move;

use super::{Act, Plan, Stage, Wanted};
use crate::bootstrap::agent;
use crate::look::SwarmLook;
use crate::operation::seen::{BoardSeen, Reached, Seen};
use crate::rack::{Board, Bytes, Identity, Rack};
use crate::stack::Memory;

/// What the rack remembers, with the digests of images that some board has by now. What the file names no more
/// is forgotten: named again, a tag is looked up anew.
pub(super) fn with_digests(mut identity: Identity, rack: &Rack, seen: &Seen) -> Identity {
    let wanted: BTreeSet<&Image> = rack.images().filter(|image| image.digest().is_none()).collect();
    identity.images.retain(|image, _| wanted.iter().any(|wanted| wanted.as_str() == image));
    for image in wanted {
        if let Some(digest) = seen.reached().find_map(|(_, board)| board.images.get(image)?.digest_for(image))
        {
            identity.images.entry(image.to_string()).or_insert_with(|| digest.to_owned());
        }
    }
    identity
}

/// The rack with every tag's digest that is remembered, so that all boards run the same to the byte.
pub(super) fn pinned(rack: &Rack, identity: &Identity) -> Rack {
    let mut rack = rack.clone();
    rack.images_mut().for_each(|image| {
        let digest = identity.images.get(image.as_str());
        if let Some(pinned) = digest.and_then(|digest| format!("{image}@{digest}").parse().ok()) {
            *image = pinned;
        }
    });
    rack
}

/// The same, of a swarm that was seen.
pub(crate) fn as_remembered(rack: &Rack, swarm: Option<&SwarmLook>) -> Rack {
    match swarm.and_then(|swarm| swarm.identity.as_ref()?.as_ref().ok()) {
        Some(identity) => pinned(rack, identity),
        None => rack.clone(),
    }
}

/// What each board's heaps and limits are reckoned from: the file's word, or the engine's, or the swarm's.
pub(super) fn memory(rack: &Rack, seen: &Seen) -> Memory {
    let told = |board: &Board| {
        if let Some(said) = board.memory {
            return Some(said);
        }
        if let Some(BoardSeen::Reached(reached)) = seen.boards.get(&board.name) {
            return Some(reached.memory);
        }
        let nodes = &seen.swarm.as_ref()?.observed.nodes;
        let node = nodes.iter().find(|node| node.name == board.name.as_str())?;
        node.machine.as_ref().map(|machine| Bytes(machine.memory_bytes))
    };
    rack.boards.iter().filter_map(|board| Some((board.name.clone(), told(board)?))).collect()
}

/// `rack` is the wanted one with its images pinned.
pub(super) fn decide(wanted: &Wanted<'_>, rack: &Rack, identity: &Identity, seen: &Seen, plan: &mut Plan) {
    for board in &rack.boards {
        let Some(BoardSeen::Reached(reached)) = seen.boards.get(&board.name) else { continue };
        images(rack, board, reached, plan);
    }
    if !wanted.rack.agent.enabled {
        return;
    }
    for board in &wanted.rack.boards {
        let Some(BoardSeen::Reached(reached)) = seen.boards.get(&board.name) else { continue };
        agent_of(wanted, identity, board, reached, plan);
    }
}

fn images(rack: &Rack, board: &Board, reached: &Reached, plan: &mut Plan) {
    for image in rack.images_on(board) {
        if !has(reached, image) {
            let reasons =
                vec!["the board does not have it, and a task must not wait for a registry".to_owned()];
            let act = Act::Pull { board: board.name.clone(), image: image.clone() };
            plan.step(Stage::Boards, Move::Add, format!("image {image} on {}", board.name), reasons, act, 15);
        }
        if let Some(other) = foreign(reached, image) {
            let reason = format!(
                "its programs are for {other}, and the board is {}: none of them starts there; name an image for both, or one of the board's own",
                reached.architecture
            );
            plan.refuse(format!("image {image} on {}", board.name), reason);
        }
    }
}

/// Whether the board has this very image: with the same digest, where one is asked for.
fn has(reached: &Reached, image: &Image) -> bool {
    match image.digest() {
        Some(_) => reached.images.values().any(|held| held.is(image)),
        None => reached.images.contains_key(image),
    }
}

/// The processor that the image's programs are for, where the board's can run none of them.
fn foreign<'a>(reached: &'a Reached, image: &Image) -> Option<&'a str> {
    let runs: &[&str] = match reached.architecture.as_str() {
        "x86_64" | "amd64" => &["amd64", "386"],
        "aarch64" | "arm64" => &["arm64", "arm"],
        "armv7l" | "armhf" => &["arm"],
        _ => return None,
    };
    let own = |held: &&HeldImage| held.is(image);
    let held = reached.images.get(image).or_else(|| reached.images.values().find(own))?;
    let known = !held.architecture.is_empty() && !runs.contains(&held.architecture.as_str());
    known.then_some(held.architecture.as_str())
}

fn agent_of(wanted: &Wanted<'_>, identity: &Identity, board: &Board, reached: &Reached, plan: &mut Plan) {
    let subject = format!("agent on {}", board.name);
    let Some(agent) = &reached.agent else {
        plan.unknown(subject, "the board has no shell to install it through: reach it by ssh");
        return;
    };
    let Some(package) = wanted.packages.of(&reached.architecture) else {
        let reason = wanted.packages.missing(&reached.architecture);
        plan.unknown(subject, reason);
        return;
    };
    if agent.version.as_deref() != Some(package.version()) {
        let (r#move, reason) = match &agent.version {
            None => (Move::Add, "it is not installed".to_owned()),
            Some(other) => (Move::Change, format!("version: {other} -> {}", package.version())),
        };
        let act = Act::Install { board: board.name.clone(), version: package.version().to_owned() };
        plan.step(Stage::Boards, r#move, subject.clone(), vec![reason], act, 4);
    }
    let content = agent::configuration(wanted.rack, identity, board);
    let digest = agent::digest(content.as_bytes());
    let reason = match (&agent.configuration, agent.running) {
        (Some(other), true) if *other == digest => return,
        (Some(other), false) if *other == digest => "it does not run",
        (Some(_), _) => "its configuration is another",
        (None, _) => "it has no configuration",
    };
    let act = Act::Configure { board: board.name.clone(), content };
    plan.step(
        Stage::Boards,
        Move::Change,
        format!("configuration of the {subject}"),
        vec![reason.to_owned()],
        act,
        2,
    );
}
