//! The lock in hand: taken before the first change, renewed while it lasts, given back at the end.

mod place;

use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::lock::{BEAT, Lock, STALE, Verdict, in_labels};
use super::world::{World, WorldError};
use super::{Conductor, Interrupted};
use crate::rack::{BoardName, Identity, identity};
use place::{Labels, MOST_CLAIMS, PAUSE, change_labels, claim, give_back, look};

/// How often somebody else's lock is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How old it may be for a change that nobody is asked about first: what a change waits for on its way is well within what
/// is left until others may take it.
const FRESH: Duration = Duration::from_secs(15);
/// How often nobody may answer before it is given up: managers choose a leader within seconds.
const MOST_SILENCES: usize = 10;

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody has it.
    #[error(
        "{by} changes this rack now (operation {operation}): wait for its end, or take the lock with --break-lock where you know that nobody does"
    )]
    Held {
        /// Who.
        by: String,
        /// Doing what.
        operation: uuid::Uuid,
    },
    /// Somebody has it whose words cannot be read.
    #[error(
        "somebody changes this rack now, and what the lock says of him cannot be read by this version of pirack: wait for its end, or take the lock with --break-lock where you know that nobody does"
    )]
    Unreadable,
    /// Whenever it was free, somebody was quicker.
    #[error("others take the lock again and again: nothing more was done from here, try later")]
    Contended,
    /// Somebody took it, and nobody knows who where it was given back since.
    #[error("{}: nothing more was changed from here; look at the plan, and begin again", taken(.by.as_deref()))]
    Taken {
        /// Who.
        by: Option<String>,
    },
    /// It could not be renewed for so long that somebody may have it.
    #[error("the lock could not be renewed for {} s: nothing more was changed from here", STALE.as_secs())]
    Silent(#[source] WorldError),
    /// It could not be asked for.
    #[error("cannot take the rack's lock")]
    World(#[from] WorldError),
    /// The wait for it was ended.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

fn taken(by: Option<&str>) -> String {
    match by {
        Some(by) => format!("{by} has taken the lock"),
        None => "the lock is ours no more: somebody took it meanwhile, and has given it back".to_owned(),
    }
}

/// The lock, ours.
pub struct Held {
    own: Mutex<Own>,
    /// The board that has it as a file, where a swarm only begins.
    file: Option<BoardName>,
}

struct Own {
    lock: Lock,
    /// It is in the swarm's label: absence from there means from now on that it was taken.
    labelled: bool,
    renewed: Moment,
}

/// A moment by both clocks: one stands still while a machine sleeps, the other may be set.
struct Moment(Instant, SystemTime);

impl Moment {
    fn now() -> Self {
        Self(Instant::now(), SystemTime::now())
    }

    fn age(&self) -> Duration {
        self.0.elapsed().max(self.1.elapsed().unwrap_or_default())
    }
}

impl Held {
    /// Takes it. Waits for one that does not beat until its owner must be dead; one that beats is refused at
    /// once. One that cannot be read is waited for likewise: it may be of another version that lives. `file` is
    /// the board that keeps it where there is no swarm yet.
    ///
    /// # Errors
    /// When somebody has it and lives.
    pub async fn take<W: World>(
        world: &W,
        file: Option<BoardName>,
        break_it: bool,
        conductor: &Conductor,
    ) -> Result<Self, LockError> {
        let operation = conductor.operation();
        let lock = Lock::of(operation.id, operation.kind, &operation.by);
        match claimed(world, file.as_ref(), &lock, break_it, conductor).await {
            Ok(renewed) => {
                let own = Own { lock, labelled: file.is_none(), renewed };
                Ok(Self { own: Mutex::new(own), file })
            }
            Err(error) => {
                // A try whose answer was lost may have written it all the same.
                give_back(world, file.as_ref(), &lock).await;
                Err(error)
            }
        }
    }

    /// As it stands now, for a swarm that begins with it.
    pub async fn text(&self) -> String {
        self.own.lock().await.lock.text()
    }

    /// Does something under it, and gives it back whatever came of that: who waits for the lock need not wait for it
    /// to grow stale. One that is lost ends the work where it is.
    ///
    /// # Errors
    /// That it was lost, or whatever the work ended with.
    pub async fn during<W: World, T, E: From<LockError>>(
        &self,
        world: &W,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let came = tokio::select! {
            biased;
            lost = self.beat(world) => return Err(lost.into()),
            came = work => came,
        };
        self.release(world).await;
        came
    }

    /// Renews it for ever; ends only when it is lost.
    pub(super) async fn beat<W: World>(&self, world: &W) -> LockError {
        loop {
            sleep(BEAT).await;
            let Err(error) = self.renew(world).await else { continue };
            match error {
                LockError::World(source) if self.age().await >= STALE => return LockError::Silent(source),
                LockError::World(_) => {}
                lost => return lost,
            }
        }
    }

    /// Before a change: it is ours still, and for a while. Nobody is asked who has just renewed it; a machine that slept in
    /// between may have lost it.
    ///
    /// # Errors
    /// When it is lost.
    pub async fn confirm<W: World>(&self, world: &W) -> Result<(), LockError> {
        while self.age().await >= FRESH {
            match self.renew(world).await {
                Err(LockError::World(source)) if self.age().await >= STALE => {
                    return Err(LockError::Silent(source));
                }
                Err(LockError::World(_)) => sleep(LOOK).await,
                renewed => return renewed,
            }
        }
        Ok(())
    }

    async fn age(&self) -> Duration {
        self.own.lock().await.renewed.age()
    }

    async fn renew<W: World>(&self, world: &W) -> Result<(), LockError> {
        let mut own = self.own.lock().await;
        for _ in 0..MOST_CLAIMS {
            let (renewed, next) = (Moment::now(), own.lock.next());
            // While a swarm begins, the lock moves from the file to the label: the file tells whose it is until it
            // was seen there.
            let file = self.file.as_ref().filter(|_| !own.labelled);
            let (place, over, told) = match (look(world, None).await, file) {
                (Ok(None), Some(board)) => (None, None, look(world, Some(board)).await?),
                (Err(LockError::World(_)), Some(board)) => {
                    let found = look(world, Some(board)).await?;
                    (Some(board), found.clone(), found)
                }
                (found, _) => {
                    let found = found?;
                    (None, found.clone(), found)
                }
            };
            match told.as_deref().and_then(Lock::parse) {
                Some(found) if found.operation == own.lock.operation => {}
                other => return Err(LockError::Taken { by: other.map(|found| found.by) }),
            }
            if claim(world, place, &next, over.as_deref()).await? {
                let labelled = place.is_none();
                *own = Own { lock: next, labelled, renewed };
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        Err(LockError::Contended)
    }

    /// Writes down what the rack remembers of itself, if the lock is ours: both are labels of one swarm, and so nobody
    /// takes the one while the other is written.
    ///
    /// # Errors
    /// When the lock is lost, or the swarm does not take it.
    pub async fn remember<W: World>(&self, world: &W, identity: &Identity) -> Result<(), LockError> {
        let text = identity.label().map_err(WorldError::from)?;
        if !self.own.lock().await.labelled {
            self.renew(world).await?;
        }
        let operation = self.own.lock().await.lock.operation;
        let mut found = None;
        let change = |labels: &mut Labels| {
            found = in_labels(labels);
            labels.insert(identity::LABEL.to_owned(), text.clone());
            found.as_ref().is_some_and(|found| found.operation == operation)
        };
        match change_labels(world, change).await? {
            true => Ok(()),
            false => Err(LockError::Taken { by: found.map(|found| found.by) }),
        }
    }

    /// Gives it back, as far as it is ours and anybody answers: what stays grows stale by itself.
    async fn release<W: World>(&self, world: &W) {
        let lock = self.own.lock().await.lock.clone();
        give_back(world, self.file.as_ref(), &lock).await;
    }
}

/// Tries until it is ours, and tells since when.
async fn claimed<W: World>(
    world: &W,
    file: Option<&BoardName>,
    lock: &Lock,
    break_it: bool,
    conductor: &Conductor,
) -> Result<Moment, LockError> {
    let (mut watched, mut claims, mut silences) = (None, 0, 0);
    loop {
        match attempt(world, file, lock, break_it, &mut watched).await {
            Ok(Attempt::Ours(renewed)) => return Ok(renewed),
            Ok(Attempt::Waits(words)) => conductor.note(&words),
            Ok(Attempt::Late) => {
                claims += 1;
                if claims == MOST_CLAIMS {
                    return Err(LockError::Contended);
                }
            }
            // It may be ours all the same: the next look tells.
            Err(LockError::World(error)) if error.is_transient() && silences < MOST_SILENCES => {
                silences += 1;
            }
            Err(error) => return Err(error),
        }
        if conductor.is_interrupted() {
            return Err(Interrupted.into());
        }
        sleep(LOOK).await;
    }
}

/// What came of one try to take it.
enum Attempt {
    /// It is ours, as of then.
    Ours(Moment),
    /// Somebody has it, and is watched.
    Waits(String),
    /// Somebody was quicker.
    Late,
}

async fn attempt<W: World>(
    world: &W,
    file: Option<&BoardName>,
    lock: &Lock,
    break_it: bool,
    watched: &mut Option<(Vec<u8>, Instant)>,
) -> Result<Attempt, LockError> {
    let found = look(world, file).await?;
    if let Some(text) = found.as_deref().filter(|_| !break_it)
        && let Some(words) = watch(text, watched, lock)?
    {
        return Ok(Attempt::Waits(words));
    }
    let renewed = Moment::now();
    let ours = claim(world, file, lock, found.as_deref()).await?;
    Ok(if ours { Attempt::Ours(renewed) } else { Attempt::Late })
}

/// What to say while the lock that is there is watched; nothing once it is nobody's.
fn watch(
    text: &[u8],
    watched: &mut Option<(Vec<u8>, Instant)>,
    ours: &Lock,
) -> Result<Option<String>, LockError> {
    let lock = Lock::parse(text);
    // Written by a try before this one, whose answer was lost.
    let is_ours = lock.as_ref().is_some_and(|lock| lock.operation == ours.operation);
    let unchanged = match watched {
        Some((known, since)) if known == text => since.elapsed(),
        // It beats: somebody lives, and may be at it for long.
        Some(_) if !is_ours => {
            let held = |lock: Lock| LockError::Held { by: lock.by, operation: lock.operation };
            return Err(lock.map_or(LockError::Unreadable, held));
        }
        _ => {
            *watched = Some((text.to_vec(), Instant::now()));
            Duration::ZERO
        }
    };
    let verdict = match &lock {
        Some(lock) => lock.judge(ours.operation, unchanged),
        None if unchanged < STALE => Verdict::Held(STALE.saturating_sub(unchanged)),
        None => Verdict::Dead,
    };
    let Verdict::Held(left) = verdict else { return Ok(None) };
    let who = lock.map_or_else(|| "somebody who cannot be read".to_owned(), |lock| lock.by);
    let seconds = left.as_secs();
    Ok(Some(format!("{who} has the lock: looking for {seconds} s whether anybody is still there")))
}
