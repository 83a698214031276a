//! Promises of the letters: what, where, what to do, and no news where only the driver's words change.

use std::io;
use std::sync::Arc;

use scylla::errors::WriteType;
use scylla::statement::Consistency;

use super::*;
use crate::sink::login::{Login, Secret};

fn settings() -> CassandraSettings {
    CassandraSettings {
        contact_points: vec!["10.0.0.11:9042".into()],
        keyspace: "rack".into(),
        datacenter: Some("desk".into()),
        login: Some(Login { user: "agent".into(), password: Secret::new("open sesame".into()) }),
        board: "w3".parse().unwrap(),
        queues: Vec::new(),
    }
}

fn broken(last_connection_error: ConnectionError) -> NewSessionError {
    let pool = ConnectionPoolError::Broken { last_connection_error };
    NewSessionError::MetadataError(MetadataError::ConnectionPoolError(pool))
}

fn unavailable(alive: i32) -> ExecutionError {
    let kind = DbError::Unavailable { consistency: Consistency::LocalQuorum, required: 2, alive };
    ExecutionError::LastAttemptError(RequestAttemptError::DbError(kind, "Cannot achieve".into()))
}

#[test]
fn a_refused_login_names_user_and_place_and_never_the_password() {
    let kind = ConnectionSetupRequestErrorKind::DbError(
        DbError::AuthenticationError,
        "Provided username agent and/or password are incorrect".into(),
    );
    let told = no_entry(&settings(), &kind).to_string();
    for part in ["10.0.0.11:9042 refuses the login of agent", "are incorrect", "password_file in [cassandra]"]
    {
        assert!(told.contains(part), "{told}");
    }
    assert!(!told.contains("sesame"), "{told}");
    let told = no_entry(&settings(), &ConnectionSetupRequestErrorKind::MissingAuthentication);
    assert!(told.to_string().contains("wants a login: name user and password_file"), "{told}");
}

#[test]
fn a_datacenter_without_nodes_is_named_with_where_to_find_the_right_one() {
    let told = no_execution(&settings(), &ExecutionError::EmptyPlan).to_string();
    assert!(told.contains("knows no node in desk") && told.contains("nodetool status"), "{told}");
}

#[test]
fn replicas_that_come_and_go_are_one_cause_and_two_details() {
    let [one, none] = [1, 0].map(|alive| no_execution(&settings(), &unavailable(alive)));
    assert!(one.to_string().contains("fewer replicas up than a quorum needs: start the nodes"), "{one}");
    assert_eq!(one.to_string(), none.to_string());
    assert_eq!([one.detail(), none.detail()], [Some("1 of 2"), Some("0 of 2")]);
}

#[test]
fn a_write_that_too_few_confirm_is_one_cause_however_many_did() {
    let [one, none] = [1, 0].map(|received| {
        let (consistency, write_type) = (Consistency::LocalQuorum, WriteType::UnloggedBatch);
        let kind = DbError::WriteTimeout { consistency, received, required: 2, write_type };
        let error = RequestAttemptError::DbError(kind, "Operation timed out".into());
        no_execution(&settings(), &ExecutionError::LastAttemptError(error))
    });
    assert_eq!(one.to_string(), none.to_string());
    assert_ne!(one.detail(), none.detail());
}

#[test]
fn however_a_cluster_that_is_away_shows_it_the_cause_is_the_same() {
    let refused = ConnectionError::IoError(Arc::new(io::ErrorKind::ConnectionRefused.into()));
    let told = [refused, ConnectionError::ConnectTimeout].map(|how| no_session(&settings(), &broken(how)));
    assert!(told[0].to_string().contains("cannot be reached: start it, or check the contact points"));
    assert_eq!(told[0].to_string(), told[1].to_string());
    assert_eq!(told[1].detail(), Some("no answer"));
}

#[test]
fn a_guardrail_is_not_mistaken_for_a_schema_that_is_missing() {
    let full = "Guardrail replica_disk_usage violated: Write request failed";
    let invalid = |message: &str| {
        let error = RequestAttemptError::DbError(DbError::Invalid, message.into());
        no_execution(&settings(), &ExecutionError::LastAttemptError(error))
    };
    let told = invalid(full);
    assert!(told.to_string().contains("guardrail") && told.detail() == Some(full), "{told}");
    let told = invalid("unconfigured table sensor_latest").to_string();
    assert!(told.contains("pirack schema apply --cassandra 10.0.0.11:9042"), "{told}");
}
