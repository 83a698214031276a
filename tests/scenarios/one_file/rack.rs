//! The rack of this story: its file, the commands that a person would type, and the question whether it is well.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use fastrand::Rng;
use pirack_lab::{Board, Failed, Lab, Spec, images, package};
use pirack_tests::fleet::cursor;
use pirack_tests::ledger::Ledger;
use pirack_tests::program::{self, Ended, Program};
use pirack_tests::rack::{self, QUICK_JVM, QUICK_RING};
use pirack_tests::topics::Topics;
use pirack_tests::{skip, wait};
use rustix::process::Signal;
use scylla::client::session_builder::SessionBuilder;
use serde_json::Value;
use tempfile::TempDir;

use crate::Promise;
use crate::seed;
use crate::serve::Service;

/// How long one apply may take, a roll through the twelve JVMs of six boards on a machine of two cores.
pub(crate) const APPLY: Duration = Duration::from_secs(1800);
/// How long whatever has been disturbed may take to be well again.
pub(crate) const RECOVERY: Duration = Duration::from_secs(900);

/// The managers: the first boards.
pub(crate) const MANAGERS: [usize; 3] = [1, 2, 3];

pub(crate) const BEGIN: &[Promise] = &[
    ("begin::bare_boards_and_one_file_become_a_healthy_rack_by_one_command", Rack::bare_boards_become_a_rack),
    ("begin::a_second_apply_makes_no_mutating_call", Rack::a_second_apply),
];

pub(crate) const END: &[Promise] =
    &[("end::of_all_that_agents_made_nothing_is_missing_anywhere", Rack::nothing_is_missing)];

/// The boards, and where the file and everything else of the manager's lies.
pub(crate) struct Rack {
    pub(crate) lab: Lab,
    pub(crate) folder: TempDir,
    /// The service, while one runs.
    pub(crate) service: Option<Service>,
    /// The images' references, by their names here.
    images: BTreeMap<&'static str, String>,
    packages: PathBuf,
    /// Heaps in MiB, as the file has them.
    pub(crate) heaps: Heaps,
    /// The boards that are managers.
    pub(crate) managers: [usize; 3],
    /// How many of the lab's boards have left the rack, the last ones.
    pub(crate) left: usize,
    pub(crate) chance: Rng,
    /// How many applies were killed where chance would have it.
    pub(crate) killed: usize,
}

/// What the story changes in the file.
#[derive(Clone, Copy)]
pub(crate) struct Heaps {
    pub(crate) kafka: u64,
    pub(crate) cassandra: u64,
}

impl Rack {
    pub(crate) fn spec() -> Spec {
        Spec::new(if skip::long() { 6 } else { 3 }).with_images(&["kafka", "cassandra-5.0"]).with_package()
    }

    pub(crate) fn begin(lab: Lab) -> Result<Self, Failed> {
        let images =
            [("kafka", images::reference("kafka")?), ("cassandra", images::reference("cassandra-5.0")?)];
        let folder = tempfile::tempdir()?;
        let packages = folder.path().join("packages");
        package(&program::agent(), "0.1.0", &packages)?;
        let rack = Self {
            lab,
            folder,
            service: None,
            images: images.into(),
            packages,
            heaps: Heaps { kafka: 256, cassandra: 384 },
            managers: MANAGERS,
            left: 0,
            chance: seed::chance(),
            killed: 0,
        };
        rack.write_file();
        Ok(rack)
    }

    /// Gives every broker and every node another heap in the file: each has to start anew.
    pub(crate) fn raise_heaps(&mut self) {
        self.heaps.kafka += 32;
        self.heaps.cassandra += 32;
        self.write_file();
    }

    /// The rack's boards: the lab's, without those that have left.
    pub(crate) fn boards(&self) -> &[Board] {
        let boards = self.lab.boards();
        &boards[..boards.len() - self.left]
    }

    /// Writes the file as it should be now: all boards of the rack, three of them managers.
    pub(crate) fn write_file(&self) {
        let Heaps { kafka, cassandra } = self.heaps;
        let mut text = format!(
            r#"{}[agent]
packages = "{}"
interval = "200ms"
[kafka]
image = "{}"
heap = "{kafka}MiB"
limit = "640MiB"
jvm_options = "{QUICK_JVM}"
[cassandra]
version = "5.0"
image = "{}"
heap = "{cassandra}MiB"
young = "96MiB"
limit = "900MiB"
jvm_options = "{QUICK_RING}"
"#,
            rack::head(&self.lab),
            self.packages.display(),
            self.images["kafka"],
            self.images["cassandra"],
        );
        for (number, board) in (1..).zip(self.boards()) {
            let roles: &[&str] = match number {
                1 => &["admin", "manager", "worker"],
                _ if self.managers.contains(&number) => &["manager", "worker"],
                _ => &["worker"],
            };
            text += &rack::board(board, roles, "memory = \"2GiB\"");
        }
        fs::write(self.file(), text).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("rack.toml")
    }

    /// A `pirack` of this rack, running.
    pub(crate) fn start(&self, arguments: &[&str]) -> Program {
        self.start_in(self.state(), arguments)
    }

    /// One of another person, at another machine: with a history of its own.
    pub(crate) fn start_elsewhere(&self, arguments: &[&str]) -> Program {
        self.start_in(self.folder.path().join("elsewhere"), arguments)
    }

    fn start_in(&self, state: PathBuf, arguments: &[&str]) -> Program {
        let file = self.file();
        let mut all = vec!["--file", file.to_str().unwrap()];
        all.extend(arguments);
        let mut command = Command::new(program::pirack());
        command.args(all).env("XDG_STATE_HOME", state);
        Program::spawn(command)
    }

    /// The same, to its end.
    pub(crate) fn pirack(&self, arguments: &[&str], limit: Duration) -> Ended {
        self.start(arguments).end(limit)
    }

    /// Requires that a command ends with this status.
    pub(crate) fn ends_with(&self, arguments: &[&str], status: i32) -> Ended {
        let ended = self.pirack(arguments, APPLY);
        assert_eq!(ended.code, Some(status), "pirack {arguments:?}: {ended:#?}");
        ended
    }

    /// Applies, and requires that the rack is then what its file says.
    pub(crate) fn apply(&self) -> Ended {
        self.ends_with(&["apply"], 0)
    }

    /// The plan, as JSON; whatever there is to do.
    pub(crate) fn plan(&self) -> Value {
        let ended = self.pirack(&["plan", "-o", "json"], APPLY);
        serde_json::from_str(&ended.out.concat()).unwrap_or_else(|error| panic!("{error}: {ended:#?}"))
    }

    /// The status, as JSON, and the exit status with it.
    pub(crate) fn status(&self) -> (Option<i32>, Value) {
        let ended = self.pirack(&["status", "-o", "json"], RECOVERY);
        let said = serde_json::from_str(&ended.out.concat());
        (ended.code, said.unwrap_or_else(|error| panic!("{error}: {ended:#?}")))
    }

    /// Waits until `status` says that the rack is healthy.
    pub(crate) fn when_healthy(&self) {
        wait::until("a healthy rack", RECOVERY, || (self.status().0 == Some(0)).then_some(()));
    }

    /// Waits until `status` says that the rack is degraded, in these words. A moment before, whom it asks may not have
    /// noticed it, or be busy with it.
    pub(crate) fn when_degraded(&self, what: &str, says: impl Fn(&str) -> bool) {
        wait::until(format!("a degraded rack that tells of {what}"), RECOVERY, || {
            let (code, status) = self.status();
            (code == Some(3) && says(&status.to_string())).then_some(())
        });
    }

    /// Mutating calls that all boards' engines were asked so far.
    pub(crate) fn api_calls(&self) -> Vec<String> {
        self.lab.boards().iter().flat_map(|board| board.api_calls().unwrap()).collect()
    }

    pub(crate) fn addresses(&self, port: u16) -> Vec<String> {
        self.boards().iter().map(|board| format!("{}:{port}", board.address())).collect()
    }

    fn bare_boards_become_a_rack(&mut self) {
        self.ends_with(&["check"], 0);
        self.ends_with(&["plan"], 2);
        // There before Kafka is: what it tells has to wait.
        self.serve();
        let began = Instant::now();
        let applied = self.apply();
        let applied_after = began.elapsed().as_secs_f64();
        assert!(!applied.err.is_empty(), "an apply in a pipe tells its steps");
        self.when_healthy();
        let healthy_after = began.elapsed().as_secs_f64();
        let boards = self.lab.boards().len();
        println!("{boards} bare boards: applied in {applied_after:.0} s, healthy in {healthy_after:.0} s");
    }

    fn a_second_apply(&mut self) {
        let before = self.api_calls();
        self.apply();
        self.ends_with(&["plan"], 0);
        let after = self.api_calls();
        assert!(!before.is_empty(), "the engines count what they are asked");
        assert_eq!(after.len(), before.len(), "{:?}", &after[before.len().min(after.len())..]);
    }

    /// Agents end, what waits is shipped by their next start, and then both sinks have the same of each board: every
    /// queue without a hole, in order, and no gap told.
    fn nothing_is_missing(&mut self) {
        let topics = ["rack.readings", "rack.health"];
        let tables = ["readings_by_sensor_date", "node_health_by_node_date", "gaps_by_node_date"];
        for board in self.boards() {
            delivers(board);
        }
        let seen = Topics::follow(&self.addresses(9092).join(","), &topics).read_to_end(RECOVERY);
        let published = Ledger::of_topics(&seen);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stored = runtime.block_on(async {
            let session = SessionBuilder::new().known_nodes(self.addresses(9042)).build().await.unwrap();
            Ledger::of_tables(&session, &tables).await
        });
        // Those that have left delivered theirs before they did.
        for board in self.lab.boards() {
            for (place, ledger) in [("Kafka", &published), ("Cassandra", &stored)] {
                ledger.has_no_hole(place, board.name());
            }
            published.is_in_order(board.name());
        }
    }
}

/// Stops a board's agent once it has delivered all that it had.
pub(crate) fn delivers(board: &Board) {
    wait::until(format!("all of {} to be safe", board.name()), RECOVERY, || {
        service(board, "stop");
        let safe = is_empty(board);
        service(board, "start");
        safe.then_some(())
    });
    service(board, "stop");
}

/// Whether nothing waits in this board's queue for any sink.
pub(crate) fn is_empty(board: &Board) -> bool {
    let mut command = board.command("pirack-agent");
    command.args(["buffer", "status", "--json"]);
    let ended = Program::spawn(command).end(Duration::from_secs(300));
    let status: Value =
        serde_json::from_str(&ended.out.concat()).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    ["kafka", "cassandra"].iter().all(|sink| cursor(&status, sink).unwrap()["backlog"] == 0)
}

/// Starts or stops a board's agent as its owner would.
pub(crate) fn service(board: &Board, verb: &str) {
    let ended = Program::spawn({
        let mut command = board.command("service");
        command.args(["pirack-agent", verb]);
        command
    })
    .end(Duration::from_secs(300));
    assert_eq!(ended.code, Some(0), "service pirack-agent {verb} on {}: {ended:?}", board.name());
}

/// Ends a program as a power cut does.
pub(crate) fn kill(mut program: Program) {
    program.signal(Signal::KILL);
    drop(program.end(Duration::from_secs(60)));
}
