//! Data lie on the disk that the file names, or nowhere.

use std::cell::RefCell;
use std::fmt;

use pirack_tests::rack::RECOVERY;
use pirack_tests::wait;
use serde_json::Value;

use crate::Promise;
use crate::rack::Rack;

pub(crate) const BEGIN: &[Promise] = &[
    ("disk::without_the_disk_in_its_place_nothing_is_begun", Rack::nothing_is_begun),
    ("disk::a_disk_that_the_file_names_is_formatted_mounted_and_holds_the_data", Rack::data_are_on_the_disk),
    ("disk::a_second_apply_makes_no_mutating_call", Rack::a_second_apply),
];

pub(crate) const END: &[Promise] = &[(
    "disk::a_board_that_wakes_up_without_its_disk_begins_nothing_on_its_card_and_is_well_once_it_is_mounted",
    Rack::the_disk_is_away,
)];

pub(crate) const GONE: &[Promise] = &[
    (
        "disk::a_rack_that_is_taken_away_leaves_its_data_on_the_disk_and_says_where",
        Rack::data_outlive_the_rack,
    ),
    ("disk::with_volumes_the_data_go_and_nothing_else_on_the_disk", Rack::data_go_with_volumes),
];

/// Only told at length.
pub(crate) const AGAIN: &[Promise] = &[("disk::a_new_rack_begins_on_the_same_disk", Rack::begins_anew)];

impl Rack {
    fn nothing_is_begun(&mut self) {
        let before = self.lab.board(1).api_calls().unwrap();
        let ended = self.file.ends_with(&["apply"], 1);
        let said = ended.err.join("\n");
        assert!(said.contains("data disk of b1") && said.contains("pirack preflight"), "{said}");
        assert_eq!(self.lab.board(1).api_calls().unwrap(), before);
        assert_eq!(self.shell("docker info --format '{{.Swarm.LocalNodeState}}'"), "inactive");
    }

    fn data_are_on_the_disk(&mut self) {
        self.file.ends_with(&["preflight", "--fix", "--format"], 0);
        self.file.ends_with(&["apply"], 0);
        self.file.when_healthy();
        for (engine, owner, has) in [("kafka", 1000, "meta.properties"), ("cassandra", 999, "data")] {
            let folder = format!("/srv/data/pirack/{engine}");
            assert_eq!(self.shell(&format!("stat -c '%u %m' {folder}")), format!("{owner} /srv/data"));
            let found = self.shell(&format!("find {folder} -name {has} | head -n 1"));
            assert!(!found.is_empty(), "{engine} keeps nothing in {folder}");
            let volumes = self.shell(&format!("docker volume ls -q --filter name={engine}-b1"));
            assert_eq!(volumes, "", "no data in a volume, which is on the card");
        }
    }

    fn a_second_apply(&mut self) {
        let before = self.lab.board(1).api_calls().unwrap();
        self.file.ends_with(&["apply"], 0);
        self.file.ends_with(&["plan"], 0);
        assert_eq!(self.lab.board(1).api_calls().unwrap(), before);
    }

    fn the_disk_is_away(&mut self) {
        let topics = self.file.asked(&["topics"]).1;
        let board = self.lab.board(1);
        // As where its cable is loose: it is not mounted at boot.
        self.shell("sed -i 's/noatime,nofail/&,noauto/' /etc/fstab");
        board.cut_power().unwrap();
        board.power_on().unwrap();
        board.wait_engine().unwrap();
        let seen = RefCell::new(Value::Null);
        let waiting =
            fmt::from_fn(|f| write!(f, "status to tell why nothing starts; it told {:#}", seen.borrow()));
        wait::until(waiting, RECOVERY, || {
            let (code, status) = self.file.asked(&["status"]);
            *seen.borrow_mut() = status;
            let says = seen.borrow().to_string().contains("bind source path does not exist");
            (code != Some(0) && says).then_some(())
        });
        let seen = seen.into_inner();
        assert!(seen.to_string().contains("kafka-b1"), "{seen:#}");
        assert_eq!(self.shell("find /srv/data -mindepth 1"), "", "something began on the card");
        let (code, plan) = self.file.asked(&["plan"]);
        let left = plan["undone"].as_array().unwrap().iter();
        assert!(left.clone().any(|left| left["subject"] == "data disk of b1"), "{code:?} {plan:#}");
        self.shell("mount /srv/data");
        self.file.when_healthy();
        self.file.ends_with(&["plan"], 0);
        assert_eq!(self.file.asked(&["topics"]).1["topics"], topics["topics"]);
    }

    fn data_outlive_the_rack(&mut self) {
        self.shell("touch /srv/data/photo /srv/data/pirack/photo");
        let ended = self.file.ends_with(&["destroy", "--yes", "lab"], 0);
        let said = [ended.out, ended.err].concat().join("\n");
        for folder in ["/srv/data/pirack/kafka", "/srv/data/pirack/cassandra"] {
            assert!(said.contains(folder), "{folder}: {said}");
            assert_ne!(self.shell(&format!("ls -A {folder}")), "");
        }
    }

    fn data_go_with_volumes(&mut self) {
        self.file.ends_with(&["destroy", "--volumes", "--yes", "lab"], 0);
        assert_eq!(
            self.shell("cd /srv/data && find . -name lost+found -prune -o -type f -print | sort"),
            "./photo\n./pirack/photo"
        );
        assert_eq!(self.shell("ls /srv/data/pirack"), "photo");
        self.file.ends_with(&["destroy", "--volumes", "--yes", "lab"], 0);
    }

    /// Its cluster has another id, which a broker with data of the old one would refuse.
    fn begins_anew(&mut self) {
        self.file.ends_with(&["apply"], 0);
        self.file.when_healthy();
        self.file.ends_with(&["plan"], 0);
    }
}
