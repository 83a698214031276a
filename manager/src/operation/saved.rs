//! A plan in a file: shown to somebody, agreed to, and applied only if it would still be the same.
//!
//! The file holds the plan's own JSON, which has ids and versions of everything that it would change and no
//! secret's value, and its hash. Whoever applies it plans anew and compares: it begins
//! as somebody has read it. After the first change it is planned anew like any other apply, and only what must be allowed
//! by a code still holds it.

use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::plan::Plan;
use crate::bootstrap::agent::digest;
use crate::reach::chain;
use crate::text::{self, TextError};

/// The file's version.
const VERSION: u32 = 1;
/// Of a hundred boards a plan has a few megabytes.
const LARGEST: u64 = 64 << 20;

/// A plan that was saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// The file's version.
    version: u32,
    /// The rack's name.
    rack: String,
    /// What ids that are made up once were derived from.
    fresh: Uuid,
    /// The SHA-256 of the steps.
    fingerprint: String,
    /// The plan, for people and programs that look into the file.
    plan: serde_json::Value,
}

/// The world is not what the plan was made for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the rack has moved since this plan was saved, and nothing was done: plan again, and look at what is new"
)]
pub struct Moved;

/// Why a file is no plan.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// There is no text to read.
    #[error("{0}: name a file that pirack plan --out FILE wrote")]
    Unread(String),
    /// It cannot be written.
    #[error(
        "cannot write the plan to {path}: name a file in a folder that is there and that you may write into"
    )]
    Unwritten {
        /// Which.
        path: String,
        /// What came of it.
        #[source]
        source: std::io::Error,
    },
    /// It would take the place of something else.
    #[error("there is something at {path} that is no plan of pirack's, and it stays: name another file")]
    Taken {
        /// Which.
        path: String,
    },
    /// It holds something else. The remedy never names this file: it is somebody's.
    #[error(
        "{path} is no plan that pirack saved: name one that pirack plan --out wrote; a rack's file goes with -f"
    )]
    Other {
        /// Which.
        path: String,
        /// What came of it.
        #[source]
        source: serde_json::Error,
    },
    /// Its text was changed since.
    #[error(
        "the plan in {path} was changed since pirack saved it, and would not be what is applied: plan again with pirack plan --out {path}"
    )]
    Edited {
        /// Which.
        path: String,
    },
    /// It is of another rack, or of another version of pirack.
    #[error("{path} is a plan of {what}: plan again")]
    Foreign {
        /// Which.
        path: String,
        /// Of what.
        what: String,
    },
}

impl Saved {
    /// This plan of this rack; `fresh` is what it was made with.
    ///
    /// # Errors
    /// Never in practice: a plan serialises.
    pub fn of(rack: &str, fresh: Uuid, plan: &Plan) -> Result<Self, serde_json::Error> {
        let plan = serde_json::to_value(plan)?;
        Ok(Self { version: VERSION, rack: rack.to_owned(), fresh, fingerprint: fingerprint(&plan), plan })
    }

    /// What a plan must be made with to be this one.
    #[must_use]
    pub fn fresh(&self) -> Uuid {
        self.fresh
    }

    /// Writes it, all of it or nothing, and only where nothing is or an older one.
    ///
    /// # Errors
    /// When the file cannot be written, or holds anything else.
    pub fn write(&self, path: &Path) -> Result<(), SavedError> {
        let name = path.display().to_string();
        match text::of_file(path, LARGEST) {
            Err(TextError::Missing { .. }) => {}
            Ok(text) if text.is_empty() || serde_json::from_str::<Self>(&text).is_ok() => {}
            Err(TextError::Unreadable { source, .. }) => {
                return Err(SavedError::Unwritten { path: name, source });
            }
            _ => return Err(SavedError::Taken { path: name }),
        }
        let written = (|| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            // What keys are derived from stands in it: whoever saved it alone reads it, as any draft is read.
            let mut draft = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
            draft.write_all((serde_json::to_string_pretty(self)? + "\n").as_bytes())?;
            draft.as_file().sync_all()?;
            draft.persist(path).map_err(|error| error.error)
        })();
        written.map(drop).map_err(|source| SavedError::Unwritten { path: name, source })
    }

    /// Reads one of this rack.
    ///
    /// # Errors
    /// When there is none there.
    pub fn read(path: &Path, rack: &str) -> Result<Self, SavedError> {
        let name = path.display().to_string();
        let text = text::of_file(path, LARGEST).map_err(|error| SavedError::Unread(chain(&error)))?;
        let saved: Self =
            serde_json::from_str(&text).map_err(|source| SavedError::Other { path: name.clone(), source })?;
        if saved.version != VERSION {
            return Err(SavedError::Foreign { path: name, what: format!("version {}", saved.version) });
        }
        if fingerprint(&saved.plan) != saved.fingerprint {
            return Err(SavedError::Edited { path: name });
        }
        if saved.rack != rack {
            return Err(SavedError::Foreign { path: name, what: format!("the rack {}", saved.rack) });
        }
        Ok(saved)
    }

    /// Whether this plan is that one.
    ///
    /// # Errors
    /// When it is not.
    pub fn holds(&self, plan: &Plan) -> Result<(), Moved> {
        let now = serde_json::to_value(plan).map_err(|_| Moved)?;
        if fingerprint(&now) == self.fingerprint && now == self.plan { Ok(()) } else { Err(Moved) }
    }
}

fn fingerprint(plan: &serde_json::Value) -> String {
    digest(plan.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::operation::plan::{Act, Stage};
    use crate::rack::Identity;
    use pirack_swarm::plan::Move;

    #[test]
    fn a_saved_plan_is_its_owners_and_keeps_the_key_of_secrets_names_to_itself() {
        let (id, key) = (Uuid::from_u128(1), Uuid::from_u128(0xfeed));
        let label = format!(r#"{{"rack":"desk","id":"{id}","secret_key":"{key}"}}"#);
        let identity = Identity::parse(&label).unwrap();
        let mut plan = Plan::default();
        let why = vec!["it is new".to_owned()];
        plan.step(Stage::Membership, Move::Change, "identity".into(), why, Act::Remember { identity }, 1);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        Saved::of("desk", id, &Plan::default()).unwrap().write(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        Saved::of("desk", id, &plan).unwrap().write(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(&id.to_string()) && !text.contains(&key.to_string()), "{text}");
        Saved::read(&path, "desk").unwrap().holds(&plan).unwrap();
        // Nobody reads one text and applies another.
        std::fs::write(&path, text.replace("it is new", "it is old")).unwrap();
        let edited = Saved::read(&path, "desk").unwrap_err();
        assert!(matches!(&edited, SavedError::Edited { .. }), "{edited}");
    }

    #[test]
    fn a_plan_takes_the_place_of_an_older_one_or_of_nothing_and_a_racks_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rack.toml");
        let plan = Saved::of("desk", Uuid::from_u128(1), &Plan::default()).unwrap();
        std::fs::write(&path, "version = 1\n").unwrap();
        let refused = plan.write(&path).unwrap_err();
        assert!(matches!(&refused, SavedError::Taken { .. }), "{refused}");
        let read = Saved::read(&path, "desk").unwrap_err();
        assert!(read.to_string().ends_with("a rack's file goes with -f"), "{read}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "version = 1\n");
        std::fs::write(&path, "").unwrap();
        let newer = Saved::of("desk", Uuid::from_u128(2), &Plan::default()).unwrap();
        for one in [plan, newer] {
            one.write(&path).unwrap();
            assert_eq!(Saved::read(&path, "desk").unwrap(), one);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft stays behind");
    }

    #[test]
    fn whoever_names_no_plan_is_told_what_to_name() {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("binary");
        std::fs::write(&binary, b"\xff\xfe").unwrap();
        for (path, what) in [
            (folder.path().join("no.plan"), "there is no file"),
            (folder.path().into(), "is a folder"),
            ("/dev/zero".into(), "is no regular file"),
            (binary, "is not UTF-8 text"),
        ] {
            let told = chain(&Saved::read(&path, "desk").unwrap_err());
            assert!(told.contains(what) && told.contains("that pirack plan --out FILE wrote"), "{told}");
        }
        let plan = Saved::of("desk", Uuid::from_u128(1), &Plan::default()).unwrap();
        let told = chain(&plan.write(&folder.path().join("no/p")).unwrap_err());
        assert!(told.contains("that you may write into") && told.contains("No such file"), "{told}");
    }
}
