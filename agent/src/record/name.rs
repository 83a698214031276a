//! A board's name: a host name label (RFC 1123), so that it can stand in a topic's key, a path and an address.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A board's name: 1 to 63 of `a-z`, `0-9` and `-`, neither first nor last a `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BoardName(String);

/// Why a text is not a board's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a board's name: use 1 to 63 lower-case letters, digits and '-', with no '-' at either end, for example w3"
)]
pub struct NameError(String);

impl BoardName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the machine with this host name: its first label, in lower case.
    ///
    /// # Errors
    /// When that label is no board's name.
    pub fn of_host(hostname: &str) -> Result<Self, NameError> {
        hostname.split('.').next().unwrap_or_default().to_lowercase().parse()
    }
}

impl FromStr for BoardName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let whole = (1..=63).contains(&text.len()) && text.bytes().all(allowed);
        if whole && !text.starts_with('-') && !text.ends_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for BoardName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<BoardName> for String {
    fn from(name: BoardName) -> Self {
        name.0
    }
}

impl fmt::Display for BoardName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_label_is_a_name_and_nothing_else_is() {
        for good in ["w3", "a", "m-1", "0", &"x".repeat(63)] {
            assert_eq!(good.parse::<BoardName>().map(String::from), Ok(good.to_owned()));
        }
        for bad in ["", "-w", "w-", "W3", "w.3", "w 3", "w_3", "ü", &"x".repeat(64)] {
            assert!(bad.parse::<BoardName>().is_err(), "{bad:?} passed");
        }
    }
}
