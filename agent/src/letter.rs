//! An error and all its causes in one line, for logs. Errors themselves never print their source.

use std::error::Error;

/// The error and its causes, joined by ": ".
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
