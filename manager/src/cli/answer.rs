//! The answer, on standard output: the one way in which commands write it.
//!
//! A reader that has gone (`| head`) has read enough, and is no fault. Whatever else keeps the answer from being
//! written is: the command goes on, for what it does may matter more than what it says, and does not end well.

use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::global::Output;

/// Why some of the answer was not written.
static LOST: OnceLock<io::Error> = OnceLock::new();
/// Whether there is any answer yet.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// A line of the answer.
pub(crate) fn say(text: &str) {
    tell(text);
}

/// The same; whether anybody takes more.
pub(crate) fn tell(text: &str) -> bool {
    write(format!("{text}\n").as_bytes())
}

/// Bytes of the answer, just these; whether anybody takes more.
pub(crate) fn write(bytes: &[u8]) -> bool {
    BEGUN.store(true, Ordering::Relaxed);
    let mut out = io::stdout().lock();
    keep(out.write_all(bytes).and_then(|()| out.flush()))
}

/// The letter of a command that failed. For programs it is the answer too, where there is no other yet: whatever
/// becomes of a command, they read one document.
pub(crate) fn failed(letter: &str, output: Output) {
    eprintln!("pirack: {letter}");
    if let Some(document) = document(letter, output, BEGUN.load(Ordering::Relaxed)) {
        say(&document);
    }
}

/// The letter of a command line that is wrong, and for programs the answer: the letter without its heading.
pub(crate) fn refused(error: &clap::Error, output: Output) {
    keep(error.print());
    let letter = error.to_string();
    let letter = letter.strip_prefix("error: ").unwrap_or(&letter).trim_end();
    // Help and the version are no error's, and an answer themselves.
    if let Some(document) = document(letter, output, !error.use_stderr()) {
        say(&document);
    }
}

fn document(letter: &str, output: Output, begun: bool) -> Option<String> {
    (output == Output::Json && !begun).then(|| json!({ "error": letter }).to_string())
}

/// Keeps what came of writing a part of the answer; whether anybody takes more.
pub(crate) fn keep(written: io::Result<()>) -> bool {
    let Err(error) = written else { return true };
    if error.kind() != ErrorKind::BrokenPipe {
        // The first reason is the one that the others came of.
        LOST.get_or_init(|| error);
    }
    false
}

/// Whether all of it was written, so far as anybody read it; else why not.
pub(crate) fn written() -> Result<(), String> {
    LOST.get().map_or(Ok(()), |error| {
        Err(format!(
            "the answer could not be written to standard output ({error}): make room there, or send it elsewhere"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_reads_one_document_of_a_command_that_fails() {
        let letter = "there is no file \"rack.toml\"";
        let told = document(letter, Output::Json, false).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&told).unwrap(), json!({ "error": letter }));
        assert_eq!(document(letter, Output::Json, true), None, "nothing is added to an answer");
        assert_eq!(document(letter, Output::Table, false), None);
    }

    #[test]
    fn a_reader_that_has_gone_is_no_fault_and_a_full_disk_is() {
        assert!(keep(Ok(())));
        assert!(!keep(Err(ErrorKind::BrokenPipe.into())));
        assert_eq!(written(), Ok(()));
        assert!(!keep(Err(io::Error::other("No space left on device"))));
        assert!(!keep(Err(io::Error::other("and on"))));
        let letter = written().unwrap_err();
        assert!(letter.contains("No space left on device") && letter.contains("make room"), "{letter}");
    }
}
