//! A topic's name, and whose it is.

use std::fmt;
use std::str::FromStr;

use super::cluster::TopicError;

/// A topic's name as Kafka takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl FromStr for Name {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        let whole = (1..=249).contains(&text.len()) && text.bytes().all(allowed);
        if whole && !matches!(text, "." | "..") {
            Ok(Self(text.to_owned()))
        } else {
            Err(TopicError::Name(text.to_owned()))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is_own(&self) -> bool {
        self.0.starts_with("rack.")
    }

    /// # Errors
    /// Where it is the rack's own or Kafka's, and that is not allowed.
    pub fn guarded(&self, allowed: bool) -> Result<(), TopicError> {
        match () {
            () if allowed => Ok(()),
            () if self.is_own() => Err(TopicError::Own(self.0.clone())),
            () if self.0.starts_with("__") => Err(TopicError::Internal(self.0.clone())),
            () => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_is_kafkas_own_kind_of_name() {
        for good in ["alerts", "a.b_c-D9", &"x".repeat(249)] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for wrong in ["", ".", "..", "a b", "ä", "a/b", &"x".repeat(250)] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_racks_own_topics_and_kafkas_are_left_alone_unless_it_is_allowed() {
        for own in ["rack.readings", "__consumer_offsets"] {
            assert!(name(own).guarded(false).unwrap_err().to_string().contains("--allow"));
            assert!(name(own).guarded(true).is_ok());
        }
        assert!(name("racks").guarded(false).is_ok());
    }
}
