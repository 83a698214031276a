//! What the screen says, as plain data: two equal views need no drawing between them.

use jiff::tz::TimeZone;
use pirack_agent::record::Health;

use crate::watch::{Board, BrokerState, Event, Role, Snapshot, State, Totals};

/// Everything on the screen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    pub(super) title: String,
    pub(super) broker: String,
    pub(super) broker_stopped: bool,
    pub(super) totals: String,
    /// Where else to look: the dashboard.
    pub(super) dashboard: String,
    pub(super) rows: Vec<Row>,
    pub(super) selected: usize,
    pub(super) events: Vec<String>,
    pub(super) notice: Option<String>,
    pub(super) help: bool,
}

/// One board's line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) state: State,
    /// Board, role, state, CPU, temperature, power, memory, queue, last seen and reason, as texts.
    pub(super) cells: [String; 10],
}

impl View {
    /// The view of a snapshot, with the board named `selected` picked out.
    pub(super) fn of(snapshot: &Snapshot, selected: &str) -> Self {
        let broker = &snapshot.broker;
        let stopped = broker.state == BrokerState::Stopped;
        Self {
            title: format!("pirack {} · {:.0} s", snapshot.rack, snapshot.totals.seconds.floor()),
            broker: match (stopped, broker.resumes_in_seconds) {
                (false, _) => format!("broker {} running", broker.address),
                (true, None) => format!("broker {} STOPPED", broker.address),
                (true, Some(left)) => format!("broker {} STOPPED, back in {left:.0} s", broker.address),
            },
            broker_stopped: stopped,
            totals: totals(&snapshot.totals),
            dashboard: String::new(),
            rows: snapshot.boards.iter().map(row).collect(),
            selected: snapshot.boards.iter().position(|board| board.name == selected).unwrap_or(0),
            events: Vec::new(),
            notice: None,
            help: false,
        }
    }
}

/// The counts in one line, in the order in which a record meets them.
pub(super) fn totals(totals: &Totals) -> String {
    format!(
        "produced {} · delivered {} · stored {} · queued {} · dropped {} · redelivered {}",
        totals.produced, totals.delivered, totals.stored, totals.queued, totals.dropped, totals.redelivered
    )
}

/// An event in one line, with its time of day in UTC.
pub(super) fn line(event: &Event) -> String {
    let time = event.time.to_zoned(TimeZone::UTC).strftime("%H:%M:%SZ").to_string();
    format!("{time} {}", event.sentence())
}

/// A state's word with a symbol, so that it does not depend on colour.
fn state_word(state: State) -> &'static str {
    match state {
        State::Well => "● well",
        State::Warm => "▲ warm",
        State::Silent => "◌ silent",
        State::Gone => "✕ gone",
    }
}

fn row(board: &Board) -> Row {
    let health = &board.health.fields;
    let absent = || "·".to_owned();
    let cells = [
        board.name.clone(),
        if board.role == Role::Unassigned { absent() } else { board.role.name().to_owned() },
        state_word(board.state).to_owned(),
        health.cpu_ratio.map_or_else(absent, bar),
        health.cpu_temperature_celsius.map_or_else(absent, |celsius| format!("{celsius:.1} °C")),
        health.supply_watts.map_or_else(absent, |watts| format!("{watts:.1} W")),
        memory(health).map_or_else(absent, |ratio| format!("{:.0} %", ratio * 100.0)),
        board.queued.map_or_else(absent, |queued| queued.to_string()),
        board.last_seen_seconds.map_or_else(|| "never".to_owned(), seen),
        match (&board.reason, board.plugged) {
            (Some(reason), _) => reason.clone(),
            (None, false) => "unplugged".to_owned(),
            (None, true) => String::new(),
        },
    ];
    Row { state: board.state, cells }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits")]
fn memory(health: &Health) -> Option<f64> {
    let total = health.memory_total_bytes.filter(|&total| total > 0)?;
    Some(health.memory_used_bytes? as f64 / total as f64)
}

/// Eight blocks and a percentage.
fn bar(ratio: f64) -> String {
    let ratio = ratio.clamp(0.0, 1.0);
    let blocks = (1..=8_u8).map(|block| if ratio >= (f64::from(block) - 0.5) / 8.0 { '█' } else { '░' });
    format!("{} {:3.0} %", blocks.collect::<String>(), ratio * 100.0)
}

/// Whole seconds, so that a board that reports does not change its line four times a second.
fn seen(seconds: f64) -> String {
    match seconds {
        s if s < 2.0 => "now".to_owned(),
        s if s < 120.0 => format!("{:.0} s", s.floor()),
        s => format!("{:.0} min", (s / 60.0).floor()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_empty_half_and_full_where_it_should_be() {
        assert_eq!(bar(0.0), "░░░░░░░░   0 %");
        assert_eq!(bar(0.5), "████░░░░  50 %");
        assert_eq!(bar(1.7), "████████ 100 %");
    }

    #[test]
    fn last_seen_reads_in_whole_seconds_then_minutes() {
        assert_eq!([0.4, 1.9, 2.0, 61.5, 130.0].map(seen), ["now", "now", "2 s", "61 s", "2 min"]);
    }
}
