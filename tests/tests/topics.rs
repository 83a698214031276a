//! `pirack topics apply` where there are no brokers; with them, see the rack's scenarios.

use std::time::Duration;

use pirack_tests::program::{self, Program};

#[test]
fn nobody_at_the_address_is_an_error_with_a_letter_within_the_deadline() {
    let arguments = ["topics", "apply", "--kafka", "127.0.0.1:1", "--timeout", "2s"];
    let ended = Program::start(&program::pirack(), arguments).end(Duration::from_secs(60));
    let said = ended.err.join("\n");
    assert_eq!(ended.code, Some(1), "{said}");
    assert!(said.contains("127.0.0.1:1") && said.contains("does Kafka run there?"), "{said}");
}
