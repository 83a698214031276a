//! A rack file of the lab's boards, and what `pirack preflight` says of it.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::process::Output;
use std::sync::Mutex;

use pirack::bootstrap::preflight::Check;
use pirack_lab::{Lab, Outcome};
use pirack_tests::rack::{self, RackFile};
use serde_json::Value;

/// Every code that was found on a board of the lab.
static FOUND: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A rack file, in a folder of its own.
pub(crate) struct File(RackFile);

/// What a run of the program came to.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) json: Value,
    pub(crate) err: String,
}

impl Deref for File {
    type Target = RackFile;

    fn deref(&self) -> &RackFile {
        &self.0
    }
}

impl File {
    /// The boards of these numbers, each with these lines more.
    pub(crate) fn of(lab: &Lab, boards: &[usize], more: &str) -> Self {
        Self::with(lab, boards, more, &rack::door(lab, "pi"))
    }

    /// The same, reached otherwise.
    pub(crate) fn with(lab: &Lab, boards: &[usize], more: &str, ssh: &str) -> Self {
        let mut text = rack::head_with(lab, ssh);
        for (index, number) in boards.iter().enumerate() {
            let board = lab.board(*number);
            // Nobody on a board may set this machine's clock: where chrony comes, it is told to leave it.
            std::fs::write(board.path("/etc/default/chrony"), "DAEMON_OPTS=\"-F 0 -x\"\n").unwrap();
            let roles: &[&str] =
                if index == 0 { &["admin", "manager", "worker", "app"] } else { &["manager", "worker"] };
            text.push_str(&rack::board(board, roles, &format!("memory = \"1GiB\"\n{more}")));
        }
        text.push_str("[cassandra]\n");
        Self(RackFile::with(&text))
    }

    /// Runs `pirack` with this file.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// `pirack preflight` with these arguments.
    pub(crate) fn preflight(&self, arguments: &[&str]) -> Said {
        let output = self.run(&[&["preflight", "-o", "json"], arguments].concat());
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        let json = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {err}{}", String::from_utf8_lossy(&output.stdout)));
        let said = Said { code: output.status.code(), json, err };
        FOUND.lock().unwrap().extend(said.findings().map(code).map(str::to_owned));
        said
    }
}

impl Said {
    /// The codes that were found on a board, or of the `rack`.
    pub(crate) fn codes(&self, board: &str) -> BTreeSet<String> {
        let own = self.findings().filter(|finding| place(finding) == board);
        own.map(|finding| code(finding).to_owned()).collect()
    }

    /// What was seen of a board, or of the `rack`, by one code.
    pub(crate) fn seen(&self, board: &str, by: &str) -> String {
        let finding = self
            .findings()
            .find(|finding| place(finding) == board && code(finding) == by)
            .unwrap_or_else(|| panic!("{by} was not found on {board}: {:#}\n{}", self.json, self.err));
        finding["seen"].as_str().unwrap().to_owned()
    }

    fn findings(&self) -> impl Iterator<Item = &Value> {
        self.json["findings"].as_array().unwrap().iter()
    }
}

fn place(finding: &Value) -> &str {
    finding["board"].as_str().unwrap_or("rack")
}

fn code(finding: &Value) -> &str {
    finding["code"].as_str().unwrap()
}

pub(crate) fn every_code(_: &Lab) -> Outcome {
    let found = FOUND.lock().unwrap();
    let never: Vec<_> = Check::ALL.iter().filter(|check| !found.contains(check.code())).collect();
    assert!(never.is_empty(), "never found by what was run of this story: {never:?}");
    Ok(())
}
