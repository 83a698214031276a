//! Kills, faults and other people's hands, by seed: whatever becomes of an apply, the next one goes on.
//!
//! A schedule is a story (what the file wants that is not yet so) and what befalls the applies that bring it about.
//! After it, applies that nothing befalls must end well, leave nothing to do, have broken nothing on the way and
//! have kept the rack's first identity.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pirack_swarm::engine::Engine;
use pirack_swarm::spec::SecretValue;
use tokio::time::timeout;

use super::*;
use crate::operation::lock;
use crate::operation::testing::Event;
use crate::operation::world::World;
use crate::rack::{Bytes, Identity, identity};
use crate::stack::roll;

/// Longer than any apply that still moves.
const FOR_EVER: Duration = Duration::from_secs(7 * 86_400);
/// Looks until what comes back by itself is back.
const SETTLING: usize = 10;
const BOARDS: [&str; 4] = ["b1", "b2", "b3", "b4"];
const APP: &str = "[[app]]\nname = \"page\"\nimage = \"nginx:1.29.3\"\nboards = [\"b1\"]\n[app.secrets]\nkey = { env = \"KEY\" }\n";

/// What the file wants that is not yet so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Story {
    Begins,
    Heap,
    Image,
    Secret,
    Joins,
    LeavesStacks,
    LeavesRack,
    IsReflashed,
}

const STORIES: [Story; 8] = [
    Story::Begins,
    Story::Heap,
    Story::Image,
    Story::Secret,
    Story::Joins,
    Story::LeavesStacks,
    Story::LeavesRack,
    Story::IsReflashed,
];

impl Story {
    /// How it is before, and what is wanted from then on.
    async fn begin(self) -> (Operator, FakeRack) {
        let world = FakeRack::new(&BOARDS);
        let boards = match self {
            Self::LeavesStacks | Self::LeavesRack => &BOARDS[..],
            _ => &BOARDS[..3],
        };
        let mut operator = Operator::of(rack(boards, APP));
        let secret = |value: &str| {
            Secrets::from([("key".parse().unwrap(), SecretValue::new(value.as_bytes().to_vec()))])
        };
        operator.secrets = secret("first");
        if self != Self::Begins {
            let applied = operator.apply(&world).await;
            assert!(applied.as_ref().is_ok_and(|applied| applied.undone.is_empty()), "{applied:?}");
        }
        let (kafka, cassandra) =
            (operator.rack.kafka.as_mut().unwrap(), operator.rack.cassandra.as_mut().unwrap());
        match self {
            Self::Begins => {}
            Self::Heap => {
                kafka.heap = Some(Bytes::mebibytes(640));
                cassandra.heap = Some(Bytes::mebibytes(1024));
            }
            Self::Image => {
                kafka.image = "apache/kafka:4.1.3".parse().unwrap();
                cassandra.image = "cassandra:5.0.10".parse().unwrap();
            }
            Self::Secret => operator.secrets = secret("second"),
            Self::Joins => operator.rack = rack(&BOARDS, APP),
            Self::LeavesStacks => without_stacks(&mut operator.rack, "b4"),
            Self::LeavesRack => operator.rack = rack(&BOARDS[..3], APP),
            Self::IsReflashed => world.reflash("b2"),
        }
        (operator, world)
    }
}

/// The board stays, and neither Kafka nor Cassandra do there.
fn without_stacks(rack: &mut Rack, board: &str) {
    rack.kafka.as_mut().unwrap().brokers.retain(|name| name.as_str() != board);
    rack.cassandra.as_mut().unwrap().nodes.retain(|name| name.as_str() != board);
}

/// `SplitMix64` (Steele, Lea, Flood 2014): the same seed, the same schedule.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn event(&mut self) -> Event {
        let board = self.one(&BOARDS).to_owned();
        let service = format!("{}-{board}", self.one(&["kafka", "cassandra"]));
        match self.below(12) {
            0..=4 => Event::Hang,
            5 => Event::PowerOff(board),
            6 => Event::TaskEnds(service),
            7 => Event::LabelGoes(board),
            8 => Event::ScaledDown(service),
            9 => Event::AnswersOnly(self.below(20)),
            10 => match self.below(20) {
                calls if calls % 2 == 0 => Event::LosesAnswerAfter(calls),
                calls => Event::LosesLeaderAfter(calls),
            },
            _ => Event::Falters(self.next(), 1 + u16::try_from(self.below(60)).unwrap()),
        }
    }
}

/// What the swarm remembers, once there is one.
async fn remembered(world: &FakeRack) -> Option<Identity> {
    let labels = world.manager().await.ok()?.swarm().await.ok()?.labels;
    Some(Identity::parse(labels.get(identity::LABEL)?).unwrap())
}

/// Nothing of the first identity has changed; boards may have come.
fn keeps(first: &Identity, now: &Identity) -> bool {
    let (was, is) = (first.kafka.as_ref().unwrap(), now.kafka.as_ref().unwrap());
    first.id == now.id
        && was.cluster_id == is.cluster_id
        && was.voters == is.voters
        && was.nodes.iter().all(|(board, id)| is.nodes.get(board) == Some(id))
        && first.cassandra.as_ref().unwrap().cluster_name == now.cassandra.as_ref().unwrap().cluster_name
}

/// Brings the story to its end, and says what is not as it must be.
async fn converges(operator: &Operator, world: &FakeRack, first: Option<Identity>) -> Result<(), String> {
    world.calms_down();
    BOARDS.iter().for_each(|board| world.set_power(board, true));
    // What comes back by itself has: a node that is down for a moment must not be given up.
    for _ in 0..SETTLING {
        drop(world.glance(&operator.rack).await);
    }
    let applied = timeout(FOR_EVER, operator.apply(world)).await.map_err(|_| "an apply never ends")?;
    let applied = applied.map_err(|error| format!("{error}: {:?}", std::error::Error::source(&error)))?;
    let steps = applied.steps;
    if let Some(left) = applied.undone.first() {
        return Err(format!("left undone: {left}"));
    }
    let (seen, plan) = look(&operator.wanted(), world).await.unwrap();
    let mut wrong = String::new();
    if !plan.is_empty() {
        write!(wrong, "left to do: {plan}; ").unwrap();
    }
    for gate in roll::well(&operator.rack) {
        if let Err(why) = gate.holds(&seen.health) {
            write!(wrong, "{gate}: {why}; ").unwrap();
        }
    }
    if !seen.health.stopped.is_empty() {
        write!(wrong, "does not run: {:?}; ", seen.health.stopped).unwrap();
    }
    for violation in world.violations() {
        write!(wrong, "violated: {violation}; ").unwrap();
    }
    let labels = world.manager().await.unwrap().swarm().await.unwrap().labels;
    // Whoever finds nothing to do leaves even a dead one's lock alone.
    if steps > 0 && labels.contains_key(lock::LABEL) {
        wrong += "the lock is somebody's; ";
    }
    let now = remembered(world).await.unwrap();
    if !first.as_ref().is_none_or(|first| keeps(first, &now)) {
        write!(wrong, "it was {first:?} and is {now:?}; ").unwrap();
    }
    let changes = world.changes();
    let again = operator.apply(world).await.map_err(|error| error.to_string())?;
    if again.steps != 0 || world.changes() != changes {
        write!(wrong, "another apply makes {} changes; ", world.changes() - changes).unwrap();
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// One schedule. Tells what befell it, and what was wrong in the end.
async fn schedule(seed: u64) -> Result<(), String> {
    let mut chance = Chance(seed);
    let story = chance.one(&STORIES);
    let (mut operator, world) = story.begin().await;
    let mut first = remembered(&world).await;
    let mut told = format!("{story:?}");
    for _ in 0..=chance.below(4) {
        operator.fresh = Uuid::from_u128(u128::from(chance.next()));
        for _ in 0..=chance.below(3) {
            let (calls, event) = (chance.below(120), chance.event());
            write!(told, ", {event:?} after {calls}").unwrap();
            world.after(calls, event);
        }
        let applied = timeout(FOR_EVER, operator.apply(&world)).await;
        match applied.map(|applied| applied.map_err(|error| error.to_string())) {
            Ok(Ok(_)) => told += "; it ended",
            Ok(Err(error)) => write!(told, "; {error}").unwrap(),
            Err(_) => told += "; killed",
        }
        world.calms_down();
        for board in BOARDS {
            if chance.below(2) == 0 {
                world.set_power(board, true);
            }
        }
        if first.is_none() {
            first = remembered(&world).await;
        }
    }
    operator.fresh = Uuid::from_u128(u128::from(chance.next()));
    converges(&operator, &world, first).await.map_err(|why| format!("{why}\n{told}"))
}

fn paused<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(what)
}

/// Says of a schedule that panics which one it was.
struct Named(u64);

impl Named {
    fn again(&self) -> String {
        format!("PIRACK_SEED={} cargo test -p pirack --lib operation::tests::schedules::one_schedule", self.0)
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {} panicked; once more: {}", self.0, self.again());
        }
    }
}

/// Runs them on two threads, and fails with those that do.
fn all(seeds: std::ops::Range<u64>) {
    let next = AtomicU64::new(seeds.start);
    let failed = Mutex::new(vec![]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let named = Named(seed);
                    if let Err(why) = paused(schedule(seed)) {
                        failed.lock().unwrap().push((seed, format!("{why}\nonce more: {}", named.again())));
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    let numbers: Vec<u64> = failed.iter().map(|(seed, _)| *seed).collect();
    let told: String = failed.iter().take(10).map(|(seed, why)| format!("\nseed {seed}: {why}")).collect();
    assert!(failed.is_empty(), "{} of {seeds:?} schedules, {numbers:?}:{told}", failed.len());
}

/// Kills an apply of every story after so many calls, at each so many'th of them.
fn killed_at_each(step: u64) {
    for story in STORIES {
        let calls = paused(async {
            let (operator, world) = story.begin().await;
            let before = world.calls();
            operator.apply(&world).await.unwrap();
            world.calls() - before
        });
        for boundary in (0..calls).step_by(usize::try_from(step).unwrap()) {
            let ended = paused(async {
                let (operator, world) = story.begin().await;
                let first = remembered(&world).await;
                world.hang_after(Some(boundary));
                assert!(timeout(FOR_EVER, operator.apply(&world)).await.is_err(), "it was not killed");
                converges(&operator, &world, first).await
            });
            assert_eq!(ended, Ok(()), "{story:?}, killed after {boundary} of {calls} calls");
        }
    }
}

#[test]
fn an_apply_that_is_killed_at_any_boundary_goes_on_with_the_next() {
    killed_at_each(7);
}

#[test]
#[ignore = "half a minute: in make test-long"]
fn an_apply_that_is_killed_at_every_boundary_goes_on_with_the_next() {
    killed_at_each(1);
}

/// Seeds that once failed, each for what was wrong then.
const ONCE_FAILED: [u64; 9] = [
    // A node of Cassandra's was down at the look and up at its step, and so stopped without a drain.
    135, 300, 348, 359,
    // The wait for a node that comes back was over, and a plan from before it went on.
    395, 425, // The answer of a call was lost after the schedule's end.
    353, // Of the first campaign's samples.
    0, 9999,
];

#[test]
fn whatever_befalls_applies_the_next_one_goes_on() {
    all(0..100);
}

#[test]
fn a_schedule_that_failed_once_converges() {
    ONCE_FAILED.into_iter().for_each(|seed| all(seed..seed + 1));
}

/// One seed, from the environment: for a schedule that failed.
#[test]
fn one_schedule() {
    let Ok(seed) = std::env::var("PIRACK_SEED") else { return };
    let seed = seed.parse().unwrap();
    assert_eq!(paused(schedule(seed)), Ok(()), "{}", Named(seed).again());
}

/// All of them, or those of `PIRACK_SEEDS=2000..4000`.
#[test]
#[ignore = "minutes: the campaign of 10,000 schedules, in make test-long"]
fn ten_thousand_schedules_converge() {
    let part = std::env::var("PIRACK_SEEDS").ok();
    let part = part.as_deref().and_then(|part| part.split_once(".."));
    let (from, to) = part.map_or((0, 10_000), |(from, to)| (from.parse().unwrap(), to.parse().unwrap()));
    all(from..to);
}
