//! A change rolls through Kafka and Cassandra, and boards come and go, while a producer writes and a reader reads.

use std::collections::BTreeSet;

use pirack_lab::Board;

use crate::Promise;
use crate::clients::Clients;
use crate::gone::{docker, membership, volumes};
use crate::rack::{MANAGERS, Rack, delivers, is_empty};

pub(crate) const PROMISES: &[Promise] = &[
    ("roll::one_more_board_joins_and_gets_a_node_and_no_other_service_is_restarted", Rack::a_board_joins),
    ("roll::another_board_becomes_a_manager_in_the_place_of_one", Rack::another_manager),
    ("roll::a_board_leaves_and_all_that_it_had_is_on_the_others", Rack::a_board_leaves),
    ("roll::a_card_that_is_written_anew_gets_its_board_s_name_number_and_places_again", Rack::another_card),
    (
        "roll::a_heap_change_rolls_through_both_though_applies_are_killed_and_no_acknowledged_write_fails_or_is_lost",
        Rack::heaps_change,
    ),
];

impl Rack {
    fn a_board_joins(&mut self) {
        let tasks = self.tasks();
        self.lab.add_board().unwrap();
        self.write_file();
        self.apply();
        self.when_healthy();
        let after = self.tasks();
        assert!(tasks.iter().all(|task| after.contains(task)), "a task was restarted: {tasks:?} {after:?}");
        let node = format!("cassandra-b{}", self.boards().len());
        assert!(after.iter().any(|task| task.contains(&node)), "{after:?}");
    }

    /// The one that joined, in the place of the third.
    fn another_manager(&mut self) {
        let tasks = self.tasks();
        self.managers = [1, 2, self.boards().len()];
        self.write_file();
        self.apply();
        self.when_healthy();
        let told = docker(self.lab.board(1), &["node", "ls", "--format", "{{.Hostname}} {{.ManagerStatus}}"]);
        let managers: Vec<_> = told.lines().filter(|line| !line.ends_with(' ')).collect();
        let names: BTreeSet<_> = managers.iter().filter_map(|line| line.split(' ').next()).collect();
        let expected = self.managers.map(|number| self.lab.board(number).name());
        assert_eq!(names, expected.into(), "{told}");
        assert_eq!(self.tasks(), tasks, "a task was restarted");
        self.ends_with(&["plan"], 0);
    }

    /// The one that joined, a manager now, goes again: with the leaders and replicas of a topic, with rows, with
    /// records in its agent's queue.
    fn a_board_leaves(&mut self) {
        let clients = Clients::start(self, "leave", 8);
        let name = self.boards().last().unwrap().name().to_owned();
        let tasks = self.tasks();
        self.managers = MANAGERS;
        self.left += 1;
        self.write_file();
        let plan = self.plan();
        let removed: Vec<_> = (plan["steps"].as_array().unwrap().iter())
            .filter(|step| step["move"] == "remove")
            .map(|step| step["subject"].as_str().unwrap().to_owned())
            .collect();
        let expected = [
            format!("agent on {name}"),
            format!("service kafka-{name}"),
            format!("service cassandra-{name}"),
            format!("board {name}"),
        ];
        assert_eq!(removed, expected, "{plan:#}");
        self.apply();
        self.when_healthy();
        clients.end();
        let before = self.api_calls();
        self.apply();
        self.ends_with(&["plan"], 0);
        assert_eq!(self.api_calls(), before, "there is nothing left to do");
        let board = self.lab.boards().last().unwrap();
        assert_eq!(membership(board), "inactive");
        let both = ["cassandra", "kafka"].map(|engine| format!("{engine}-{name}"));
        assert_eq!(volumes(board), both.into(), "its volumes stay");
        assert!(is_empty(board), "its agent has delivered all that it had");
        assert!(!board.command("pirack-agent").arg("healthy").status().unwrap().success(), "and has stopped");
        let stay: Vec<_> = tasks.into_iter().filter(|task| !task.contains(&format!("-{name}."))).collect();
        assert_eq!(self.tasks(), stay, "no other task was restarted");
    }

    /// Of a board that is a manager, a voter and a seed.
    fn another_card(&mut self) {
        let board = self.lab.board(2);
        let number = kafka_number(board);
        // What its queue had not delivered would be lost with the card.
        delivers(board);
        board.reflash().unwrap();
        self.when_degraded("the board", |words| words.contains("b2"));
        self.write_file();
        for to_kill in [2, 1] {
            self.kill_an_apply(to_kill);
        }
        self.apply();
        self.when_healthy();
        let board = self.lab.board(2);
        assert_eq!(kafka_number(board), number);
        let mut names: Vec<_> = self.nodes();
        names.sort();
        assert_eq!(names, self.boards().iter().map(Board::name).collect::<Vec<_>>(), "a node left behind");
        self.ends_with(&["plan"], 0);
    }

    fn heaps_change(&mut self) {
        let clients = Clients::start(self, "roll", 1);
        self.raise_heaps();
        let plan = self.plan();
        let subjects: Vec<_> =
            plan["steps"].as_array().unwrap().iter().map(|step| step["subject"].to_string()).collect();
        assert_eq!(subjects.len(), 2 * self.boards().len(), "one step a service: {subjects:?}");
        self.applies_are_killed();
        clients.end();
    }

    /// The host names of the swarm's nodes.
    fn nodes(&self) -> Vec<String> {
        let listed = docker(self.lab.board(1), &["node", "ls", "--format", "{{.Hostname}}"]);
        listed.lines().map(str::to_owned).collect()
    }

    /// The running tasks' containers, by service.
    fn tasks(&self) -> Vec<String> {
        let of = |board: &Board| {
            let found = docker(board, &["ps", "--format", "{{.Names}}"]);
            found.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        self.lab.boards().iter().flat_map(of).collect()
    }
}

/// The broker's own number, as its data have it.
fn kafka_number(board: &Board) -> String {
    let tasks = docker(board, &["ps", "--quiet", "--filter", &format!("name=kafka-{}", board.name())]);
    let told = docker(board, &["exec", tasks.trim(), "cat", "/var/lib/kafka/data/meta.properties"]);
    told.lines().find(|line| line.starts_with("node.id=")).unwrap().to_owned()
}
