//! The rack as lines: what changed, when it changed, and the counts every five seconds.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, interval_at};

use super::view::{line, totals};
use crate::watch::{BrokerState, Event, Live, Snapshot, State};

/// How often the counts are said.
const EVERY: Duration = Duration::from_secs(5);

/// Writes lines until `shutdown` says true.
///
/// # Errors
/// When nobody takes the lines any more: a closed pipe.
pub async fn run(
    live: &Live,
    mut events: broadcast::Receiver<Arc<Event>>,
    mut shutdown: watch::Receiver<bool>,
    mut out: impl Write,
) -> io::Result<()> {
    let mut beat = interval_at(Instant::now() + EVERY, EVERY);
    loop {
        tokio::select! {
            biased;
            event = events.recv() => match event {
                Ok(event) => writeln!(out, "{}", line(&event))?,
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    writeln!(out, "{missed} events came too fast to be written here")?;
                }
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            },
            _ = shutdown.wait_for(|&ended| ended) => return Ok(()),
            _ = beat.tick() => writeln!(out, "{}", summary(&live.snapshot()))?,
        }
        out.flush()?;
    }
}

/// The rack in one line.
fn summary(snapshot: &Snapshot) -> String {
    let states = [State::Well, State::Warm, State::Silent, State::Gone].into_iter().filter_map(|state| {
        let count = snapshot.boards.iter().filter(|board| board.state == state).count();
        (count > 0).then(|| format!("{count} {}", state.name()))
    });
    let broker = match snapshot.broker.state {
        BrokerState::Running => "",
        BrokerState::Stopped => " · broker stopped",
        BrokerState::Away => " · Kafka does not answer",
    };
    let boards = snapshot.boards.len();
    format!(
        "{boards} boards: {} · {}{broker}",
        states.collect::<Vec<_>>().join(", "),
        totals(&snapshot.totals)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::{Happening, Role};

    #[tokio::test(start_paused = true)]
    async fn events_are_said_as_they_come_and_counts_every_five_seconds() {
        let live = Live::new("demo", Duration::from_secs(1));
        live.declare("w1", Role::Worker, true);
        live.set_broker("127.0.0.1:9092", BrokerState::Stopped, None);
        let events = live.subscribe();
        live.tell(Event::now("demo", "w1", Happening::Unplugged {}));
        let (shutdown, told) = watch::channel(false);
        let mut lines = Vec::new();
        let (outcome, ()) = tokio::join!(run(&live, events, told, &mut lines), async {
            tokio::time::sleep(Duration::from_secs(11)).await;
            shutdown.send_replace(true);
        });
        outcome.unwrap();
        let text = String::from_utf8(lines).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].ends_with(" w1 was unplugged"), "{text}");
        assert_eq!(
            lines[1],
            "1 boards: 1 silent · produced 0 · delivered 0 · stored 0 · queued 0 · dropped 0 · redelivered 0 · broker stopped"
        );
    }
}
