//! Labs that are not as somebody expects them: up otherwise, damaged, left behind.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use pirack_lab::{Lab, LabStatus, Outcome, Spec, Standing};
use rustix::process::{Pid, Signal, kill_process};

use crate::machine::Traces;
use crate::{killed_when, lab, name};

/// What a `lab` of these arguments said on either, and its exit status.
fn said(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

fn pids(name: &str) -> Vec<Option<i32>> {
    let status = LabStatus::of(name).unwrap();
    std::iter::once(status.hub).chain(status.boards.iter().map(|board| board.pid)).collect()
}

pub(crate) fn differs() -> Outcome {
    let name = name("differs");
    let run = |arguments: &[&str]| said(&mut lab(&name, arguments));
    assert_eq!(run(&["up", "--boards", "1"]).0, Some(0));
    let first = pids(&name);
    let refused = |boards: &str, why: &str| {
        let (status, said) = run(&["up", "--boards", boards]);
        assert!(status == Some(1) && said.contains(why) && said.contains("`lab down` first"), "{said}");
        assert_eq!(pids(&name), first);
    };
    refused("2", "it has 1 board, not 2");
    assert_eq!(run(&["pause-engine", "b1"]).0, Some(0));
    refused("1", "b1's engine does not answer");
    assert_eq!(run(&["resume-engine", "b1"]).0, Some(0));
    assert_eq!(run(&["up", "--boards", "1"]).0, Some(0));
    assert_eq!(pids(&name), first);
    let traces = Traces::of(&name);
    assert_eq!(run(&["down"]).0, Some(0));
    traces.wait_gone();
    Ok(())
}

pub(crate) fn status() -> Outcome {
    let name = name("partial");
    let run = |arguments: &[&str]| said(&mut lab(&name, arguments));
    killed_when(&name, "b2/init");
    let (status, left) = run(&["status"]);
    let hub = LabStatus::of(&name).unwrap().hub.unwrap();
    for part in ["left by a killed run; `lab down` removes it", &format!("process {hub}"), "b2"] {
        assert!(status == Some(3) && left.contains(part), "{left}");
    }

    // By the name of another lab, it is told all the same.
    let (_, others) = said(&mut lab(&format!("{name}-not"), &["status"]));
    assert!(others.contains(&format!("lab {name} was left by a killed run")), "{others}");

    assert_eq!(run(&["up", "--boards", "2"]).0, Some(0));
    let [hub, first, second] = pids(&name)[..] else { panic!("three machines") };
    let victim = Pid::from_raw(first.unwrap()).unwrap();
    kill_process(victim, Signal::KILL).unwrap();
    while LabStatus::of(&name).unwrap().boards[0].pid.is_some() {
        std::thread::yield_now();
    }
    let broken = LabStatus::of(&name).unwrap();
    assert_eq!((broken.standing, broken.up), (Standing::Partial, false));
    assert_eq!(pids(&name), [hub, None, second]);
    assert!(broken.boards[1].engine);
    let (status, told) = run(&["up", "--boards", "2"]);
    assert!(status == Some(1) && told.contains("b1 does not run"), "{told}");
    let traces = Traces::of(&name);
    assert!(traces.processes() > 0);
    assert_eq!(run(&["down"]).0, Some(0));
    traces.wait_gone();
    Ok(())
}

pub(crate) fn no_maven() -> Outcome {
    // A registry without images, and this machine's programs but for Maven.
    let bare = tempfile::tempdir_in(pirack_lab::cache_folder()).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    for program in
        std::env::split_paths(&path).filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten()
    {
        if program.file_name() != "mvn" {
            // The first of a name is the one that counts.
            drop(symlink(program.path(), bare.path().join(program.file_name())));
        }
    }
    let mut command = lab(&name("none"), &["images", "kafka"]);
    let (status, told) = said(command.env("XDG_CACHE_HOME", bare.path()).env("PATH", bare.path()));
    for part in ["no mvn", "Debian's package maven", "tests/setup.sh images"] {
        assert!(status == Some(3) && told.contains(part), "{told}");
    }
    Ok(())
}

pub(crate) fn other_cache() -> Outcome {
    let name = name("cache");
    let other = tempfile::tempdir_in(pirack_lab::cache_folder()).unwrap();
    assert_eq!(said(&mut lab(&name, &["up", "--boards", "1"])).0, Some(0));
    let traces = Traces::of(&name);
    let down = said(lab(&name, &["down"]).env("XDG_CACHE_HOME", other.path()));
    assert_eq!(down.0, Some(0), "{}", down.1);
    traces.wait_gone();
    Ok(())
}

pub(crate) fn of_any_name() -> Outcome {
    let (kept, held, killed) = (name("stays"), name("held"), name("killed"));
    assert_eq!(said(&mut lab(&kept, &["up", "--boards", "1"])).0, Some(0));
    let held = Lab::begin(&Spec::new(1).named(&held))?;
    killed_when(&killed, "b2/init");
    let traces = Traces::of(&killed);
    assert!(traces.processes() > 0, "{traces:?}");
    // A state does not outlive a restart of this machine, disks do.
    let restarted = pirack_lab::cache_folder().join("labs").join(name("restarted"));
    fs::create_dir_all(restarted.join("b1/upper")).unwrap();

    let (status, down) = said(&mut lab(&name("none"), &["down"]));
    assert!(status == Some(0) && down.contains(&format!("left of lab {killed}\n")), "{down}");
    assert!(down.contains(&format!("left of lab {}\n", name("restarted"))), "{down}");
    traces.wait_gone();
    assert!(!restarted.exists());
    assert!(!Path::new("/run/pirack-lab").join(name("none")).exists());
    assert!(LabStatus::of(&kept).unwrap().is_as_asked(1)?);
    assert!(held.board(1).engine_answers());
    drop(held);
    assert_eq!(said(&mut lab(&kept, &["down"])).0, Some(0));
    Ok(())
}

pub(crate) fn prune() -> Outcome {
    let cache = tempfile::tempdir_in(pirack_lab::cache_folder()).unwrap();
    let (tree, other) =
        (cache.path().join("pirack/root/0123456789abcdef"), cache.path().join("pirack/other/kept"));
    for folder in [&tree, &other] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("file"), vec![1; 3_000_000]).unwrap();
    }
    let run = |arguments: &[&str]| said(lab(&name("none"), arguments).env("XDG_CACHE_HOME", cache.path()));
    let (status, told) = run(&["prune", "--list"]);
    assert!(status == Some(0) && told.contains("MB  root tree 0123456789abcdef") && tree.exists(), "{told}");

    let disks = cache.path().join("pirack/labs").join(name("lives"));
    fs::create_dir_all(&disks).unwrap();
    let (status, told) = run(&["prune"]);
    assert!(
        status == Some(1) && told.contains(&format!("lab {} is up", name("lives"))) && tree.exists(),
        "{told}"
    );
    fs::remove_dir(&disks).unwrap();

    let (status, told) = run(&["prune"]);
    assert!(status == Some(0) && told.contains("MB  removed"), "{told}");
    assert!(!tree.exists() && other.exists());
    assert_eq!(run(&["prune"]).1.trim(), "0 MB  removed");
    Ok(())
}
