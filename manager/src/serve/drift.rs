//! Whether the rack is what its file says: looked at again and again, told when it changes, never mended.
//!
//! A difference is told once a second look, a few seconds later, has it too: a service between two tasks is no
//! drift. While an operation changes the rack nobody looks, and the first look after it decides.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::operation::dispatch::Dispatcher;
use crate::watch::{Drift, DriftState, Happening, Herald, Live};

/// How soon a difference is looked at again before it is told.
const SURE: Duration = Duration::from_secs(5);
/// How soon somebody looks again where an operation is under way.
const BUSY: Duration = Duration::from_secs(2);
/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// What an apply would do, a line each; nothing where the rack is what its file says.
    Differences(Vec<String>),
    /// Somebody changes the rack now.
    Busy,
    /// Nobody could tell, and why.
    Unknown(String),
}

/// A future of it.
pub type Looked<'a> = Pin<Box<dyn Future<Output = Look> + Send + 'a>>;

/// Whoever can hold a rack against its file without changing anything.
pub trait Planner: Send + Sync {
    /// Looks.
    fn look(&self) -> Looked<'_>;
}

/// Looks for ever.
pub(super) async fn watch(
    planner: Arc<dyn Planner>,
    every: Duration,
    live: Arc<Live>,
    herald: Herald,
    dispatcher: Arc<Dispatcher>,
) {
    let mut watched = Watched::default();
    loop {
        let busy = dispatcher.current().is_some();
        let look = if busy {
            Look::Busy
        } else {
            let looked = tokio::time::timeout(PATIENCE, planner.look()).await;
            looked.unwrap_or_else(|_| Look::Unknown(format!("no answer in {} s", PATIENCE.as_secs())))
        };
        // What began meanwhile may have been half seen.
        let look = if dispatcher.current().is_some() { Look::Busy } else { look };
        let told = watched.hear(look, Timestamp::now());
        live.set_drift(watched.shown.clone());
        if let Some(happening) = told.event {
            herald.announce("rack", happening);
        }
        tokio::time::sleep(told.again.unwrap_or(every).min(every)).await;
    }
}

/// What is known, between two looks.
#[derive(Debug, Default)]
struct Watched {
    shown: Option<Drift>,
    /// Since when there is a drift that was told.
    drifting: Option<Timestamp>,
    /// Whether the last look had a difference that is not told yet.
    unsure: bool,
}

/// What comes of a look.
#[derive(Debug, Default, PartialEq)]
struct Told {
    event: Option<Happening>,
    /// How soon to look again, where that is sooner than usual.
    again: Option<Duration>,
}

impl Watched {
    /// Takes a look that came at `now`.
    fn hear(&mut self, look: Look, now: Timestamp) -> Told {
        match look {
            Look::Busy => Told { event: None, again: Some(BUSY) },
            Look::Unknown(why) => {
                self.show(DriftState::Unknown, now, &[], Some(why));
                Told::default()
            }
            Look::Differences(differences) if differences.is_empty() => {
                self.unsure = false;
                self.show(DriftState::Same, now, &[], None);
                let seconds =
                    self.drifting.take().map(|since| now.duration_since(since).as_secs_f64().max(0.0));
                Told { event: seconds.map(|seconds| Happening::DriftEnded { seconds }), again: None }
            }
            Look::Differences(differences) => self.differs(&differences, now),
        }
    }

    fn differs(&mut self, differences: &[String], now: Timestamp) -> Told {
        if self.drifting.is_some() {
            self.show(DriftState::Differs, now, differences, None);
            return Told::default();
        }
        if !std::mem::replace(&mut self.unsure, true) {
            return Told { event: None, again: Some(SURE) };
        }
        self.unsure = false;
        self.drifting = Some(now);
        self.show(DriftState::Differs, now, differences, None);
        let first = differences.iter().take(Drift::MOST).cloned().collect();
        let event = Happening::DriftBegan { count: differences.len() as u64, differences: first };
        Told { event: Some(event), again: None }
    }

    fn show(&mut self, state: DriftState, now: Timestamp, differences: &[String], why: Option<String>) {
        let before = self.shown.as_ref().filter(|before| before.state == state);
        self.shown = Some(Drift {
            state,
            since: before.map_or(now, |before| before.since),
            looked: now,
            count: differences.len(),
            differences: differences.iter().take(Drift::MOST).cloned().collect(),
            why,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_763_712_000 + second).unwrap()
    }

    fn differs(what: &[&str]) -> Look {
        Look::Differences(what.iter().map(|what| (*what).to_owned()).collect())
    }

    #[test]
    fn a_drift_is_told_once_it_is_sure_and_once_it_is_over() {
        let mut watched = Watched::default();
        assert_eq!(watched.hear(differs(&[]), at(0)), Told::default());
        let first = watched.hear(differs(&["kafka-b1: 0 replicas"]), at(60));
        assert_eq!(first, Told { event: None, again: Some(SURE) });
        assert_eq!(watched.shown.as_ref().unwrap().state, DriftState::Same, "not yet");
        let told = watched.hear(differs(&["kafka-b1: 0 replicas"]), at(65)).event.unwrap();
        let differences = vec!["kafka-b1: 0 replicas".to_owned()];
        assert_eq!(told, Happening::DriftBegan { count: 1, differences });
        assert_eq!(watched.hear(differs(&["kafka-b1", "b2"]), at(125)), Told::default(), "told already");
        let shown = watched.shown.clone().unwrap();
        assert_eq!(
            (shown.state, shown.count, shown.since, shown.looked),
            (DriftState::Differs, 2, at(65), at(125))
        );
        let over = watched.hear(differs(&[]), at(185)).event;
        assert_eq!(over, Some(Happening::DriftEnded { seconds: 120.0 }));
        assert_eq!(watched.hear(differs(&[]), at(245)).event, None);
    }

    #[test]
    fn what_is_gone_at_the_second_look_was_no_drift() {
        let mut watched = Watched::default();
        watched.hear(differs(&["kafka-b1"]), at(0));
        assert_eq!(watched.hear(differs(&[]), at(5)), Told::default());
        assert_eq!(watched.hear(differs(&["kafka-b1"]), at(65)).event, None, "and the next begins anew");
    }

    #[test]
    fn a_rack_that_cannot_be_seen_is_neither_drifting_nor_mended() {
        let mut watched = Watched::default();
        watched.hear(differs(&["b1"]), at(0));
        watched.hear(differs(&["b1"]), at(5));
        assert_eq!(watched.hear(Look::Unknown("no manager answers".into()), at(65)), Told::default());
        let shown = watched.shown.clone().unwrap();
        assert_eq!((shown.state, shown.why.as_deref()), (DriftState::Unknown, Some("no manager answers")));
        assert_eq!(watched.hear(Look::Busy, at(70)).event, None);
        let over = watched.hear(differs(&[]), at(125)).event;
        assert_eq!(over, Some(Happening::DriftEnded { seconds: 120.0 }), "it lasted all the while");
    }

    #[test]
    fn a_thousand_differences_are_counted_and_the_first_are_shown() {
        let mut watched = Watched::default();
        let many = Look::Differences((0..1000).map(|n| format!("b{n}")).collect());
        watched.hear(many.clone(), at(0));
        let Some(Happening::DriftBegan { count, differences }) = watched.hear(many, at(5)).event else {
            panic!("not told")
        };
        assert_eq!((count, differences.len()), (1000, Drift::MOST));
    }
}
