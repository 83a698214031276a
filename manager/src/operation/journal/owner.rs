//! Which process runs an operation, and whether it lives: so that one that was killed is known as such.

use std::fs;
use std::path::Path;

use super::super::lock::{lives, this_boot};

/// Where the kernel shows processes.
const PROC: &str = "/proc";

/// A process of this machine, in one of its boots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    boot: String,
    process: u32,
    /// When it started, in the kernel's ticks since the boot: numbers of processes come again, this does not.
    started: u64,
}

impl Owner {
    /// This process.
    pub(super) fn this() -> Self {
        let process = std::process::id();
        let stat = stat(Path::new(PROC), process);
        Self {
            boot: this_boot(),
            process,
            started: stat.and_then(|stat| started_by(&stat)).unwrap_or_default(),
        }
    }

    /// As the history has it.
    pub(super) fn text(&self) -> String {
        format!("{} {} {}", self.process, self.started, self.boot)
    }

    /// Whether the process of that text is known, from here, to be no more. One of another container cannot be
    /// looked at; one of another boot is no more, since the file is of this machine.
    pub(super) fn knows_dead(&self, text: &str) -> bool {
        self.knows_dead_by(Path::new(PROC), text)
    }

    fn knows_dead_by(&self, proc: &Path, text: &str) -> bool {
        let Some(other) = Self::parse(text) else { return true };
        let id = |boot: &str| boot.split(' ').next().unwrap_or_default().to_owned();
        if id(&other.boot) != id(&self.boot) {
            return true;
        }
        other.boot == self.boot
            && match stat(proc, other.process) {
                Some(stat) => started_by(&stat) != Some(other.started),
                // It is no more, or hidden: then nobody can tell when it started.
                None => !lives(other.process),
            }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        let (process, started, boot) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { boot: boot.to_owned(), process: process.parse().ok()?, started: started.parse().ok()? })
    }
}

/// What the kernel tells of a process, where it does.
fn stat(proc: &Path, process: u32) -> Option<String> {
    fs::read_to_string(proc.join(process.to_string()).join("stat")).ok()
}

/// `starttime`, the 22nd field of `/proc/PID/stat`, see proc_pid_stat(5); the second may hold spaces and brackets. One
/// that has ended and was not yet waited for (`Z`, `X`) lives no more.
fn started_by(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    fields.next().filter(|state| !matches!(*state, "Z" | "X" | "x"))?;
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_ended_and_was_not_waited_for_lives_no_more() {
        let stat = |state: &str| {
            let fields: Vec<String> = (4..=52).map(|field| field.to_string()).collect();
            format!("42 (pirack (old) x) {state} {}", fields.join(" "))
        };
        assert_eq!(started_by(&stat("S")), Some(22));
        assert_eq!(started_by(&stat("Z")), None);
        assert_eq!(started_by("42 (cut"), None);
    }

    #[test]
    fn a_process_is_dead_once_its_number_is_nobodys_or_anothers() {
        let us = Owner::this();
        assert!(us.started > 0);
        assert!(!us.knows_dead(&us.text()));
        let no_such = Owner { process: 1 << 30, ..us.clone() };
        assert!(us.knows_dead(&no_such.text()));
        let number_came_again = Owner { started: us.started - 1, ..us.clone() };
        assert!(us.knows_dead(&number_came_again.text()));
        let earlier_boot = Owner { boot: "another boot".into(), ..us.clone() };
        assert!(us.knows_dead(&earlier_boot.text()));
        let boot = us.boot.split(' ').next().unwrap();
        let other_container = Owner { boot: format!("{boot} pid:[1]"), process: 1 << 30, ..us.clone() };
        assert!(!us.knows_dead(&other_container.text()), "nobody here can tell");
    }

    #[test]
    fn a_process_that_proc_hides_lives_until_its_number_is_nobodys() {
        let hides = tempfile::tempdir().unwrap();
        let us = Owner::this();
        assert!(!us.knows_dead_by(hides.path(), &us.text()));
        let no_such = Owner { process: 1 << 30, ..us.clone() };
        assert!(us.knows_dead_by(hides.path(), &no_such.text()));
    }
}
