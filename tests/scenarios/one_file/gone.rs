//! A rack is taken away: by its name only, with its volumes kept unless they are meant, and then its boards are bare.

use std::collections::BTreeSet;

use pirack_lab::Board;

use crate::Promise;
use crate::rack::{APPLY, Rack};

pub(crate) const PROMISES: &[Promise] = &[
    ("gone::nothing_goes_without_the_rack_s_name", Rack::a_wrong_name),
    ("gone::a_rack_that_is_taken_away_leaves_its_volumes", Rack::all_but_volumes),
    ("gone::with_volumes_and_agents_nothing_of_it_stays", Rack::volumes_and_agents),
];

impl Rack {
    fn a_wrong_name(&mut self) {
        let before = self.api_calls().len();
        self.ends_with(&["destroy", "--yes", "desk"], 1);
        // Nobody is there to type it.
        self.ends_with(&["destroy"], 1);
        assert_eq!(self.api_calls().len(), before);
    }

    fn all_but_volumes(&mut self) {
        self.serve();
        let taken = self.ends_with(&["destroy", "--yes", "lab"], 0);
        self.outlives_its_kafka(&taken);
        for board in self.lab.boards() {
            let name = board.name();
            assert_eq!(membership(board), "inactive", "{name}");
            assert_eq!(containers(board), "", "{name}");
            let both = ["cassandra", "kafka"].map(|engine| format!("{engine}-{name}"));
            assert_eq!(volumes(board), BTreeSet::from(both), "{name}");
        }
        assert_eq!(self.status().0, Some(4), "a rack that is not there is down");
    }

    fn volumes_and_agents(&mut self) {
        self.ends_with(&["destroy", "--all", "--agents", "--volumes", "--yes", "lab"], 0);
        for board in self.boards() {
            assert_eq!(volumes(board), BTreeSet::new(), "{}", board.name());
            let agent = board.command("dpkg").args(["--status", "pirack-agent"]).output().unwrap();
            assert!(!agent.status.success(), "the agent is still on {}", board.name());
        }
        let again = self.pirack(&["destroy", "--yes", "lab"], APPLY);
        assert_eq!(again.code, Some(0), "what is gone is gone: {again:#?}");
    }
}

pub(crate) fn volumes(board: &Board) -> BTreeSet<String> {
    docker(board, &["volume", "ls", "--quiet"]).lines().map(str::to_owned).collect()
}

fn containers(board: &Board) -> String {
    docker(board, &["ps", "--quiet"])
}

pub(crate) fn membership(board: &Board) -> String {
    docker(board, &["info", "--format", "{{.Swarm.LocalNodeState}}"]).trim().to_owned()
}

pub(crate) fn docker(board: &Board, arguments: &[&str]) -> String {
    let said = board.command("docker").args(arguments).output().unwrap();
    assert!(said.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}
