//! What an owner asks of the program besides, and the orders that it must not follow to the letter.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pirack_lab::Signal;
use pirack_tests::rack::{COMMAND, RECOVERY};
use pirack_tests::wait;
use serde_json::Value;

use crate::Promise;
use crate::rack::Rack;

pub(crate) const PROMISES: &[Promise] = &[
    ("order::logs_are_lines_of_all_tasks_with_their_boards_and_times", Rack::logs),
    ("order::a_bundle_for_whoever_helps_tells_all_but_secrets", Rack::bundle),
    ("order::a_rack_that_is_watched_is_told_again_and_again", Rack::watched),
    ("order::a_saved_plan_is_refused_once_the_world_has_moved", Rack::saved_plan),
    ("order::an_interrupted_apply_ends_between_two_steps", Rack::interrupted),
    ("order::one_service_goes_with_its_own_name_and_an_apply_brings_it_again", Rack::one_service),
];

impl Rack {
    /// The broker that ran before a setting of its changed may have a container still.
    fn logs(&mut self) {
        let ended = self.file.ends_with(&["logs", "kafka", "--tail", "5", "-o", "json"], 0);
        let mut lines_of = BTreeMap::<_, usize>::new();
        for line in &ended.out {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&line["board"], &line["service"]), (&"b1".into(), &"kafka-b1".into()), "{line}");
            assert!(line["time"].is_string() && line["text"].is_string(), "{line}");
            *lines_of.entry(line["task"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        assert!(!lines_of.is_empty() && lines_of.values().all(|lines| *lines <= 5), "{ended:?}");
        let said = self.file.ends_with(&["logs", "kafak"], 1).err.join("\n");
        assert!(said.contains("kafak") && said.contains("kafka-b1"), "{said}");
    }

    /// The app itself says its secret aloud.
    fn bundle(&mut self) {
        const SECRET: &str = "Ahn2-oos8-Quie";
        self.write_secret(SECRET);
        self.file.ends_with(&["apply"], 0);
        self.when_page_has(SECRET);
        let aloud = "{ echo key; cat /run/secrets/key; echo; } >/proc/1/fd/1";
        self.shell(&format!("docker exec {} sh -c '{aloud}'", self.container("page")));
        let folder = self.file.path("bundle");
        self.file.ends_with(&["support", "--out", &folder.display().to_string()], 0);
        let texts = texts(&folder);
        for part in ["rack.toml", "status.json", "plan.txt", "services/page/", "services/kafka-b1/spec.json"]
        {
            assert!(texts.iter().any(|(name, _)| name.starts_with(part)), "no {part}: {:?}", names(&texts));
        }
        let of_page =
            texts.iter().find(|(name, text)| name.starts_with("services/page/") && text.contains("key\n"));
        assert!(of_page.is_some(), "what the app said is missing: {:?}", names(&texts));
        for (name, text) in &texts {
            assert!(!text.contains(SECRET), "{name}: {text}");
        }
    }

    fn watched(&mut self) {
        let mut watching = self.file.start(&["status", "--watch", "-o", "json"]);
        wait::until("two looks", RECOVERY, || (watching.said().lines().count() >= 2).then_some(()));
        watching.signal(Signal::INT);
        let ended = watching.end(COMMAND);
        assert_eq!(ended.code, Some(0), "as the rack was at the last look: {ended:#?}");
        let looks = ended.out.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        assert!(looks.into_iter().all(|look| look["verdict"] == "healthy"), "{ended:#?}");
    }

    fn saved_plan(&mut self) {
        self.threads += 1;
        self.write_file();
        let path = self.file.path("monday.plan").display().to_string();
        self.file.ends_with(&["plan", "--out", &path], 2);
        self.shell("docker service scale -d page=0 >/dev/null");
        let before = self.lab.board(1).api_calls().unwrap();
        let said = self.file.ends_with(&["apply", &path], 1).err.join("\n");
        assert!(said.contains("has moved since this plan was saved"), "{said}");
        assert_eq!(self.lab.board(1).api_calls().unwrap(), before);
        self.shell("docker service scale -d page=1 >/dev/null");
        self.file.ends_with(&["apply", &path], 0);
        self.file.when_healthy();
        self.file.ends_with(&["plan"], 0);
    }

    /// The broker comes before the app, and takes its time.
    fn interrupted(&mut self) {
        let (broker, page) = (self.container("kafka-b1"), self.container("page"));
        self.threads += 1;
        self.write_file();
        self.write_secret("another one");
        let mut apply = self.file.start(&["apply"]);
        wait::until("a broker that is on its way", RECOVERY, || {
            (self.container("kafka-b1") != broker).then_some(())
        });
        apply.signal(Signal::INT);
        let ended = apply.end(COMMAND);
        assert_eq!(ended.code, Some(130), "{ended:#?}");
        assert_eq!(self.container("page"), page, "the next step was not begun");
        self.file.ends_with(&["plan"], 2);
        self.file.ends_with(&["apply"], 0);
        self.file.when_healthy();
    }

    fn one_service(&mut self) {
        let others = [self.container("kafka-b1"), self.container("cassandra-b1")];
        self.file.ends_with(&["destroy", "--service", "page", "--yes", "lab"], 0);
        wait::until("the app to be gone", RECOVERY, || self.container("page").is_empty().then_some(()));
        assert_eq!(self.shell("docker service ls --format '{{.Name}}' | sort"), "cassandra-b1\nkafka-b1");
        wait::until("a degraded rack", RECOVERY, || {
            (self.file.asked(&["status"]).0 == Some(3)).then_some(())
        });
        self.file.ends_with(&["apply"], 0);
        self.file.when_healthy();
        assert_eq!([self.container("kafka-b1"), self.container("cassandra-b1")], others);
    }
}

/// All files below a folder, by their names there.
fn texts(folder: &Path) -> Vec<(String, String)> {
    let (mut found, mut folders) = (vec![], vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

fn names(texts: &[(String, String)]) -> Vec<&String> {
    texts.iter().map(|(name, _)| name).collect()
}
