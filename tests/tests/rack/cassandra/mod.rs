//! What pirack promises of Cassandra, held against a real cluster whose contact point is given: the schema as
//! `pirack schema apply` makes it, and the agent's sink. Each promise has a keyspace of its own, so that they
//! may share one cluster, and takes it away at its end.

mod cluster;
mod records;
mod schema;
mod sink;

use pirack_lab::Chapter;

use crate::rack::Rack;

/// Every promise.
pub(crate) fn chapters() -> Vec<Chapter<Rack>> {
    let promises = schema::PROMISES.iter().chain(sink::PROMISES).copied();
    let chapter = |(number, (name, promise)): (usize, (&'static str, Promise))| {
        let keyspace = format!("promise_{number}");
        let tell = move |rack: &mut Rack| promise(&cluster::Cluster::new(rack.contact_point(), &keyspace));
        (name, Box::new(tell) as _)
    };
    promises.enumerate().map(chapter).collect()
}

/// A test: it panics where the promise is broken.
type Promise = fn(&cluster::Cluster);
