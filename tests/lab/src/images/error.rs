//! What may go wrong with an image, told to the person at the keyboard.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::{LabError, Missing};

/// Why an image could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// There is no image of that name.
    #[error("no image is named \"{asked}\"; there are {}", known.join(", "))]
    Unknown {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: Vec<&'static str>,
    },

    /// No image can be made for, or on, that processor.
    #[error("images are made for amd64 and arm64, not for {0}")]
    Architecture(String),

    /// This machine cannot run the programs of the processor asked for.
    #[error(
        "images for {wanted} cannot be built on this {host} machine: {lacks}. A build runs programs of the image's \
         processor: install qemu-user-static and binfmt-support, which registers qemu with the kernel (flag F, so \
         that containers find it), and see that /proc/sys/fs/binfmt_misc/qemu-{qemu} exists; or build on {wanted}"
    )]
    Emulation {
        /// The processor asked for.
        wanted: &'static str,
        /// This machine's.
        host: &'static str,
        /// qemu's name for the processor asked for.
        qemu: &'static str,
        /// What is not there.
        lacks: String,
    },

    /// A file of the tree does not say what it should.
    #[error("{path}: {said}")]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        said: String,
    },

    /// A file could not be read or written.
    #[error("{what} {path}")]
    File {
        /// The action, as in "reading".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// A program did not do its part.
    #[error("{what}: {program} said: {said}")]
    Tool {
        /// What was being done, on what.
        what: String,
        /// The program.
        program: &'static str,
        /// The end of its output.
        said: String,
    },

    /// What Maven fetched is not what is committed.
    #[error(
        "{list} and the jars that Maven fetched differ: {differences}. After a change of a version, look at the \
         difference and commit the new list, which lies in {found}; otherwise do not use these jars"
    )]
    Jars {
        /// The committed list.
        list: PathBuf,
        /// What differs.
        differences: String,
        /// The list of what was fetched.
        found: PathBuf,
    },

    /// What an image is made of has to be built first.
    #[error("the image {image} takes {path}, which is not there; {remedy}")]
    Ingredient {
        /// The image.
        image: &'static str,
        /// The file.
        path: PathBuf,
        /// What makes it.
        remedy: &'static str,
    },

    /// The build itself went wrong.
    #[error("building {image}: {said}; all of it is in {log}")]
    Build {
        /// The image.
        image: String,
        /// The engine's last words.
        said: String,
        /// The log.
        log: PathBuf,
    },

    /// Something that was waited for did not come.
    #[error("{what} did not end within {} s", deadline.as_secs())]
    Late {
        /// What was waited for.
        what: String,
        /// For how long.
        deadline: Duration,
    },

    /// The foundry's engine refused.
    #[error("{what}")]
    Engine {
        /// What was asked of it.
        what: String,
        /// Why.
        source: bollard::errors::Error,
    },

    /// This machine lacks something that makes images.
    #[error(transparent)]
    Missing(#[from] Missing),

    /// What is made once and kept could not be made.
    #[error(transparent)]
    Cache(LabError),

    /// The lab that images are built in did not come up.
    #[error("the foundry, a lab of one board that builds images")]
    Lab(#[from] LabError),
}

impl ImageError {
    /// For `map_err` on a file's action.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }

    /// For `map_err` on an engine's answer.
    pub(crate) fn engine(what: impl Into<String>) -> impl FnOnce(bollard::errors::Error) -> Self {
        let what = what.into();
        move |source| Self::Engine { what, source }
    }

    /// Whether the machine, not the tree or the network, is what stands in the way.
    #[must_use]
    pub fn is_about_this_machine(&self) -> bool {
        matches!(
            self,
            Self::Emulation { .. }
                | Self::Architecture(_)
                | Self::Missing(_)
                | Self::Lab(LabError::Missing(_))
        )
    }
}
