//! What befalls a rack while somebody operates it.

use pirack_swarm::engine::{Engine, EngineError};
use pirack_swarm::spec::{NodeSpec, Scale, ServiceSpec};

use super::FakeRack;
use crate::stack::BOARD;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::operation) enum Event {
    /// No call comes back any more.
    Hang,
    /// A board loses its power.
    PowerOff(String),
    /// The task of this service ends by itself.
    TaskEnds(String),
    /// Somebody takes the label away by which services find this board.
    LabelGoes(String),
    /// Somebody scales this service to nothing.
    ScaledDown(String),
    /// So many mutating calls more are answered.
    AnswersOnly(u64),
    /// The answer of the mutating call after so many more is lost.
    LosesAnswerAfter(u64),
    /// The mutating call after so many more is done just as the leader goes.
    LosesLeaderAfter(u64),
    /// So many calls in a thousand fail, by this seed.
    Falters(u64, u16),
}

impl FakeRack {
    /// It happens. What cannot, because nobody answers, does not.
    pub(super) async fn befall(&self, event: Event) {
        match event {
            Event::Hang => self.state().hangs = true,
            Event::PowerOff(board) => self.set_power(&board, false),
            Event::TaskEnds(service) => self.any().kill_task(&service, 137),
            Event::LabelGoes(board) => drop(self.label_goes(&board).await),
            Event::ScaledDown(service) => drop(self.scaled_down(&service).await),
            Event::AnswersOnly(calls) => self.any().answer_only(Some(calls)),
            Event::LosesAnswerAfter(calls) => self.any().lose_answer_after(calls),
            Event::LosesLeaderAfter(calls) => self.any().lose_leader_after(calls),
            Event::Falters(seed, per_thousand) => self.any().falter(seed, per_thousand),
        }
    }

    async fn label_goes(&self, board: &str) -> Option<()> {
        let engine = self.manager().await.ok()?;
        let node = engine.nodes().await.ok()?.into_iter().find(|node| node.name == board)?;
        let mut spec: NodeSpec = node.held.spec;
        spec.labels.remove(BOARD)?;
        may_be_done(&engine.update_node(&node.held.id, node.held.version, &spec).await)?;
        for engine in ["kafka", "cassandra"] {
            self.state().stacks.stopped_by_hand(&format!("{engine}-{board}"));
        }
        Some(())
    }

    async fn scaled_down(&self, service: &str) -> Option<()> {
        let engine = self.manager().await.ok()?;
        let held = engine.services().await.ok()?.into_iter().find(|held| held.spec.name == service)?;
        let spec = ServiceSpec { scale: Scale::Replicas(0), ..held.spec };
        may_be_done(&engine.update_service(&held.id, held.version, &spec).await)?;
        self.state().stacks.stopped_by_hand(service);
        Some(())
    }
}

/// An answer may be lost on its way, and what was asked for is done all the same.
fn may_be_done<T>(answer: &Result<T, EngineError>) -> Option<()> {
    let lost = |error: &EngineError| error.is_transient();
    answer.as_ref().err().is_none_or(lost).then_some(())
}
