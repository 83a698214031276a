//! A lab comes and goes, and leaves this machine as it was: also when whoever started it was killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "all of it is tests, which clippy cannot see without libtest's harness"
)]

mod grown;
mod left;
mod machine;

use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use machine::{Traces, network};
use pirack_lab::{Lab, LabError, LabStatus, Outcome, Spec, conduct_alone};

fn main() -> ExitCode {
    conduct_alone(&[
        ("up and down leave nothing, and this machine's network never changes", up_and_down),
        ("a lab whose maker was killed at any moment is cleaned by down", killed_then_down),
        ("a lab whose maker was killed is cleaned by the next up", killed_then_up),
        ("a lab that is held is refused by the name of its holder", held),
        ("a lab that is held is waited for by whoever says so", waits),
        ("lab up stays, twice over, and lab down ends it, twice over", twice),
        ("a lab that cannot come up leaves nothing", failed),
        ("a bare board has nothing of an engine, and one that is added is known to all", grown::grows),
        ("a reflashed board has its name and address, and nothing else of what it was", grown::reflashed),
        (
            "a data disk is found by its UUID after a power cut, outlives a card and goes with its lab",
            grown::data_disk,
        ),
        ("lab up refuses to change a lab that is up, and says what differs", left::differs),
        ("status tells every machine of a lab that is not whole, and whose it is", left::status),
        ("images that this machine cannot make are told by what it lacks", left::no_maven),
        ("down finds the disks that another cache holds", left::other_cache),
        ("prune removes what this tree does not use, says so, and nothing while a lab is up", left::prune),
        ("down removes what killed runs of any name left, and no lab that is to stay", left::of_any_name),
    ])
}

/// A name that no other test has.
pub(crate) fn name(suffix: &str) -> String {
    let base = std::env::var("PIRACK_LAB").unwrap_or_else(|_| "tests".to_owned());
    format!("{base}-{suffix}")
}

pub(crate) fn lab(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.env("PIRACK_LAB", name).args(arguments);
    command
}

fn up_and_down() -> Outcome {
    let name = name("life");
    // The root tree is made by now, whatever runs first.
    drop(Lab::begin(&Spec::new(1).named(&name))?);
    let before = network();
    let began = Instant::now();
    let running = Lab::begin(&Spec::new(3).named(&name))?;
    let up = began.elapsed();
    let traces = Traces::of(&name);
    assert!(traces.processes() >= 4 * 2, "{traces:?}");
    assert_eq!(network(), before);
    // Docker's own control groups go too.
    assert!(running.boards().iter().all(pirack_lab::Board::engine_answers));
    let began = Instant::now();
    drop(running);
    let down = began.elapsed();
    traces.wait_gone();
    assert_eq!(network(), before);
    println!("3 boards up in {:.1} s, down in {:.1} s", up.as_secs_f64(), down.as_secs_f64());
    Ok(())
}

/// Starts `lab up` and kills it as soon as the file is there.
pub(crate) fn killed_when(name: &str, file: &str) {
    let state = Path::new("/run/pirack-lab").join(name);
    let mut up =
        lab(name, &["up", "--boards", "2"]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    wait_for(&mut up, || state.join(file).exists());
    up.kill().unwrap();
    up.wait().unwrap();
    assert!(state.exists());
}

fn wait_for(child: &mut Child, condition: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(300);
    while !condition() {
        assert!(Instant::now() < until, "nothing within five minutes");
        assert!(child.try_wait().unwrap().is_none(), "the lab's maker ended");
        std::thread::yield_now();
    }
}

fn killed_then_down() -> Outcome {
    let name = name("killed");
    for file in ["lock", "ssh/known_hosts", "hub/log", "hub/init", "b1/root", "b2/log", "b2/init"] {
        killed_when(&name, file);
        Lab::take_down(&name)?;
        // All that was ever there, looked for after the end: nobody may start anything any more.
        let traces = Traces::of(&name);
        assert_eq!(traces.processes(), 0, "after {file}: {traces:?}");
        traces.wait_gone();
    }
    Ok(())
}

fn killed_then_up() -> Outcome {
    let name = name("killed");
    killed_when(&name, "b2/init");
    let left = Traces::of(&name);
    assert!(left.processes() > 0, "{left:?}");
    let next = Lab::begin(&Spec::new(1).named(&name))?;
    left.wait_processes_gone();
    let traces = Traces::of(&name);
    assert_eq!(next.boards().len(), 1);
    drop(next);
    traces.wait_gone();
    Ok(())
}

fn held() -> Outcome {
    let name = name("held");
    let first = Lab::begin(&Spec::new(1).named(&name))?;
    let us = format!("process {}", std::process::id());
    for refused in [Lab::begin(&Spec::new(1).named(&name)).map(drop), Lab::take_down(&name)] {
        match refused {
            Err(LabError::Held { holder, .. }) => assert!(holder.contains(&us), "{holder}"),
            other => panic!("{other:?}"),
        }
    }
    let down = lab(&name, &["down"]).output().unwrap();
    let said = String::from_utf8_lossy(&down.stderr);
    assert!(down.status.code() == Some(1) && said.contains(&us), "{said}");
    assert!(first.board(1).engine_answers());
    drop(first);
    Ok(())
}

fn waits() -> Outcome {
    let spec = Spec::new(1).named(&name("held"));
    let first = Lab::begin(&spec)?;
    let next = std::thread::spawn({
        let spec = spec.clone().waiting();
        move || Lab::begin(&spec)
    });
    // Ending it takes longer than asking for it.
    drop(first);
    let next = next.join().unwrap()?;
    assert!(next.board(1).engine_answers());
    Ok(())
}

fn twice() -> Outcome {
    let name = name("twice");
    let run = |arguments: &[&str]| lab(&name, arguments).output().unwrap();
    assert!(run(&["up", "--boards", "1"]).status.success());
    let pids = || LabStatus::of(&name).unwrap().boards.iter().map(|board| board.pid).collect::<Vec<_>>();
    let first = pids();
    assert!(run(&["up", "--boards", "1"]).status.success());
    assert_eq!(pids(), first);
    assert!(matches!(Lab::begin(&Spec::new(1).named(&name)), Err(LabError::Up(_))));
    assert_eq!(run(&["status"]).status.code(), Some(0));
    assert_eq!(run(&["run", "b1", "--", "sh", "-c", "exit 9"]).status.code(), Some(9));
    assert_eq!(run(&["unplug", "b7"]).status.code(), Some(1));
    let traces = Traces::of(&name);
    assert!(run(&["down"]).status.success());
    traces.wait_gone();
    assert!(run(&["down"]).status.success());
    assert_eq!(run(&["status"]).status.code(), Some(3));
    Ok(())
}

fn failed() -> Outcome {
    let name = name("failed");
    // Engines keep what they hold in a folder; here a file is in its way.
    let kept = format!("{name}-in-the-way");
    let engines = pirack_lab::cache_folder().join("engines");
    std::fs::create_dir_all(&engines).unwrap();
    std::fs::write(engines.join(&kept), "").unwrap();
    let refused = Lab::begin(&Spec::new(1).named(&name).keeping_engines(&kept));
    std::fs::remove_file(engines.join(&kept)).unwrap();
    assert!(matches!(refused, Err(LabError::File { .. })), "{refused:?}");
    let traces = Traces::of(&name);
    assert_eq!(traces.processes(), 0, "{traces:?}");
    traces.wait_gone();
    Ok(())
}
