//! Who may come in: the names that this interface has, and the tokens that it knows.

use super::tokens::Tokens;

/// What somebody may do without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Free {
    /// Everything: an embedded rack, for this machine alone.
    Everything,
    /// Look: a real rack, for this machine alone. Whoever changes it needs an operator's token.
    Looking,
    /// Nothing.
    Nothing,
}

/// The door.
#[derive(Clone, Debug)]
pub struct Door {
    /// What is free.
    pub free: Free,
    /// What opens the rest.
    pub tokens: Tokens,
    /// Names under which this is served besides addresses: `rack.local`, or `rack.local:443` behind a proxy.
    pub names: Vec<String>,
}

impl Door {
    /// That of an embedded rack.
    #[must_use]
    pub fn of_embedded() -> Self {
        Self { free: Free::Everything, tokens: Tokens::default(), names: Vec::new() }
    }
}
