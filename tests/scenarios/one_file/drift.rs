//! What a hand or an accident changes is seen by `status` and `plan`, and mended by `apply`.

use std::time::Duration;

use pirack_lab::Board;
use pirack_tests::wait;
use serde_json::Value;

use crate::Promise;
use crate::gone::docker;
use crate::rack::{RECOVERY, Rack};

/// How long a question may take to be ended on two busy processors: its deadline is six seconds, and ten more where it
/// does not heed that.
const QUESTION: Duration = Duration::from_secs(30);

pub(crate) const PROMISES: &[Promise] = &[
    ("drift::a_label_removed_by_hand_is_seen_and_mended", Rack::a_label_is_removed),
    ("drift::a_service_scaled_by_hand_is_seen_and_mended", Rack::a_service_is_scaled),
    ("drift::a_task_that_is_killed_comes_back_and_status_says_why_it_was_away", Rack::a_task_is_killed),
    (
        "drift::databases_that_stand_still_are_asked_and_no_question_outlives_its_deadline",
        Rack::databases_stand_still,
    ),
    ("drift::a_board_that_is_unplugged_is_seen_and_well_again_when_it_is_back", Rack::a_board_is_unplugged),
];

impl Rack {
    /// `docker` on the first board, as somebody types it there.
    pub(crate) fn by_hand(&self, arguments: &[&str]) {
        docker(self.lab.board(1), arguments);
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
        let container = docker(board, &["ps", "-q", "--filter", "name=cassandra-b2"]);
        docker(board, &["kill", container.trim()]);
        self.when_degraded("137, in Docker's own words", |words| {
            words.contains("cassandra-b2") && words.contains("137")
        });
        self.when_healthy();
        self.ends_with(&["plan"], 0);
    }

    /// As where a machine has far too much to do. Each question is a JVM in the database's own memory: those of many
    /// looks would end it.
    fn databases_stand_still(&mut self) {
        let container = |board| docker(board, &["ps", "--quiet", "--filter", "name=cassandra-"]);
        let nodes = self.boards().iter().map(|board| (board, container(board).trim().to_owned()));
        let nodes: Vec<(&Board, String)> = nodes.filter(|(_, node)| !node.is_empty()).collect();
        let all = |file: &str| -> String {
            // It fails, and tells all the same, where a process ends meanwhile.
            let told = nodes.iter().map(|(board, node)| {
                let all = format!("cat /proc/[0-9]*/{file}");
                board.command("docker").args(["exec", node, "sh", "-c", &all]).output().unwrap().stdout
            });
            told.map(|told| String::from_utf8_lossy(&told).into_owned()).collect()
        };
        // JVMs that have ended, and that nobody will ever ask how.
        let zombies = || all("stat").matches("(java) Z").count();
        let before = zombies();
        let asked = || all("cmdline").contains("tools.NodeTool");
        let signal = |signal| {
            nodes.iter().for_each(|(board, node)| drop(docker(board, &["kill", "--signal", signal, node])));
        };
        signal("STOP");
        let status = self.start(&["status"]);
        wait::until("a question to a database that stands still", RECOVERY, || asked().then_some(()));
        assert_ne!(status.end(RECOVERY).code, Some(0));
        wait::until("no question to be left", QUESTION, || (!asked() && zombies() <= before).then_some(()));
        signal("CONT");
        self.when_healthy();
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
