//! Services: whether all tasks that are wanted run, and go on running.

use super::Reasons;
use crate::report::{Board, Report, Service};

/// So many restarts in ten minutes are no accident; of more the managers of a rack keep no memory.
const RESTLESS: u64 = 2;
/// What has run for so long has settled.
const SETTLED_SECONDS: f64 = 90.0;

pub(super) fn judge(report: &Report, reasons: &mut Reasons) {
    if report.swarm.is_none() {
        return;
    }
    for service in &report.services {
        let silent = |board: &&Board| Some(&board.name) == service.pinned.as_ref() && board.silence.is_some();
        one(service, report.boards.iter().find(silent), reasons);
    }
}

/// `silent` is the board that it belongs on, where that does not answer.
fn one(service: &Service, silent: Option<&Board>, reasons: &mut Reasons) {
    let about = format!("service {}", service.name);
    let Service { wanted, running, .. } = service;
    if !service.declared {
        let what = "runs, and the file means no such service";
        return reasons.degraded(about, what, "take it away with: pirack apply");
    }
    if !service.exists {
        return reasons.degraded(about, "is not there", "make it with: pirack apply");
    }
    if running < wanted {
        let why = service.why.as_deref().unwrap_or("Docker does not say why");
        let remedy = match silent {
            Some(board) => format!("bring back board {}", board.name),
            None => format!("see what it says itself: pirack logs {}", service.name),
        };
        reasons.degraded(about, format!("{running} of {wanted} tasks run: {why}"), remedy);
    } else if running > wanted {
        reasons.degraded(
            about,
            format!("{running} tasks run and {wanted} are wanted"),
            "wait until Docker has ended them",
        );
    } else if service.recent_restarts >= RESTLESS
        && service.running_seconds.is_some_and(|s| s < SETTLED_SECONDS)
    {
        let what = format!("has ended {} times or more within ten minutes", service.recent_restarts);
        let remedy = format!("see what it says before it ends: pirack logs {}", service.name);
        reasons.degraded(about, what, remedy);
    }
}
