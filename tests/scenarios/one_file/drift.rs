//! What a hand or an accident changes is seen by `status` and `plan`, and mended by `apply`.

use std::process::Command;

use pirack_tests::wait;
use serde_json::Value;

use crate::Promise;
use crate::rack::{RECOVERY, Rack};

pub(crate) const PROMISES: &[Promise] = &[
    ("drift::a_label_removed_by_hand_is_seen_and_mended", Rack::a_label_is_removed),
    ("drift::a_service_scaled_by_hand_is_seen_and_mended", Rack::a_service_is_scaled),
    ("drift::a_task_that_is_killed_comes_back_and_status_says_why_it_was_away", Rack::a_task_is_killed),
    ("drift::a_board_that_is_unplugged_is_seen_and_well_again_when_it_is_back", Rack::a_board_is_unplugged),
];

impl Rack {
    /// `docker` on the first board, as somebody types it there.
    pub(crate) fn by_hand(&self, arguments: &[&str]) {
        let mut command: Command = self.lab.board(1).command("docker");
        let done = command.args(arguments).output().unwrap();
        assert!(done.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn a_label_is_removed(&mut self) {
        self.by_hand(&["node", "update", "--label-rm", "board", "b3"]);
        let plan = self.plan();
        let step = only_step(&plan);
        assert_eq!(
            (step["move"].as_str(), step["subject"].as_str()),
            (Some("change"), Some("node b3")),
            "{plan:#}"
        );
        assert_ne!(self.status().0, Some(0), "a service whose board cannot be told is not healthy");
        self.apply();
        self.when_healthy();
        self.ends_with(&["plan"], 0);
    }

    fn a_service_is_scaled(&mut self) {
        self.by_hand(&["service", "scale", "--detach", "kafka-b2=0"]);
        wait::until("the broker to be gone", RECOVERY, || (self.status().0 != Some(0)).then_some(()));
        let plan = self.plan();
        assert_eq!(only_step(&plan)["subject"], "service kafka-b2", "{plan:#}");
        self.apply();
        self.when_healthy();
    }

    fn a_task_is_killed(&mut self) {
        let board = self.lab.board(2);
        let mut list = board.command("docker");
        let found = list.args(["ps", "-q", "--filter", "name=cassandra-b2"]).output().unwrap();
        let container = String::from_utf8(found.stdout).unwrap();
        let mut kill = board.command("docker");
        assert!(kill.args(["kill", container.trim()]).output().unwrap().status.success());
        self.when_degraded("137, in Docker's own words", |words| {
            words.contains("cassandra-b2") && words.contains("137")
        });
        self.when_healthy();
        self.ends_with(&["plan"], 0);
    }

    fn a_board_is_unplugged(&mut self) {
        self.lab.board(3).unplug().unwrap();
        self.when_degraded("the board", |words| words.contains("b3"));
        // The rest is as its file says, and what cannot be done now is said.
        let plan = self.plan();
        assert!(
            plan["undone"].as_array().unwrap().iter().any(|left| left["subject"] == "board b3"),
            "{plan:#}"
        );
        self.lab.board(3).plug().unwrap();
        self.when_healthy();
        self.apply();
        self.ends_with(&["plan"], 0);
    }
}

fn only_step(plan: &Value) -> &Value {
    match plan["steps"].as_array().map(Vec::as_slice) {
        Some([step]) => step,
        _ => panic!("one step was expected: {plan:#}"),
    }
}
