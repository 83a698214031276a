//! Operations that somebody else asks for: one runs at a time, and whoever asks meanwhile hears who has it.
//!
//! What is kept:
//! - An order is looked at before it is accepted; what is refused leaves no trace.
//! - An accepted operation is told to its end, also when the job breaks off.
//! - One look ahead runs at a time: each has connections of its own to every board.
//! - What the lock in the swarm keeps apart between machines, this keeps apart within one program.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::destroy::Take;
use super::fix::Mend;
use super::journal::Journal;
use super::plan::Left;
use super::{Audience, Conductor, Ended, Kind, Operation, Outcome, Stopped};

/// A name of whoever asks, in characters.
const LONGEST_NAME: usize = 200;

/// How long a look at what would be done may take.
const FORESEEN: Duration = Duration::from_secs(60);

/// What is asked for: the body of `POST /api/operations`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// What shall be done.
    pub kind: Kind,
    /// Who asks, for people: a user and a host.
    #[serde(default)]
    pub by: String,
    /// The SHA-256 of the rack file that whoever asks has in mind, in hexadecimal: an order after another file than
    /// the one that would be applied is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_sha256: Option<String>,
    /// Codes of what would be refused and shall be done all the same.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub allow: BTreeSet<String>,
    /// Takes the rack's lock from whoever has it.
    #[serde(default, skip_serializing_if = "is_not")]
    pub break_lock: bool,
    /// A saved plan, as `pirack plan --out` writes it: the operation must be that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Value>,
    /// For what takes things away: the rack's name, typed once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// For a destroy: what shall go. Everything but data and agents, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take: Option<Take>,
    /// For a fix: where, and how far it may go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<Mend>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_not(flag: &bool) -> bool {
    !flag
}

impl Order {
    /// An apply, and nothing more.
    #[must_use]
    pub fn apply(by: &str) -> Self {
        Self {
            kind: Kind::Apply,
            by: by.to_owned(),
            file_sha256: None,
            allow: BTreeSet::new(),
            break_lock: false,
            plan: None,
            confirm: None,
            take: None,
            mend: None,
        }
    }

    /// A destroy of this, not confirmed yet.
    #[must_use]
    pub fn destroy(by: &str, take: Take) -> Self {
        Self { kind: Kind::Destroy, take: Some(take), ..Self::apply(by) }
    }

    /// A fix of this.
    #[must_use]
    pub fn fix(by: &str, mend: Mend) -> Self {
        Self { kind: Kind::Fix, mend: Some(mend), ..Self::apply(by) }
    }
}

/// What a destroy would do, for whoever is to agree to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreseen {
    /// The plan, a line a step.
    pub plan: String,
    /// How many steps it has.
    pub steps: usize,
    /// What must not be done: nothing is, while there is any.
    pub refused: Vec<Left>,
    /// What would come of it if there is no step.
    pub outcome: Outcome,
}

/// A future of how it ended.
pub type Running<'a> = Pin<Box<dyn Future<Output = Ended> + Send + 'a>>;

/// A future of what would be done, or why nobody can tell.
pub type Foreseeing<'a> = Pin<Box<dyn Future<Output = Result<Foreseen, String>> + Send + 'a>>;

/// Whoever can do what is ordered.
pub trait Runner: Send + Sync {
    /// Looks at an order before it is accepted.
    ///
    /// # Errors
    /// With what is wrong and what to do, for people.
    fn admit(&self, order: &Order) -> Result<(), String>;

    /// Looks at what a destroy would do, and does nothing.
    fn foresee<'a>(&'a self, order: &'a Order) -> Foreseeing<'a>;

    /// Does it. It tells the conductor that it started, and its steps; the end is told by whoever calls.
    fn run<'a>(&'a self, order: &'a Order, conductor: &'a Conductor) -> Running<'a>;
}

/// Why an order was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Another runs.
    #[error("{} runs for {} (operation {}): wait for its end, or follow it", .0.kind.name(), .0.by, .0.id)]
    Busy(Operation),
    /// Somebody looks ahead already.
    #[error("somebody looks already at what a destroy would do: ask again in a moment")]
    Looking,
    /// It cannot be.
    #[error("{0}")]
    Unfit(String),
    /// The program ends.
    #[error("the manager is stopping: ask again when it is back")]
    Stopping,
    /// It does not run.
    #[error("operation {0} does not run here")]
    NotRunning(Uuid),
}

/// Takes orders.
pub struct Dispatcher {
    rack: String,
    runner: Arc<dyn Runner>,
    journal: Arc<Journal>,
    audiences: Vec<Arc<dyn Audience>>,
    inner: Mutex<Inner>,
    looking: Semaphore,
}

#[derive(Default)]
struct Inner {
    running: Option<Current>,
    stopping: bool,
}

struct Current {
    operation: Operation,
    conductor: Arc<Conductor>,
    interrupt: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Dispatcher {
    /// For this rack: what is ordered is done by `runner`, and heard by the journal and these audiences.
    #[must_use]
    pub fn new(
        rack: &str,
        runner: Arc<dyn Runner>,
        journal: Arc<Journal>,
        audiences: Vec<Arc<dyn Audience>>,
    ) -> Arc<Self> {
        let (rack, looking) = (rack.to_owned(), Semaphore::new(1));
        Arc::new(Self { rack, runner, journal, audiences, inner: Mutex::default(), looking })
    }

    /// Where operations are written down.
    #[must_use]
    pub fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// The operation that runs.
    #[must_use]
    pub fn current(&self) -> Option<Operation> {
        self.lock().running.as_ref().map(|current| current.operation.clone())
    }

    /// Accepts an order and begins it. Must be called within a runtime.
    ///
    /// # Errors
    /// When another operation runs, or the order cannot be.
    pub fn submit(self: &Arc<Self>, order: Order) -> Result<Operation, Refused> {
        self.free()?;
        self.fits(&order)?;
        if order.kind == Kind::Destroy && order.confirm.as_deref() != Some(self.rack.as_str()) {
            let unfit = format!("a destroy is confirmed by the rack's name: \"confirm\": \"{}\"", self.rack);
            return Err(Refused::Unfit(unfit));
        }
        let operation = Operation::new(order.kind, &self.rack, order.by.trim());
        let mut inner = self.lock();
        // Somebody else may have been accepted while this order was looked at.
        Self::free_in(&inner)?;
        let (interrupt, interrupted) = watch::channel(false);
        let mut audiences: Vec<Arc<dyn Audience>> = vec![Arc::clone(&self.journal) as _];
        audiences.extend(self.audiences.iter().cloned());
        let conductor = Arc::new(Conductor::new(operation.clone(), audiences, interrupted));
        let task = tokio::spawn(Arc::clone(self).conduct(order, Arc::clone(&conductor)));
        inner.running = Some(Current { operation: operation.clone(), conductor, interrupt, task });
        Ok(operation)
    }

    /// Whether an order can be, whatever runs now.
    fn fits(&self, order: &Order) -> Result<(), Refused> {
        let by = order.by.trim();
        if by.is_empty() || by.chars().count() > LONGEST_NAME || by.chars().any(char::is_control) {
            return Err(Refused::Unfit("say who asks: \"by\" is a user and a host, such as ada@desk".into()));
        }
        self.runner.admit(order).map_err(Refused::Unfit)
    }

    /// What an order that is a destroy would do; nothing is done and nobody is told.
    ///
    /// # Errors
    /// When the order cannot be, nobody can tell, or somebody looks already.
    pub async fn foresee(&self, order: &Order) -> Result<Foreseen, Refused> {
        self.fits(order)?;
        let Ok(_place) = self.looking.try_acquire() else { return Err(Refused::Looking) };
        let seen = tokio::time::timeout(FORESEEN, self.runner.foresee(order)).await;
        let late = |_| Err(format!("the boards were not looked at within {} s", FORESEEN.as_secs()));
        seen.unwrap_or_else(late).map_err(Refused::Unfit)
    }

    /// Has the operation end between two steps.
    ///
    /// # Errors
    /// When it does not run.
    pub fn interrupt(&self, id: Uuid) -> Result<(), Refused> {
        let inner = self.lock();
        let current = inner.running.as_ref().filter(|current| current.operation.id == id);
        let Some(current) = current else { return Err(Refused::NotRunning(id)) };
        current.interrupt.send_replace(true);
        Ok(())
    }

    /// Takes no order any more, has what runs end between two steps, and waits for that; one that does not end in
    /// time is broken off.
    pub async fn stop(&self, patience: Duration) {
        let current = {
            let mut inner = self.lock();
            inner.stopping = true;
            inner.running.take()
        };
        let Some(Current { conductor, interrupt, mut task, .. }) = current else { return };
        interrupt.send_replace(true);
        if tokio::time::timeout(patience, &mut task).await.is_err() {
            task.abort();
            // One that came to its end in this very moment has told it.
            if task.await.is_err() {
                let why = "broken off within a step, for the manager was stopped: the next one goes on from what it sees";
                conductor.ended(Err(Stopped::Failed(why.to_owned())));
            }
        }
    }

    fn free(&self) -> Result<(), Refused> {
        Self::free_in(&self.lock())
    }

    fn free_in(inner: &Inner) -> Result<(), Refused> {
        match &inner.running {
            _ if inner.stopping => Err(Refused::Stopping),
            Some(current) => Err(Refused::Busy(current.operation.clone())),
            None => Ok(()),
        }
    }

    async fn conduct(self: Arc<Self>, order: Order, conductor: Arc<Conductor>) {
        let (runner, ours) = (Arc::clone(&self.runner), Arc::clone(&conductor));
        // A task of its own: its panic is not ours.
        let job = Tied(tokio::spawn(async move { runner.run(&order, &ours).await }));
        let broken =
            |_| Err(Stopped::Failed("it broke off, which is a fault of pirack: please report it".to_owned()));
        let ended = job.await.unwrap_or_else(broken);
        // Whoever hears of the end may order at once, and finds nothing that runs; whoever stops finds it until it is told.
        let mut inner = self.lock();
        conductor.ended(ended);
        inner.running = None;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that ends with whoever waits for it.
struct Tied<T>(JoinHandle<T>);

impl<T> Future for Tied<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for Tied<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
