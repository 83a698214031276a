//! Executes a plan: one statement after the other, each agreed on by all nodes before the next.

use std::num::NonZeroUsize;
use std::time::Duration;

use scylla::client::PoolSize;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, MetadataError,
    NewSessionError,
};
use scylla::statement::Consistency;
use tokio::time::{Instant, timeout_at};

use super::desired::{Wishes, fitted};
use super::observed::{Observed, observe};
use super::plan::{Action, Change, Report, plan};
use super::{SchemaError, cql};
use crate::stack::cassandra::innermost;

/// The longest wait for one statement; a board writes every change of a schema to its card.
const STATEMENT: Duration = Duration::from_secs(60);
/// The longest wait for a node to take a connection, where the deadline leaves as much to each.
const CONNECTING: Duration = Duration::from_secs(10);

/// Where the cluster is, as whom, and how long all of it may take.
#[derive(Clone)]
pub struct Connection {
    /// Nodes to begin with, each `host:port`.
    pub contact_points: Vec<String>,
    /// User and password.
    pub login: Option<(String, String)>,
    /// The deadline.
    pub within: Duration,
}

impl Connection {
    /// Its nodes, for people.
    #[must_use]
    pub fn address(&self) -> String {
        self.contact_points.join(",")
    }

    /// How long a node may take for a connection. The driver tries one node after another and then connects to all
    /// at once: within the deadline each has its turn, and something is left for whoever answered.
    fn patience(&self) -> Duration {
        let turns = u32::try_from(self.contact_points.len() + 2).unwrap_or(u32::MAX);
        CONNECTING.min(self.within / turns)
    }
}

/// Makes the cluster's schema what it should be; `told` hears of each change once it is done.
///
/// # Errors
/// A letter, see [`SchemaError`]. What was done by then stays: apply again.
pub async fn apply(
    connection: &Connection,
    wishes: &Wishes,
    told: &mut (dyn FnMut(&Change) + Send),
) -> Result<Report, SchemaError> {
    in_time(connection, async |session| run(connection, &session, wishes, told).await).await
}

/// What [`apply`] would do now, as sentences, and changes nothing.
///
/// # Errors
/// When nobody answers in time.
pub async fn pending(connection: &Connection, wishes: &Wishes) -> Result<Vec<String>, SchemaError> {
    let address = connection.address();
    in_time(connection, async |session| {
        let observed = observe(&session, &address, &wishes.keyspace).await?;
        let changes = planned(wishes, &observed)?;
        let wanted = changes.iter().filter(|change| change.action != Action::Leave);
        Ok(wanted.map(|change| format!("{} {}", change.object, change.what).trim().to_owned()).collect())
    })
    .await
}

/// Does something in a session, and tells whoever never had one from who was too slow.
async fn in_time<T>(
    connection: &Connection,
    work: impl AsyncFnOnce(Session) -> Result<T, SchemaError>,
) -> Result<T, SchemaError> {
    let (address, within) = (connection.address(), connection.within);
    let until = Instant::now() + within;
    let session = timeout_at(until, session(connection)).await;
    let session = session.map_err(|_| SchemaError::Silent { address: address.clone(), within })??;
    timeout_at(until, work(session)).await.map_err(|_| SchemaError::Late { address, within })?
}

async fn run(
    connection: &Connection,
    session: &Session,
    wishes: &Wishes,
    told: &mut (dyn FnMut(&Change) + Send),
) -> Result<Report, SchemaError> {
    let address = connection.address();
    agree(session, &address).await?;
    let observed = observe(session, &address, &wishes.keyspace).await?;
    let changes = planned(wishes, &observed)?;
    for change in &changes {
        if let Some(statement) = &change.statement {
            session.query_unpaged(statement.as_str(), ()).await.map_err(|source| SchemaError::Refused {
                address: address.clone(),
                statement: statement.clone(),
                source: Box::new(source),
            })?;
            agree(session, &address).await?;
        }
        told(change);
    }
    let changed = changes.iter().filter(|change| change.action != Action::Leave).count();
    if changed > 0 {
        let now = observe(session, &address, &wishes.keyspace).await?;
        let left: Vec<_> = planned(wishes, &now)?.into_iter().filter_map(|change| change.statement).collect();
        if !left.is_empty() {
            return Err(SchemaError::NotConverged { address, left: left.join("; ") });
        }
    }
    let Observed { version, datacenters, .. } = observed;
    Ok(Report { cassandra: address, version, datacenters, changes, changed })
}

fn planned(wishes: &Wishes, observed: &Observed) -> Result<Vec<Change>, SchemaError> {
    let desired = fitted(cql::read(cql::SCHEMA)?, wishes, observed);
    plan(&desired, observed.keyspace.as_ref())
}

async fn agree(session: &Session, address: &str) -> Result<(), SchemaError> {
    let agreed = session.await_schema_agreement().await;
    agreed
        .map(|_| ())
        .map_err(|source| SchemaError::Disagreement { address: address.to_owned(), source: Box::new(source) })
}

async fn session(connection: &Connection) -> Result<Session, SchemaError> {
    let profile = ExecutionProfile::builder()
        .consistency(Consistency::LocalOne)
        .request_timeout(Some(STATEMENT))
        .build();
    let mut builder = SessionBuilder::new()
        .known_nodes(&connection.contact_points)
        .default_execution_profile_handle(profile.into_handle())
        .connection_timeout(connection.patience())
        .pool_size(PoolSize::PerHost(NonZeroUsize::MIN))
        .schema_agreement_timeout(STATEMENT)
        .fetch_schema_metadata(false);
    if let Some((user, password)) = &connection.login {
        builder = builder.user(user, password);
    }
    builder.build().await.map_err(|source| {
        let (address, reason) = (connection.address(), innermost(&source));
        if is_login(&source) {
            SchemaError::Login { address, reason }
        } else {
            SchemaError::Unreachable { address, reason }
        }
    })
}

/// Whether it is the login that keeps us out.
fn is_login(error: &NewSessionError) -> bool {
    let NewSessionError::MetadataError(MetadataError::ConnectionPoolError(ConnectionPoolError::Broken {
        last_connection_error: ConnectionError::ConnectionSetupRequestError(request),
    })) = error
    else {
        return false;
    };
    matches!(
        request.get_error(),
        ConnectionSetupRequestErrorKind::MissingAuthentication
            | ConnectionSetupRequestErrorKind::DbError(DbError::AuthenticationError, _)
    )
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn at(contact_points: Vec<String>, within: Duration) -> Connection {
        Connection { contact_points, login: None, within }
    }

    async fn refused(connection: &Connection) -> String {
        let wishes = Wishes { keyspace: "rack".to_owned(), keep: None, replication: None };
        apply(connection, &wishes, &mut |_| {}).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn nodes_of_which_none_answers_are_named_and_are_not_called_slow() {
        // The kernel takes the connection, and nobody ever says anything on it.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap().to_string();
        let letter = refused(&at(vec![address.clone()], Duration::from_secs(1))).await;
        assert!(letter.contains(&address) && letter.contains("did not answer within 1 s"), "{letter}");
        assert!(!letter.contains("slow"), "{letter}");
    }

    #[tokio::test]
    async fn where_nobody_takes_a_connection_the_letter_has_the_last_nodes_reason() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let letter = refused(&at(vec![closed], Duration::from_secs(60))).await;
        assert!(letter.contains("no Cassandra node answers") && letter.contains("refused"), "{letter}");
    }

    #[test]
    fn each_node_has_its_turn_within_the_deadline() {
        let patience =
            |nodes, seconds| at(vec!["w1:9042".to_owned(); nodes], Duration::from_secs(seconds)).patience();
        for (nodes, seconds) in [(1, 1), (3, 5), (13, 20)] {
            let turns = u32::try_from(nodes).unwrap() + 1;
            assert!(patience(nodes, seconds) * turns < Duration::from_secs(seconds), "{nodes} nodes");
        }
        assert_eq!(patience(3, 300), CONNECTING);
    }
}
