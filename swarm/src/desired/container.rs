//! What a service's containers are given, as values that Docker takes.

use std::fmt;

use crate::spec::{LogSpec, Ulimit};

/// The signal that asks a container to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// `SIGTERM`, which is Docker's default where the image says nothing.
    Term,
    /// `SIGINT`.
    Int,
    /// `SIGQUIT`.
    Quit,
    /// `SIGHUP`.
    Hup,
}

impl StopSignal {
    /// The kernel's name for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Term => "SIGTERM",
            Self::Int => "SIGINT",
            Self::Quit => "SIGQUIT",
            Self::Hup => "SIGHUP",
        }
    }
}

/// Whom a container's processes run as, by number: names would be looked up in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.uid, self.gid)
    }
}

/// A resource of the kernel's that each process has a bound on (setrlimit(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limited {
    /// Open files.
    OpenFiles,
    /// Bytes of memory that may be locked against swapping: what data services map their files with.
    LockedMemory,
    /// Processes and threads of the user.
    Processes,
}

impl Limited {
    /// Docker's name for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenFiles => "nofile",
            Self::LockedMemory => "memlock",
            Self::Processes => "nproc",
        }
    }
}

impl Ulimit {
    /// As much as anybody asks for.
    pub const UNBOUNDED: Self = Self { soft: -1, hard: -1 };

    /// So much, and no more.
    #[must_use]
    pub fn exactly(most: u32) -> Self {
        Self { soft: i64::from(most), hard: i64::from(most) }
    }
}

/// Where a container's output is kept on its node: always with a bound, since a card fills up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// In which form.
    pub form: LogForm,
    /// The most bytes in one file.
    pub file_bytes: u64,
    /// The most files; the oldest goes first.
    pub files: u16,
}

/// The form of a kept log. Both can be read back through the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogForm {
    /// `json-file`: plain to other programs.
    Json,
    /// `local`: smaller, and compressed when it turns over.
    Local,
}

impl Log {
    pub(crate) fn spec(self) -> LogSpec {
        let driver = match self.form {
            LogForm::Json => "json-file",
            LogForm::Local => "local",
        };
        let options =
            [("max-size", self.file_bytes.to_string()), ("max-file", self.files.max(1).to_string())];
        LogSpec {
            driver: driver.to_owned(),
            options: options.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        }
    }
}
