//! One apply at a time, from whichever machine.
//!
//! The lock is a label of the swarm, changed only under the swarm's version: of two that want it one gets it.
//! Before there is a swarm it is a file on the first manager, written only
//! over what was just read there, whole, and on its disk before anybody sees it. What is kept:
//! - Whoever has it renews it every [`BEAT`]. One that was not renewed for [`STALE`] by the looker's own clock is
//!   nobody's, and so is one whose process is known to be dead; clocks of two machines are never compared.
//! - Whoever finds that it has been taken from him changes nothing any more, also where it was given back since.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Kind;

/// The label that holds it, as JSON.
pub const LABEL: &str = "io.pirack.lock";
/// The file that holds it on the first manager, while there is no swarm.
pub const FILE: &str = "/var/lib/pirack-manager/lock.json";
/// How often it is renewed.
pub const BEAT: Duration = Duration::from_secs(5);
/// After how long without a beat it is nobody's.
pub const STALE: Duration = Duration::from_secs(30);

/// Who has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// For which operation.
    pub operation: Uuid,
    /// What that does.
    pub kind: String,
    /// Who asked for it, for people: `user@host`.
    pub by: String,
    /// The machine and its boot, where the process runs.
    pub machine: String,
    /// The process there.
    pub process: u32,
    /// Renewed so many times.
    pub beat: u64,
}

/// What to make of a lock that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is ours.
    Ours,
    /// Its owner is no more.
    Dead,
    /// Its owner lives, as far as anybody can tell; it is nobody's if it does not beat for so long.
    Held(Duration),
}

impl Lock {
    /// For this operation of this process.
    #[must_use]
    pub fn of(operation: Uuid, kind: Kind, by: &str) -> Self {
        Self {
            operation,
            kind: kind.name().to_owned(),
            by: by.to_owned(),
            machine: this_boot(),
            process: std::process::id(),
            beat: 0,
        }
    }

    /// The same, one beat later.
    #[must_use]
    pub fn next(&self) -> Self {
        Self { beat: self.beat + 1, ..self.clone() }
    }

    /// Read from a label or a file; nothing where another version wrote it, or a power cut broke it.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// As a label or a file has it.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Judges it for the operation `ours`; `unchanged` is for how long its beat has been the same.
    #[must_use]
    pub fn judge(&self, ours: Uuid, unchanged: Duration) -> Verdict {
        if self.operation == ours {
            Verdict::Ours
        } else if unchanged >= STALE || (self.machine == this_boot() && !lives(self.process)) {
            Verdict::Dead
        } else {
            Verdict::Held(STALE.saturating_sub(unchanged))
        }
    }
}

/// The lock among a swarm's labels.
#[must_use]
pub fn in_labels(labels: &BTreeMap<String, String>) -> Option<Lock> {
    labels.get(LABEL).and_then(|text| Lock::parse(text.as_bytes()))
}

/// This machine in this boot; another machine's processes are nothing that can be looked at from here.
pub(super) fn this_boot() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    // Two containers of one machine share its boot and have processes of their own.
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{} {}", boot.trim(), namespace.display())
}

/// Whether a process of this machine lives, as far as the kernel tells: `/proc` can be mounted so that it hides what
/// others run (`hidepid`, `ProtectProc=`), and a signal that is none is answered all the same. See kill(2).
pub(super) fn lives(process: u32) -> bool {
    let number = i32::try_from(process).ok().and_then(Pid::from_raw);
    number.is_some_and(|number| is_there(test_kill_process(number)))
}

/// Whoever may not be signalled is there.
fn is_there(signalled: Result<(), Errno>) -> bool {
    signalled != Err(Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        Lock::of(Uuid::from_u128(1), Kind::Apply, "ada@desk")
    }

    #[test]
    fn a_lock_says_who_has_it_and_comes_back_as_it_went() {
        let lock = lock().next();
        assert_eq!(Lock::parse(lock.text().as_bytes()), Some(lock.clone()));
        assert_eq!((lock.beat, lock.by.as_str(), lock.kind.as_str()), (1, "ada@desk", "apply"));
        assert_eq!(Lock::parse(b"{}"), None);
    }

    #[test]
    fn a_lock_is_nobodys_once_its_owner_is_dead_or_has_not_beaten() {
        let other = Uuid::from_u128(2);
        let held = lock();
        assert_eq!(held.judge(held.operation, Duration::ZERO), Verdict::Ours);
        assert_eq!(held.judge(other, Duration::from_secs(10)), Verdict::Held(Duration::from_secs(20)));
        assert_eq!(held.judge(other, STALE), Verdict::Dead);
        // Process ids end at 2^22.
        let dead = Lock { process: 1 << 30, ..lock() };
        assert_eq!(dead.judge(other, Duration::ZERO), Verdict::Dead);
        let elsewhere = Lock { machine: "another boot".into(), ..dead };
        assert!(matches!(elsewhere.judge(other, Duration::ZERO), Verdict::Held(_)), "nobody here can tell");
    }

    #[test]
    fn only_a_number_that_is_nobodys_is_dead_and_not_what_may_not_be_signalled_or_looked_at() {
        assert!(is_there(Ok(())));
        assert!(is_there(Err(Errno::PERM)), "another user's");
        assert!(!is_there(Err(Errno::SRCH)));
        assert!(lives(std::process::id()));
        // A signal to 0 or to a negative number is for many.
        for nobodys in [0, 1 << 30, u32::MAX] {
            assert!(!lives(nobodys), "{nobodys}");
        }
    }
}
