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
    let remedy = "look at the schema versions in nodetool describecluster; mostly it passes";
    detailed(settings, "has nodes that do not agree on the tables", remedy, error.to_string())
}

/// A table takes no row at all.
pub(super) fn no_row(settings: &CassandraSettings, table: Table, reason: &str) -> SinkError {
    let remedy = "look at the nodes' own logs; where the table is not as it should be, drop it and apply the schema again";
    detailed(settings, &format!("takes no row of {}", table.name()), remedy, reason.to_owned())
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
        DbError::Invalid if message.starts_with("Guardrail ") => detailed(
            settings,
            "takes no records by a guardrail of its own",
            "make room on its disks, or change that guardrail in cassandra.yaml",
            message.clone(),
        ),
        DbError::Invalid | DbError::ConfigError | DbError::SyntaxError => {
            unready(settings, &format!("is not ready for records ({message})"), &apply(settings))
        }
        DbError::Unauthorized => unready(
            settings,
            &format!("does not allow it ({message})"),
            &format!("grant MODIFY and SELECT on keyspace {} to the user in [cassandra]", settings.keyspace),
        ),
        DbError::Unavailable { required, alive, .. } => detailed(
            settings,
            "has fewer replicas up than a quorum needs",
            "start the nodes that are down (nodetool status)",
            format!("{alive} of {required}"),
        ),
        DbError::WriteTimeout { received, required, .. } => detailed(
            settings,
            "did not confirm a write on a quorum of replicas in time",
            "look at its nodes' load and disks",
            format!("{received} of {required}"),
        ),
        _ => failed(settings, &format!("{kind}: {message}")),
    }
}

fn no_pool(settings: &CassandraSettings, error: &ConnectionPoolError) -> SinkError {
    let ConnectionPoolError::Broken { last_connection_error } = error else {
        return failed(settings, &error.to_string());
    };
    match last_connection_error {
        ConnectionError::IoError(cause) => unreachable(settings, &cause.to_string()),
        ConnectionError::ConnectTimeout => unreachable(settings, "no answer"),
        ConnectionError::ConnectionSetupRequestError(request) => no_entry(settings, request.get_error()),
        error => failed(settings, &error.to_string()),
    }
}

/// A node was reached and did not let us in.
fn no_entry(settings: &CassandraSettings, error: &ConnectionSetupRequestErrorKind) -> SinkError {
    match error {
        ConnectionSetupRequestErrorKind::MissingAuthentication => {
            unready(settings, "wants a login", "name user and password_file in [cassandra]")
        }
        ConnectionSetupRequestErrorKind::DbError(DbError::AuthenticationError, message) => {
            let user = settings.login.as_ref().map_or("nobody", |login| &login.user);
            let what = format!("refuses the login of {user} ({message})");
            unready(settings, &what, "check user and password_file in [cassandra]")
        }
        error => failed(settings, &error.to_string()),
    }
}

fn apply(settings: &CassandraSettings) -> String {
    format!("run pirack schema apply --cassandra {}", settings.contact_points.join(","))
}

/// No node could be reached at all. Which of several says it last, and how, changes from one try to the next.
fn unreachable(settings: &CassandraSettings, how: &str) -> SinkError {
    let remedy = "start it, or check the contact points in [cassandra]";
    detailed(settings, "cannot be reached", remedy, how.to_owned())
}

fn unready(settings: &CassandraSettings, what: &str, remedy: &str) -> SinkError {
    letter(settings, what, remedy, None)
}

/// With what may be another from one try to the next.
fn detailed(settings: &CassandraSettings, what: &str, remedy: &str, more: String) -> SinkError {
    letter(settings, what, remedy, Some(more))
}

fn letter(settings: &CassandraSettings, what: &str, remedy: &str, detail: Option<String>) -> SinkError {
    let (what, remedy) = (what.to_owned(), remedy.to_owned());
    SinkError::Unready { sink: SINK, address: settings.contact_points.join(","), what, remedy, detail }
}

/// Whatever has no letter of its own.
pub(super) fn failed(settings: &CassandraSettings, reason: &str) -> SinkError {
    SinkError::Failed { sink: SINK, address: settings.contact_points.join(","), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
