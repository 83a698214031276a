//! One keyspace of a real cluster, looked at as any outsider could, with plain CQL.

use std::process::{Command, Output};

use pirack_tests::program;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use serde_json::Value;
use tokio::runtime::Runtime;

/// A keyspace that is not there at first, and is gone at the end.
pub(super) struct Cluster {
    pub(super) contact_point: String,
    pub(super) keyspace: String,
    pub(super) runtime: Runtime,
    session: Session,
}

impl Cluster {
    pub(super) fn new(contact_point: &str, keyspace: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let builder = SessionBuilder::new().known_node(contact_point).fetch_schema_metadata(false);
        let session = runtime.block_on(builder.build()).unwrap();
        let cluster =
            Self { contact_point: contact_point.to_owned(), keyspace: keyspace.to_owned(), runtime, session };
        cluster.drop_keyspace();
        cluster
    }

    /// Executes a statement in which `KS` stands for the keyspace.
    pub(super) fn cql(&self, statement: &str) {
        let statement = statement.replace("KS", &self.keyspace);
        self.runtime.block_on(self.session.query_unpaged(statement.as_str(), ())).unwrap();
    }

    /// All rows of a table, each as the cluster's own JSON.
    pub(super) fn rows(&self, table: &str) -> Vec<Value> {
        let query = format!("SELECT JSON * FROM {}.{table}", self.keyspace);
        let result = self.runtime.block_on(self.session.query_unpaged(query, ())).unwrap();
        let result = result.into_rows_result().unwrap();
        result.rows::<(&str,)>().unwrap().map(|row| serde_json::from_str(row.unwrap().0).unwrap()).collect()
    }

    /// Runs `pirack schema apply` on this keyspace.
    pub(super) fn apply(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(program::pirack());
        command.args(["schema", "apply", "--cassandra", &self.contact_point, "--keyspace", &self.keyspace]);
        command.args(arguments).output().unwrap()
    }

    /// The same, which must go well; returns its report.
    pub(super) fn applied(&self, arguments: &[&str]) -> Value {
        let output = self.apply(&[&["-o", "json"][..], arguments].concat());
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "pirack schema apply: {told}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(super) fn drop_keyspace(&self) {
        self.cql("DROP KEYSPACE IF EXISTS KS");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A promise that was broken has its own panic to tell; a cluster that has gone adds nothing to it.
        let statement = format!("DROP KEYSPACE IF EXISTS {}", self.keyspace);
        drop(self.runtime.block_on(self.session.query_unpaged(statement, ())));
    }
}
