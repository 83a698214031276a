//! The lock: one apply at a time, and nobody waits for the dead.

use std::time::Duration;

use pirack_swarm::engine::Engine;
use pirack_swarm::testing::FakeEngine;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::operation::Interrupted;
use crate::operation::held::{Held, LockError};
use crate::operation::lock::{LABEL, Lock, STALE, in_labels};
use crate::operation::world::WorldError;
use crate::rack::{Bytes, Identity, identity};

/// Somebody's lock, from a machine that nobody can look into from here.
pub(super) fn theirs() -> Lock {
    let lock = Lock::of(Uuid::from_u128(7), Kind::Apply, "bob@booth");
    Lock { machine: "another boot".to_owned(), ..lock }
}

pub(super) async fn write(world: &FakeRack, lock: &Lock) {
    let engine = world.manager().await.unwrap();
    let swarm = engine.swarm().await.unwrap();
    let mut labels = swarm.labels;
    labels.insert(LABEL.to_owned(), lock.text());
    engine.update_swarm(swarm.version, &labels).await.unwrap();
}

async fn take_away(world: &FakeRack) {
    let engine = world.manager().await.unwrap();
    let swarm = engine.swarm().await.unwrap();
    let mut labels = swarm.labels;
    labels.remove(LABEL);
    engine.update_swarm(swarm.version, &labels).await.unwrap();
}

async fn found(world: &FakeRack) -> Option<Lock> {
    in_labels(&world.manager().await.unwrap().swarm().await.unwrap().labels)
}

/// How long it takes to get the lock.
async fn taking(operator: &Operator, world: &FakeRack, break_lock: bool) -> Result<Duration, LockError> {
    let began = Instant::now();
    let (_keep, interrupted) = watch::channel(false);
    Held::take(world, None, break_lock, &operator.conductor(interrupted)).await?;
    Ok(began.elapsed())
}

fn heap_changes(operator: &mut Operator) {
    operator.rack.kafka.as_mut().unwrap().heap = Some(Bytes::mebibytes(640));
    operator.rack.cassandra.as_mut().unwrap().heap = Some(Bytes::mebibytes(1024));
}

#[tokio::test(start_paused = true)]
async fn of_two_applies_at_once_one_changes_the_rack_and_the_other_does_nothing() {
    let (mut first, world) = running().await;
    heap_changes(&mut first);
    let mut second = Operator::of(first.rack.clone());
    second.fresh = Uuid::from_u128(2);
    let (one, other) = tokio::join!(first.apply(&world), second.apply(&world));
    assert!(one.is_ok(), "{one:?}");
    // Refused, unless the first is over before it has shown that it lives.
    let refused = matches!(other, Err(OperationError::Lock(LockError::Held { .. })));
    assert!(refused || other.as_ref().is_ok_and(|applied| applied.steps == 0), "{other:?}");
    assert_eq!((second.heard.done(), world.violations()), (vec![], vec![]));
    assert!(first.plan(&world).await.is_empty());
    assert_eq!(found(&world).await, None);
}

#[tokio::test(start_paused = true)]
async fn of_two_applies_on_bare_boards_one_begins_the_swarm() {
    let world = FakeRack::new(&["b1", "b2", "b3"]);
    let first = Operator::of(rack(&["b1", "b2", "b3"], ""));
    let mut second = Operator::of(first.rack.clone());
    second.fresh = Uuid::from_u128(2);
    let (one, other) = tokio::join!(first.apply(&world), second.apply(&world));
    assert!(one.is_ok(), "{one:?}");
    assert!(matches!(other, Err(OperationError::Lock(LockError::Held { .. }))), "{other:?}");
    assert_eq!((first.plan(&world).await.to_string(), world.lock_on_a_board()), (nothing(), None));
}

fn nothing() -> String {
    Plan::default().to_string()
}

#[tokio::test(start_paused = true)]
async fn a_dead_owners_lock_is_taken_when_it_has_not_beaten_for_half_a_minute() {
    let (operator, world) = running().await;
    write(&world, &theirs()).await;
    let waited = taking(&operator, &world, false).await.unwrap();
    assert!((STALE..STALE + Duration::from_secs(2)).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lock_whose_process_is_known_to_be_dead_is_taken_at_once() {
    let (operator, world) = running().await;
    write(&world, &left_behind()).await;
    assert_eq!(taking(&operator, &world, false).await.unwrap(), Duration::ZERO);
}

/// Of this machine, and whoever had it is dead.
fn left_behind() -> Lock {
    // Process ids end at 2^22.
    Lock { process: 1 << 30, ..Lock::of(Uuid::from_u128(7), Kind::Apply, "ada@desk") }
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_was_written_and_never_answered_is_ours() {
    for lose in [FakeEngine::lose_answer_after, FakeEngine::lose_leader_after] {
        for over in [None, Some(left_behind())] {
            let (operator, world) = running().await;
            if let Some(lock) = &over {
                write(&world, lock).await;
            }
            lose(world.any(), 0);
            let taken = taking(&operator, &world, false).await;
            assert!(taken.is_ok(), "over {over:?}: {taken:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_was_written_and_never_answered_is_given_back_by_whoever_ends_there() {
    let (operator, world) = running().await;
    world.any().lose_answer_after(0);
    let (_keep, interrupted) = watch::channel(true);
    let taken = Held::take(&world, None, false, &operator.conductor(interrupted)).await;
    assert!(matches!(taken.map(drop), Err(LockError::Interrupted(_))));
    assert_eq!(found(&world).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_broken_at_once_by_whoever_says_so_and_only_then() {
    let (operator, world) = running().await;
    write(&world, &theirs()).await;
    let beats = async {
        let mut lock = theirs();
        loop {
            sleep(Duration::from_secs(5)).await;
            lock = lock.next();
            write(&world, &lock).await;
        }
    };
    let refused = tokio::select! { refused = taking(&operator, &world, false) => refused, () = beats => unreachable!() };
    assert!(matches!(&refused, Err(LockError::Held { by, .. }) if by == "bob@booth"), "{refused:?}");
    assert_eq!(taking(&operator, &world, true).await.unwrap(), Duration::ZERO);
}

/// Somebody takes the lock in the middle of an apply.
async fn is_taken(world: &FakeRack) {
    sleep(Duration::from_secs(1)).await;
    // Nothing rolls on while a node is away.
    world.set_power("b3", false);
    write(world, &theirs()).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_loses_the_lock_changes_nothing_more() {
    let (mut operator, world) = running().await;
    heap_changes(&mut operator);
    let thief = async {
        is_taken(&world).await;
        // By the next beat it is known.
        sleep(Duration::from_secs(6)).await;
        world.changes()
    };
    let (applied, changes) = tokio::join!(operator.apply(&world), thief);
    assert!(
        matches!(&applied, Err(OperationError::Lock(LockError::Taken { by: Some(by) })) if by == "bob@booth"),
        "{applied:?}"
    );
    assert_eq!(world.changes(), changes);
    assert_eq!(found(&world).await, Some(theirs()), "the lock is left to whoever has it");
    assert!(!operator.plan(&world).await.steps.is_empty(), "it was stopped in the middle");
}

/// It was taken from him, and nobody is there to ask any more.
fn is_gone(applied: &Result<Applied, OperationError>) -> bool {
    matches!(applied, Err(OperationError::Lock(LockError::Taken { by: None })))
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_was_taken_and_given_back_is_not_taken_again() {
    let (mut operator, world) = running().await;
    heap_changes(&mut operator);
    let thief = async {
        is_taken(&world).await;
        sleep(Duration::from_secs(1)).await;
        take_away(&world).await;
        sleep(Duration::from_secs(6)).await;
        world.changes()
    };
    let (applied, changes) = tokio::join!(operator.apply(&world), thief);
    assert!(is_gone(&applied), "{applied:?}");
    assert!(applied.unwrap_err().to_string().contains("given it back"));
    assert_eq!((world.changes(), found(&world).await), (changes, None));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_taken_and_given_back_while_a_swarm_begins_is_not_taken_again() {
    let world = FakeRack::new(&["b1", "b2", "b3"]);
    let operator = Operator::of(rack(&["b1", "b2", "b3"], ""));
    let (_keep, interrupted) = watch::channel(false);
    let board = Some("b1".parse().unwrap());
    let held = Held::take(&world, board, false, &operator.conductor(interrupted)).await.unwrap();
    world.put_lock_file("b1", None);
    let lost = timeout(STALE, held.beat(&world)).await.unwrap();
    assert!(matches!(lost, LockError::Taken { by: None }), "{lost:?}");
    assert_eq!(world.lock_on_a_board(), None);
}

#[tokio::test(start_paused = true)]
async fn who_slept_while_another_took_the_lock_wakes_up_and_changes_nothing() {
    for other_changes in [false, true] {
        let (mut sleeper, world) = running().await;
        heap_changes(&mut sleeper);
        let mut other = Operator::of(sleeper.rack.clone());
        other.rack.kafka.as_mut().unwrap().heap = Some(Bytes::mebibytes(512));
        let mut applying = Box::pin(sleeper.apply(&world));
        let asleep = timeout(Duration::from_secs(2), &mut applying).await;
        assert!(asleep.is_err(), "it is in the middle");
        if other_changes {
            other.apply(&world).await.unwrap();
        } else {
            sleep(2 * STALE).await;
        }
        let changes = world.changes();
        let applied = applying.await;
        if other_changes {
            assert!(is_gone(&applied), "{applied:?}");
            assert_eq!(world.changes(), changes);
        } else {
            assert!(applied.is_ok(), "nobody took it meanwhile: {applied:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_cannot_be_read_is_nobodys_once_nobody_has_changed_it_for_half_a_minute() {
    for (broken, break_lock) in [("", false), ("", true), ("{\"beat\":", false)] {
        let world = FakeRack::new(&["b1", "b2", "b3"]);
        world.put_lock_file("b1", Some(broken));
        let operator = Operator::of(rack(&["b1", "b2", "b3"], ""));
        let began = Instant::now();
        let (_keep, interrupted) = watch::channel(false);
        let conductor = operator.conductor(interrupted);
        Held::take(&world, Some("b1".parse().unwrap()), break_lock, &conductor).await.unwrap();
        let waited = began.elapsed() >= STALE;
        assert_eq!((waited, operator.heard.notes().is_empty()), (!break_lock, break_lock));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_cannot_be_read_and_changes_is_somebodys_and_a_wait_for_it_can_be_ended() {
    let world = FakeRack::new(&["b1"]);
    let operator = Operator::of(rack(&["b1"], ""));
    world.put_lock_file("b1", Some("{}"));
    let (interrupt, interrupted) = watch::channel(false);
    let conductor = operator.conductor(interrupted);
    let take = || Held::take(&world, Some("b1".parse().unwrap()), false, &conductor);
    let beats = async {
        sleep(Duration::from_secs(5)).await;
        world.put_lock_file("b1", Some("{ }"));
    };
    let (refused, ()) = tokio::join!(take(), beats);
    assert!(matches!(refused, Err(LockError::Unreadable)));
    interrupt.send(true).unwrap();
    assert!(matches!(take().await, Err(LockError::Interrupted(_))));
}

/// The lock of whoever is about to write down what the rack remembers, and that, with a mark by which it is known.
async fn about_to_remember(operator: &Operator, world: &FakeRack) -> (Held, Identity) {
    let (_keep, interrupted) = watch::channel(false);
    let held = Held::take(world, None, false, &operator.conductor(interrupted)).await.unwrap();
    (held, Identity { id: Uuid::from_u128(99), ..remembered(world).await })
}

async fn remembered(world: &FakeRack) -> Identity {
    Identity::parse(&world.manager().await.unwrap().swarm().await.unwrap().labels[identity::LABEL]).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_the_rack_remembers_is_not_written_over_by_whoever_has_lost_the_lock() {
    let (operator, world) = running().await;
    let (held, ours) = about_to_remember(&operator, &world).await;
    let before = remembered(&world).await;
    write(&world, &theirs()).await;
    // So shortly after the last beat nobody asks whether the lock is still ours.
    held.confirm(&world).await.unwrap();
    let lost = held.remember(&world, &ours).await;
    assert!(matches!(&lost, Err(LockError::Taken { by: Some(by) }) if by == "bob@booth"), "{lost:?}");
    take_away(&world).await;
    assert!(matches!(held.remember(&world, &ours).await, Err(LockError::Taken { by: None })));
    assert_eq!(remembered(&world).await, before);
}

#[tokio::test(start_paused = true)]
async fn labels_of_a_swarm_that_changes_meanwhile_are_set_all_the_same_and_not_for_ever() {
    let (operator, world) = running().await;
    let (held, ours) = about_to_remember(&operator, &world).await;
    let before = remembered(&world).await;
    world.any().versions_move(u64::MAX);
    let tired = timeout(STALE, held.remember(&world, &ours)).await.expect("it is given up");
    assert!(
        matches!(&tired, Err(LockError::World(WorldError::Engine(error))) if error.is_stale()),
        "{tired:?}"
    );
    assert_eq!(remembered(&world).await, before);
    world.any().versions_move(3);
    held.remember(&world, &ours).await.unwrap();
    assert_eq!(remembered(&world).await, ours);
}

#[tokio::test(start_paused = true)]
async fn with_nothing_to_do_nobody_asks_for_the_lock() {
    let (operator, world) = running().await;
    write(&world, &theirs()).await;
    let changes = world.changes();
    assert_eq!(operator.apply(&world).await.unwrap().steps, 0);
    assert_eq!((world.changes(), found(&world).await), (changes, Some(theirs())));
}

#[tokio::test(start_paused = true)]
async fn an_apply_that_is_interrupted_ends_between_two_steps_and_the_next_goes_on() {
    let (mut operator, world) = running().await;
    heap_changes(&mut operator);
    let before = operator.plan(&world).await.steps.len();
    let (interrupt, interrupted) = watch::channel(false);
    let conductor = operator.conductor(interrupted);
    let request = Request { wanted: operator.wanted(), saved: None, break_lock: false };
    let press = async {
        sleep(Duration::from_secs(2)).await;
        interrupt.send(true).unwrap();
    };
    let (applied, ()) = tokio::join!(apply(&request, &world, &conductor), press);
    assert!(matches!(applied, Err(OperationError::Interrupted(Interrupted))), "{applied:?}");
    assert_eq!(found(&world).await, None, "nobody needs to wait for it");
    let left = operator.plan(&world).await.steps.len();
    assert!(0 < left && left < before, "{left} of {before}");
    let again = timeout(Duration::from_secs(600), operator.apply(&world)).await.unwrap().unwrap();
    assert_eq!(again.steps, left);
    assert_eq!((operator.plan(&world).await.to_string(), world.violations()), (nothing(), vec![]));
}

#[tokio::test(start_paused = true)]
async fn who_ends_an_apply_need_not_wait_for_boards_that_do_not_answer() {
    let (operator, world) = running().await;
    world.hang_after(Some(0));
    let (interrupt, interrupted) = watch::channel(false);
    let conductor = operator.conductor(interrupted);
    let request = Request { wanted: operator.wanted(), saved: None, break_lock: false };
    let press = async { interrupt.send(true).unwrap() };
    let both = async { tokio::join!(apply(&request, &world, &conductor), press).0 };
    let applied = timeout(Duration::from_secs(600), both).await.expect("it never ends");
    assert!(matches!(applied, Err(OperationError::Interrupted(Interrupted))), "{applied:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_was_not_renewed_for_a_while_is_asked_after_before_a_change() {
    let (operator, world) = running().await;
    let (held, _) = about_to_remember(&operator, &world).await;
    sleep(STALE * 2 / 3).await;
    // For a moment nobody answers, and there is time left.
    for board in ["b1", "b2", "b3"] {
        world.set_power(board, false);
    }
    let back = async {
        sleep(Duration::from_secs(3)).await;
        for board in ["b1", "b2", "b3"] {
            world.set_power(board, true);
        }
    };
    let (confirmed, ()) = tokio::join!(held.confirm(&world), back);
    confirmed.unwrap();
    sleep(STALE * 2 / 3).await;
    for board in ["b1", "b2", "b3"] {
        world.set_power(board, false);
    }
    assert!(matches!(held.confirm(&world).await, Err(LockError::Silent(_))), "nor later");
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_others_have_broken_is_found_out_before_it_would_be_stale() {
    let (operator, world) = running().await;
    let (held, _) = about_to_remember(&operator, &world).await;
    write(&world, &theirs()).await;
    sleep(STALE * 2 / 3).await;
    assert!(matches!(held.confirm(&world).await, Err(LockError::Taken { .. })));
}
