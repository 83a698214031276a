//! What pirack promises of Cassandra, held against a real cluster whose contact point is given: the schema as
//! `pirack schema apply` makes it, and the agent's sink. Each promise has a keyspace of its own, so that they
//! may share one cluster, and takes it away at its end.

mod cluster;
mod records;
mod schema;
mod sink;

use libtest_mimic::Trial;

/// Every promise, to be held against the cluster at `contact_point` (`host:port`).
#[must_use]
pub fn trials(contact_point: &str) -> Vec<Trial> {
    let promises = schema::PROMISES.iter().chain(sink::PROMISES);
    let trial = |(number, (name, promise)): (usize, &(&'static str, Promise))| {
        let (contact_point, keyspace, promise) =
            (contact_point.to_owned(), format!("promise_{number}"), *promise);
        Trial::test(*name, move || {
            promise(&cluster::Cluster::new(&contact_point, &keyspace));
            Ok(())
        })
    };
    promises.enumerate().map(trial).collect()
}

/// A test: it panics where the promise is broken.
type Promise = fn(&cluster::Cluster);
