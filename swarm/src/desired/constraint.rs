//! Where a service's tasks may run.

use std::fmt;

use super::{LabelKey, NameError};
use crate::spec::Role;

/// One placement constraint; a task runs where all of its service's hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Constraint {
    subject: Subject,
    equal: bool,
    value: String,
}

/// What a constraint looks at on a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A label of the node in the swarm, the kind that [`super::Node::labels`] sets.
    NodeLabel(LabelKey),
    /// The node's host name.
    HostName,
    /// The node's role: `manager` or `worker`.
    Role,
    /// The node's architecture, as its engine reports it: `aarch64`, `x86_64`.
    Architecture,
}

impl Constraint {
    /// Only where `subject` is `value`.
    ///
    /// # Errors
    /// When the value holds what swarmkit does not take in a constraint.
    pub fn equal(subject: Subject, value: &str) -> Result<Self, NameError> {
        Self::new(subject, true, value)
    }

    /// Only where `subject` is not `value`.
    ///
    /// # Errors
    /// As [`Self::equal`].
    pub fn differs(subject: Subject, value: &str) -> Result<Self, NameError> {
        Self::new(subject, false, value)
    }

    /// Only on nodes of this role.
    #[must_use]
    pub fn role(role: Role) -> Self {
        Self { subject: Subject::Role, equal: true, value: role.as_str().to_owned() }
    }

    fn new(subject: Subject, equal: bool, value: &str) -> Result<Self, NameError> {
        // Narrower than swarmkit's `manager/constraint` on purpose: its wildcards are matched nowhere.
        let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-' | b':' | b'/');
        if !value.is_empty() && value.bytes().all(allowed) {
            Ok(Self { subject, equal, value: value.to_owned() })
        } else {
            Err(NameError::new(
                value,
                "a placement constraint's value",
                "use letters, digits, '_', '.', '-', ':' and '/'",
            ))
        }
    }

    /// The label that the constraint looks at, where it looks at one.
    #[must_use]
    pub fn label(&self) -> Option<&LabelKey> {
        match &self.subject {
            Subject::NodeLabel(key) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::NodeLabel(key) => write!(f, "node.labels.{key}")?,
            Subject::HostName => f.write_str("node.hostname")?,
            Subject::Role => f.write_str("node.role")?,
            Subject::Architecture => f.write_str("node.platform.arch")?,
        }
        write!(f, "{}{}", if self.equal { "==" } else { "!=" }, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_read_as_docker_writes_them() {
        let board = Subject::NodeLabel("board".parse().unwrap());
        assert_eq!(Constraint::equal(board, "w3").unwrap().to_string(), "node.labels.board==w3");
        assert_eq!(Constraint::differs(Subject::HostName, "m1").unwrap().to_string(), "node.hostname!=m1");
        assert_eq!(Constraint::role(Role::Manager).to_string(), "node.role==manager");
        assert!(Constraint::equal(Subject::HostName, "a b").is_err());
        assert!(Constraint::equal(Subject::Architecture, "").is_err());
    }
}
