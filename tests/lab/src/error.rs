//! What may go wrong with a lab, told to the person at the keyboard.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::requirements::Missing;

/// Why a lab, a board of it or a fault could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// This machine cannot hold a lab.
    #[error(transparent)]
    Missing(#[from] Missing),

    /// The name is no name for a lab.
    #[error(
        "\"{0}\" is no name for a lab: 1 to 24 of a-z, 0-9 and -, beginning with a letter; see PIRACK_LAB"
    )]
    Name(String),

    /// So many boards do not fit the lab's network.
    #[error("a lab has 1 to {most} boards, not {asked}")]
    Boards {
        /// How many were asked for.
        asked: usize,
        /// How many there may be.
        most: usize,
    },

    /// Another process is working with the lab of that name.
    #[error("lab {name} is held by {holder}; wait for it, end it, or take another name in PIRACK_LAB")]
    Held {
        /// The lab.
        name: String,
        /// Program, process and time, as they wrote themselves down.
        holder: String,
    },

    /// A lab was brought up to stay, and so is not a test's to take down.
    #[error("lab {0} is up, by `lab up`; take it down with `lab down`, or take another name in PIRACK_LAB")]
    Up(String),

    /// A lab was brought up to stay, and is not as it is wanted now.
    #[error("lab {name} is up already: {how}; `lab down` first")]
    Differs {
        /// The lab.
        name: String,
        /// In what.
        how: String,
    },

    /// A fault was asked for that cannot be had.
    #[error("{what} from {least} to {most}, not {asked}")]
    Range {
        /// What it takes, as in "slow_link takes bytes a second".
        what: &'static str,
        /// The least.
        least: i128,
        /// The most.
        most: i128,
        /// What was asked for.
        asked: i128,
    },

    /// There is no such lab.
    #[error("lab {0} is not up; `lab up` brings it up")]
    Down(String),

    /// There is no such board.
    #[error("lab {lab} has no board {board}; it has {has}")]
    NoBoard {
        /// The lab.
        lab: String,
        /// What was asked for.
        board: String,
        /// The boards that there are.
        has: String,
    },

    /// A program that the lab uses did not do its part.
    #[error("{what}: {program} said: {said}")]
    Tool {
        /// What was being done, on what.
        what: String,
        /// The program.
        program: String,
        /// Its exit status and the end of its output.
        said: String,
    },

    /// A file of the lab could not be read or written.
    #[error("{what} {path}")]
    File {
        /// The action, as in "writing".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The kernel refused.
    #[error("{what}")]
    Kernel {
        /// What was tried, on what.
        what: String,
        /// Why.
        source: io::Error,
    },

    /// Something that was waited for did not come.
    #[error("{what} did not come within {} s{hint}", deadline.as_secs())]
    Late {
        /// What was waited for.
        what: String,
        /// For how long.
        deadline: Duration,
        /// Where to look, or nothing.
        hint: String,
    },

    /// An engine's socket could not be used.
    #[error("the engine of {board}")]
    Engine {
        /// The board.
        board: String,
        /// Why.
        source: bollard::errors::Error,
    },
}

impl LabError {
    /// For `map_err` on a file's action.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }

    /// For `map_err` on the kernel's refusal.
    pub(crate) fn kernel<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |source| Self::Kernel { what, source: source.into() }
    }
}
