//! The agent, built for the boards' processors, runs there: under qemu's user emulation.
//!
//! `tests/cross.sh` builds what is run here. aarch64 is part of `make test`, armv7 of `make test-long`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails, fails the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pirack_tests::program::{Ended, Program, root};
use pirack_tests::skip;
use serde_json::Value;

/// Emulation is some twenty times slower than the board, and a build may be going on beside it.
const PATIENCE: Duration = Duration::from_secs(180);

/// An agent for another processor, and what runs it.
struct Emulated {
    qemu: &'static str,
    /// Where that processor's C library lies, where Debian did not put it beside the machine's own.
    library: Option<&'static str>,
    agent: PathBuf,
}

impl Emulated {
    /// The agent for `target`; says why where there is none to run.
    fn find(target: &str, qemu: &'static str, library: Option<&'static str>) -> Result<Self, String> {
        let agent = root().join("target/cross").join(target).join("cross/pirack-agent");
        if !agent.is_file() {
            return Err(format!("{} is not built: make cross", agent.display()));
        }
        if !skip::has(qemu) {
            return Err(format!("{qemu} is not installed: tests/setup.sh cross"));
        }
        Ok(Self { qemu, library, agent })
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let library = self.library.map(|folder| ["-L", folder]);
        let agent = self.agent.to_str().unwrap();
        let all = library.iter().flatten().copied().chain([agent]).chain(arguments.iter().copied());
        Program::start(Path::new(self.qemu), all).end(PATIENCE)
    }

    fn checks_its_example(&self) {
        let example = root().join("agent/agent.example.toml");
        let ended = self.run(&["check", "--config", example.to_str().unwrap()]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    fn reads_this_machine(&self) {
        // A configuration of its own: this machine may have another agent's in /etc.
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("agent.toml");
        fs::write(&config, "board = \"w3\"\n[kafka]\nbootstrap = [\"127.0.0.1:9\"]\n").unwrap();
        let ended = self.run(&["read", "--json", "--config", config.to_str().unwrap()]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let text = ended.out.join("\n");
        let read: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("no JSON ({error}): {text}"));
        let memory = read["health"]["memory_total_bytes"].as_u64();
        assert!(memory.is_some_and(|bytes| bytes > 0), "no memory: {text}");
    }
}

#[test]
fn the_aarch64_agent_checks_its_example_and_reads_this_machine() {
    match Emulated::find("aarch64-unknown-linux-gnu", "qemu-aarch64-static", None) {
        Err(reason) => skip::lacking("the_aarch64_agent_checks_its_example_and_reads_this_machine", &reason),
        Ok(emulated) => {
            emulated.checks_its_example();
            emulated.reads_this_machine();
        }
    }
}

#[test]
#[ignore = "its standard library is built from source: make test-long"]
fn the_armv7_agent_checks_its_example_and_reads_this_machine() {
    let library = Some("/usr/arm-linux-gnueabihf");
    match Emulated::find("armv7-unknown-linux-gnueabihf", "qemu-arm-static", library) {
        Err(reason) => skip::lacking("the_armv7_agent_checks_its_example_and_reads_this_machine", &reason),
        Ok(emulated) => {
            emulated.checks_its_example();
            emulated.reads_this_machine();
        }
    }
}
