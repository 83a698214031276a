//! A session with the cluster, and every statement prepared and held against what the sink will send.
//!
//! The driver is made small here: one connection a host, the metadata of one keyspace, no client timestamps
//! (a board's clock must not win over a newer write), no speculative execution. Its own retries go to
//! another replica after a broken connection or a node in trouble; rows are upserts, so that is harmless.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use scylla::client::PoolSize;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::policies::load_balancing::{DefaultPolicy, LoadBalancingPolicy};
use scylla::statement::Consistency;
use scylla::statement::prepared::PreparedStatement;

use super::CassandraSettings;
use super::letter;
use super::table::Table;
use crate::sink::SinkError;

/// The longest wait for a host to take a connection.
const CONNECTING: Duration = Duration::from_secs(5);
/// The longest wait for an answer, retries on other replicas included. The cluster gives a write 2 s by default.
const ANSWERING: Duration = Duration::from_secs(10);
/// How soon a connection that has fallen silent is noticed.
const SILENCE: Duration = Duration::from_secs(5);

/// A session, and what is said in it.
pub(super) struct Connection {
    pub(super) session: Session,
    inserts: [PreparedStatement; Table::ALL.len()],
    pub(super) select_health: PreparedStatement,
    pub(super) select_sensors: PreparedStatement,
    /// Chooses the same replica for the same partition every time, while it lives: one clock stamps all
    /// writes of a row that is overwritten.
    pub(super) steady: Arc<dyn LoadBalancingPolicy>,
}

impl Connection {
    /// Opens a session and prepares every statement.
    pub(super) async fn open(settings: &CassandraSettings) -> Result<Self, SinkError> {
        let session = session(settings).await.map_err(|error| letter::no_session(settings, &error))?;
        let inserts = inserts(&session, settings).await?;
        let keyspace = &settings.keyspace;
        let select = |what: &str, table: Table| {
            format!(
                "SELECT {what}queue, sequence, time, clock, writetime(clock) FROM {keyspace}.{} WHERE node = ?",
                table.name()
            )
        };
        let select_health = prepare(&session, settings, &select("", Table::HealthLatest)).await?;
        let select_sensors =
            prepare(&session, settings, &select("sensor, quantity, ", Table::SensorLatest)).await?;
        let steady = policy(settings, false);
        Ok(Self { session, inserts, select_health, select_sensors, steady })
    }

    /// The statement that writes a row of this table.
    pub(super) fn insert(&self, table: Table) -> &PreparedStatement {
        &self.inserts[table as usize]
    }

    /// Whether the cluster's tables are still what the statements need, and every node knows it: the driver
    /// is content with a statement that one node could prepare.
    pub(super) async fn check(&self, settings: &CassandraSettings) -> Result<(), SinkError> {
        // The driver sets no deadline to a preparation.
        let checked = tokio::time::timeout(ANSWERING, inserts(&self.session, settings));
        checked.await.map_err(|_| letter::no_answer_in_time(settings))??;
        let agreed = self.session.await_schema_agreement().await;
        agreed.map(drop).map_err(|error| letter::no_agreement(settings, &error))
    }
}

async fn session(settings: &CassandraSettings) -> Result<Session, scylla::errors::NewSessionError> {
    let profile = ExecutionProfile::builder()
        .consistency(Consistency::LocalQuorum)
        .request_timeout(Some(ANSWERING))
        .load_balancing_policy(policy(settings, true))
        .build();
    let mut builder = SessionBuilder::new()
        .known_nodes(&settings.contact_points)
        .default_execution_profile_handle(profile.into_handle())
        .connection_timeout(CONNECTING)
        .pool_size(PoolSize::PerHost(NonZeroUsize::MIN))
        .keyspaces_to_fetch([&settings.keyspace])
        .fetch_full_schema_metadata(false)
        .keepalive_interval(SILENCE)
        .keepalive_timeout(SILENCE)
        .metadata_request_serverside_timeout(ANSWERING)
        .schema_agreement_timeout(ANSWERING)
        .tcp_nodelay(true);
    if let Some(login) = &settings.login {
        builder = builder.user(&login.user, login.password.expose());
    }
    builder.build().await
}

fn policy(settings: &CassandraSettings, spread: bool) -> Arc<dyn LoadBalancingPolicy> {
    let builder = DefaultPolicy::builder().token_aware(true).enable_shuffling_replicas(spread);
    match &settings.datacenter {
        Some(datacenter) => builder.prefer_datacenter(datacenter.clone()),
        None => builder,
    }
    .build()
}

async fn inserts(
    session: &Session,
    settings: &CassandraSettings,
) -> Result<[PreparedStatement; Table::ALL.len()], SinkError> {
    let [readings, by_node, by_date, gaps, sensors, health] = Table::ALL;
    Ok([
        insert(session, settings, readings).await?,
        insert(session, settings, by_node).await?,
        insert(session, settings, by_date).await?,
        insert(session, settings, gaps).await?,
        insert(session, settings, sensors).await?,
        insert(session, settings, health).await?,
    ])
}

/// Prepares a table's insert and holds the cluster's column types against ours: rows are sent as bytes.
async fn insert(
    session: &Session,
    settings: &CassandraSettings,
    table: Table,
) -> Result<PreparedStatement, SinkError> {
    let statement = prepare(session, settings, &table.insert(&settings.keyspace)).await?;
    for ((name, ours), theirs) in table.columns().iter().zip(statement.get_variable_col_specs().iter()) {
        if !ours.is(theirs.typ()) {
            return Err(letter::other_type(settings, table, name, *ours));
        }
    }
    Ok(statement)
}

async fn prepare(
    session: &Session,
    settings: &CassandraSettings,
    text: &str,
) -> Result<PreparedStatement, SinkError> {
    let mut statement =
        session.prepare(text).await.map_err(|error| letter::no_statement(settings, &error))?;
    statement.set_is_idempotent(true);
    Ok(statement)
}
