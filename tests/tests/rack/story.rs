//! What happens on a desk, in its order. Each chapter leaves the rack whole for the next.

use std::collections::BTreeSet;

use pirack_tests::fleet::BoardAgent;
use pirack_tests::ledger::Ledger;
use pirack_tests::topics::Topics;
use pirack_tests::wait;
use scylla::value::CqlTimestamp;

use crate::rack::{NOTICE, Promise, RECOVERY, Rack, pirack, runtime};

/// Ten minutes at one health record a second.
const TEN_MINUTES: usize = 600;

const SINKS: [&str; 2] = ["kafka", "cassandra"];

pub(crate) const STORY: &[Promise] = &[
    ("story::agents_that_are_there_first_say_what_is_missing_and_keep_every_record", Rack::agents_come_first),
    ("story::topics_and_tables_are_made_once_and_a_second_time_changes_nothing", Rack::topics_and_tables),
    ("story::what_waited_for_them_flows", Rack::all_flows),
    ("story::one_broker_of_three_dies_and_nobody_waits", Rack::one_broker_dies),
    ("story::two_brokers_of_three_die_and_only_kafka_waits", Rack::two_brokers_die),
    ("story::all_brokers_die_and_come_back_and_kafka_catches_up", Rack::all_brokers_die),
    ("story::one_cassandra_node_of_three_dies_and_nobody_waits", Rack::one_node_dies),
    ("story::two_nodes_of_three_die_and_what_one_node_alone_would_take_waits", Rack::two_nodes_die),
    ("story::all_cassandra_nodes_die_and_only_cassandra_waits", Rack::all_nodes_die),
    ("story::a_board_without_its_network_keeps_its_records_until_it_is_back", Rack::a_board_is_unplugged),
    ("story::an_agent_that_is_killed_goes_on_where_it_was", Rack::an_agent_is_killed),
    ("story::a_clock_that_steps_on_a_day_and_back_hides_nothing", Rack::a_clock_steps),
    ("story::nothing_is_missing_nothing_out_of_order_nothing_twice", Rack::read_back),
    ("story::the_latest_of_a_board_is_its_newest", Rack::latest_is_newest),
    ("story::a_boards_clock_wins_over_no_write", Rack::written_by_the_nodes_clock),
];

impl Rack {
    fn agents_come_first(&mut self) {
        for agent in &mut self.agents {
            agent.start();
        }
        for agent in &mut self.agents {
            agent.when_it_says("pirack topics apply", NOTICE);
            agent.when_it_says("pirack schema apply", NOTICE);
            agent.when_waiting("kafka", 100, NOTICE);
            for sink in SINKS {
                assert_eq!(agent.position_of(sink), 0, "{sink} has nowhere to put a record");
            }
        }
    }

    fn topics_and_tables(&mut self) {
        let (kafka, cassandra) = (self.bootstrap(), self.cassandra.contact_points.join(","));
        let topics = ["topics", "apply", "--kafka", &kafka, "-o", "json"];
        let schema = ["schema", "apply", "--cassandra", &cassandra, "-o", "json"];
        for first in [true, false] {
            let made = pirack(&topics);
            assert_eq!(!made["steps"].as_array().unwrap().is_empty(), first, "{made}");
            let made = pirack(&schema);
            assert_eq!(made["changed"].as_u64().unwrap() > 0, first, "{made}");
        }
    }

    fn all_flows(&mut self) {
        self.caught_up();
        for agent in &self.agents {
            for missing in ["pirack topics apply", "pirack schema apply"] {
                agent.said_once(missing);
            }
        }
    }

    fn one_broker_dies(&mut self) {
        self.kafka.brokers[2].kill();
        all_made_is_safe(&self.agents);
    }

    fn two_brokers_die(&mut self) {
        self.kafka.brokers[1].kill();
        self.only_moves("cassandra", "kafka");
    }

    fn all_brokers_die(&mut self) {
        self.kafka.brokers[0].kill();
        self.only_moves("cassandra", "kafka");
        for broker in &self.kafka.brokers {
            broker.revive();
        }
        self.kafka.when_well();
        self.caught_up();
    }

    fn one_node_dies(&mut self) {
        self.cassandra.nodes[2].kill();
        all_made_is_safe(&self.agents);
    }

    fn two_nodes_die(&mut self) {
        self.cassandra.nodes[1].kill();
        self.only_moves("kafka", "cassandra");
    }

    fn all_nodes_die(&mut self) {
        self.cassandra.nodes[0].kill();
        self.only_moves("kafka", "cassandra");
        for node in &self.cassandra.nodes {
            node.revive();
        }
        self.cassandra.when_well();
        self.caught_up();
    }

    fn a_board_is_unplugged(&mut self) {
        self.agents[2].board.unplug().unwrap();
        // What was under way when the plug was pulled may still arrive.
        let cut_off = &self.agents[2];
        for sink in SINKS {
            cut_off.when_waiting(sink, 200, NOTICE);
        }
        all_made_is_safe(&self.agents[..2]);
        self.agents[2].board.plug().unwrap();
        self.caught_up();
    }

    fn an_agent_is_killed(&mut self) {
        let agent = &mut self.agents[0];
        agent.kill();
        agent.start();
        all_made_is_safe(&self.agents[..1]);
    }

    fn a_clock_steps(&mut self) {
        const DAY: i64 = 86_400;
        for seconds in [DAY, -3600] {
            self.agents[1].board.shift_time(seconds).unwrap();
            all_made_is_safe(&self.agents[1..2]);
        }
    }

    fn read_back(&mut self) {
        for agent in &mut self.agents {
            agent.when_there_are(TEN_MINUTES as u64, RECOVERY);
            agent.stop();
        }
        // What a stop had no time for is shipped by the next start.
        self.emptied();
        let seen = Topics::follow(&self.bootstrap(), &["rack.readings", "rack.health"]).read_to_end(RECOVERY);
        let published = Ledger::of_topics(&seen);
        let tables = ["readings_by_sensor_date", "node_health_by_node_date", "gaps_by_node_date"];
        let (stored, by_date) = runtime().block_on(async {
            let session = self.session().await;
            let by_date = Ledger::of_tables(&session, &["node_health_by_date"]).await;
            (Ledger::of_tables(&session, &tables).await, by_date)
        });
        for agent in &self.agents {
            let (board, next) = (agent.board.name(), agent.queue()["next"].as_u64().unwrap());
            published.holds_all_of("Kafka", board, next);
            published.is_in_order(board);
            stored.holds_all_of("Cassandra", board, next);
            assert_eq!(stored.repeated(board), 0, "{board}: a row twice");
            let healths = seen.iter().filter(|seen| seen.key == board && seen.document["kind"] == "health");
            let healths =
                healths.map(|seen| seen.document["sequence"].as_u64().unwrap()).collect::<BTreeSet<_>>();
            assert!(
                healths.len() >= TEN_MINUTES,
                "{board} told {} healths, less than ten minutes",
                healths.len()
            );
            by_date.holds_just("node_health_by_date", board, &healths);
            assert_eq!(by_date.repeated(board), 0, "{board}: a row twice");
            assert!(
                seen.iter().any(|seen| seen.key == board && seen.document["kind"] == "reading"),
                "{board}"
            );
            agent.told_each_cause_once();
        }
    }

    fn latest_is_newest(&mut self) {
        let runtime = runtime();
        let session = runtime.block_on(self.session());
        let number = |statement: &str, node: &str| {
            let rows = runtime.block_on(session.query_unpaged(statement, (node,))).unwrap();
            rows.into_rows_result().unwrap().single_row::<(i64,)>().unwrap().0
        };
        for agent in &self.agents {
            let node = agent.board.name();
            for (latest, history) in [
                ("SELECT sequence FROM rack.node_health_latest WHERE node = ?", "node_health_by_node_date"),
                ("SELECT max(sequence) FROM rack.sensor_latest WHERE node = ?", "readings_by_sensor_date"),
            ] {
                let newest =
                    format!("SELECT max(sequence) FROM rack.{history} WHERE node = ? ALLOW FILTERING");
                assert_eq!(number(latest, node), number(&newest, node), "{latest} of {node}");
            }
        }
    }

    /// A board's clock, a day ahead, wins over nobody's writes: they bear the nodes' time.
    fn written_by_the_nodes_clock(&mut self) {
        let runtime = runtime();
        let session = runtime.block_on(self.session());
        let statement = "SELECT max(writetime(clock)), max(time) FROM rack.node_health_by_node_date WHERE node = ? ALLOW FILTERING";
        let node = self.agents[1].board.name();
        let rows =
            runtime.block_on(session.query_unpaged(statement, (node,))).unwrap().into_rows_result().unwrap();
        let (written, CqlTimestamp(time)) = rows.single_row::<(i64, CqlTimestamp)>().unwrap();
        let now = jiff::Timestamp::now().as_microsecond();
        assert!(time > now / 1000 + 80_000_000, "the board was a day ahead for a while: {time}");
        assert!(written <= now, "written at {written}, {} µs from now", written - now);
    }

    /// Every agent's records wait for one sink, and pass the other.
    fn only_moves(&self, moving: &str, waiting: &str) {
        // What was under way may still be acknowledged.
        for agent in &self.agents {
            agent.when_waiting(waiting, 100, NOTICE);
        }
        let stuck: Vec<_> = self.agents.iter().map(|agent| agent.position_of(waiting)).collect();
        for (agent, stuck) in self.agents.iter().zip(stuck) {
            agent.when_all_made_is_safe(moving, NOTICE);
            agent.when_waiting(waiting, 200, NOTICE);
            assert_eq!(agent.position_of(waiting), stuck, "{waiting} is away and called records safe");
        }
    }

    fn caught_up(&self) {
        for agent in &self.agents {
            for sink in SINKS {
                agent.when_caught_up(sink, RECOVERY);
            }
        }
    }

    /// Starts and stops every agent until its queue is empty.
    fn emptied(&mut self) {
        for agent in &mut self.agents {
            wait::until("an empty queue", RECOVERY, || {
                if SINKS.iter().all(|sink| agent.waiting_for(sink) == 0) {
                    return Some(());
                }
                agent.start();
                agent.when_caught_up("kafka", RECOVERY);
                agent.when_caught_up("cassandra", RECOVERY);
                agent.stop();
                None
            });
        }
    }
}

/// Whatever these agents have made by now is safe in both sinks before long.
fn all_made_is_safe(agents: &[BoardAgent]) {
    for agent in agents {
        for sink in SINKS {
            agent.when_all_made_is_safe(sink, NOTICE);
        }
    }
}
