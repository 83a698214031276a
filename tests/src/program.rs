//! A program under test: started, read line by line, and ended with the test.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, fs};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// The manager, `pirack`: `PIRACK_BIN`, or the one that cargo built beside this test.
///
/// # Panics
/// When it has not been built.
#[must_use]
pub fn pirack() -> PathBuf {
    built("PIRACK_BIN", "pirack")
}

/// The agent, `pirack-agent`: `PIRACK_AGENT_BIN`, or the one that cargo built beside this test.
///
/// # Panics
/// When it has not been built.
#[must_use]
pub fn agent() -> PathBuf {
    built("PIRACK_AGENT_BIN", "pirack-agent")
}

/// The repository's root.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Leaves a log that would go with the test in `target/logs/NAME.log`.
pub(crate) fn keep_log(name: &str, text: &str) {
    let logs = root().join("target/logs");
    // A test has failed for a reason of its own by then, if it has.
    drop(fs::create_dir_all(&logs).and_then(|()| fs::write(logs.join(format!("{name}.log")), text)));
}

/// Cargo puts this test into `target/debug/deps` and the programs one above. It does not build
/// another package's programs for a test, hence the message.
fn built(variable: &str, name: &str) -> PathBuf {
    let beside = || Some(env::current_exe().ok()?.parent()?.parent()?.join(name));
    let path = env::var_os(variable).map(PathBuf::from).or_else(beside).unwrap_or_default();
    assert!(
        path.is_file(),
        "{} is not there: build it first, `cargo build --workspace --all-targets`, or name it in {variable}",
        path.display()
    );
    path
}

/// Lines that a program has written so far.
type Lines = Arc<Mutex<Vec<String>>>;

/// A running program. Dropping it ends it.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    out: Lines,
    err: Lines,
    readers: Vec<JoinHandle<()>>,
}

/// A program that has ended. It is shown by the ends of what it said: there an error stands.
pub struct Ended {
    /// Its exit status; none when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output, line by line.
    pub out: Vec<String>,
    /// Its standard error, line by line.
    pub err: Vec<String>,
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LAST: usize = 10;
        write!(
            f,
            "{}",
            self.code.map_or("ended by a signal".to_owned(), |code| format!("exit status {code}"))
        )?;
        for (name, lines) in [("standard error", &self.err), ("standard output", &self.out)] {
            let last = &lines[lines.len().saturating_sub(LAST)..];
            write!(f, "\n{name}, the last {} of {} lines:", last.len(), lines.len())?;
            last.iter().try_for_each(|line| write!(f, "\n  {line}"))?;
        }
        Ok(())
    }
}

impl Program {
    /// Starts a program without standard input.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start<A: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(program);
        command.args(arguments);
        Self::spawn(command)
    }

    /// The same, for a command that needs more than arguments.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        Self::attached(command)
    }

    /// The same, for a command that has its standard input and output already: a terminal, or a reader
    /// of the test's own. Only standard error is read here, and standard output where it is piped.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn attached(mut command: Command) -> Self {
        let name = Path::new(command.get_program()).display().to_string();
        let started = command.stderr(Stdio::piped()).spawn();
        let mut child = started.unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let (out, err) = (Lines::default(), Lines::default());
        let mut readers = vec![collect(child.stderr.take().unwrap(), Arc::clone(&err))];
        readers.extend(child.stdout.take().map(|stream| collect(stream, Arc::clone(&out))));
        Self { name, child, out, err, readers }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What follows `start` on the first line of either output that begins so, without the blanks between.
    ///
    /// # Panics
    /// When no such line comes in time, or the program ends before it.
    pub fn line(&mut self, start: &str, limit: Duration) -> String {
        let what = format!("{} to print a line that begins with \"{start}\"", self.name);
        wait::until(&what, limit, || {
            let found = [&self.out, &self.err].into_iter().find_map(|lines| {
                held(lines).iter().find_map(|line| Some(line.strip_prefix(start)?.trim().to_owned()))
            });
            if found.is_none()
                && let Some(status) = self.status()
            {
                panic!("{} ended ({status}) without the line \"{start}\":\n{}", self.name, self.said());
            }
            found
        })
    }

    /// Waits until it has said this, wherever in a line.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn when_said(&self, what: &str, limit: Duration) {
        let waiting =
            fmt::from_fn(|f| write!(f, "{} to say \"{what}\"; it said:\n{}", self.name, self.said()));
        wait::until(waiting, limit, || self.said().contains(what).then_some(()));
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it has ended already.
    pub fn signal(&mut self, signal: Signal) {
        assert!(self.status().is_none(), "{} ended before its signal:\n{}", self.name, self.said());
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// When it does not in time.
    #[must_use]
    pub fn end(mut self, limit: Duration) -> Ended {
        let what = format!("{} to end", self.name);
        let status = wait::until(&what, limit, || self.status());
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        Ended { code: status.code(), out: held(&self.out).clone(), err: held(&self.err).clone() }
    }

    /// Whether it has ended by itself.
    #[must_use]
    pub fn has_ended(&mut self) -> bool {
        self.status().is_some()
    }

    fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Everything it has written so far.
    #[must_use]
    pub fn said(&self) -> String {
        [held(&self.out).join("\n"), held(&self.err).join("\n")].join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Neither fails but for a program that has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn collect(stream: impl Read + Send + 'static, lines: Lines) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            held(&lines).push(line);
        }
    })
}

fn held(lines: &Lines) -> MutexGuard<'_, Vec<String>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}
