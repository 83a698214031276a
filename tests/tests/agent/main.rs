//! `pirack-agent` as a person at a board uses it: its commands, its queue on disk, its way to a broker.
//!
//! Nobody needs a board: the health of the machine that runs this is real enough, and a broker that is
//! not there, or librdkafka's own in the test, stands for the rack's.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails, fails the test")]

mod buffer;
mod commands;
mod damage;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use pirack_tests::program::{self, Ended, Program};
use pirack_tests::wait;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

/// What only looks answers at once.
const PATIENCE: Duration = Duration::from_secs(180);
/// A stop may ship for 5 s what waits.
const STOP: Duration = Duration::from_secs(180);
/// Nobody listens on port 9.
const NOBODY: &str = "127.0.0.1:9";

/// Runs `pirack-agent` until it ends.
fn agent(arguments: &[&str]) -> Ended {
    Program::start(&program::agent(), arguments).end(PATIENCE)
}

/// A board: a configuration and a queue, in a folder that goes with the test.
struct Board {
    folder: TempDir,
    config: PathBuf,
}

impl Board {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("agent.toml");
        let board = Self { folder, config };
        board.ships_to(NOBODY);
        board
    }

    /// Writes the configuration anew, for a broker at this address.
    fn ships_to(&self, broker: &str) {
        let queue = self.queue();
        let text = format!(
            "board = \"w3\"\ninterval_seconds = 0.1\n[queue]\ndirectory = \"{}\"\n[kafka]\nbootstrap = [\"{broker}\"]\n",
            queue.display()
        );
        fs::write(&self.config, text).unwrap();
    }

    fn queue(&self) -> PathBuf {
        self.folder.path().join("queue")
    }

    fn run(&self) -> Program {
        Program::start(&program::agent(), ["run", "--config", self.config.to_str().unwrap()])
    }

    /// Asks with this board's configuration.
    fn ask(&self, command: &[&str]) -> Ended {
        agent(&[command, &["--config", self.config.to_str().unwrap()]].concat())
    }

    /// `buffer status --json`, once there is a queue.
    fn status(&self) -> Option<Value> {
        let ended = self.ask(&["buffer", "status", "--json"]);
        (ended.code == Some(0)).then(|| json(&ended))
    }

    /// Runs an agent until its queue goes up to `sequence`; the agent runs on.
    fn run_until(&self, sequence: u64) -> Program {
        let running = self.run();
        wait::until(format!("{sequence} records in the queue"), PATIENCE, || {
            (number(&self.status()?, "next") >= sequence).then_some(())
        });
        running
    }

    /// The same, and then nothing is asked of the agent any more: it is gone in the middle of its work.
    fn run_and_kill(&self, sequence: u64) -> Value {
        let mut running = self.run_until(sequence);
        running.signal(Signal::KILL);
        assert_eq!(running.end(PATIENCE).code, None, "killed");
        self.status().unwrap()
    }
}

/// Standard output as JSON.
fn json(ended: &Ended) -> Value {
    let text = ended.out.join("\n");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("no JSON ({error}): {ended:?}"))
}

fn number(document: &Value, field: &str) -> u64 {
    document[field].as_u64().unwrap_or_else(|| panic!("no {field}: {document}"))
}
