//! The ways in which `pirack demo` ends, each of them well, and what it does not let strangers do.

use std::io::{self, BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use pirack_tests::demo::{Demo, STEP, board};
use pirack_tests::http;
use pirack_tests::program::{self, Program};
use pirack_tests::terminal::Terminal;
use rustix::process::Signal;

/// An end brings in what is on its way: 5 s for the queues, 5 s for the history.
const END: Duration = Duration::from_secs(180);

#[test]
fn an_interrupt_while_the_broker_is_stopped_ends_the_rack_soon_and_loses_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(scratch.path(), &["--boards", "6", "--interval", "0.2"]);
    demo.when_well(7);
    demo.stop_broker(300);
    demo.program.signal(Signal::INT);
    let (summary, ended) = demo.end(END);
    assert_eq!((ended.code, &summary["lost"]), (Some(0), &0.into()), "{summary}\n{ended:?}");
    let number = |field: &str| summary[field].as_u64().unwrap();
    assert!(number("produced") > 0, "{summary}");
    let accounted = number("stored") + number("queued") + number("dropped");
    assert!(accounted >= number("produced"), "{summary}");
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_rack_and_well() {
    let scratch = tempfile::tempdir().unwrap();
    let (reader, writer) = io::pipe().unwrap();
    let mut command = Command::new(program::pirack());
    command.args(["demo", "--boards", "2", "--interval", "0.2", "--listen", "127.0.0.1:0", "--scratch"]);
    command.arg(scratch.path()).stdin(Stdio::null()).stdout(writer);
    let demo = Program::attached(command);
    let lines: Vec<String> = BufReader::new(reader).lines().take(3).map(Result::unwrap).collect();
    assert!(lines[0].starts_with("dashboard"), "{lines:?}");
    // The reader is gone: the next line has nowhere to go.
    let ended = demo.end(END);
    assert_eq!((ended.code, ended.err), (Some(0), Vec::new()));
}

#[test]
fn a_page_or_a_name_of_strangers_gets_403_and_moves_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let demo = Demo::start(scratch.path(), &["--boards", "2"]);
    demo.when_well(3);
    let ours = format!("Host: {}\r\n", demo.dashboard);
    let port = demo.dashboard.rsplit(':').next().unwrap();
    let name = demo.rack()["boards"][0]["name"].as_str().unwrap().to_owned();
    for headers in [
        format!("{ours}Origin: http://evil.example\r\n"),
        format!("{ours}Origin: null\r\n"),
        format!("Host: evil.example:{port}\r\n"),
        format!("Host: evil.example:{port}\r\nOrigin: http://evil.example:{port}\r\n"),
    ] {
        for path in [format!("/api/boards/{name}/unplug"), "/api/broker/stop".to_owned()] {
            let answer = http::post_as(&demo.dashboard, &path, None, &headers).unwrap();
            assert_eq!(answer.status, 403, "{path} {headers}{}", answer.body);
        }
    }
    let rack = demo.rack();
    assert_eq!(
        (&board(&rack, &name)["plugged"], &rack["broker"]["state"]),
        (&true.into(), &"running".into())
    );
    // The same order from the page itself is carried out.
    let headers = format!("{ours}Origin: http://{}\r\n", demo.dashboard);
    let answer =
        http::post_as(&demo.dashboard, &format!("/api/boards/{name}/unplug"), None, &headers).unwrap();
    assert_eq!(answer.status, 202, "{}", answer.body);
    demo.when("the board unplugged", STEP, |rack| board(rack, &name)["plugged"] == false);
}

#[test]
fn the_live_table_shows_the_rack_and_q_gives_the_terminal_back_with_the_summary() {
    let scratch = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::open();
    assert!(terminal.is_as_a_shell_left_it());
    let mut command = Command::new(program::pirack());
    command.args(["demo", "--boards", "6", "--interval", "0.2", "--listen", "127.0.0.1:0", "--scratch"]);
    command.arg(scratch.path()).env("TERM", "xterm-256color");
    let table = terminal.start(command);
    terminal.shows("\u{1b}[?1049h", STEP);
    for text in ["admin", "w1", "● well"] {
        terminal.shows(text, STEP);
    }
    assert!(!terminal.is_as_a_shell_left_it(), "a table takes keys one by one");
    terminal.press("q");
    let ended = table.end(END);
    assert_eq!((ended.code, ended.err), (Some(0), Vec::new()));
    terminal.shows(", 0 lost", STEP);
    let shown = terminal.shown();
    let (_, after) = shown.rsplit_once("\u{1b}[?1049l").unwrap();
    assert!(after.contains(", 0 lost"), "the summary comes after the terminal is given back: {after:?}");
    assert!(shown.rfind("\u{1b}[?25h") > shown.rfind("\u{1b}[?25l"), "the cursor stays hidden: {after:?}");
    assert!(terminal.is_as_a_shell_left_it());
}

#[test]
fn a_rack_that_has_no_passwords_is_not_served_to_a_network() {
    let scratch = tempfile::tempdir().unwrap();
    let mut command = Command::new(program::pirack());
    command
        .args(["demo", "--headless", "--for", "2s", "--listen", "0.0.0.0:0", "--scratch"])
        .arg(scratch.path());
    let ended = Program::spawn(command).end(END);
    assert!(ended.code.is_some_and(|code| code != 0), "{ended:?}");
    let letter = ended.err.join("\n");
    assert!(
        letter.contains("0.0.0.0") && (letter.contains("loopback") || letter.contains("ssh")),
        "{letter}"
    );
    assert_eq!(scratch.path().read_dir().unwrap().count(), 0, "something was written");
}
