//! What preflight finds is mended under the lock, board beside board.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use pirack_swarm::engine::Engine;
use tokio::time::Instant;

use super::held::{theirs, write};
use super::*;
use crate::bootstrap::fix::plan;
use crate::bootstrap::preflight::tests::board_with;
use crate::bootstrap::preflight::{Report, judge};
use crate::operation::Outcome;
use crate::operation::fix::{Fixed, Mend, Request as Fixing, fix, on_board};
use crate::operation::held::{Held, LockError};
use crate::operation::lock::{LABEL, STALE};
use crate::operation::world::World;

/// These boards have another name than the file gives them, which two fixes mend; `b2` asks the admin for the time
/// once more, after all others.
fn misnamed(rack: &Rack, boards: &[&str]) -> Report {
    let seen = boards.iter().map(|board| board_with(rack, board, |facts| facts.host_name = "pi".to_owned()));
    let boards: Vec<_> = seen.collect();
    let findings = judge(rack, &boards.iter().cloned().collect::<BTreeMap<_, _>>());
    Report { boards, findings }
}

async fn fixed(operator: &Operator, world: &FakeRack, mend: &Mend) -> Result<Fixed, OperationError> {
    let (_keep, interrupted) = watch::channel(false);
    let request = Fixing { rack: &operator.rack, mend, break_lock: false };
    fix(&request, world, &operator.conductor(interrupted)).await
}

#[tokio::test(start_paused = true)]
async fn boards_are_mended_beside_each_other_and_the_first_fix_that_fails_is_its_boards_last() {
    let (operator, world) = running().await;
    world.finds(misnamed(&operator.rack, &["b1", "b2"]), &["b2"]);
    let before = operator.heard.done().len();
    let fixed = fixed(&operator, &world, &Mend::default()).await.unwrap();
    let came: Vec<_> = fixed.mended.iter().map(|one| (one.board.as_str(), one.did.is_some())).collect();
    assert_eq!(came, [("b1", true), ("b1", true), ("b2", false)]);
    assert_eq!((fixed.steps, operator.heard.done().len() - before), (2, 2));
    let outcome = Outcome::from(fixed);
    let [left] = outcome.undone.as_slice() else { panic!("{outcome:?}") };
    assert!(left.to_string().contains("on b2") && left.reason.contains("no space left"), "{left}");
    let labels = world.manager().await.unwrap().swarm().await.unwrap().labels;
    assert_eq!(labels.get(LABEL), None, "the lock is given back");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_mended_while_somebody_changes_the_rack_and_without_a_swarm_the_lock_is_a_boards() {
    let (operator, world) = (Operator::of(rack(&["b1", "b2", "b3"], "")), FakeRack::new(&["b1", "b2", "b3"]));
    world.finds(misnamed(&operator.rack, &["b1", "b2"]), &[]);
    let b1 = "b1".parse().unwrap();
    let theirs = theirs();
    assert!(world.write_lock_file(&b1, &theirs, None).await.unwrap());
    let beats = async {
        let mut lock = theirs.clone();
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let (next, over) = (lock.next(), lock.text());
            assert!(world.write_lock_file(&b1, &next, Some(over.as_bytes())).await.unwrap());
            lock = next;
        }
        lock
    };
    // Whichever board is meant, the lock lies in one place.
    let one = Mend { boards: ["b2".parse().unwrap()].into(), format: false };
    let (refused, lock) = tokio::join!(fixed(&operator, &world, &one), beats);
    assert!(matches!(refused, Err(OperationError::Lock(LockError::Held { .. }))), "{refused:?}");
    assert_eq!(operator.heard.done(), Vec::<String>::new());
    world.unlock_file(&b1, &lock).await.unwrap();
    assert_eq!(fixed(&operator, &world, &Mend::default()).await.unwrap().steps, 5);
    assert_eq!(world.lock_file(&b1).await.unwrap(), None, "the lock is given back");
}

#[tokio::test(start_paused = true)]
async fn boards_that_were_not_named_are_left_alone_and_what_is_well_takes_no_lock() {
    let (operator, world) = running().await;
    let one = Mend { boards: ["b3".parse().unwrap()].into(), format: false };
    world.finds(misnamed(&operator.rack, &["b1", "b2"]), &[]);
    world.hang_after(Some(1));
    assert_eq!(fixed(&operator, &world, &one).await.unwrap(), Fixed::default());
}

#[tokio::test(start_paused = true)]
async fn who_slept_while_another_took_the_lock_mends_nothing_more() {
    let (operator, world) = running().await;
    let (_keep, interrupted) = watch::channel(false);
    let conductor = operator.conductor(interrupted);
    let (fixes, _) = plan(&operator.rack, &misnamed(&operator.rack, &["b1"]), false);
    let held = Held::take(&world, None, false, &conductor).await.unwrap();
    write(&world, &theirs()).await;
    tokio::time::sleep(2 * STALE).await;
    let (acts, begun) = (world.changes(), AtomicUsize::new(0));
    let mended = on_board(&world, &held, &conductor, fixes.iter().collect(), fixes.len(), &begun).await;
    assert!(matches!(mended, Err(OperationError::Lock(LockError::Taken { .. }))), "{mended:?}");
    assert_eq!((world.changes(), begun.into_inner()), (acts, 0));
}

#[tokio::test(start_paused = true)]
async fn while_managers_choose_a_leader_the_lock_is_still_the_swarms() {
    let (operator, world) = running().await;
    world.finds(misnamed(&operator.rack, &["b1"]), &[]);
    write(&world, &theirs()).await;
    let boards = ["b1", "b2", "b3"];
    // A majority of the managers is away for a while.
    for board in &boards[1..] {
        world.set_power(board, false);
    }
    let back = async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        for board in &boards[1..] {
            world.set_power(board, true);
        }
    };
    let began = Instant::now();
    let mend = Mend::default();
    let (fixed, ()) = tokio::join!(fixed(&operator, &world, &mend), back);
    fixed.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(20) + STALE, "their lock was waited for");
}
