//! Promises of the command line as a whole: `pirack` as people and scripts run it.

#![expect(clippy::unwrap_used, reason = "what fails, fails the test")]

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use pirack_tests::program;
use pirack_tests::terminal::Terminal;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(180);

/// Runs it in a folder, without standard input.
fn pirack(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program::pirack());
    command.current_dir(folder).args(arguments).env_remove("PIRACK_FILE").env_remove("NO_COLOR");
    command.stdin(std::process::Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_file_is_written_checked_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let init = ["init", "--name", "booth", "--boards", "b1..b3=10.0.0.11", "--yes"];
    assert_eq!(pirack(at, &init).status.code(), Some(0));
    let written = std::fs::read_to_string(at.join("rack.toml")).unwrap();
    let checked = pirack(at, &["check"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    assert!(said(&checked).0.contains("rack \"booth\", 3 boards"), "{checked:?}");

    let again = pirack(at, &["init", "--name", "other", "--boards", "b1=10.0.0.11", "--yes"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).1.contains("--force"), "{again:?}");
    assert_eq!(std::fs::read_to_string(at.join("rack.toml")).unwrap(), written);
}

#[test]
fn without_a_terminal_nothing_is_asked_and_nothing_is_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let refused = pirack(folder.path(), &["init"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).1.contains("--boards"), "{refused:?}");
    assert!(!folder.path().join("rack.toml").exists());
}

#[test]
fn on_a_terminal_questions_are_asked_and_a_wrong_answer_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::open();
    let mut command = Command::new(program::pirack());
    command.current_dir(folder.path()).arg("init").env_remove("PIRACK_FILE");
    let program = terminal.start(command);
    for (question, answer) in [
        ("The rack's name [desk]", "\n"),
        ("Its boards", "b1\n"),
        ("has no address", "b1..b3=10.0.0.11\n"),
        ("As whom", "\n"),
        ("Kafka on it", "\n"),
        ("Cassandra, yes or no [yes]", "no\n"),
        ("Disks for data", "\n"),
    ] {
        terminal.shows(question, PATIENCE);
        terminal.press(answer);
    }
    assert_eq!(program.end(PATIENCE).code, Some(0), "{}", terminal.shown());
    let text = std::fs::read_to_string(folder.path().join("rack.toml")).unwrap();
    assert!(text.contains("\n[kafka]") && !text.contains("\n[cassandra]"), "{text}");
}

#[test]
fn a_wrong_file_gives_every_problem_with_line_column_and_help() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "version = 1\nname = \"desk\"\n[[board]]\nname = \"b1\"\naddress = \"10.0.0.300\"\nadress = 1\n";
    std::fs::write(folder.path().join("wrong.toml"), text).unwrap();
    for way in [&["check", "wrong.toml", "-o", "json"][..], &["-f", "wrong.toml", "-o", "json", "check"]] {
        let checked = pirack(folder.path(), way);
        assert_eq!(checked.status.code(), Some(1));
        let answer: Value = serde_json::from_slice(&checked.stdout).unwrap();
        assert_eq!(answer["well"], false);
        let places: Vec<_> = answer["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|problem| {
                (
                    problem["code"].as_str().unwrap(),
                    problem["line"].as_u64().unwrap(),
                    problem["column"].as_u64().unwrap(),
                    problem["length"].as_u64().unwrap(),
                )
            })
            .collect();
        assert_eq!(places, [("RF013", 5, 11, 12), ("RF005", 6, 1, 6)]);
        assert!(answer["problems"][1]["help"].as_str().unwrap().contains("did you mean \"address\""));
    }
}

#[test]
fn colours_are_for_terminals_and_not_where_no_color_is_set() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rack.toml"), "version = 1\n").unwrap();
    let (out, _) = said(&pirack(folder.path(), &["check"]));
    assert!(out.contains("RF007") && !out.contains('\u{1b}'), "a pipe has no colours: {out}");
    for (no_color, coloured) in [("", true), ("1", false)] {
        let terminal = Terminal::open();
        let mut command = Command::new(program::pirack());
        command.current_dir(folder.path()).arg("check").env("NO_COLOR", no_color).env("TERM", "xterm");
        assert_eq!(terminal.start(command).end(PATIENCE).code, Some(1));
        terminal.shows("RF007", PATIENCE);
        assert_eq!(
            terminal.shown().contains("\u{1b}["),
            coloured,
            "NO_COLOR={no_color}: {}",
            terminal.shown()
        );
    }
}

#[test]
fn whoever_waits_at_a_terminal_for_a_look_reads_that_boards_are_looked_at_and_programs_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let text = "version = 1\nname = \"desk\"\nagent = { enabled = false }\n[[board]]\nname = \"b1\"\naddress = \"192.0.2.1\"\n";
    std::fs::write(folder.path().join("rack.toml"), text).unwrap();
    for (arguments, said) in
        [(&["plan"][..], true), (&["status"], true), (&["preflight"], true), (&["plan", "-o", "json"], false)]
    {
        let terminal = Terminal::open();
        // Its standard error is the terminal too.
        let mut command = Command::new("bash");
        command.args(["-c", "exec \"$0\" \"$@\" 2>&0"]).arg(program::pirack()).args(arguments);
        command.current_dir(folder.path()).env_remove("PIRACK_FILE").env("TERM", "xterm");
        let end = terminal.start(command).end(PATIENCE);
        terminal.shows(if said { "\u{1b}[2K" } else { "{" }, PATIENCE);
        assert_eq!(terminal.shown().contains("looking at 1 board"), said, "{arguments:?} {end:?}");
    }
    assert!(!said(&pirack(folder.path(), &["plan"])).1.contains("looking at"), "nothing lives in a pipe");
}

#[test]
fn shells_and_manuals_know_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let (script, _) = said(&pirack(folder.path(), &["completions", shell]));
        assert!(script.contains("check") && script.contains("completions"), "{shell}: {script}");
    }
    assert_eq!(pirack(folder.path(), &["completions", "tea"]).status.code(), Some(2));
    assert_eq!(pirack(folder.path(), &["man", "pages"]).status.code(), Some(0));
    for page in ["pirack.1", "pirack-check.1", "pirack-topics-apply.1"] {
        let text = std::fs::read_to_string(folder.path().join("pages").join(page)).unwrap();
        assert!(text.starts_with(".ie") && text.contains("PIRACK_FILE"), "{page}: {text}");
        assert!(text.contains(".SH EXAMPLES\n.nf\n"), "{page}: {text}");
    }
}

#[test]
fn whoever_reads_json_reads_one_document_of_a_wrong_command_line_too() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, status, word) in [
        (&["check", "-o", "json", "a", "b"][..], 2, "'b'"),
        (&["-o", "json", "frob"], 2, "'frob'"),
        (&["init", "-o", "json", "--boards", "b1=1.2.3"], 2, "1.2.3"),
        (&["preflight", "--format", "--output=json"], 2, "--fix"),
        (&["plan", "-o", "json", "a"], 1, "'a'"),
    ] {
        let refused = pirack(folder.path(), arguments);
        assert_eq!(refused.status.code(), Some(status), "{refused:?}");
        let (out, err) = said(&refused);
        let answer: Value = serde_json::from_str(&out).unwrap();
        let letter = answer["error"].as_str().unwrap();
        assert!(letter.contains(word) && err.contains(letter), "{refused:?}");
    }
    let told = pirack(folder.path(), &["man", "pages", "-o", "json"]);
    let answer: Value = serde_json::from_slice(&told.stdout).unwrap();
    let pages = std::fs::read_dir(folder.path().join("pages")).unwrap().count();
    assert_eq!((&answer["folder"], answer["pages"].as_u64()), (&Value::from("pages"), Some(pages as u64)));
    for arguments in [&["--version", "-o", "json"][..], &["check", "-o", "json", "--help"]] {
        let told = pirack(folder.path(), arguments);
        assert_eq!(told.status.code(), Some(0), "{told:?}");
        assert!(serde_json::from_slice::<Value>(&told.stdout).is_err(), "help is its own answer: {told:?}");
    }
}

#[test]
fn topics_and_tables_begin_at_the_boards_of_the_racks_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = "version = 1\nname = \"desk\"\n[[board]]\nname = \"b1\"\naddress = \"192.0.2.1\"\n[kafka]\n[cassandra]\n";
    std::fs::write(folder.path().join("rack.toml"), text).unwrap();
    for (what, place) in [("topics", "192.0.2.1:9092"), ("schema", "192.0.2.1:9042")] {
        let refused = pirack(folder.path(), &[what, "apply", "--timeout", "1s"]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        assert!(said(&refused).1.contains(place), "{refused:?}");
    }
    let missing = pirack(folder.path(), &["-f", "none.toml", "topics", "apply"]);
    assert!(said(&missing).1.contains("there is no file none.toml"), "{missing:?}");
}

#[test]
fn an_answer_that_could_not_be_written_is_no_success_and_a_reader_that_has_gone_is() {
    let folder = tempfile::tempdir().unwrap();
    let init = ["init", "--boards", "b1..b3=10.0.0.11", "--yes"];
    assert_eq!(pirack(folder.path(), &init).status.code(), Some(0));
    let run = |line: &str| {
        let line = line.replace("pirack", program::pirack().to_str().unwrap());
        let mut shell = Command::new("bash");
        shell.current_dir(folder.path()).args(["-c", &line]).env_remove("PIRACK_FILE").output().unwrap()
    };
    for command in
        ["pirack check -o json", "pirack check", "pirack man", "pirack completions bash", "pirack --help"]
    {
        let full = run(&format!("{command} > /dev/full"));
        assert_eq!(full.status.code(), Some(1), "{command}: {full:?}");
        assert!(said(&full).1.contains("could not be written"), "{command}: {full:?}");
        let gone = run(&format!("set -o pipefail; {command} | true"));
        assert_eq!(gone.status.code(), Some(0), "{command}: {gone:?}");
    }
}

#[test]
fn a_variable_that_is_set_to_nothing_keeps_no_command_from_its_work() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program::pirack());
    command.current_dir(folder.path()).args(["check"]).env("PIRACK_FILE", "");
    let checked = command.output().unwrap();
    assert!(said(&checked).0.contains("there is no file rack.toml"), "{checked:?}");
}
