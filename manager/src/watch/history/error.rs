//! Why the history could not do its work.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite_migration::MigrationDefinitionError;

/// What is lost with a history's file.
const LOSES: &str = "a day of records comes again from Kafka, the list of past operations and events that Kafka had not confirmed do not";

/// Why the history could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be opened.
    #[error(
        "cannot open the history {}: check that its folder exists, can be written and has room, and that no other program has it",
        path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        #[source]
        source: rusqlite::Error,
    },
    /// The file is damaged, or another program's.
    #[error(
        "the history {} is damaged, or is none: stop pirack serve and move the file away, with its -wal and -shm, to begin a new one; {LOSES}",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        #[source]
        source: rusqlite::Error,
    },
    /// A newer program made the file.
    #[error(
        "the history {} was written by a newer pirack: run that one, or move the file away, with its -wal and -shm, to begin a new history; {LOSES}",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// The schema cannot be brought up to date.
    #[error(
        "cannot bring the history {} up to date: try again; where that does not help, stop pirack serve and move the file away, with its -wal and -shm, to begin a new one; {LOSES}",
        path.display()
    )]
    Migrate {
        /// The file.
        path: PathBuf,
        /// The migration's reason.
        #[source]
        source: Box<rusqlite_migration::Error>,
    },
    /// A batch could not be written; nothing of it was.
    #[error("cannot write to the history {}: check that its disk has room and is not read-only", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        #[source]
        source: rusqlite::Error,
    },
    /// A query failed.
    #[error("cannot read the history {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        #[source]
        source: rusqlite::Error,
    },
    /// The rack's Cassandra.
    #[error(
        "cannot read the history from Cassandra at {address}: charts show what came since this page was opened, and pirack status says how Cassandra is"
    )]
    Archive {
        /// Its nodes.
        address: String,
        /// What came of it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nobody is there any more to read it.
    #[error("the manager is stopping")]
    Ended,
    /// A board's health has no such number.
    #[error("no board's health has a number named {0}; health.cpu_ratio is one")]
    UnknownField(String),
}

impl HistoryError {
    pub(super) fn open(path: &Path, source: rusqlite::Error) -> Self {
        Self::of(path, source, |path, source| Self::Open { path, source })
    }

    pub(super) fn write(path: &Path, source: rusqlite::Error) -> Self {
        Self::of(path, source, |path, source| Self::Write { path, source })
    }

    pub(super) fn read(path: &Path, source: rusqlite::Error) -> Self {
        Self::of(path, source, |path, source| Self::Read { path, source })
    }

    /// No disk and no right helps a file that is damaged, whenever SQLite comes upon it.
    fn of(
        path: &Path,
        source: rusqlite::Error,
        otherwise: impl FnOnce(PathBuf, rusqlite::Error) -> Self,
    ) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged { path, source },
            _ => otherwise(path, source),
        }
    }

    /// Whether it is soon over by itself where somebody else begins or upgrades the same file.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Migrate { .. } => true,
            Self::Open { source, .. } => {
                matches!(
                    source.sqlite_error_code(),
                    Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
                )
            }
            _ => false,
        }
    }

    pub(super) fn migration(path: &Path, error: rusqlite_migration::Error) -> Self {
        match error {
            rusqlite_migration::Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
                Self::Newer { path: path.to_owned() }
            }
            rusqlite_migration::Error::RusqliteError { query, err } => {
                Self::of(path, err, move |path, err| match err.sqlite_error_code() {
                    // A disk, a right or another process is in the way, not the file.
                    Some(
                        ErrorCode::DiskFull
                        | ErrorCode::ReadOnly
                        | ErrorCode::CannotOpen
                        | ErrorCode::SystemIoFailure
                        | ErrorCode::PermissionDenied
                        | ErrorCode::DatabaseBusy
                        | ErrorCode::DatabaseLocked,
                    ) => Self::Open { path, source: err },
                    _ => {
                        let source = rusqlite_migration::Error::RusqliteError { query, err };
                        Self::Migrate { path, source: Box::new(source) }
                    }
                })
            }
            other => Self::Migrate { path: path.to_owned(), source: Box::new(other) },
        }
    }
}
