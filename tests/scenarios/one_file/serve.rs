//! `pirack serve` on the rack: it was there before Kafka was, takes the orders, shows what agents measure, and what it
//! tells of it all is on the rack's own topic, whatever was killed meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use pirack::watch::History;
use pirack_tests::program::{Ended, Program};
use pirack_tests::topics::Topics;
use pirack_tests::{http, wait};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::Promise;
use crate::rack::{APPLY, RECOVERY, Rack, kill};

pub(crate) const PROMISES: &[Promise] = &[
    (
        "serve::what_was_told_while_kafka_was_being_started_is_on_its_topic_in_order",
        Rack::nothing_told_is_lost,
    ),
    ("serve::the_dashboard_has_live_agents_and_charts_out_of_cassandra", Rack::the_dashboard),
    ("serve::drift_is_seen_told_and_over_once_an_apply_has_mended_it", Rack::drift_is_told),
    ("serve::killed_within_an_apply_it_tells_so_and_the_next_one_goes_on", Rack::serve_is_killed),
];

/// A service of this rack, and where it is.
pub(crate) struct Service {
    program: Program,
    address: String,
}

impl Rack {
    /// Starts the service: from now on orders go to it.
    pub(crate) fn serve(&mut self) {
        let mut program = self.start(&["serve", "--listen", "127.0.0.1:0", "--look-every", "5s"]);
        let dashboard = program.line("dashboard", RECOVERY);
        let address = dashboard.trim().trim_start_matches("http://").to_owned();
        self.service = Some(Service { program, address });
    }

    fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    /// What the dashboard is told now.
    fn shown(&self) -> Value {
        http::get(&self.service().address, "/api/rack").unwrap().json()
    }

    fn history(&self) -> History {
        History::open(&self.state().join("pirack/lab/history.sqlite")).unwrap()
    }

    /// Everything in the history is on the topic, in the same order, as CloudEvents.
    fn nothing_told_is_lost(&mut self) {
        let history = self.history();
        wait::until("all events to be published", RECOVERY, || {
            (history.events_waiting().unwrap() == 0).then_some(())
        });
        let seen = Topics::follow(&self.addresses(9092).join(","), &["rack.events"]).read_to_end(RECOVERY);
        let mut told: Vec<Value> = history
            .events(10_000)
            .unwrap()
            .iter()
            .map(|event| serde_json::to_value(event).unwrap())
            .collect();
        told.reverse();
        let id = |event: &Value| event["id"].as_str().unwrap().to_owned();
        // An event may come twice, and counts where it came first.
        let mut first = BTreeSet::new();
        let published: Vec<&Value> =
            seen.iter().map(|seen| &seen.document).filter(|event| first.insert(id(event))).collect();
        let missing: Vec<&Value> = told.iter().filter(|event| !first.contains(&id(event))).collect();
        assert!(missing.is_empty(), "told and not published: {missing:#?}");
        // Keys spread over partitions; each of them keeps its order.
        let by_subject = |events: &mut dyn Iterator<Item = &Value>| {
            let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
            events.for_each(|event| all.entry(event["subject"].to_string()).or_default().push(id(event)));
            all
        };
        let before = told.iter().map(id).collect::<BTreeSet<_>>();
        let mut of_history = published.iter().copied().filter(|event| before.contains(&id(event)));
        assert_eq!(by_subject(&mut of_history), by_subject(&mut told.iter()));
        for event in &published {
            assert_eq!(
                (&event["specversion"], &event["source"]),
                (&json!("1.0"), &json!("/racks/lab")),
                "{event}"
            );
        }
        let kinds: Vec<&str> = told.iter().filter_map(|event| event["type"].as_str()).collect();
        for kind in ["scheduled", "started", "step", "completed"] {
            assert!(kinds.contains(&format!("dev.pirack.operation.{kind}").as_str()), "{kind}: {kinds:?}");
        }
    }

    fn the_dashboard(&mut self) {
        let boards = self.lab.boards().len();
        let rack = wait::until("all boards to be heard", RECOVERY, || {
            let rack = self.shown();
            let all = rack["boards"].as_array().unwrap();
            let heard = all.iter().filter(|board| board["health"]["memory_total_bytes"].is_u64()).count();
            (heard == boards && rack["drift"]["state"] == "same").then_some(rack)
        });
        assert_eq!(
            (&rack["broker"]["state"], &rack["operation"]),
            (&json!("running"), &Value::Null),
            "{rack:#}"
        );
        for board in self.lab.boards() {
            let path = format!("/api/boards/{}/history?series=health.cpu_ratio&seconds=60", board.name());
            // With Cassandra the service keeps no record: a point can only come out of there.
            let points = wait::until(format!("a chart of {}", board.name()), RECOVERY, || {
                let answer = http::get(&self.service().address, &path).unwrap();
                let points = answer.json()["points"].as_array().filter(|_| answer.status == 200)?.clone();
                (points.len() > 10).then_some(points)
            });
            let times: Vec<f64> = points.iter().map(|point| point[0].as_f64().unwrap()).collect();
            assert!(times.is_sorted(), "{times:?}");
        }
    }

    fn drift_is_told(&mut self) {
        self.by_hand(&["service", "scale", "--detach", "kafka-b2=0"]);
        let shown = wait::until("the drift to be shown", RECOVERY, || {
            let shown = self.shown();
            (shown["drift"]["state"] == "differs").then_some(shown)
        });
        assert!(shown["drift"]["differences"][0].as_str().unwrap().contains("kafka-b2"), "{shown:#}");
        assert_eq!(shown["operation"], Value::Null, "it mends nothing by itself");
        let applied = self.apply();
        assert!(applied.err.iter().any(|line| line.contains("pirack serve at")), "{applied:?}");
        wait::until("the drift to be over", RECOVERY, || {
            (self.shown()["drift"]["state"] == "same").then_some(())
        });
        self.nothing_told_is_lost();
    }

    fn serve_is_killed(&mut self) {
        self.by_hand(&["service", "scale", "--detach", "kafka-b3=0"]);
        let apply = self.start(&["apply"]);
        apply.when_said("kafka-b3 runs: ", APPLY);
        kill(self.service.take().unwrap().program);
        self.serve();
        // Whoever follows finds the service again, and hears that the operation is no more.
        let ended = apply.end(APPLY);
        assert_eq!(ended.code, Some(1), "{ended:#?}");
        assert!(ended.err.join("\n").contains("its process ended before it did"), "{ended:#?}");
        self.apply();
        self.when_healthy();
        self.nothing_told_is_lost();
        // What follows runs by itself, in the same history.
        self.serve_ends();
    }

    /// The rack was taken away under the service, by the service: it said what that means, lives on, and keeps what
    /// it cannot publish any more.
    pub(crate) fn outlives_its_kafka(&mut self, taken: &Ended) {
        let said = taken.err.join("\n");
        assert!(said.contains("pirack serve at") && said.contains("Kafka goes"), "{said}");
        assert_eq!(self.shown()["operation"], Value::Null);
        assert!(self.history().events_waiting().unwrap() > 0, "the destroy's own end, at least");
        self.serve_ends();
    }

    fn serve_ends(&mut self) {
        let Service { mut program, .. } = self.service.take().unwrap();
        program.signal(Signal::TERM);
        assert_eq!(program.end(RECOVERY).code, Some(0));
    }

    /// Where everything that this story's commands keep lies.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }
}
