//! A running `pirack demo`, and what a person at its dashboard sees and does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::{self, Ended, Program};
use crate::{http, wait};

/// How long one step of a scenario may take.
pub const STEP: Duration = Duration::from_secs(30);

/// A rack without a window, its summary as JSON. Dropping it ends it.
#[derive(Debug)]
pub struct Demo {
    /// The program.
    pub program: Program,
    /// Where the dashboard is: `127.0.0.1:PORT`.
    pub dashboard: String,
    /// Where the broker is.
    pub bootstrap: String,
    /// The history's file.
    pub history: PathBuf,
}

impl Demo {
    /// Starts `pirack demo` with these arguments more, its queues and history in `scratch`.
    ///
    /// # Panics
    /// When it does not say in time where it can be seen.
    #[must_use]
    pub fn start(scratch: &Path, more: &[&str]) -> Self {
        let scratch = scratch.to_str().unwrap();
        let fixed = ["demo", "--headless", "-o", "json", "--listen", "127.0.0.1:0", "--scratch", scratch];
        let mut program = Program::start(&program::pirack(), fixed.iter().chain(more));
        let dashboard = program.line("dashboard", STEP);
        Self {
            dashboard: dashboard.trim_start_matches("http://").trim_end_matches('/').to_owned(),
            bootstrap: program.line("kafka", STEP),
            history: PathBuf::from(program.line("history", STEP)),
            program,
        }
    }

    /// The rack as the dashboard shows it.
    ///
    /// # Panics
    /// When nobody answers.
    #[must_use]
    pub fn rack(&self) -> Value {
        http::get(&self.dashboard, "/api/rack").unwrap().json()
    }

    /// Waits until the rack is as `look` wants it.
    ///
    /// # Panics
    /// When it is not within `limit`.
    pub fn when(&self, what: &str, limit: Duration, look: impl Fn(&Value) -> bool) {
        wait::until(what, limit, || {
            look(&http::get(&self.dashboard, "/api/rack").ok()?.json()).then_some(())
        });
    }

    /// Waits until so many boards are there and well.
    ///
    /// # Panics
    /// When they are not in time.
    pub fn when_well(&self, boards: usize) {
        self.when(&format!("{boards} boards, all of them well"), STEP * 2, |rack| {
            let all = rack["boards"].as_array().map(Vec::as_slice).unwrap_or_default();
            all.len() == boards && all.iter().all(is_well)
        });
    }

    /// Pulls a lever, as the dashboard's buttons do.
    ///
    /// # Panics
    /// When it is refused.
    pub fn post(&self, path: &str, body: Option<&Value>) {
        let answer = http::post(&self.dashboard, path, body).unwrap();
        assert_eq!((answer.status, answer.json()), (202, json!({ "accepted": true })), "POST {path}");
    }

    /// Stops the broker, and waits until queues grow for it.
    ///
    /// # Panics
    /// When it is refused, or they do not.
    pub fn stop_broker(&self, seconds: u32) {
        self.post("/api/broker/stop", Some(&json!({ "seconds": seconds })));
        self.when("queues that grow while the broker is away", STEP, |rack| {
            rack["broker"]["state"] == "stopped" && rack["totals"]["queued"].as_u64() > Some(0)
        });
    }

    /// Waits until it has ended: what it left, and the summary, its last line.
    ///
    /// # Panics
    /// When it does not end within `limit`, or not with a summary.
    #[must_use]
    pub fn end(self, limit: Duration) -> (Value, Ended) {
        let ended = self.program.end(limit);
        let last = ended.out.last().cloned().unwrap_or_default();
        let summary =
            serde_json::from_str(&last).unwrap_or_else(|error| panic!("{error}: {last}\n{ended:?}"));
        (summary, ended)
    }
}

/// A board of `/api/rack` by its name; null where there is none.
#[must_use]
pub fn board<'a>(rack: &'a Value, name: &str) -> &'a Value {
    let boards = rack["boards"].as_array().map(Vec::as_slice).unwrap_or_default();
    boards.iter().find(|board| board["name"] == name).unwrap_or(&Value::Null)
}

/// Whether a board reports.
#[must_use]
pub fn is_well(board: &Value) -> bool {
    board["state"] == "well" || board["state"] == "warm"
}
