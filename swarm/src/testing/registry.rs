//! The fake's registries, and what an engine knows of what it has from them.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::desired::Image;
use crate::host::RepoDigest;

/// All registries as one. None ever gives one tag two contents, and no two tags have one digest: what is pushed
/// under another name is packed anew.
#[derive(Debug, Default)]
pub(super) struct Registry {
    /// What it has; `None` is any.
    pub(super) images: Option<BTreeSet<String>>,
    /// What was pushed under another name, and the name that it had first.
    copies: BTreeMap<String, String>,
}

impl Registry {
    /// Whether it gives the image out, which it does by no other tag's digest.
    pub(super) fn gives(&self, image: &str) -> bool {
        let has = |name: &str| self.images.as_ref().is_none_or(|images| images.contains(name));
        match pin(image) {
            Some((tag, digest)) => has(tag) && digest == digest_of(tag),
            None => has(image),
        }
    }

    /// It has the image under another name too.
    pub(super) fn copy(&mut self, image: &str, name: &str) {
        let first = self.content(image).to_owned();
        self.copies.insert(name.to_owned(), first);
        if let Some(images) = &mut self.images {
            images.insert(name.to_owned());
        }
    }

    /// The digests of an image on a board that has these: one for each name that was pulled or pushed there.
    pub(super) fn digests(&self, images: &BTreeSet<String>, image: &str) -> Vec<RepoDigest> {
        let same = images.iter().filter(|name| self.content(name) == self.content(image));
        let digests = same.filter_map(|name| {
            let image: Image = name.parse().ok()?;
            let digest = image.digest().map_or_else(|| digest_of(name), str::to_owned);
            Some(RepoDigest { repository: image.repository().to_owned(), digest })
        });
        digests.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The first name of what the image holds.
    fn content<'a>(&'a self, image: &'a str) -> &'a str {
        let tag = pin(image).map_or(image, |(tag, _)| tag);
        self.copies.get(tag).map_or(tag, String::as_str)
    }
}

/// Whether a board with these images has this one: by the name that it was pulled by, or by that one's digest.
pub(super) fn is_among(images: &BTreeSet<String>, image: &str) -> bool {
    images.contains(image)
        || pin(image).is_some_and(|(tag, digest)| images.contains(tag) && digest == digest_of(tag))
}

/// The name with its tag, and the digest, of a reference that has both.
fn pin(image: &str) -> Option<(&str, &str)> {
    image.split_once('@').filter(|(name, _)| name.rsplit('/').next().is_some_and(|last| last.contains(':')))
}

/// The digest that the registry gives this tag.
fn digest_of(tag: &str) -> String {
    let digest = Sha256::digest(tag).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("sha256:{digest}")
}
