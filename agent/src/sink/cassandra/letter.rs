//! What the driver says, turned into a letter to the person who must act: what is not well, where, and what to do.

use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, ExecutionError,
    MetadataError, NewSessionError, PrepareError, RequestAttemptError, SchemaAgreementError,
};

use super::CassandraSettings;
use super::row::Type;
use super::table::Table;
use crate::sink::SinkError;

const SINK: &str = "cassandra";

/// No session came about.
pub(super) fn no_session(settings: &CassandraSettings, error: &NewSessionError) -> SinkError {
    match error {
        NewSessionError::FailedToResolveAnyHostname(_) => unready(
            settings,
            "has no address",
            "check the contact points in [cassandra], and the name service",
        ),
        NewSessionError::MetadataError(MetadataError::ConnectionPoolError(pool)) => no_pool(settings, pool),
        _ => failed(settings, &error.to_string()),
    }
}

/// A statement was not prepared: mostly because a table or a column is missing.
pub(super) fn no_statement(settings: &CassandraSettings, error: &PrepareError) -> SinkError {
    match error {
        PrepareError::ConnectionPoolError(pool) => no_pool(settings, pool),
        PrepareError::AllAttemptsFailed { first_attempt } => no_answer(settings, first_attempt),
        PrepareError::PreparedStatementIdsMismatch | _ => failed(settings, &error.to_string()),
    }
}

/// A write or a read came to nothing.
pub(super) fn no_execution(settings: &CassandraSettings, error: &ExecutionError) -> SinkError {
    match error {
        ExecutionError::EmptyPlan => {
            let datacenter = settings.datacenter.as_deref().unwrap_or("any datacenter");
            unready(
                settings,
                &format!("knows no node in {datacenter}"),
                "name the datacenter in [cassandra] as nodetool status shows it, or leave it out",
            )
        }
        ExecutionError::ConnectionPoolError(pool) => no_pool(settings, pool),
        ExecutionError::PrepareError(prepare) => no_statement(settings, prepare),
        ExecutionError::LastAttemptError(attempt) => no_answer(settings, attempt),
        ExecutionError::RequestTimeout(_) => no_answer_in_time(settings),
        _ => failed(settings, &error.to_string()),
    }
}

/// The deadline came before the answer.
pub(super) fn no_answer_in_time(settings: &CassandraSettings) -> SinkError {
    unready(settings, "does not answer", "look at its nodes (nodetool status) and at the network")
}

/// Its nodes have not the same tables.
pub(super) fn no_agreement(settings: &CassandraSettings, error: &SchemaAgreementError) -> SinkError {
    let what = format!("has nodes that do not agree on the tables ({error})");
    unready(settings, &what, "look at schema_versions in nodetool describecluster; mostly it passes")
}

/// A table takes no row at all.
pub(super) fn no_row(settings: &CassandraSettings, table: Table, reason: &str) -> SinkError {
    let remedy = "look at the nodes' own logs; where the table is not as it should be, drop it and apply the schema again";
    unready(settings, &format!("takes no row of {} ({reason})", table.name()), remedy)
}

/// A column is of another type than the rows that are sent.
pub(super) fn other_type(
    settings: &CassandraSettings,
    table: Table,
    column: &str,
    needed: Type,
) -> SinkError {
    let what =
        format!("has {}.{}.{column} of a type other than {}", settings.keyspace, table.name(), needed.name());
    unready(settings, &what, &apply(settings))
}

fn no_answer(settings: &CassandraSettings, error: &RequestAttemptError) -> SinkError {
    let RequestAttemptError::DbError(kind, message) = error else {
        return failed(settings, &error.to_string());
    };
    match kind {
        DbError::Invalid if message.starts_with("Guardrail ") => unready(
            settings,
            &format!("takes no records by a rule of its own ({message})"),
            "make room on its disks, or change that guardrail in cassandra.yaml",
        ),
        DbError::Invalid | DbError::ConfigError | DbError::SyntaxError => {
            unready(settings, &format!("is not ready for records ({message})"), &apply(settings))
        }
        DbError::Unauthorized => unready(
            settings,
            &format!("does not allow it ({message})"),
            &format!("grant MODIFY and SELECT on keyspace {} to the user in [cassandra]", settings.keyspace),
        ),
        DbError::Unavailable { required, alive, .. } => unready(
            settings,
            &format!("has {alive} of the {required} replicas that a quorum needs"),
            "start the nodes that are down (nodetool status)",
        ),
        DbError::WriteTimeout { received, required, .. } => unready(
            settings,
            &format!("confirmed a write on {received} of {required} replicas in time"),
            "look at its nodes' load and disks",
        ),
        _ => failed(settings, &format!("{kind}: {message}")),
    }
}

fn no_pool(settings: &CassandraSettings, error: &ConnectionPoolError) -> SinkError {
    let ConnectionPoolError::Broken { last_connection_error } = error else {
        return failed(settings, &error.to_string());
    };
    match last_connection_error {
        ConnectionError::IoError(cause) => unready(
            settings,
            &format!("cannot be reached ({cause})"),
            "start it, or check the contact points in [cassandra]",
        ),
        ConnectionError::ConnectTimeout => unready(
            settings,
            "cannot be reached (no answer)",
            "start it, or check the contact points in [cassandra]",
        ),
        ConnectionError::ConnectionSetupRequestError(request) => match request.get_error() {
            ConnectionSetupRequestErrorKind::MissingAuthentication => {
                unready(settings, "wants a login", "name user and password_file in [cassandra]")
            }
            ConnectionSetupRequestErrorKind::DbError(DbError::AuthenticationError, message) => {
                let user = settings.login.as_ref().map_or("nobody", |login| &login.user);
                unready(
                    settings,
                    &format!("refuses the login of {user} ({message})"),
                    "check user and password_file in [cassandra]",
                )
            }
            error => failed(settings, &error.to_string()),
        },
        error => failed(settings, &error.to_string()),
    }
}

fn apply(settings: &CassandraSettings) -> String {
    format!("run pirack schema apply --cassandra {}", settings.contact_points.join(","))
}

fn unready(settings: &CassandraSettings, what: &str, remedy: &str) -> SinkError {
    SinkError::Unready {
        sink: SINK,
        address: settings.contact_points.join(","),
        what: what.to_owned(),
        remedy: remedy.to_owned(),
    }
}

/// Whatever has no letter of its own.
pub(super) fn failed(settings: &CassandraSettings, reason: &str) -> SinkError {
    SinkError::Failed { sink: SINK, address: settings.contact_points.join(","), reason: reason.to_owned() }
}
