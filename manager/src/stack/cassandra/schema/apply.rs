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

use super::desired::{Wishes, fitted};
use super::observed::{Observed, observe};
use super::plan::{Action, Change, Report, plan};
use super::{SchemaError, cql};
use crate::stack::cassandra::innermost;

/// The longest wait for one statement; a board writes every change of a schema to its card.
const STATEMENT: Duration = Duration::from_secs(60);
/// The longest wait for a node to take a connection.
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
    fn address(&self) -> String {
        self.contact_points.join(",")
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
    let applying = run(connection, wishes, told);
    tokio::time::timeout(connection.within, applying).await.unwrap_or_else(|_| {
        Err(SchemaError::Late { address: connection.address(), within: connection.within })
    })
}

/// What [`apply`] would do now, as sentences, and changes nothing.
///
/// # Errors
/// When nobody answers in time.
pub async fn pending(connection: &Connection, wishes: &Wishes) -> Result<Vec<String>, SchemaError> {
    let address = connection.address();
    let looking = async {
        let session = session(connection).await?;
        let observed = observe(&session, &address, &wishes.keyspace).await?;
        let changes = planned(wishes, &observed)?;
        let wanted = changes.iter().filter(|change| change.action != Action::Leave);
        Ok(wanted.map(|change| format!("{} {}", change.object, change.what).trim().to_owned()).collect())
    };
    tokio::time::timeout(connection.within, looking).await.unwrap_or_else(|_| {
        Err(SchemaError::Late { address: connection.address(), within: connection.within })
    })
}

async fn run(
    connection: &Connection,
    wishes: &Wishes,
    told: &mut (dyn FnMut(&Change) + Send),
) -> Result<Report, SchemaError> {
    let address = connection.address();
    let session = session(connection).await?;
    agree(&session, &address).await?;
    let observed = observe(&session, &address, &wishes.keyspace).await?;
    let changes = planned(wishes, &observed)?;
    for change in &changes {
        if let Some(statement) = &change.statement {
            session.query_unpaged(statement.as_str(), ()).await.map_err(|source| SchemaError::Refused {
                address: address.clone(),
                statement: statement.clone(),
                source: Box::new(source),
            })?;
            agree(&session, &address).await?;
        }
        told(change);
    }
    let changed = changes.iter().filter(|change| change.action != Action::Leave).count();
    if changed > 0 {
        let now = observe(&session, &address, &wishes.keyspace).await?;
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
        .connection_timeout(CONNECTING)
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
