//! One engine as the host of containers: what it is, and which images it has.
//!
//! Images are known by reference. A reference by digest never means anything else; one by tag means whatever the
//! registry says on the day, which is why a rack preloads by digest.

use crate::desired::Image;
use crate::engine::Answer;

/// What an engine tells of itself and its board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// Its board's host name.
    pub name: String,
    /// Its own identity, kept in its data folder.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The newest API version that it speaks.
    pub api: String,
    /// The architecture: `aarch64`, `x86_64`.
    pub architecture: String,
    /// The operating system's name.
    pub operating_system: String,
    /// The kernel's version.
    pub kernel: String,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Processors.
    pub cpus: u64,
    /// Its data folder: images, volumes.
    pub data_folder: String,
    /// What it complains of in its own words: limits that the kernel does not keep, for one.
    pub warnings: Vec<String>,
}

/// An image that an engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldImage {
    /// The digests that registries gave it; an image that came by no registry has none.
    pub digests: Vec<RepoDigest>,
    /// The processor that its programs are for, in Go's words: `arm64`, `amd64`.
    pub architecture: String,
}

impl HeldImage {
    /// The digest under which the image's own repository gives it: another's has no manifest by that.
    #[must_use]
    pub fn digest_for(&self, image: &Image) -> Option<&str> {
        let own = self.digests.iter().find(|known| known.repository == image.repository())?;
        Some(&own.digest)
    }

    /// Whether it is what this reference by digest means; one repository may have given it several.
    #[must_use]
    pub fn is(&self, image: &Image) -> bool {
        let same = |known: &RepoDigest| {
            known.repository == image.repository() && Some(known.digest.as_str()) == image.digest()
        };
        self.digests.iter().any(same)
    }
}

/// What one repository calls an image: two that hold the same to the byte may have packed it differently.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepoDigest {
    /// The repository, as [`Image::repository`] tells it.
    pub repository: String,
    /// Its digest there, `sha256:...`.
    pub digest: String,
}

/// How far a pull is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// Bytes that have come, of those layers that have begun.
    pub bytes: u64,
    /// Bytes that are to come in all, of those layers that have begun.
    pub of: u64,
    /// Docker's last word.
    pub words: String,
}

/// Why a host did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// No registry that it asked has it.
    #[error(
        "{engine} cannot pull {image}: {words}; see that the reference is right and its registry can be reached"
    )]
    NoImage {
        /// Which engine.
        engine: String,
        /// Which image.
        image: String,
        /// Docker's own words.
        words: String,
    },
    /// Any other refusal.
    #[error("{engine} refused {about}: {words}")]
    Refused {
        /// Which engine.
        engine: String,
        /// What was asked.
        about: String,
        /// Docker's own words.
        words: String,
    },
    /// No answer came.
    #[error("no answer from {engine} about {about}: see that it runs and can be reached")]
    Unreachable {
        /// Which engine.
        engine: String,
        /// What was asked.
        about: String,
        /// What came of it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// One engine; one of the edges of the world.
///
/// # Errors
/// Every method as [`HostError`] says.
pub trait Host: Send + Sync {
    /// What it is.
    fn facts(&self) -> impl Answer<HostFacts, HostError>;
    /// The image, where the engine has it.
    fn held(&self, image: &Image) -> impl Answer<Option<HeldImage>, HostError>;
    /// Whether it has the image, and so starts tasks of it without any registry.
    fn has_image(&self, image: &Image) -> impl Answer<bool, HostError> {
        async { Ok(self.held(image).await?.is_some()) }
    }
    /// Pulls the image; `progress` hears of it as it comes.
    fn pull(&self, image: &Image, progress: impl FnMut(Pulled) + Send) -> impl Answer<(), HostError>;
}
