//! The managers' majority, and what an apply would change.

use super::{Reasons, counted, listed};
use crate::report::Report;

pub(super) fn judge(report: &Report, reasons: &mut Reasons) {
    silence(report, reasons);
    quorum(report, reasons);
    strangers(report, reasons);
    drift(report, reasons);
}

fn silence(report: &Report, reasons: &mut Reasons) {
    let Some(words) = &report.swarm_silence else { return };
    if report.boards.iter().all(|board| board.silence.is_some()) {
        reasons.down(
            format!("rack {}", report.rack),
            "no board answers",
            "see that it has power and that this machine is on its network",
        );
    } else if report.boards.iter().all(|board| board.silence.is_some() || board.membership.is_some()) {
        reasons.down("swarm", "no board that answers is in a swarm", "make the rack with: pirack apply");
    } else {
        reasons.down("swarm", words.clone(), "bring back managers that do not answer, until most of them do");
    }
}

fn quorum(report: &Report, reasons: &mut Reasons) {
    let Some(swarm) = report.swarm.as_ref().filter(|swarm| !swarm.has_quorum()) else { return };
    let what = format!("{} of {} managers answer, which is no majority", swarm.reachable, swarm.managers);
    reasons.down("swarm", what, "bring back managers that do not answer, until most of them do");
}

fn strangers(report: &Report, reasons: &mut Reasons) {
    for name in &report.strangers {
        reasons.degraded(
            format!("node {name}"),
            "is in the swarm, and the file names no such board",
            "write it into the file, or take it out with: pirack apply",
        );
    }
}

fn drift(report: &Report, reasons: &mut Reasons) {
    // Without a swarm nothing can be held against the file, which is said already.
    if let Some(why) = report.drift_silence.as_ref().filter(|_| report.swarm.is_some()) {
        reasons.degraded(
            format!("rack {}", report.rack),
            format!("whether it is what its file says cannot be told: {why}"),
            "mend that, or ask on a machine that has the rack's secrets; until then a difference goes unseen",
        );
    }
    let Some(steps) = report.drift.as_ref().filter(|steps| !steps.is_empty()) else { return };
    let what = format!(
        "not what its file says, {}: {}",
        counted(steps.len(), "step away", "steps away"),
        listed(steps)
    );
    reasons.degraded(
        format!("rack {}", report.rack),
        what,
        "see it with: pirack plan; mend it with: pirack apply",
    );
}
