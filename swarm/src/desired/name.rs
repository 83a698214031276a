//! Names, checked once: a value of any of these types is one that Docker takes.
//!
//! One type a kind, so that a network's name cannot stand where a config's is wanted.

use std::fmt;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// Why a text is not what it was given as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not {what}: {remedy}")]
pub struct NameError {
    /// What was given.
    pub text: String,
    /// What it should have been, with its article: "a service's name".
    pub what: &'static str,
    /// What to write instead.
    pub remedy: &'static str,
}

impl NameError {
    pub(super) fn new(text: &str, what: &'static str, remedy: &'static str) -> Self {
        Self { text: text.to_owned(), what, remedy }
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident is $what:literal if $check:path, else $remedy:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if $check(text) { Ok(Self(text.to_owned())) } else { Err(NameError::new(text, $what, $remedy)) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(D::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

const OBJECT_REMEDY: &str =
    "use 1 to 50 letters, digits, '-' and '_', with a letter or digit at either end, for example kafka-1";
const KEY_REMEDY: &str = "use letters, digits, '_', '.' and '-', beginning with none of the last two";

texts! {
    /// Who owns what a plan manages: written as a label on every object, and read back from it.
    Owner is "an owner's name" if is_object, else OBJECT_REMEDY;
    /// A service's name. 50 characters at most leave room for what Docker appends to a task's.
    ServiceName is "a service's name" if is_object, else OBJECT_REMEDY;
    /// An overlay network's name; never one of those that Docker keeps for itself.
    NetworkName is "an overlay network's name" if is_network, else
        "use 1 to 50 letters, digits, '-' and '_', and none of host, bridge, none, ingress, docker_gwbridge";
    /// A config's name as its services know it; the engine's name appends a hash of the content.
    ConfigName is "a config's name" if is_object, else OBJECT_REMEDY;
    /// A secret's name as its services know it; the engine's name appends a hash of the value.
    SecretName is "a secret's name" if is_object, else OBJECT_REMEDY;
    /// A volume's name.
    VolumeName is "a volume's name" if is_object, else OBJECT_REMEDY;
    /// A host name (RFC 1123): a node's, or one in a container's hosts file.
    HostName is "a host name" if is_host, else
        "use labels of 1 to 63 letters, digits and '-', joined by '.', 253 characters in all, for example w3";
    /// A label's key, on a node or a service.
    LabelKey is "a label's key" if is_key, else KEY_REMEDY;
    /// An environment variable's name.
    EnvKey is "an environment variable's name" if is_env, else
        "use letters, digits and '_', not beginning with a digit";
    /// A power of root (capabilities(7)), with its `CAP_`; or `ALL`.
    Capability is "a capability" if is_capability, else "write it as in CAP_NET_BIND_SERVICE, or ALL";
    /// An absolute path in a container or on a board, with no `.` or `..` in it.
    AbsolutePath is "an absolute path" if is_path, else
        "begin with '/', end without one, and use no '.', '..' or empty part, for example /var/lib/kafka";
}

/// What swarmkit takes for a name (`api/validation`: a DNS label with `_`), short enough for a hash to follow.
fn is_object(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= 50
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && ends(text.chars().next())
        && ends(text.chars().next_back())
}

fn is_network(text: &str) -> bool {
    is_object(text) && !["host", "bridge", "none", "ingress", "docker_gwbridge"].contains(&text)
}

fn is_host(text: &str) -> bool {
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn is_key(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-');
    (1..=128).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with(['.', '-'])
}

fn is_env(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn is_capability(text: &str) -> bool {
    let word = |c: u8| c.is_ascii_uppercase() || c == b'_';
    text == "ALL" || text.strip_prefix("CAP_").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(word))
}

fn is_path(text: &str) -> bool {
    text == "/"
        || text.strip_prefix('/').is_some_and(|rest| {
            rest.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\0', '\n']))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_docker_would_refuse_never_becomes_a_name() {
        for good in ["kafka-1", "a", "W_3", &"x".repeat(50)] {
            assert_eq!(good.parse::<ServiceName>().map(|n| n.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "-a", "a-", "a.b", "a b", "ü", &"x".repeat(51)] {
            assert!(bad.parse::<ServiceName>().is_err(), "{bad:?} passed");
        }
        assert!("host".parse::<NetworkName>().is_err());
        assert!("app".parse::<NetworkName>().is_ok());
    }

    #[test]
    fn paths_are_absolute_and_say_where_they_lead() {
        for good in ["/", "/data", "/var/lib/kafka", "/a/.hidden"] {
            assert!(good.parse::<AbsolutePath>().is_ok(), "{good:?} failed");
        }
        for bad in ["", "~", "data", "/a/", "/a//b", "/a/../b", "/./a"] {
            assert!(bad.parse::<AbsolutePath>().is_err(), "{bad:?} passed");
        }
    }

    #[test]
    fn an_error_names_the_text_what_it_should_be_and_the_remedy() {
        let error = "1X=2".parse::<EnvKey>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"1X=2\" is not an environment variable's name: use letters, digits and '_', not beginning with a digit"
        );
    }

    #[test]
    fn host_names_and_keys_follow_their_rules() {
        assert!("w3.rack.local".parse::<HostName>().is_ok());
        for bad in ["", "w3.", "w_3", "-w"] {
            assert!(bad.parse::<HostName>().is_err(), "{bad:?} passed");
        }
        assert!("rack.board".parse::<LabelKey>().is_ok());
        for bad in ["", "a=b", "a,b", ".a", "a b"] {
            assert!(bad.parse::<LabelKey>().is_err(), "{bad:?} passed");
        }
    }
}
