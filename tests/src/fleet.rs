//! The agents of a lab's boards: the real program, on the board's own root, network and disk.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use pirack_lab::Board;
use rustix::process::Signal;
use serde_json::Value;

use crate::program::{self, Ended, Program};
use crate::wait;

/// Where things lie on the board.
const PROGRAM: &str = "/usr/bin/pirack-agent";
const CONFIG: &str = "/etc/pirack/agent.toml";
/// A stop may ship for 5 s what waits.
const STOP: Duration = Duration::from_secs(300);

/// Where agents send their records, and how often they make some.
#[derive(Clone, Debug)]
pub struct Orders {
    /// Seconds between two health records.
    pub interval_seconds: f64,
    /// Brokers.
    pub kafka: Vec<String>,
    /// Cassandra nodes.
    pub cassandra: Vec<String>,
}

/// One board's agent, running or not.
#[derive(Debug)]
pub struct BoardAgent {
    /// Its board.
    pub board: Board,
    running: Option<Program>,
    /// Everything that its earlier runs said.
    said: Vec<String>,
}

impl BoardAgent {
    /// Puts the program and its configuration on the board. Starts nothing.
    ///
    /// # Panics
    /// When the board's root cannot be written.
    #[must_use]
    pub fn install(board: &Board, orders: &Orders) -> Self {
        let text = format!(
            "board = \"{}\"\ninterval_seconds = {}\n[kafka]\nbootstrap = {:?}\n[cassandra]\ncontact_points = {:?}\n",
            board.name(),
            orders.interval_seconds,
            orders.kafka,
            orders.cassandra
        );
        fs::copy(program::agent(), board.path(PROGRAM)).unwrap();
        let config = board.path(CONFIG);
        fs::create_dir_all(config.parent().unwrap()).unwrap();
        fs::write(config, text).unwrap();
        Self { board: board.clone(), running: None, said: Vec::new() }
    }

    /// Starts it; it sees the board's time as that is shifted.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&mut self) {
        let mut command = self.board.command_with_shifted_time(PROGRAM).unwrap();
        command.arg("run");
        self.running = Some(Program::spawn(command));
    }

    /// Waits until it has said this.
    ///
    /// # Panics
    /// When it does not run, or does not say so in time.
    pub fn when_it_says(&self, what: &str, limit: Duration) {
        self.running.as_ref().unwrap().when_said(what, limit);
    }

    /// Requires that what it said with this text in it, in all its runs, was said once each.
    ///
    /// # Panics
    /// When nothing was, or something again.
    pub fn said_once(&self, what: &str) {
        let now = self.running.as_ref().map(Program::said).unwrap_or_default();
        let lines = self.said.iter().flat_map(|said| said.lines()).chain(now.lines());
        let found: Vec<_> = lines.filter(|line| line.contains(what)).collect();
        // Without the time, which comes first.
        let told: BTreeSet<_> = found.iter().filter_map(|line| Some(line.split_once(' ')?.1)).collect();
        assert!(!found.is_empty() && found.len() == told.len(), "{} said: {found:#?}", self.board.name());
    }

    /// Requires that no outage of a sink told the same cause twice, over all its runs.
    ///
    /// # Panics
    /// When one did.
    pub fn told_each_cause_once(&self) {
        let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
        for line in self.said.iter().flat_map(|said| said.lines()) {
            let Some(sink) =
                ["kafka", "cassandra"].into_iter().find(|sink| line.contains(&format!("sink={sink}")))
            else {
                continue;
            };
            if line.contains("records flow again") {
                told.retain(|(of, _)| *of != sink);
            } else if let Some((_, cause)) = line.split_once("records wait in the queue") {
                let cause = cause.split(" detail=").next().unwrap_or(cause);
                assert!(
                    told.insert((sink, cause)),
                    "{} said it again: {line}\n{}",
                    self.board.name(),
                    self.said.concat()
                );
            }
        }
    }

    /// What `buffer status` says of its queue.
    ///
    /// # Panics
    /// When it says nothing.
    #[must_use]
    pub fn queue(&self) -> Value {
        let mut command = self.board.command(PROGRAM);
        command.args(["buffer", "status", "--json"]);
        let ended = Program::spawn(command).end(STOP);
        serde_json::from_str(&ended.out.concat()).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
    }

    /// How many records wait for this sink.
    ///
    /// # Panics
    /// When the queue has no such cursor.
    #[must_use]
    pub fn waiting_for(&self, sink: &str) -> u64 {
        self.cursor(sink)["backlog"].as_u64().unwrap()
    }

    /// How far this sink has come.
    ///
    /// # Panics
    /// When the queue has no such cursor.
    #[must_use]
    pub fn position_of(&self, sink: &str) -> u64 {
        self.cursor(sink)["position"].as_u64().unwrap()
    }

    fn cursor(&self, sink: &str) -> Value {
        let queue = self.queue();
        let found = cursor(&queue, sink).cloned();
        found
            .unwrap_or_else(|| panic!("the queue of {} has no cursor \"{sink}\": {queue}", self.board.name()))
    }

    /// Waits until this sink has everything that was made before now.
    ///
    /// # Panics
    /// When that takes longer than `limit`.
    pub fn when_all_made_is_safe(&self, sink: &str, limit: Duration) {
        let now = self.queue()["next"].as_u64().unwrap();
        let what = format!("the cursor \"{sink}\" of {} to reach {now}", self.board.name());
        wait::until(&what, limit, || (self.position_of(sink) >= now).then_some(()));
    }

    /// Waits until so many records wait for this sink.
    pub fn when_waiting(&self, sink: &str, records: u64, limit: Duration) {
        let what = format!("{records} records of {} to wait for {sink}", self.board.name());
        wait::until(&what, limit, || (self.waiting_for(sink) >= records).then_some(()));
    }

    /// Waits until its queue has counted so many records.
    ///
    /// # Panics
    /// When that takes longer than `limit`.
    pub fn when_there_are(&self, records: u64, limit: Duration) {
        let what = format!("{records} records of {}", self.board.name());
        wait::until(&what, limit, || (self.queue()["next"].as_u64()? >= records).then_some(()));
    }

    /// Waits until so few records wait for this sink.
    pub fn when_caught_up(&self, sink: &str, limit: Duration) {
        const FEW: u64 = 100;
        let what = format!("{} to catch up with {sink}", self.board.name());
        wait::until(&what, limit, || (self.waiting_for(sink) < FEW).then_some(()));
    }

    /// Ends it as a power cut does.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// Ends it as systemd does, and waits until it has.
    ///
    /// # Panics
    /// When it does not run, or does not end well.
    pub fn stop(&mut self) {
        let ended = self.end(Signal::TERM);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    fn end(&mut self, signal: Signal) -> Ended {
        let running = self.running.take().unwrap();
        self.board.signal(running.id(), signal).unwrap();
        let ended = running.end(STOP);
        self.said.push(ended.err.join("\n"));
        ended
    }
}

/// This sink's cursor, of what `buffer status` says of a queue.
#[must_use]
pub fn cursor<'a>(queue: &'a Value, sink: &str) -> Option<&'a Value> {
    queue["cursors"].as_array()?.iter().find(|cursor| cursor["name"] == sink)
}

impl Drop for BoardAgent {
    fn drop(&mut self) {
        // For whoever looks into a failure: the board and its log go with the lab.
        let now = self.running.as_ref().map(Program::said).unwrap_or_default();
        let said = [self.said.join("\n"), now].join("\n");
        program::keep_log(&format!("agent-{}", self.board.name()), &said);
    }
}
