//! Agents: whether each runs, records, and gets rid of its records.

use super::Reasons;
use crate::look::AgentWords;
use crate::rack::Rack;
use crate::report::Report;

/// A queue so full gives up its oldest records for new ones: it drops whole segments, and so is never quite full.
const FULL: f64 = 0.9;
/// As many intervals without a new record are silence: sensors that are slow have three and a half.
const INTERVALS: f64 = 4.0;
/// And so many seconds more, for a board under load.
const GRACE_SECONDS: f64 = 10.0;

pub(super) fn judge(rack: &Rack, report: &Report, reasons: &mut Reasons) {
    if !report.agents_declared {
        return;
    }
    let silent_after = rack.agent.interval.as_secs_f64() * INTERVALS + GRACE_SECONDS;
    for board in &report.boards {
        let about = format!("agent on {}", board.name);
        match (&board.agent, &board.agent_silence) {
            (Some(words), _) => one(&about, words, silent_after, reasons),
            (None, Some(why)) => {
                reasons.degraded(about, format!("cannot be asked: {why}"), "reach the board by ssh");
            }
            // The board is silent, which is said of it.
            (None, None) => {}
        }
    }
}

fn one(about: &str, words: &AgentWords, silent_after: f64, reasons: &mut Reasons) {
    if words.version.is_none() {
        return reasons.degraded(about, "is not installed", "install it with: pirack apply");
    }
    if !words.running {
        let why = words.silence.as_deref().unwrap_or("it does not say why");
        let remedy = "see why on the board: journalctl -u pirack-agent; start it with: pirack apply";
        return reasons.degraded(about, format!("does not run: {why}"), remedy);
    }
    drops(about, words, reasons);
    for (name, sink) in words.sinks.iter().filter(|(_, sink)| sink.failing) {
        let what = format!("{name} does not take its records, of which {} wait", sink.waiting);
        reasons.degraded(about, what, "its log on the board says why: journalctl -u pirack-agent");
    }
    if let Some(age) = words.record_age_seconds.filter(|age| *age > silent_after) {
        reasons.degraded(
            about,
            format!("made its last record {age:.0} s ago"),
            "see its log: journalctl -u pirack-agent",
        );
    }
}

/// What it dropped once is told in the report; that it does so now is a reason.
fn drops(about: &str, words: &AgentWords, reasons: &mut Reasons) {
    let full = words.queue_ratio().is_some_and(|ratio| ratio >= FULL);
    if let Some(dropped) = words.dropped.filter(|dropped| *dropped > 0 && full) {
        let what = format!("its queue is full: it has given up {dropped} records, the oldest first");
        reasons.degraded(
            about,
            what,
            "bring back the sink that does not take them, or give it a larger agent.queue",
        );
    }
}
