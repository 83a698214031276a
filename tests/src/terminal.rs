//! A real terminal for a program that draws on one: a pseudoterminal of the kernel, with nobody's eyes on it.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::program::Program;
use crate::wait;

/// A terminal of 120 columns and 40 lines.
#[derive(Debug)]
pub struct Terminal {
    /// Where a person types.
    keys: File,
    /// The side that programs have; held open, so that what they left of it can be seen.
    line: File,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Asks the kernel for one, and begins to read what is shown on it.
    ///
    /// # Panics
    /// When the kernel has none.
    #[must_use]
    pub fn open() -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let name = ptsname(&keys, Vec::new()).unwrap();
        let line =
            OpenOptions::new().read(true).write(true).open(OsStr::from_bytes(name.as_bytes())).unwrap();
        tcsetwinsize(&line, Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let keys = File::from(keys);
        let shown = Arc::default();
        read(keys.try_clone().unwrap(), Arc::clone(&shown));
        Self { keys, line, shown }
    }

    /// Starts a program on it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(&self, mut command: Command) -> Program {
        command.stdin(self.line.try_clone().unwrap()).stdout(self.line.try_clone().unwrap());
        Program::attached(command)
    }

    /// Types.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Everything shown so far, as it was sent: texts, and the orders between them.
    #[must_use]
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Waits until a text has been shown.
    ///
    /// # Panics
    /// When it has not in time.
    pub fn shows(&self, text: &str, limit: Duration) {
        wait::until(format!("\"{text}\" on the terminal"), limit, || {
            self.shown().contains(text).then_some(())
        });
    }

    /// Whether it echoes keys and takes them line by line, as a shell expects to find it.
    ///
    /// # Panics
    /// When the terminal is gone.
    #[must_use]
    pub fn is_as_a_shell_left_it(&self) -> bool {
        let modes = tcgetattr(&self.line).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }
}

/// Reads until the last program and the terminal itself are gone; the thread ends with them.
fn read(mut screen: File, shown: Arc<Mutex<Vec<u8>>>) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = screen.read(&mut buffer) {
            shown.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..count]);
        }
    });
}
