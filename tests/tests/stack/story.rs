//! The story, each chapter on what the one before it left.

use std::collections::BTreeMap;

use pirack::rack::Rack;
use pirack_tests::rack::{QUICK_JVM, QUICK_RING};
use pirack_tests::wait;

use crate::world::{GATE, World};

type Promise = pirack_lab::Promise<World>;

pub(crate) const STORY: &[Promise] = &[
    ("stack::a_controller_apart_and_brokers_that_do_not_vote_form_a_cluster", World::controller_apart),
    ("stack::a_ring_begins_with_its_seed_and_says_who_owns_what", World::ring_begins),
    ("stack::a_node_more_and_a_heap_more_roll_through", World::grows_and_rolls),
    ("stack::a_node_that_lost_its_disk_takes_its_own_place", World::lost_disk),
    ("stack::a_node_that_goes_leaves_the_ring_first", World::goes),
];

fn kafka() -> String {
    format!(
        "[kafka]\nimage = \"KAFKA\"\nbrokers = [\"b2\", \"b3\"]\nvoters = [\"b1\"]\njvm_options = \"{QUICK_JVM}\"\n"
    )
}

fn cassandra(nodes: &str, heap: &str) -> String {
    let replication = nodes.matches('b').count().min(2);
    format!(
        "[cassandra]\nimage = \"CASSANDRA\"\nversion = \"5.0\"\ncluster_name = \"desk\"\ndatacenter = \"rack\"\nnodes = [{nodes}]\nseeds = [\"b1\"]\nreplication = {replication}\nheap = \"{heap}\"\nlimit = \"1GiB\"\njvm_options = \"{QUICK_RING}\"\n"
    )
}

const TWO: &str = "\"b1\", \"b2\"";
const THREE: &str = "\"b1\", \"b2\", \"b3\"";

impl World {
    fn rack_of(&self, nodes: &str, heap: &str) -> Rack {
        self.rack(&format!("{}{}", kafka(), cassandra(nodes, heap)))
    }

    fn whole(&mut self, rack: &Rack) -> Vec<String> {
        let taken = self.apply(rack);
        assert_eq!(self.left(rack), 0, "a second apply has nothing to do");
        taken
    }

    fn controller_apart(&mut self) {
        let rack = self.rack(&kafka());
        self.whole(&rack);
        let health = self.health(&rack);
        let kafka = health.kafka().unwrap();
        assert_eq!(self.brokers(&rack).into_iter().collect::<Vec<_>>(), ["b2", "b3"]);
        let quorum = kafka.quorum.as_ref().unwrap();
        assert_eq!((quorum.leader.as_str(), quorum.voters.len()), ("b1", 1));
    }

    fn ring_begins(&mut self) {
        let rack = self.rack_of(TWO, "320MiB");
        self.whole(&rack);
        assert_eq!(
            self.ring(&rack),
            BTreeMap::from([("b1".into(), "UN".into()), ("b2".into(), "UN".into())])
        );
        let (told, taken) = self.tokens_of_seed("b1");
        assert_eq!(told, taken, "the seed has the tokens that it was told");
    }

    fn grows_and_rolls(&mut self) {
        let rack = self.rack_of(THREE, "352MiB");
        let taken = self.whole(&rack);
        // The seed last, and the new one after all that are there.
        let services: Vec<&String> = taken.iter().filter(|step| step.contains("cassandra")).collect();
        assert_eq!(services, ["Change cassandra-b2", "Change cassandra-b1", "Add cassandra-b3"]);
        assert_eq!(self.ring(&rack).len(), 3);
    }

    /// The seed, at that: it must not be one to itself when it comes back.
    fn lost_disk(&mut self) {
        let rack = self.rack_of(THREE, "352MiB");
        let before = self.health(&rack).cassandra().unwrap().nodes["b1"].gossip.clone().unwrap();
        self.loses_its_disk("b1");
        let fresh = ["b1".to_owned()].into();
        // The ring takes a while to miss it.
        let lost = wait::until("b1 to be counted as dead", GATE, || {
            let lost = pirack::stack::cassandra::lost(&self.health(&rack), &fresh);
            (!lost.is_empty()).then_some(lost)
        });
        assert_eq!(lost, [("b1".to_owned(), "b2".to_owned())].into());
        self.identity().cassandra.as_mut().unwrap().replaced.extend(lost);
        assert_eq!(self.whole(&rack), ["Add cassandra-b1"]);
        let after = self.health(&rack).cassandra().unwrap().nodes["b1"].gossip.clone().unwrap();
        // The lost one's id and tokens, which an empty node has from the ring alone: it streamed what they hold.
        assert_eq!(before, after);
        assert_eq!(self.ring(&rack).len(), 3);
    }

    fn goes(&mut self) {
        let rack = self.rack_of(TWO, "352MiB");
        assert_eq!(self.whole(&rack), ["Remove cassandra-b3"]);
        assert_eq!(self.ring(&rack).into_keys().collect::<Vec<_>>(), ["b1", "b2"]);
    }
}
