//! Runs whatever changes a rack: under its lock, look, plan, take the first stage, look again, until nothing is left.
//!
//! A [`Job`] looks and plans; what is done and waited for, and in which order, is the same for all of them:
//!
//! ```text
//! look ─▶ nothing left ─▶ end                 look: everybody is asked; while only services change, a glance at the
//!  │  ▲                                             swarm and the stacks is enough (`rolls_on`)
//!  │  └──────────────────────────┐            passed: a gate held at once; aged: it was waited for, so the plan is older
//!  ▼                             │                  than what it waited for, and is made anew
//! first stage ─▶ a step: before ─▶ call ─▶ after (`take`)
//! ```
//!
//! What is kept:
//! - A rack that is as it should be is not touched: not by a label, and not by a lock.
//! - Whatever is done is done under the lock, and by nobody who has lost it.
//! - Every step may be the last: the next operation, of whomever, goes on from what it sees.
//! - What a step brought is waited for before the next one that could make it worse.
//! - A plan is as old as its look: once anything was waited for, nothing more of it is done.

mod delivery;
mod error;
mod pace;
mod take;
mod wait;

pub(super) use delivery::{Behind, behind};
pub use error::OperationError;
use error::one_of;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use pirack_swarm::apply::Known;
use pirack_swarm::object::Id;
use tokio::time::{Instant, sleep};

use super::held::Held;
use super::plan::{Act, Left, Plan, Stage, Step};
use super::saved::Moved;
use super::seen::Seen;
use super::world::World;
use super::{Conductor, Interrupted};
use crate::rack::{BoardName, Rack};
use crate::reach::chain;
use crate::stack::roll::Gate;
use crate::stack::{StackError, StackHealth};
use pace::Pace;
use take::Taken;

/// How long a swarm may take to have a leader, and an engine that has started to be heard by it.
pub(super) const COMING_UP: Duration = Duration::from_secs(60);
/// How often it is looked whether they are there.
const AGAIN: Duration = Duration::from_secs(2);
/// How often it is planned anew, beside twice for each step of the first plan, before it is given up.
const MOST_ROUNDS: usize = 40;

/// What an operation is for.
pub(super) trait Job<W: World>: Sync {
    /// What it tells at its end, beside its steps.
    type Rest: Send;

    /// The rack, as its file says.
    fn rack(&self) -> &Rack;

    /// Whether the lock is taken from whoever has it.
    fn breaks_lock(&self) -> bool;

    /// Looks, and plans on it.
    fn look(&self, world: &W) -> impl Future<Output = Result<Look<Self::Rest>, StackError>> + Send;

    /// Plans anew while services roll: on what was seen, with what moves as it is by now.
    fn look_again(
        &self,
        world: &W,
        seen: Seen,
    ) -> impl Future<Output = Result<Look<Self::Rest>, StackError>> + Send;

    /// Whether this is the plan that somebody agreed to; asked before the first change alone.
    fn agreed(&self, plan: &Plan) -> Result<(), Moved>;
}

/// One look, and what follows from it.
pub(super) struct Look<R> {
    pub(super) seen: Seen,
    pub(super) plan: Plan,
    /// What holds when everything that runs is well.
    pub(super) well: Vec<Gate>,
    /// Agents' sinks that lack records although they could have them.
    pub(super) behind: Vec<Behind>,
    pub(super) rest: R,
}

impl<R> Look<R> {
    fn is_done(&self) -> bool {
        self.plan.steps.is_empty() && self.unwell().is_none()
    }

    /// What is not well, the first of it.
    fn unwell(&self) -> Option<String> {
        closed(&self.well, &self.seen.health).or_else(|| self.behind.first().map(ToString::to_string))
    }
}

/// The first of these gates that is closed, and what it waits for.
fn closed(gates: &[Gate], health: &StackHealth) -> Option<String> {
    gates.iter().find_map(|gate| Some(format!("{gate}: {}", gate.holds(health).err()?)))
}

/// The board that has the lock as a file while there is no swarm, whatever is done and to which boards: the first manager,
/// or else the file's first that answers, with an engine or without.
pub(super) async fn lock_board<W: World>(rack: &Rack, world: &W) -> Option<BoardName> {
    let first = rack.first_manager().map(|board| &board.name);
    let others = rack.boards.iter().map(|board| &board.name).filter(|name| Some(*name) != first);
    let boards = first.into_iter().chain(others);
    let asked = boards.map(async |board| world.lock_file(board).await.is_ok().then(|| board.clone()));
    let answer = join_all(asked).await.into_iter().flatten().next();
    // Nobody does, and whoever tries to take it is told why.
    answer.or_else(|| first.cloned())
}

/// How an operation ended.
pub(super) struct Ended<R> {
    /// Steps that were taken.
    pub(super) steps: usize,
    /// What could not be done now.
    pub(super) undone: Vec<Left>,
    pub(super) rest: R,
}

impl<R> Ended<R> {
    fn with(steps: usize, look: Look<R>) -> Self {
        Self { steps, undone: look.plan.undone, rest: look.rest }
    }
}

/// Runs it.
///
/// # Errors
/// As [`OperationError`] says; whatever was done by then stays.
pub(super) async fn run<W: World, J: Job<W>>(
    job: &J,
    world: &W,
    conductor: &Conductor,
) -> Result<Ended<J::Rest>, OperationError> {
    conductor.started();
    let look = lawful(job, world, conductor, |look| look.seen.coming_up()).await?;
    job.agreed(&look.plan)?;
    if look.is_done() {
        return Ok(Ended::with(0, look));
    }
    let file = match look.seen.swarm {
        Some(_) => None,
        None => lock_board(job.rack(), world).await,
    };
    let held = Held::take(world, file, job.breaks_lock(), conductor).await?;
    let (pace, removed) = (Pace::default(), BTreeMap::new());
    let led = look.seen.unled().is_none();
    let mut run = Run { rack: job.rack(), world, conductor, held: &held, done: 0, led, pace, removed };
    let work = async {
        if look.seen.swarm.is_some() {
            left_behind(&look.seen, world).await;
        }
        run.rounds(job).await
    };
    held.during(world, work).await
}

/// Looks, and refuses what must not be done. What is soon well by itself, and of which nothing can be told before, is
/// waited for: at first a swarm without a leader and engines that have just started, as after a power cut; later a
/// leader alone.
async fn lawful<W: World, J: Job<W>>(
    job: &J,
    world: &W,
    conductor: &Conductor,
    awaited: impl Fn(&Look<J::Rest>) -> Option<String>,
) -> Result<Look<J::Rest>, OperationError> {
    let look = come_up(conductor, || async { Ok(job.look(world).await?) }, awaited).await?;
    match look.plan.refused.is_empty() {
        true => Ok(look),
        false => Err(OperationError::Refused(look.plan.refused)),
    }
}

/// Looks until nothing is `awaited` that is soon well by itself, for as long as that may take. A look changes nothing, and
/// boards that do not answer make it long: who ends the operation need not wait for it.
pub(super) async fn come_up<T, F: Future<Output = Result<T, OperationError>>>(
    conductor: &Conductor,
    look: impl Fn() -> F,
    awaited: impl Fn(&T) -> Option<String>,
) -> Result<T, OperationError> {
    let (until, mut told) = (Instant::now() + COMING_UP, String::new());
    loop {
        let seen = tokio::select! {
            biased;
            () = conductor.interruption() => return Err(Interrupted.into()),
            seen = look() => seen?,
        };
        let Some(words) = awaited(&seen).filter(|_| Instant::now() < until) else { return Ok(seen) };
        if words != told {
            conductor.note(&words);
            told = words;
        }
        sleep(AGAIN).await;
    }
}

/// The lock's file of an apply that began the swarm and was killed: whoever has the swarm's own lock knows that
/// nobody holds that one any more.
async fn left_behind<W: World>(seen: &Seen, world: &W) {
    for (board, lock) in seen.reached().filter_map(|(name, reached)| Some((name, reached.lock.as_ref()?))) {
        if let Err(error) = world.unlock_file(board, lock).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "the lock's file stays, nobody's");
        }
    }
}

/// An operation under the lock.
struct Run<'a, W> {
    rack: &'a Rack,
    world: &'a W,
    conductor: &'a Conductor,
    held: &'a Held,
    done: usize,
    /// Whether the swarm had a leader when it was looked at last: one that is lost is waited for, once.
    led: bool,
    pace: Pace,
    /// Services that were removed, and whose tasks may still be ending.
    removed: BTreeMap<Id, String>,
}

/// Whether there are steps, and nothing of a board's own is asked or changed by them: services, and what the rack
/// remembers of them.
fn is_the_swarms_own(steps: &[Step]) -> bool {
    let own = |step: &Step| step.stage == Stage::Services || matches!(step.act, Act::Remember { .. });
    !steps.is_empty() && steps.iter().all(own)
}

impl<W: World> Run<'_, W> {
    async fn rounds<J: Job<W>>(&mut self, job: &J) -> Result<Ended<J::Rest>, OperationError> {
        let (mut left, mut round, mut most) = (String::new(), 0, MOST_ROUNDS);
        let mut rolls = None;
        while round < most {
            let again = match rolls.take() {
                Some(seen) => self.rolls_on(job, seen).await?,
                None => None,
            };
            let look = match again {
                Some(look) => look,
                None => {
                    let elects = |look: &Look<J::Rest>| look.seen.unled().filter(|_| self.led);
                    lawful(job, self.world, self.conductor, elects).await?
                }
            };
            self.led = look.seen.unled().is_none();
            if let Some(swarm) = &look.seen.swarm {
                // A removal that nobody answered may not have been heard.
                self.removed.retain(|id, _| !swarm.observed.services.iter().any(|held| held.id == *id));
            }
            if round == 0 {
                // Between the first look and the lock somebody may have been at it.
                job.agreed(&look.plan)?;
                most += 2 * look.plan.steps.len();
            }
            round += 1;
            let first = look.plan.first_stage().first();
            if !self.removed.is_empty() && first.is_none_or(|first| first.stage != Stage::Services) {
                self.ended(&look.plan).await?;
                continue;
            }
            let Some(first) = first else {
                if look.is_done() {
                    return Ok(Ended::with(self.done, look));
                }
                left = look.unwell().unwrap_or_default();
                if self.settle(&look.well, &look.seen).await? {
                    self.delivered(job, look).await?;
                }
                continue;
            };
            left.clone_from(&first.subject);
            if first.stage != Stage::Data || self.settle(&look.well, &look.seen).await? {
                self.stage(&look.plan, &look.seen).await?;
            }
            rolls = is_the_swarms_own(look.plan.first_stage()).then_some(look.seen);
        }
        Err(OperationError::Restless { left })
    }

    /// While there are services to change, boards need not be asked each time. Nothing where anything else has come
    /// up, or nothing is left: whoever ends, or refuses, has looked at everything.
    async fn rolls_on<J: Job<W>>(
        &self,
        job: &J,
        seen: Seen,
    ) -> Result<Option<Look<J::Rest>>, OperationError> {
        let look = job.look_again(self.world, seen).await?;
        let rolls = is_the_swarms_own(look.plan.first_stage()) && look.plan.refused.is_empty();
        Ok(rolls.then_some(look))
    }

    /// Takes the steps of the plan's first stage, or as many until the plan is too old.
    async fn stage(&mut self, plan: &Plan, seen: &Seen) -> Result<(), OperationError> {
        let steps = plan.first_stage();
        let of = self.done + plan.steps.len();
        let mut ahead = plan.expected();
        if steps.first().is_some_and(|step| step.stage.is_each_boards_own()) {
            return self.boards(steps, of, ahead).await;
        }
        let mut known = seen.swarm.as_ref().map_or_else(Known::default, |swarm| Known::of(&swarm.observed));
        for step in steps {
            let (began, left) = (Instant::now(), self.pace.of(ahead));
            let underway = self.conductor.begin(step.title(), self.done + 1, of, left)?;
            let taken = self.take(step, &mut known, &underway).await;
            self.pace.taken += began.elapsed();
            match taken? {
                Taken::Done => {}
                Taken::Aged => break,
                Taken::Unanswered => {
                    // It may be gone all the same.
                    self.removed.extend(take::removed(step));
                    break;
                }
            }
            let has_waited = underway.has_waited();
            underway.done();
            self.done += 1;
            self.pace.thought += step.expected;
            ahead = ahead.saturating_sub(step.expected);
            self.removed.extend(take::removed(step));
            // Meanwhile a node may have come back, which must be drained now.
            if has_waited {
                break;
            }
        }
        Ok(())
    }

    /// Boards are seen to all at once, each of them step by step.
    async fn boards(&mut self, steps: &[Step], of: usize, ahead: Duration) -> Result<(), OperationError> {
        let mut each: BTreeMap<Option<&BoardName>, Vec<&Step>> = BTreeMap::new();
        for step in steps {
            each.entry(step.act.board()).or_default().push(step);
        }
        let (begun, done) = (AtomicUsize::new(self.done), AtomicUsize::new(self.done));
        let over = AtomicU64::new(0);
        let run = &*self;
        let one = async |steps: Vec<&Step>| {
            for step in steps {
                let number = begun.fetch_add(1, Ordering::Relaxed) + 1;
                let left = ahead.saturating_sub(Duration::from_secs(over.load(Ordering::Relaxed)));
                let underway = run.conductor.begin(step.title(), number, of, run.pace.of(left))?;
                if run.take(step, &mut Known::default(), &underway).await? != Taken::Done {
                    break;
                }
                underway.done();
                done.fetch_add(1, Ordering::Relaxed);
                over.fetch_add(step.expected.as_secs(), Ordering::Relaxed);
            }
            Ok::<(), OperationError>(())
        };
        // All come to the end of what they do, whatever becomes of one.
        let outcomes = join_all(each.into_values().map(one)).await;
        self.done = done.load(Ordering::Relaxed);
        one_of(outcomes, |further| self.conductor.note(&chain(further))).map_or(Ok(()), Err)
    }

    /// Waits until the tasks of services that were removed have ended by themselves: whoever leaves a swarm before
    /// that kills them, and data services have something to write.
    async fn ended(&mut self, plan: &Plan) -> Result<(), OperationError> {
        let what = "wait until the tasks have ended".to_owned();
        let of = self.done + plan.steps.len();
        let underway = self.conductor.begin(what.clone(), self.done, of, wait::STOPPING)?;
        self.tasks_end(&self.removed, |_| true, &what, &underway).await?;
        underway.done();
        self.removed.clear();
        Ok(())
    }
}
