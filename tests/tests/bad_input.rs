//! Bad input gets a letter to the person who must act, the right exit status, and leaves nothing written.

#![expect(clippy::unwrap_used, reason = "what fails, fails the test")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process;
use std::time::Duration;

use pirack_tests::mounted::Mounted;
use pirack_tests::program::{self, Ended, Program};
use pirack_tests::skip;
use rustix::process::geteuid;
use serde_json::Value;

/// A refusal comes before anything is started, so at once.
const PATIENCE: Duration = Duration::from_secs(180);

/// Runs `pirack demo` with a scratch directory and more arguments, until it ends.
fn demo(scratch: &Path, more: &[&str]) -> Ended {
    let fixed = ["demo", "--headless", "-o", "json", "--for", "2s", "--scratch", scratch.to_str().unwrap()];
    Program::start(&program::pirack(), fixed.into_iter().chain(more.iter().copied())).end(PATIENCE)
}

/// That it ended with `code` and named every one of `words`; and that standard output is the same in one document, or
/// nothing where the command line was wrong and asked for none.
fn refused(ended: &Ended, code: i32, words: &[&str]) {
    let letter = ended.err.join("\n");
    assert_eq!(ended.code, Some(code), "{ended:?}");
    if code == 2 {
        assert_eq!(ended.out, Vec::<String>::new(), "standard output of a wrong command line");
    } else {
        let said: Value = serde_json::from_str(&ended.out.concat()).unwrap();
        assert!(said["error"].as_str().is_some_and(|error| letter.contains(error)), "{ended:?}");
    }
    for word in words {
        assert!(letter.contains(word), "\"{word}\" is not in:\n{letter}");
    }
    assert!(!letter.contains("panicked"), "{letter}");
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn a_port_in_use_says_which_program_uses_it_and_writes_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = demo(scratch.path(), &["--listen", &address]);
    refused(&ended, 1, &[&address, &process::id().to_string(), "--listen"]);
    assert!(is_empty(scratch.path()), "something was written");
}

#[test]
fn a_scratch_directory_that_is_a_file_is_said_and_the_file_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scratch");
    fs::write(&file, "mine").unwrap();
    refused(&demo(&file, &[]), 1, &[file.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_scratch_directory_that_cannot_be_written_is_said() {
    // Not even root may make a folder there.
    refused(&demo(Path::new("/proc/pirack"), &[]), 1, &["/proc/pirack"]);
}

#[test]
fn a_full_scratch_directory_is_said_before_the_rack_starts() {
    let name = "a_full_scratch_directory_is_said_before_the_rack_starts";
    if !geteuid().is_root() {
        return skip::impossible(name, "only root can mount a small file system");
    }
    let folder = tempfile::tempdir().unwrap();
    let mounted = Mounted::small(folder.path(), "64k");
    if let Err(reason) = &mounted {
        return skip::impossible(name, reason);
    }
    fs::write(folder.path().join("filler"), vec![0; 60 * 1024]).unwrap();
    let ended = demo(folder.path(), &[]);
    refused(&ended, 1, &[folder.path().to_str().unwrap()]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something was written");
}

#[test]
fn a_wrong_command_line_exits_with_2_and_names_the_value() {
    for (arguments, word) in [
        (&["--boards", "0"][..], "0"),
        (&["--boards", "abc"], "abc"),
        (&["--boards", "-3"], "-3"),
        (&["--for", "soon"], "soon"),
        (&["--listen", "everywhere"], "everywhere"),
        (&["--colour"], "--colour"),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let fixed = ["demo", "--headless", "--scratch", scratch.path().to_str().unwrap()];
        let all = fixed.iter().chain(arguments);
        refused(&Program::start(&program::pirack(), all).end(PATIENCE), 2, &[word]);
        assert!(is_empty(scratch.path()), "{arguments:?} wrote something");
    }
}
