//! Which process is meant, and ending it.
//!
//! A process id alone names nobody: ids are given again. A process is known by its id and its start time
//! (`/proc/PID/stat`, fields 1 and 22), within one boot of the machine; none is signalled unless both agree.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use crate::error::LabError;

/// One process of this machine, and never another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// Its id, as this machine sees it.
    pub(crate) pid: i32,
    /// When it started, in clock ticks after the boot.
    pub(crate) started: u64,
}

impl Process {
    /// Out of a line of `/proc/PID/stat`. The name in it, in parentheses, may hold anything.
    pub(crate) fn parse(stat: &str) -> Option<Self> {
        let pid = stat.split_once(' ')?.0.parse().ok()?;
        let after_name = stat.rsplit_once(')')?.1;
        // The state is field 3, the start time field 22.
        let started = after_name.split_whitespace().nth(19)?.parse().ok()?;
        Some(Self { pid, started })
    }

    /// The process that has that id now.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// This process.
    pub(crate) fn this() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    /// The process that a record tells of: its line of `/proc/PID/stat`, then the boot's id. After another boot
    /// it is nobody.
    pub(crate) fn recorded(record: &Path) -> Option<Self> {
        let text = fs::read_to_string(record).ok()?;
        let (stat, boot) = text.split_once('\n')?;
        let this_boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        if boot.trim() == this_boot.trim() { Self::parse(stat) } else { None }
    }

    /// Whether it is still there and not a zombie.
    pub(crate) fn lives(self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let zombie = stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with(['Z', 'X']));
        Self::parse(&stat) == Some(self) && !zombie
    }

    /// The program's name, as far as the kernel keeps it.
    pub(crate) fn program(self) -> Option<String> {
        let name = fs::read_to_string(format!("/proc/{}/comm", self.pid)).ok()?;
        self.lives().then(|| name.trim_end().to_owned())
    }

    /// Kills it and waits for its end. One that is gone already is a success.
    ///
    /// For the first process of a PID namespace this is the end of every process in it.
    ///
    /// # Errors
    /// When the kernel refuses, or when it lives on after `deadline`.
    pub(crate) fn end(self, deadline: Duration) -> Result<(), LabError> {
        let what = || format!("ending process {}", self.pid);
        let Some(pid) = Pid::from_raw(self.pid) else { return Ok(()) };
        let handle = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => handle,
            Err(rustix::io::Errno::SRCH) => return Ok(()),
            Err(error) => return Err(LabError::kernel(what())(error)),
        };
        // The handle is of whoever has the id now; that it is the one meant is asked after it was taken.
        if Self::of(self.pid) != Some(self) {
            return Ok(());
        }
        match pidfd_send_signal(&handle, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(LabError::kernel(what())(error)),
        }
        let limit = Timespec::try_from(deadline)
            .map_err(|_| LabError::kernel(what())(io::Error::other("too long")))?;
        let mut watched = [PollFd::new(&handle, PollFlags::IN)];
        match rustix::io::retry_on_intr(|| poll(&mut watched, Some(&limit))) {
            Ok(0) => Err(LabError::Late {
                what: format!("the end of process {}", self.pid),
                deadline,
                hint: String::new(),
            }),
            Ok(_) => Ok(()),
            Err(error) => Err(LabError::kernel(what())(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_hides_no_field() {
        let stat = "71 (a) b (c) S 1 71 71 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 0 0";
        assert_eq!(Process::parse(stat), Some(Process { pid: 71, started: 987_654 }));
        assert_eq!(Process::parse(""), None);
    }

    #[test]
    fn a_record_of_another_boot_is_of_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("init");
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        fs::write(&record, format!("{stat}{boot}")).unwrap();
        assert_eq!(Process::recorded(&record), Process::this());
        fs::write(&record, format!("{stat}00000000-0000-0000-0000-000000000000\n")).unwrap();
        assert_eq!(Process::recorded(&record), None);
    }

    #[test]
    fn a_process_that_took_over_an_id_is_left_alone() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let real = Process::of(i32::try_from(child.id()).unwrap()).unwrap();
        let earlier = Process { started: real.started - 1, ..real };
        earlier.end(Duration::from_secs(5)).unwrap();
        assert!(!earlier.lives() && real.lives());
        real.end(Duration::from_secs(5)).unwrap();
        assert!(!real.lives());
        child.wait().unwrap();
        real.end(Duration::from_secs(5)).unwrap();
    }
}
