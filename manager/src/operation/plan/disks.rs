//! The data disk in its place, and on it the folders in which services keep their data.
//!
//! Without its disk a board would fill its card with what belongs there, or begin empty what has data: nothing is
//! begun or changed on such a board. What runs there is left as it is, for a disk may come back.

use pirack_swarm::plan::Move;

use super::{Act, Plan, Stage};
use crate::look::DiskSeen;
use crate::operation::seen::Seen;
use crate::rack::{BoardName, Rack};
use crate::stack::{self, Folder, StackError};

pub(super) fn decide(rack: &Rack, seen: &Seen, plan: &mut Plan) -> Result<(), StackError> {
    for board in &rack.boards {
        let Some(disk) = disk(seen, &board.name) else { continue };
        match &disk.astray {
            Some(words) => astray(rack, &board.name, words, plan),
            None => folders(&board.name, stack::folders(rack, board)?, disk, plan),
        }
    }
    Ok(())
}

fn disk<'a>(seen: &'a Seen, board: &BoardName) -> Option<&'a DiskSeen> {
    seen.reached().find(|(name, _)| *name == board)?.1.disk.as_ref()
}

fn astray(rack: &Rack, board: &BoardName, words: &str, plan: &mut Plan) {
    let services: Vec<String> = stack::keepers(rack, board)
        .into_iter()
        .map(|engine| format!("service {}", engine.on(board.as_str())))
        .collect();
    if services.is_empty() {
        return;
    }
    let subject = format!("data disk of {board}");
    let remedy = format!("{words}: `pirack preflight` says how to mend it");
    let touched = |step: &super::Step| step.r#move != Move::Remove && services.contains(&step.subject);
    match plan.steps.iter().find(|step| touched(step)) {
        Some(step) => {
            let title = step.title();
            plan.refuse(subject, format!("{remedy}, and without it there is no \"{title}\""));
        }
        None => plan.undone(subject, remedy),
    }
}

fn folders(board: &BoardName, wanted: Vec<Folder>, disk: &DiskSeen, plan: &mut Plan) {
    for folder in wanted {
        let (r#move, reason) = match disk.folders.get(&folder.path) {
            Some(owner) if *owner == folder.owner => continue,
            Some(owner) => (Move::Change, format!("owner: {owner} -> {}", folder.owner)),
            None => (Move::Add, "a service keeps its data there, and it is not there".to_owned()),
        };
        let subject = format!("folder {} on {board}", folder.path);
        let act = Act::Folder { board: board.clone(), folder };
        plan.step(Stage::Boards, r#move, subject, vec![reason], act, 1);
    }
}
