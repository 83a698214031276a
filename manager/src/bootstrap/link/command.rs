//! What is asked of a board's shell, as the one line that its SSH door takes.
//!
//! A script is text for POSIX `sh`; its arguments and its input never become part of that text, and secrets
//! only ever travel as input: command lines are seen by everybody on a board.

use std::time::Duration;

/// How long a script may take where nothing is said.
const DEADLINE: Duration = Duration::from_secs(60);
/// How much it may print where nothing is said.
const MOST: usize = 4 << 20;

/// A POSIX shell script with its arguments, its input and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub(super) what: String,
    text: String,
    arguments: Vec<String>,
    pub(super) input: Vec<u8>,
    pub(super) deadline: Duration,
    pub(super) most: usize,
    pub(super) as_root: bool,
}

impl Script {
    /// `what` says what it does, for errors: "reading the time", "installing Docker". It runs as root, for at
    /// most a minute, and may print 4 MiB.
    #[must_use]
    pub fn new(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            text: text.into(),
            arguments: vec![],
            input: vec![],
            deadline: DEADLINE,
            most: MOST,
            as_root: true,
        }
    }

    /// One more argument: `$1`, `$2`, ...
    #[must_use]
    pub fn with(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// What it reads from its standard input.
    #[must_use]
    pub fn reading(self, input: impl Into<Vec<u8>>) -> Self {
        Self { input: input.into(), ..self }
    }

    /// How long it may take. The board itself ends it then, also when the connection is gone.
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// How many bytes it may print.
    #[must_use]
    pub fn printing(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Runs it as whoever logged in, not as root.
    #[must_use]
    pub fn as_user(self) -> Self {
        Self { as_root: false, ..self }
    }

    /// Runs it on this machine, as whoever tests.
    #[cfg(test)]
    pub(crate) fn here(&self) -> std::process::Output {
        use std::io::Write as _;
        use std::process::{Command, Stdio};
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(self.line(false));
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = shell.spawn().unwrap();
        running.stdin.take().unwrap().write_all(&self.input).unwrap();
        running.wait_with_output().unwrap()
    }

    /// The line for the board's login shell.
    pub(super) fn line(&self, sudo: bool) -> String {
        let seconds = self.deadline.as_secs().max(1).to_string();
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let mut words: Vec<&str> = if sudo { vec!["sudo", "-n"] } else { vec![] };
        words.extend([
            "env", "LC_ALL=C", path, "timeout", "-k", "5", &seconds, "sh", "-c", &self.text, "pirack",
        ]);
        words.extend(self.arguments.iter().map(String::as_str));
        words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
    }
}

/// One word for any POSIX shell.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// What a script came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit status; 128 and more where a signal ended it.
    pub status: i32,
    /// All that it printed.
    pub stdout: Vec<u8>,
    /// The end of what it said besides.
    pub stderr: String,
}

impl Ran {
    /// What it printed, as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Whether it ended with 0.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.status == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_and_its_arguments_reach_the_shell_as_they_are() {
        let hostile = "it's $HOME `id` \"x\" \\ ;\n*";
        let script = Script::new("trying", "printf '%s|' \"$@\"").with(hostile).with("").with("plain");
        let ran = std::process::Command::new("sh").arg("-c").arg(script.line(false)).output().unwrap();
        assert_eq!(String::from_utf8(ran.stdout).unwrap(), format!("{hostile}||plain|"));
    }

    #[test]
    fn the_board_itself_ends_a_script_at_its_deadline() {
        let script = Script::new("waiting", "exec sleep 100").within(Duration::from_secs(1));
        let ran = std::process::Command::new("sh").arg("-c").arg(script.line(false)).status().unwrap();
        assert_eq!(ran.code(), Some(124));
    }

    #[test]
    fn input_never_stands_on_the_command_line() {
        let script = Script::new("writing", "cat").reading("secret");
        assert!(!script.line(true).contains("secret"));
        assert!(script.line(true).starts_with("sudo -n env LC_ALL=C "));
    }
}
