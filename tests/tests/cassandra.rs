//! Promises of Cassandra against a cluster that somebody else looks after: `PIRACK_TEST_CASSANDRA=HOST:PORT`.

use std::process::ExitCode;

use libtest_mimic::Arguments;
use pirack_tests::{cassandra, skip};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match std::env::var("PIRACK_TEST_CASSANDRA") {
        Ok(contact_point) => cassandra::trials(&contact_point),
        Err(_) => {
            skip::impossible(
                "cassandra",
                "PIRACK_TEST_CASSANDRA names no cluster (the lab runs these on its own)",
            );
            Vec::new()
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}
