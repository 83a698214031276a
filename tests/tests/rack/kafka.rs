//! What real brokers refuse, and what the agent makes of each: one line in its log, and the right outcome.
//!
//! These agents are the real program too, beside the boards': on this machine, in the lab's network, with a
//! queue of their own each.

use std::fs;

use pirack_lab::Signal;
use pirack_tests::fleet::cursor;
use pirack_tests::ledger::Ledger;
use pirack_tests::program::{self, Ended, Program};
use pirack_tests::stacks::{PASSWORD, USER};
use pirack_tests::topics::Topics;
use pirack_tests::wait;
use serde_json::Value;
use tempfile::TempDir;

use crate::rack::{NOTICE, Promise, RECOVERY, Rack, pirack};
use crate::topics;

pub(crate) const PROMISES: &[Promise] = &[
    ("kafka::topics_that_are_as_declared_are_left_alone", |rack| topics::declared(&rack.bootstrap())),
    ("kafka::a_setting_that_drifted_comes_back_and_what_others_set_stays", |rack| {
        topics::drift(&rack.bootstrap())
    }),
    ("kafka::a_board_in_1970_is_neither_refused_nor_expires_at_once", |rack| {
        topics::epoch(&rack.bootstrap())
    }),
    ("kafka::a_refused_login_is_said_once_and_its_records_wait_for_the_right_one", refused_login),
    ("kafka::a_request_that_is_too_large_is_split_and_all_of_it_arrives", too_large_together),
    ("kafka::a_record_that_is_too_large_alone_is_set_aside_with_its_reason", too_large_alone),
    ("kafka::a_leadership_that_moves_costs_a_line_at_the_most_and_no_record", leader_moves),
];

const TOPICS: [&str; 2] = ["rack.readings", "rack.health"];
/// Nobody listens on port 9.
const NOBODY: &str = "127.0.0.1:9";

/// One agent beside the boards: a configuration and a queue, in a folder that goes with the test.
struct Guest {
    folder: TempDir,
    name: &'static str,
}

impl Guest {
    fn new(name: &'static str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), name }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs with these lines as its `[kafka]`.
    fn run(&self, kafka: &str) -> Program {
        let text = format!(
            "board = \"{}\"\ninterval_seconds = 0.1\n[metrics]\nlisten = \"off\"\n[queue]\ndirectory = {:?}\n[kafka]\n{kafka}",
            self.name,
            self.path("queue")
        );
        fs::write(self.path("agent.toml"), text).unwrap();
        Program::start(&program::agent(), ["run", "--config", &self.path("agent.toml")])
    }

    fn bootstrap(&self, brokers: &str) -> Program {
        self.run(&format!("bootstrap = [\"{}\"]\n", brokers.replace(',', "\", \"")))
    }

    /// Lets so many records wait for a Kafka that is not there.
    fn gather(&self, records: u64) {
        let mut running = self.bootstrap(NOBODY);
        self.until("records that wait", |status| Some(status["next"].as_u64()? >= records));
        running.signal(Signal::TERM);
        assert_eq!(running.end(NOTICE).code, Some(0));
    }

    /// `buffer status --json`, once there is a queue.
    fn status(&self) -> Option<Value> {
        let arguments = ["buffer", "status", "--json", "--queue", &self.path("queue")];
        let Ended { code, out, .. } = Program::start(&program::agent(), arguments).end(NOTICE);
        (code == Some(0)).then(|| serde_json::from_str(&out.concat()).unwrap())
    }

    fn until(&self, what: &str, holds: impl Fn(&Value) -> Option<bool>) {
        let what = format!("{what}, of {}", self.name);
        wait::until(&what, RECOVERY, || self.status().filter(|status| holds(status) == Some(true)).map(drop));
    }

    /// How far Kafka has all of it.
    fn shipped(&self) -> u64 {
        position(&self.status().unwrap()).unwrap()
    }
}

fn position(status: &Value) -> Option<u64> {
    cursor(status, "kafka")?["position"].as_u64()
}

/// How many lines of a log say this.
fn times(said: &str, what: &str) -> usize {
    said.lines().filter(|line| line.contains(what)).count()
}

fn refused_login(rack: &mut Rack) {
    let guest = Guest::new("g1");
    fs::write(guest.path("password"), "open barley").unwrap();
    let login = format!(
        "bootstrap = {:?}\nuser = \"{USER}\"\npassword_file = {:?}\n",
        rack.kafka.guests,
        guest.path("password")
    );
    let mut running = guest.run(&login);
    let line = "refuses the login of user agent";
    running.when_said(line, NOTICE);
    guest.until("records that wait", |status| Some(status["next"].as_u64()? >= 300));
    let said = running.said();
    assert_eq!(times(&said, line), 1, "{said}");
    assert!(!said.contains("barley") && !said.contains("sesame"), "{said}");
    assert_eq!(guest.shipped(), 0);
    running.signal(Signal::TERM);
    assert_eq!(running.end(NOTICE).code, Some(0));
    fs::write(guest.path("password"), PASSWORD).unwrap();
    let running = guest.run(&login);
    arrives(rack, &guest, running);
}

fn too_large_together(rack: &mut Rack) {
    let guest = Guest::new("g2");
    guest.gather(300);
    // Room for each alone, and for no more than a few together.
    for topic in TOPICS {
        topics::set(&rack.bootstrap(), topic, &[("max.message.bytes", "1000")]);
    }
    let running = guest.bootstrap(&rack.bootstrap());
    arrives(rack, &guest, running);
    assert_eq!(guest.status().unwrap()["refused"], serde_json::json!([]));
    pirack(&["topics", "apply", "--kafka", &rack.bootstrap(), "-o", "json"]);
}

fn too_large_alone(rack: &mut Rack) {
    let guest = Guest::new("g3");
    guest.gather(20);
    let waiting = guest.status().unwrap()["next"].as_u64().unwrap();
    for topic in TOPICS {
        topics::set(&rack.bootstrap(), topic, &[("max.message.bytes", "200")]);
    }
    let mut running = guest.bootstrap(&rack.bootstrap());
    guest.until("what waited to be set aside", |status| Some(position(status)? >= waiting));
    pirack(&["topics", "apply", "--kafka", &rack.bootstrap(), "-o", "json"]);
    let said = running.said();
    assert_eq!(times(&said, "refuses records for good"), 1, "{said}");
    let status = guest.status().unwrap();
    let refused = &status["refused"][0];
    assert_eq!(refused["sink"], "kafka", "{status}");
    assert!(refused["records"].as_u64().unwrap() >= waiting, "{status}");
    assert!(refused["reason"].as_str().unwrap().contains("too large"), "{status}");
    guest.until("room again", |status| Some(position(status)? > waiting + 50));
    running.signal(Signal::TERM);
    assert_eq!(running.end(NOTICE).code, Some(0));
    let listing = ["buffer", "refused", "--json", "--queue", &guest.path("queue")];
    let Ended { out, .. } = Program::start(&program::agent(), listing).end(NOTICE);
    let listed: Value = serde_json::from_str(&out.concat()).unwrap();
    assert!(listed.to_string().contains("uptime_seconds"), "the records themselves are kept: {listed}");
}

fn leader_moves(rack: &mut Rack) {
    let guest = Guest::new("g4");
    let running = guest.bootstrap(&rack.bootstrap());
    guest.until("a beginning", |status| Some(position(status)? > 10));
    rack.kafka.brokers[0].stop();
    let now = guest.shipped();
    guest.until("the others to take over", |status| Some(position(status)? > now + 20));
    rack.kafka.brokers[0].revive();
    rack.kafka.when_well();
    let said = running.said();
    assert!(times(&said, "WARN") <= 1, "{said}");
    arrives(rack, &guest, running);
}

/// Lets all records of this agent arrive, ends it, and looks for them.
fn arrives(rack: &Rack, guest: &Guest, mut running: Program) {
    let waiting = guest.status().unwrap()["next"].as_u64().unwrap();
    guest.until("all to arrive", |status| Some(position(status)? >= waiting));
    running.signal(Signal::TERM);
    let ended = running.end(NOTICE);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let shipped = guest.shipped();
    assert!(shipped >= waiting);
    let seen = Topics::follow(&rack.bootstrap(), &TOPICS).read_to_end(RECOVERY);
    let published = Ledger::of_topics(&seen);
    published.holds_all_of("Kafka", guest.name, shipped);
    published.is_in_order(guest.name);
}
