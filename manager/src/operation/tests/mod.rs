//! Operations on a rack that does not exist: what a plan says, what an apply does, and what it never does.

mod applied;
mod destroyed;
mod disks;
mod elsewhere;
mod figures;
mod fixed;
mod forgotten;
mod held;
mod joined;
mod plans;
mod schedules;
mod waits;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use uuid::Uuid;

use super::apply::{Applied, Request, apply, look};
use super::plan::{Plan, Wanted};
use super::saved::Saved;
use super::testing::FakeRack;
use super::{Audience, Conductor, Kind, Operation, OperationError, Progress, StepState};
use crate::bootstrap::agent::Packages;
use crate::rack::{Rack, Secrets, parse};

/// A rack of these boards: three managers, all workers, with Kafka and Cassandra.
fn rack(boards: &[&str], more: &str) -> Rack {
    let mut text = "version = 1\nname = \"desk\"\n[kafka]\n[cassandra]\n".to_owned();
    for (number, board) in (11..).zip(boards) {
        let roles = match number {
            11 => r#""admin", "manager", "app", "worker""#,
            12 | 13 => r#""manager", "worker""#,
            _ => r#""worker""#,
        };
        text +=
            &format!("[[board]]\nname = \"{board}\"\naddress = \"10.77.0.{number}\"\nroles = [{roles}]\n");
    }
    text += more;
    parse(&text, Path::new("rack.toml")).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// Packages for the fake's boards.
fn packages() -> Packages {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pirack-agent_1.0-1_arm64.deb"), "the agent").unwrap();
    Packages::in_folder(folder.path()).unwrap()
}

/// What was heard of an operation.
#[derive(Default)]
struct Heard(Mutex<Vec<Progress>>);

impl Audience for Heard {
    fn hear(&self, _: &Operation, _: jiff::Timestamp, progress: &Progress) {
        self.0.lock().unwrap().push(progress.clone());
    }
}

impl Heard {
    fn done(&self) -> Vec<String> {
        let heard = self.0.lock().unwrap();
        let done = heard.iter().filter_map(|progress| match progress {
            Progress::Step { what, state: StepState::Done { .. }, .. } => Some(what.clone()),
            _ => None,
        });
        done.collect()
    }

    fn waiting(&self) -> Vec<String> {
        let heard = self.0.lock().unwrap();
        let lines = heard.iter().filter_map(|progress| match progress {
            Progress::Step { state: StepState::Waiting { why }, .. } => Some(why.clone()),
            _ => None,
        });
        lines.collect()
    }

    fn notes(&self) -> Vec<String> {
        let heard = self.0.lock().unwrap();
        let notes = heard.iter().filter_map(|progress| match progress {
            Progress::Note { note } => Some(note.clone()),
            _ => None,
        });
        notes.collect()
    }
}

/// An operator with a rack file at hand.
struct Operator {
    rack: Rack,
    packages: Packages,
    allowed: BTreeSet<String>,
    secrets: Secrets,
    /// What ids that are made up come from.
    fresh: Uuid,
    heard: Arc<Heard>,
}

impl Operator {
    fn of(rack: Rack) -> Self {
        Self {
            rack,
            packages: packages(),
            allowed: BTreeSet::new(),
            secrets: Secrets::new(),
            fresh: Uuid::from_u128(1),
            heard: Arc::default(),
        }
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            rack: &self.rack,
            secrets: &self.secrets,
            packages: &self.packages,
            allowed: &self.allowed,
            fresh: self.fresh,
        }
    }

    async fn plan(&self, world: &FakeRack) -> Plan {
        look(&self.wanted(), world).await.unwrap().1
    }

    async fn apply(&self, world: &FakeRack) -> Result<Applied, OperationError> {
        self.apply_as(world, None, false).await
    }

    async fn apply_as(
        &self,
        world: &FakeRack,
        saved: Option<&Saved>,
        break_lock: bool,
    ) -> Result<Applied, OperationError> {
        let (_keep, interrupted) = watch::channel(false);
        let request = Request { wanted: self.wanted(), saved, break_lock };
        apply(&request, world, &self.conductor(interrupted)).await
    }

    fn conductor(&self, interrupted: watch::Receiver<bool>) -> Conductor {
        let operation = Operation::new(Kind::Apply, self.rack.name.as_str(), "ada@desk");
        Conductor::new(operation, vec![Arc::clone(&self.heard) as _], interrupted)
    }
}

/// A running rack of three boards.
async fn running() -> (Operator, FakeRack) {
    let operator = Operator::of(rack(&["b1", "b2", "b3"], ""));
    let world = FakeRack::new(&["b1", "b2", "b3", "b4"]);
    let applied = operator.apply(&world).await.unwrap();
    assert_eq!(applied.undone, []);
    (operator, world)
}
