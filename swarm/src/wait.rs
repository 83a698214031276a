//! Waits: each has a condition, a deadline and a reason, and asks again with a pause between two looks.
//!
//! A condition looks at the swarm and says that it holds, that it does not yet, or that it never will, the last two
//! with a reason in Docker's own words. An engine that does not answer for a moment is no end of a wait: managers
//! restart, leaders change. Any other refusal is.
//!
//! ```
//! use pirack_swarm::testing::FakeEngine;
//! use pirack_swarm::wait::{self, Patience, node_ready};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = FakeEngine::new("m1");
//! let node = wait::until(&engine, node_ready("m1"), Patience::seconds(5)).await?;
//! assert!(node.reachable_manager);
//! # Ok(())
//! # }
//! ```

mod node;
mod service;
mod settlement;

pub use node::{NodeCondition, node_left, node_ready, role_followed};
pub use service::{ServiceSettled, service_settled};
pub use settlement::{Settlement, settlement};

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::engine::{Answer, Engine, EngineError};

/// How long a wait may last, and how often it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// After this it gives up.
    pub deadline: Duration,
    /// Between the end of one look and the next.
    pub pause: Duration,
}

impl Patience {
    /// So many seconds, with two looks in each.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self { deadline: Duration::from_secs(seconds), pause: Duration::from_millis(500) }
    }

    /// With another pause between two looks.
    #[must_use]
    pub const fn pausing(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }
}

/// What a look has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look<T> {
    /// The condition holds, and this shows it.
    Holds(T),
    /// It does not, and why.
    NotYet(String),
    /// It will not by waiting alone, and why.
    Never(String),
}

/// Something about a swarm that comes true by itself.
pub trait Condition: Send {
    /// What shows that it holds.
    type Found: Send;

    /// What is waited for, as in "waited for ...".
    fn reason(&self) -> String;

    /// Looks once.
    ///
    /// # Errors
    /// When the engine does not answer.
    fn look(&mut self, engine: &impl Engine) -> impl Answer<Look<Self::Found>>;
}

/// Why a wait did not end well.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// The deadline passed.
    #[error("waited {} s for {reason} in vain: {last}", .after.as_secs())]
    Late {
        /// What was waited for.
        reason: String,
        /// For how long.
        after: Duration,
        /// Why not, at the last look.
        last: String,
    },
    /// It will not come by waiting.
    #[error("waited for {reason}, which does not come by itself: {words}")]
    Never {
        /// What was waited for.
        reason: String,
        /// Why not.
        words: String,
    },
    /// The engine refused the question.
    #[error("could not wait for {reason}")]
    Engine {
        /// What was waited for.
        reason: String,
        /// Why.
        #[source]
        source: EngineError,
    },
}

/// Waits until the condition holds.
///
/// # Errors
/// When the deadline passes first, when the condition says never, or when the engine refuses to be asked.
pub async fn until<C: Condition>(
    engine: &impl Engine,
    mut condition: C,
    patience: Patience,
) -> Result<C::Found, WaitError> {
    let deadline = Instant::now() + patience.deadline;
    let reason = condition.reason();
    let mut last = "it was not looked at once".to_owned();
    loop {
        match timeout_at(deadline, condition.look(engine)).await {
            Err(_) => break,
            Ok(Ok(Look::Holds(found))) => return Ok(found),
            Ok(Ok(Look::Never(words))) => return Err(WaitError::Never { reason, words }),
            Ok(Ok(Look::NotYet(words))) => last = words,
            Ok(Err(error)) if error.is_transient() => last = error.to_string(),
            Ok(Err(source)) => return Err(WaitError::Engine { reason, source }),
        }
        if Instant::now() + patience.pause >= deadline {
            break;
        }
        sleep(patience.pause).await;
    }
    Err(WaitError::Late { reason, after: patience.deadline, last })
}

/// Waits for what is no matter of the swarm's: `look` is asked until it says that something holds.
///
/// # Errors
/// As [`until`], but that `look` has no errors of an engine.
pub async fn until_seen<T, F: Future<Output = Look<T>>>(
    reason: &str,
    patience: Patience,
    mut look: impl FnMut() -> F,
) -> Result<T, WaitError> {
    let deadline = Instant::now() + patience.deadline;
    let mut last = "it was not looked at once".to_owned();
    loop {
        match timeout_at(deadline, look()).await {
            Err(_) => break,
            Ok(Look::Holds(found)) => return Ok(found),
            Ok(Look::Never(words)) => return Err(WaitError::Never { reason: reason.to_owned(), words }),
            Ok(Look::NotYet(words)) => last = words,
        }
        if Instant::now() + patience.pause >= deadline {
            break;
        }
        sleep(patience.pause).await;
    }
    Err(WaitError::Late { reason: reason.to_owned(), after: patience.deadline, last })
}
