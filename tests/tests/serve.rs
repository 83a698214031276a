//! `pirack serve` and the commands that find it, with a rack of which no board answers: what is ordered is told to its
//! end, here or there.

#![expect(clippy::unwrap_used, reason = "what fails, fails the test")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use pirack_tests::mounted::Mounted;
use pirack_tests::program::{self, Ended, Program};
use pirack_tests::{http, skip, wait};
use rustix::process::{Signal, geteuid};
use serde_json::Value;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// Boards whose engines nobody can reach, since nobody has the keys: no network is touched.
const RACK: &str = r#"
version = 1
name = "desk"
[agent]
enabled = false
[[board]]
name = "b1"
address = "192.0.2.11"
[board.tls]
authority = "no/ca.pem"
certificate = "no/cert.pem"
key = "no/key.pem"
"#;

fn command(scratch: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program::pirack());
    command.args(arguments).current_dir(scratch).env("XDG_STATE_HOME", scratch.join("state"));
    command.env_remove("PIRACK_MANAGER").env_remove("PIRACK_FILE");
    command
}

fn run(scratch: &Path, arguments: &[&str]) -> Ended {
    Program::spawn(command(scratch, arguments)).end(PATIENCE)
}

fn operations(scratch: &Path) -> Vec<Value> {
    let ended = run(scratch, &["operations", "list", "-o", "json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.out.join("\n")).unwrap()
}

fn serve(scratch: &Path) -> (Program, String) {
    let mut serve = Program::spawn(command(scratch, &["serve", "--listen", "127.0.0.1:0"]));
    let dashboard = serve.line("dashboard", PATIENCE);
    (serve, dashboard.trim().trim_start_matches("http://").to_owned())
}

#[test]
fn an_apply_goes_through_the_service_while_it_lives_and_by_itself_once_it_was_killed() {
    let scratch = tempfile::tempdir().unwrap();
    let scratch = scratch.path();
    fs::write(scratch.join("rack.toml"), RACK).unwrap();
    let (mut serve, address) = serve(scratch);

    // The board is there before it was heard, and that nobody can reach it is no drift.
    let rack = wait::until("a first look at the rack", PATIENCE, || {
        let rack = http::get(&address, "/api/rack").unwrap().json();
        (!rack["drift"].is_null()).then_some(rack)
    });
    assert_eq!((&rack["boards"][0]["name"], &rack["drift"]["state"]), (&"b1".into(), &"unknown".into()));

    let there = run(scratch, &["apply"]);
    assert_eq!(there.code, Some(1), "{there:?}");
    let said = there.err.join("\n");
    assert!(said.contains(&format!("pirack serve at http://{address} does it")), "{said}");
    assert!(said.contains("no/ca.pem"), "why it failed is told here, too: {said}");
    assert_eq!(operations(scratch).len(), 1);

    // Another file than the service's is refused before anything begins.
    fs::write(scratch.join("other.toml"), format!("{RACK}\n# mine\n")).unwrap();
    let other = run(scratch, &["apply", "--file", "other.toml"]);
    assert!(other.err.join("\n").contains("is not the one you have"), "{other:?}");
    assert_eq!(operations(scratch).len(), 1);

    serve.signal(Signal::KILL);
    drop(serve.end(PATIENCE));
    let here = run(scratch, &["apply"]);
    assert_eq!(here.code, Some(1), "{here:?}");
    assert!(!here.err.join("\n").contains("pirack serve at"), "{here:?}");
    let known = operations(scratch);
    assert_eq!(known.len(), 2);
    assert!(known.iter().all(|one| one["state"] == "failed" && one["kind"] == "apply"), "{known:?}");
}

#[test]
fn a_destroy_is_the_same_through_the_service_and_without_it() {
    let scratch = tempfile::tempdir().unwrap();
    let scratch = scratch.path();
    fs::write(scratch.join("rack.toml"), RACK).unwrap();
    let arguments = ["destroy", "--yes", "desk", "-o", "json"];
    let here = run(scratch, &arguments);
    let (mut serve, address) = serve(scratch);
    let there = run(scratch, &arguments);
    assert!(there.err.join("\n").contains(&format!("pirack serve at http://{address} does it")), "{there:?}");
    assert_eq!((here.code, &here.out), (there.code, &there.out), "{here:#?} {there:#?}");
    let answer: Value = serde_json::from_str(&here.out.concat()).unwrap();
    assert_eq!((&answer["steps"], &answer["stays"]["silent"][0]), (&0.into(), &"b1".into()), "{answer:#}");
    assert!(!answer["undone"].as_array().unwrap().is_empty(), "b1 did not answer: {answer:#}");
    assert_eq!(here.code, Some(1), "what is not known to be gone is not gone");
    // Without a step there is nothing to agree to, and another name is no agreement.
    assert_eq!(run(scratch, &["destroy"]).code, Some(1));
    let other = run(scratch, &["destroy", "--yes", "dusk"]);
    assert!(other.err.join("\n").contains("nothing was done"), "{other:?}");
    let known = operations(scratch);
    assert_eq!(known.len(), 2, "each of the two was written down, and nothing else: {known:#?}");
    assert!(known.iter().all(|one| one["kind"] == "destroy" && one["state"] == "failed"), "{known:#?}");
    assert_eq!(known[0]["why"], known[1]["why"]);
    serve.signal(Signal::TERM);
    drop(serve.end(PATIENCE));
}

#[test]
fn a_full_disk_under_the_history_is_said_and_loses_no_word_of_an_operation() {
    let name = "a_full_disk_under_the_history_is_said_and_loses_no_word_of_an_operation";
    if !geteuid().is_root() {
        return skip::impossible(name, "only root can mount a small file system");
    }
    let scratch = tempfile::tempdir().unwrap();
    let scratch = scratch.path();
    fs::write(scratch.join("rack.toml"), RACK).unwrap();
    let state = scratch.join("state");
    fs::create_dir(&state).unwrap();
    let mounted = Mounted::small(&state, "4m");
    if let Err(reason) = &mounted {
        return skip::impossible(name, reason);
    }
    let (mut serve, _) = serve(scratch);
    let filler = state.join("filler");
    let mut file = File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    let apply = Program::spawn(command(scratch, &["apply"]));
    serve.when_said("the journal waits for its disk", PATIENCE);
    fs::remove_file(filler).unwrap();
    let ended = apply.end(PATIENCE);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.join("\n").contains("no/ca.pem"), "whoever follows hears all of it: {ended:?}");
    serve.signal(Signal::TERM);
    assert_eq!(serve.end(PATIENCE).code, Some(0));
    let told = run(scratch, &["operations", "show", "-o", "json"]);
    let told: Value = serde_json::from_str(&told.out.concat()).unwrap();
    let words: Vec<&Value> =
        told["progress"].as_array().unwrap().iter().map(|one| &one["progress"]).collect();
    assert_eq!(
        (words.first(), words.last()),
        (Some(&&"scheduled".into()), Some(&&"failed".into())),
        "{told:#}"
    );
}

#[test]
fn sigterm_ends_the_service_well_and_takes_its_address_away() {
    let scratch = tempfile::tempdir().unwrap();
    let scratch = scratch.path();
    fs::write(scratch.join("rack.toml"), RACK).unwrap();
    let (mut service, _) = serve(scratch);
    let address = scratch.join("state/pirack/desk/serve.json");
    assert!(address.is_file());
    let second = run(scratch, &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, Some(1));
    assert!(second.err.join("\n").contains("already serves this rack"), "{second:?}");
    service.signal(Signal::TERM);
    let ended = service.end(PATIENCE);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!address.exists());
}

#[test]
fn other_machines_need_a_token_which_is_shown_once() {
    let scratch = tempfile::tempdir().unwrap();
    let scratch = scratch.path();
    fs::write(scratch.join("rack.toml"), RACK).unwrap();
    let open = run(scratch, &["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(open.code, Some(1));
    assert!(open.err.join("\n").contains("--new-token operator"), "{open:?}");
    let made = run(scratch, &["serve", "--new-token", "operator", "--tokens", "tokens"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(fs::read_to_string(scratch.join("tokens")).unwrap(), format!("operator {}\n", made.out[0]));
}
