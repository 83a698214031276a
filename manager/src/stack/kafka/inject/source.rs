//! Where messages come from: the lines of a file or of standard input, or readings that nobody measured.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;
use pirack_agent::record::{
    BoardName, Body, ClockState, Identity, Moment, NameError, Quality, Quantity, Reading, Record,
};
use uuid::Uuid;

/// The longest line: what a broker takes by default, with its batch around it.
const LONGEST: usize = 1_000_000;
/// What a chunk may hold in all, so that memory holds it.
const LARGEST: usize = 256 << 20;
/// Boards that readings are made up for.
const BOARDS: [&str; 4] = ["inject-1", "inject-2", "inject-3", "inject-4"];

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Messages of one key stay in order.
    pub key: Option<Vec<u8>>,
    /// Its content.
    pub payload: Vec<u8>,
}

/// Where messages come from.
pub struct Source(From);

enum From {
    Lines { name: String, reader: Box<dyn BufRead + Send>, line: u64 },
    Readings(Readings),
}

/// Why there are no more.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file.
    #[error("cannot read {name}")]
    Read {
        /// Which.
        name: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A line that no broker takes.
    #[error("{name}: line {line} is longer than {LONGEST} bytes, which is more than a broker takes; cut it")]
    Long {
        /// Which file.
        name: String,
        /// Which line, from 1.
        line: u64,
    },
    /// A chunk that memory does not hold.
    #[error("{name}: the lines to {line} are more than 256 MiB in one chunk; give a smaller --count")]
    Large {
        /// Which file.
        name: String,
        /// Its last line.
        line: u64,
    },
    /// A reading that cannot be made.
    #[error("cannot make a reading; this is a fault of pirack's")]
    Reading(#[source] serde_json::Error),
    /// A board's name that is none.
    #[error(transparent)]
    Board(#[from] NameError),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            From::Lines { name, line, .. } => write!(f, "Source({name}, line {line})"),
            From::Readings(readings) => write!(f, "Source(readings, {})", readings.next),
        }
    }
}

impl Source {
    /// The lines of a file; `-` is standard input.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn file(path: &Path) -> Result<Self, SourceError> {
        if path == Path::new("-") {
            return Ok(Self::lines("standard input", Box::new(BufReader::new(io::stdin()))));
        }
        let name = PathBuf::from(path).display().to_string();
        match File::open(path) {
            Ok(file) => Ok(Self::lines(&name, Box::new(BufReader::new(file)))),
            Err(source) => Err(SourceError::Read { name, source }),
        }
    }

    /// The lines of a reader that goes by this name.
    #[must_use]
    pub fn lines(name: &str, reader: Box<dyn BufRead + Send>) -> Self {
        Self(From::Lines { name: name.to_owned(), reader, line: 0 })
    }

    /// Readings of four boards that do not exist, valid in every field; they never end.
    ///
    /// # Errors
    /// Never, as long as the boards' names are names.
    pub fn readings() -> Result<Self, SourceError> {
        let boards = BOARDS.iter().map(|name| name.parse()).collect::<Result<Vec<BoardName>, NameError>>()?;
        Ok(Self(From::Readings(Readings {
            boards,
            queue: Uuid::new_v4(),
            boot: Uuid::new_v4(),
            since: Instant::now(),
            next: 0,
        })))
    }

    /// The next messages, at the most so many; none where there are no more.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn next(&mut self, count: usize) -> Result<Vec<Message>, SourceError> {
        match &mut self.0 {
            From::Readings(readings) => (0..count).map(|_| readings.one()).collect(),
            From::Lines { name, reader, line } => {
                let mut messages = Vec::new();
                let mut bytes = 0;
                while messages.len() < count {
                    let Some(payload) = next_line(name, reader.as_mut(), line)? else { break };
                    // An empty line is no message: an empty payload means that a key is deleted.
                    if payload.is_empty() {
                        continue;
                    }
                    bytes += payload.len();
                    if bytes > LARGEST {
                        return Err(SourceError::Large { name: name.clone(), line: *line });
                    }
                    messages.push(Message { key: None, payload });
                }
                Ok(messages)
            }
        }
    }
}

/// A line without its end; nothing at the end of the file.
fn next_line(name: &str, reader: &mut dyn BufRead, line: &mut u64) -> Result<Option<Vec<u8>>, SourceError> {
    let mut bytes = Vec::new();
    let most = LONGEST as u64 + 2;
    reader
        .take(most)
        .read_until(b'\n', &mut bytes)
        .map_err(|source| SourceError::Read { name: name.to_owned(), source })?;
    if bytes.is_empty() {
        return Ok(None);
    }
    *line += 1;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.len() > LONGEST {
        return Err(SourceError::Long { name: name.to_owned(), line: *line });
    }
    Ok(Some(bytes))
}

/// Readings that nobody measured: temperatures that rise and fall.
struct Readings {
    boards: Vec<BoardName>,
    queue: Uuid,
    boot: Uuid,
    since: Instant,
    next: u64,
}

impl Readings {
    fn one(&mut self) -> Result<Message, SourceError> {
        let number = self.next;
        self.next += 1;
        let many = self.boards.len() as u64;
        // A board's own records are numbered without a hole.
        let sequence = number / many;
        let at = usize::try_from(number % many).unwrap_or(0);
        let board = self.boards.get(at).or_else(|| self.boards.first()).cloned();
        let Some(board) = board else { return Ok(Message { key: None, payload: Vec::new() }) };
        let key = board.as_str().as_bytes().to_vec();
        let step = u32::try_from(sequence % 200).unwrap_or(0);
        let value = 20.0 + f64::from(step.min(200 - step)) / 20.0;
        let record = Record {
            board,
            identity: Identity { queue: self.queue, sequence },
            moment: Moment {
                time: Timestamp::now(),
                clock: ClockState::Unsynchronised,
                boot: self.boot,
                boottime_seconds: self.since.elapsed().as_secs_f64(),
            },
            body: Body::Reading(Reading {
                sensor: "inject".to_owned(),
                chip: "inject".to_owned(),
                quantity: Quantity::Temperature,
                value,
                quality: Quality::Good,
            }),
        };
        Ok(Message { key: Some(key), payload: record.encode().map_err(SourceError::Reading)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Source {
        Source::lines("alerts", Box::new(io::Cursor::new(text.to_owned())))
    }

    fn payloads(messages: &[Message]) -> Vec<&str> {
        messages.iter().map(|message| std::str::from_utf8(&message.payload).unwrap()).collect()
    }

    #[test]
    fn a_file_is_cut_into_chunks_of_lines_and_the_last_may_be_short() {
        let mut source = lines("a\nb\r\n\nc\nd");
        assert_eq!(payloads(&source.next(3).unwrap()), ["a", "b", "c"]);
        assert_eq!(payloads(&source.next(3).unwrap()), ["d"]);
        assert!(source.next(3).unwrap().is_empty());
    }

    #[test]
    fn a_line_that_no_broker_takes_is_named() {
        let mut source = lines(&format!("a\n{}\nb\n", "x".repeat(LONGEST + 1)));
        let error = source.next(10).unwrap_err();
        assert!(matches!(error, SourceError::Long { line: 2, .. }), "{error}");
        let longest = "x".repeat(LONGEST);
        assert_eq!(payloads(&lines(&format!("{longest}\r\n")).next(1).unwrap()), [longest.as_str()]);
    }

    #[test]
    fn a_boards_readings_are_numbered_without_a_hole() {
        let mut source = Source::readings().unwrap();
        let chunks = [source.next(5).unwrap(), source.next(7).unwrap()].concat();
        let records: Vec<Record> =
            chunks.iter().map(|message| Record::decode(&message.payload).unwrap()).collect();
        for board in BOARDS {
            let of: Vec<_> = records.iter().filter(|record| record.board.as_str() == board).collect();
            let numbers: Vec<_> = of.iter().map(|record| record.identity.sequence).collect();
            assert_eq!(numbers, [0, 1, 2]);
        }
        assert_eq!(chunks[5].key.as_deref(), Some(b"inject-2".as_slice()));
    }
}
