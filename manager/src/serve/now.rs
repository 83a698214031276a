//! The operation under way, for whoever looks at the rack.

use std::sync::Arc;

use jiff::Timestamp;

use crate::operation::{Audience, Operation, Progress, StepState};
use crate::watch::{Live, OperationNow};

/// Shows in the live state what an operation does.
pub(super) struct Now(pub(super) Arc<Live>);

impl Audience for Now {
    fn hear(&self, operation: &Operation, at: Timestamp, progress: &Progress) {
        match progress {
            Progress::Scheduled => self.0.set_operation(Some(OperationNow {
                id: operation.id,
                kind: operation.kind,
                by: operation.by.clone(),
                since: at,
                number: 0,
                of: 0,
                what: String::new(),
                waits: None,
            })),
            Progress::Step { number, of, what, state } => self.0.with_operation(|now| {
                (now.number, now.of) = (*number, *of);
                now.what.clone_from(what);
                now.waits = match state {
                    StepState::Waiting { why } => Some(why.clone()),
                    StepState::Begun { .. } | StepState::Done { .. } => None,
                };
            }),
            Progress::Completed { .. } | Progress::Failed { .. } => self.0.set_operation(None),
            Progress::Started | Progress::Note { .. } => {}
        }
    }
}
