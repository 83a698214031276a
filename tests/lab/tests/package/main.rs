//! The agent's package on a board: installed, upgraded, removed and purged by dpkg, and its service through it all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "all of it is tests, which clippy cannot see without libtest's harness"
)]

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use pirack_lab::{Board, Chapter, Spec, conduct_story, package};

/// A restart after a death takes 5 s.
const LIMIT: Duration = Duration::from_secs(300);
/// Nobody listens on port 9: whatever it has to say waits in its queue.
const CONFIG: &str = "board = \"b1\"\ninterval_seconds = 0.1\n[kafka]\nbootstrap = [\"127.0.0.1:9\"]\n";
const EARLIER: &str = "0.1.0~earlier";
const LATER: &str = "0.1.0~later";

/// A board, and both packages on it.
struct World {
    lab: pirack_lab::Lab,
    packages: [String; 2],
}

fn main() -> ExitCode {
    let chapters: Vec<Chapter<World>> = vec![
        ("without a configuration it is installed, and not started", Box::new(installed)),
        ("with one it is a service, as a user of its own with the groups of the buses", Box::new(started)),
        ("an agent that dies is started again", Box::new(dies)),
        ("an upgrade restarts the agent, whose queue goes on", Box::new(upgraded)),
        ("a power cut ends nothing: the agent starts by itself, and its queue goes on", Box::new(power_cut)),
        ("a stopped agent stays so, and restarts at its word", Box::new(stopped)),
        ("removed, it leaves its configuration and its queue", Box::new(removed)),
        ("purged, it leaves nothing, and says which records went", Box::new(purged)),
    ];
    conduct_story(&Spec::new(1).with_package(), begin, chapters)
}

fn begin(lab: pirack_lab::Lab) -> Result<World, pirack_lab::Failed> {
    let beside = || Some(env::current_exe().ok()?.parent()?.parent()?.join("pirack-agent"));
    let program = env::var_os("PIRACK_AGENT_BIN").map(PathBuf::from).or_else(beside).unwrap_or_default();
    let folder = tempfile::tempdir()?;
    let mut packages = Vec::new();
    for version in [EARLIER, LATER] {
        let made = package(&program, version, folder.path()).map_err(|error| pirack_lab::chain(&error))?;
        let place = format!("/root/{version}.deb");
        fs::copy(made, lab.board(1).path(&place))?;
        packages.push(place);
    }
    let packages = packages.try_into().map_err(|_| "two packages")?;
    // As on a Raspberry Pi, whose kernel gives the buses to a group of that name.
    shell(lab.board(1), "groupadd --system i2c");
    Ok(World { lab, packages })
}

/// What a line printed, over the board's own door, both outputs; and its exit status.
fn ssh(board: &Board, line: &str) -> (i32, String) {
    let output = board.ssh().command("root", line).output().unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), format!("{said}{errors}"))
}

/// As [`ssh`], of a line that must succeed.
fn shell(board: &Board, line: &str) -> String {
    let (status, said) = ssh(board, line);
    assert!(status == 0, "{line}: status {status}: {said}");
    said
}

fn wait(board: &Board, what: &str, condition: impl Fn() -> bool) {
    let until = Instant::now() + LIMIT;
    while !condition() {
        let log = fs::read_to_string(board.path("/var/log/pirack-agent.log")).unwrap_or_default();
        assert!(Instant::now() < until, "{what} did not come: {log}");
        std::thread::yield_now();
    }
}

/// The agent's process, which waits to be asked before this returns.
fn agent(board: &Board) -> String {
    wait(board, "an agent that answers", || {
        board.command("pirack-agent").arg("healthy").output().unwrap().status.success()
    });
    shell(board, "pgrep -x pirack-agent")
}

/// How many records the queue has taken in all, and its identity.
fn queue(board: &Board) -> (u64, serde_json::Value) {
    let said = shell(board, "pirack-agent buffer status --json");
    let status: serde_json::Value = serde_json::from_str(&said).unwrap();
    (status["next"].as_u64().unwrap_or_else(|| panic!("{said}")), status["queue"].clone())
}

fn install(board: &Board, package: &str) -> String {
    shell(board, &format!("dpkg -i {package}"))
}

fn installed(world: &mut World) {
    let board = world.lab.board(1);
    let said = install(board, &world.packages[0]);
    assert!(said.contains("is started when there is an /etc/pirack/agent.toml"), "{said}");
    assert_eq!(shell(board, "ls /etc/rc2.d/*pirack-agent").trim().len(), "/etc/rc2.d/S01pirack-agent".len());
    assert_eq!(ssh(board, "service pirack-agent status").0, 3);
    let (status, said) = ssh(board, "service pirack-agent start");
    assert!(status == 0 && said.contains("there is no /etc/pirack/agent.toml"), "{said}");
    assert_eq!(ssh(board, "pgrep -x pirack-agent").1, "");
    // The unit is enabled for a board that has a systemd.
    shell(board, "test -L /etc/systemd/system/multi-user.target.wants/pirack-agent.service");
    assert_eq!(
        shell(board, "pirack-agent --version").trim(),
        concat!("pirack-agent ", env!("CARGO_PKG_VERSION"))
    );
}

fn started(world: &mut World) {
    let board = world.lab.board(1);
    fs::write(board.path("/etc/pirack/agent.toml"), CONFIG).unwrap();
    shell(board, "service pirack-agent start");
    let pid = agent(board);
    shell(board, "service pirack-agent status");
    let owner = shell(board, &format!("ps -o user=,supgrp= -p {pid}"));
    assert!(owner.starts_with("pirack ") && owner.contains("i2c") && owner.contains("video"), "{owner}");
    assert_eq!(shell(board, "stat -c '%U %a' /var/lib/pirack /var/lib/pirack/queue").lines().count(), 2);
    // Twice started is once.
    shell(board, "service pirack-agent start");
    assert_eq!(agent(board), pid);
}

fn dies(world: &mut World) {
    let board = world.lab.board(1);
    let before = agent(board);
    shell(board, "pkill -KILL -x pirack-agent");
    wait(
        board,
        "another agent",
        || !matches!(ssh(board, "pgrep -x pirack-agent"), (_, pid) if pid.is_empty() || pid == before),
    );
    let log = fs::read_to_string(board.path("/var/log/pirack-agent.log")).unwrap();
    assert!(log.contains("ended with status 137; it is started again in 5 s"), "{log}");
    agent(board);
}

fn upgraded(world: &mut World) {
    let board = world.lab.board(1);
    let (before, (end, id)) = (agent(board), queue(board));
    install(board, &world.packages[1]);
    assert_ne!(agent(board), before);
    assert_eq!(shell(board, "dpkg-query -W -f '${Version}' pirack-agent"), LATER);
    wait(board, "a record after the upgrade", || queue(board).0 > end);
    assert_eq!(queue(board).1, id);
}

fn power_cut(world: &mut World) {
    let board = world.lab.board(1);
    agent(board);
    let (next, _) = queue(board);
    board.cut_power().unwrap();
    board.power_on().unwrap();
    agent(board);
    wait(board, "a record after the cut", || queue(board).0 > next);
    let verified = shell(board, "pirack-agent buffer status --json; pirack-agent buffer verify");
    assert!(verified.contains("\"oldest\": 0,"), "{verified}");
}

fn stopped(world: &mut World) {
    let board = world.lab.board(1);
    shell(board, "service pirack-agent stop");
    assert_eq!(ssh(board, "pgrep -x 'keep|pirack-.*'").1, "");
    assert_eq!(ssh(board, "service pirack-agent status").0, 3);
    shell(board, "service pirack-agent restart");
    agent(board);
    // Whoever kills what keeps it, kills it too.
    shell(board, "kill -KILL $(cat /run/pirack-agent.pid)");
    wait(board, "the agent's end", || ssh(board, "pgrep -x pirack-agent").1.is_empty());
    shell(board, "service pirack-agent start");
    agent(board);
}

fn removed(world: &mut World) {
    let board = world.lab.board(1);
    let (end, id) = queue(board);
    let said = shell(board, "dpkg -r pirack-agent");
    assert!(said.contains("its queue, with records in it, stays in /var/lib/pirack"), "{said}");
    assert_eq!(ssh(board, "pgrep -x pirack-agent").1, "");
    install(board, &world.packages[1]);
    agent(board);
    assert!(queue(board).0 >= end && queue(board).1 == id);
}

fn purged(world: &mut World) {
    let board = world.lab.board(1);
    // To stop takes it 5 s, as was shown.
    shell(board, "kill -KILL $(cat /run/pirack-agent.pid) $(pgrep -x pirack-agent)");
    let said = shell(board, "dpkg -P pirack-agent");
    assert!(said.contains("bytes of records that a sink may not have had"), "{said}");
    let left = "find / -xdev -name '*pirack*' -not -path '/proc/*' -not -path '/sys/*'";
    assert_eq!(shell(board, left), "");
    assert_eq!(ssh(board, "pgrep -x pirack-agent").1, "");
}
