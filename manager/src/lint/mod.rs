//! Compose files: what in them will not work on a swarm, or cannot form a Kafka, Cassandra or Stargate
//! cluster, told before anything is deployed. docs/lint.md has every rule.
//!
//! Text -> `yaml`, a tree that knows its places -> `compose`, a typed model of what rules ask -> [`rules`], small
//! pure functions in a table -> [`Finding`]s in the file's order. Invariant: no text makes it panic, and a value
//! that is not known (`${X}`, a variable from a file) is never guessed: what it decides is not judged.

mod compose;
mod finding;
pub mod rules;
mod yaml;

use crate::excerpt::shortened;
pub use finding::{Finding, Severity, Unreadable};

#[cfg(test)]
mod tests;

/// Everything that a compose file has wrong, in its own order.
///
/// # Errors
/// Where it is no YAML, or no compose file.
pub fn lint(text: &str) -> Result<Vec<Finding>, Unreadable> {
    let short = |why: Unreadable| Unreadable { what: shortened(&why.what), ..why };
    let tree = yaml::parse(text).map_err(short)?;
    let stack = compose::read(&tree, text).map_err(short)?;
    let mut findings: Vec<Finding> = Vec::new();
    for rule in rules::all() {
        for hit in (rule.check)(&stack) {
            let (line, column) = finding::place(text, hit.span.start);
            let found = Finding {
                code: rule.code,
                severity: rule.severity,
                line,
                column,
                span: hit.span,
                message: shortened(&hit.message),
                reason: rule.reason,
                remedy: rule.remedy,
            };
            // What several services share by an anchor is wrong once.
            if !findings.contains(&found) {
                findings.push(found);
            }
        }
    }
    findings.sort_by_key(|found| (found.span.start, found.code));
    Ok(findings)
}
