//! Why a schema is not applied: letters to whoever looks after the rack.

use std::time::Duration;

/// What went wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The file of the schema cannot be read. The one that pirack carries always can: a test reads it.
    #[error("the schema's line {line} is not understood: {what}")]
    NotUnderstood {
        /// The line.
        line: usize,
        /// What was expected, or found.
        what: String,
    },
    /// No node answers.
    #[error("no Cassandra node answers at {address} ({reason}): start it, or name another with --cassandra")]
    Unreachable {
        /// Where.
        address: String,
        /// The innermost cause: the driver repeats each in all that it wraps around it.
        reason: String,
    },
    /// Nobody said anything until the deadline.
    #[error(
        "Cassandra at {address} did not answer within {} s: see whether its nodes run and can be reached, or name others with --cassandra",
        within.as_secs()
    )]
    Silent {
        /// Where.
        address: String,
        /// The deadline.
        within: Duration,
    },
    /// The login was refused, or is wanted and missing.
    #[error(
        "Cassandra at {address} refuses the login ({reason}): name --user and --password-file of someone who may create keyspaces"
    )]
    Login {
        /// Where.
        address: String,
        /// The innermost cause, in the node's words.
        reason: String,
    },
    /// The cluster's own description could not be read.
    #[error(
        "cannot read {what} of the cluster at {address}; try again when its nodes are well (nodetool status)"
    )]
    Unread {
        /// What was asked for.
        what: &'static str,
        /// Where.
        address: String,
        /// What came of it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A statement failed.
    #[error("the cluster at {address} did not take: {statement}")]
    Refused {
        /// Where.
        address: String,
        /// Which.
        statement: String,
        /// What came of it.
        #[source]
        source: Box<scylla::errors::ExecutionError>,
    },
    /// The nodes hold different schemas.
    #[error(
        "the nodes of the cluster at {address} do not agree on one schema (nodetool describecluster shows who differs); nothing more is changed until they do"
    )]
    Disagreement {
        /// Where.
        address: String,
        /// What came of it.
        #[source]
        source: Box<scylla::errors::SchemaAgreementError>,
    },
    /// A column holds something else.
    #[error(
        "{table}.{column} is {found} in this cluster, and pirack needs {needed}. Cassandra cannot change a column's type: keep what you want of {table}, drop it, and apply again"
    )]
    OtherType {
        /// Keyspace and table.
        table: String,
        /// The column.
        column: String,
        /// Its type there.
        found: String,
        /// The type it should have.
        needed: String,
    },
    /// A table is sorted otherwise.
    #[error(
        "{table} has the primary key {found} in this cluster, and pirack needs {needed}. Cassandra cannot change a key: keep what you want of {table}, drop it, and apply again"
    )]
    OtherKey {
        /// Keyspace and table.
        table: String,
        /// Its key there.
        found: String,
        /// The key it should have.
        needed: String,
    },
    /// The cluster took everything, and is still not as it should be.
    #[error(
        "the cluster at {address} took every statement and is still not as it should be: {left}; is someone else changing the schema?"
    )]
    NotConverged {
        /// Where.
        address: String,
        /// What is left to do.
        left: String,
    },
    /// It took too long.
    #[error("the cluster at {address} was not done within {} s; what was done stays, so apply again, with a longer --timeout if its nodes are slow", within.as_secs())]
    Late {
        /// Where.
        address: String,
        /// The deadline.
        within: Duration,
    },
}
