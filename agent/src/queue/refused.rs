//! What a sink refused for good, kept for people to look at: each record whole, with the sink's reason.
//!
//! A sink has two files of its own, the older one full. Together they hold at most [`MOST_BYTES`] twice; then
//! the older goes, and how many records went with it is counted. All integers are little-endian:
//!
//! ```text
//! {sink}.refused       what was refused last; {sink}.refused.old is the older file
//!
//! header  offset  length
//!              0       8  magic "PIRACKR1"
//!              8       8  gone: how many records that were kept have had to go, when this file was begun
//!             16       4  CRC of bytes 0 to 15
//! frame        0       4  CRC of the rest of the frame
//!              4       4  length of what follows this field
//!              8       8  time of the refusal by the board's clock, milliseconds since 1970, signed
//!             16      16  queue id
//!             32       8  sequence
//!             40       1  tag: what kind of record
//!             41       2  length of the reason
//!             43       n  reason, UTF-8
//!           43+n       m  payload: the record as it lay in the queue
//! ```
//!
//! Frames that hold are kept; what follows the last of them is a write cut short, and is written over.
//! Invariant: a record is kept, durably, before its cursor passes it, and once however often it is refused
//! until then.

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::QueueError;
use super::state::Shared;
use super::storage::{Storage, StoredFile};
use crate::record::Identity;

/// One file's bound. The largest record fits, with its reason.
const MOST_BYTES: u64 = (1 << 20) + (1 << 16);
/// Reasons are cut to this many bytes.
const MOST_REASON: usize = 1024;
const MAGIC: [u8; 8] = *b"PIRACKR1";
const HEADER_LEN: usize = 20;
/// A frame without reason and payload.
const FRAME_LEN: usize = 43;
const SUFFIX: &str = ".refused";

/// A record that a sink refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRecord {
    /// When, by the board's clock.
    pub time: Timestamp,
    /// Its name.
    pub identity: Identity,
    /// Its kind, see [`Kind::tag`](crate::record::Kind::tag).
    pub tag: u8,
    /// Why, in the sink's words.
    pub reason: String,
    /// The record as it lay in the queue.
    pub payload: Vec<u8>,
}

/// Everything a sink refused, as far as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusedBySink {
    /// Which sink.
    pub sink: String,
    /// Records that were kept and had to go.
    pub gone: u64,
    /// Those kept, oldest first.
    pub records: Vec<RefusedRecord>,
}

/// One sink's files, for its shipper.
#[derive(Debug)]
pub struct Refusals {
    shared: Arc<Shared>,
    sink: String,
    /// Nothing before the first refusal of this run, and after a failure.
    open: Option<Current>,
}

/// The file that is written.
#[derive(Debug)]
struct Current {
    file: Box<dyn StoredFile>,
    end: u64,
    records: u64,
    gone: u64,
    /// What is kept in it: a record that is refused again is kept already.
    known: Vec<Identity>,
    /// What is kept in the older file.
    known_before: Vec<Identity>,
}

impl Refusals {
    pub(super) fn new(shared: Arc<Shared>, sink: &str) -> Self {
        Self { shared, sink: sink.to_owned(), open: None }
    }

    /// Keeps these records durably, but for those that are kept already.
    ///
    /// # Errors
    /// When the disk does not take them: then nothing is promised of any, and the next call tries again.
    pub fn keep(&mut self, records: &[RefusedRecord]) -> Result<(), QueueError> {
        let outcome = self.try_keep(records);
        if outcome.is_err() {
            self.open = None;
        }
        let name = format!("{}{SUFFIX}", self.sink);
        outcome.map_err(QueueError::storage("write", name, self.shared.storage.place()))
    }

    fn try_keep(&mut self, records: &[RefusedRecord]) -> io::Result<()> {
        let storage = &*self.shared.storage;
        let mut current = match self.open.take() {
            Some(current) => current,
            None => Current::open(storage, &self.sink)?,
        };
        for record in records {
            if current.knows(record.identity) {
                continue;
            }
            let frame = encode(record);
            if current.records > 0 && current.end + frame.len() as u64 > MOST_BYTES {
                current.file.sync()?;
                current = current.succeed(storage, &self.sink)?;
            }
            current.file.write_at(current.end, &frame)?;
            current.end += frame.len() as u64;
            current.records += 1;
            current.known.push(record.identity);
        }
        current.file.sync()?;
        self.open = Some(current);
        Ok(())
    }
}

impl Current {
    fn open(storage: &dyn Storage, sink: &str) -> io::Result<Self> {
        let name = format!("{sink}{SUFFIX}");
        match storage.open(&name, true) {
            Ok(file) => {
                let mut known = Vec::new();
                let (gone, end) = walk(&*file, &mut |record| known.push(record.identity))?;
                let older = older(storage, sink)?;
                let known_before = older.identities();
                match gone {
                    Some(gone) => {
                        Ok(Self { file, end, records: known.len() as u64, gone, known, known_before })
                    }
                    // Its beginning is lost, and all that can be read with it.
                    None => Self::begin(storage, sink, older.gone, known_before),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Where a rotation was cut short the older file knows of all that went before it.
                let older = older(storage, sink)?;
                Self::begin(storage, sink, older.gone, older.identities())
            }
            Err(error) => Err(error),
        }
    }

    /// A new file under the current one's name. It has that name only once it is whole.
    fn begin(storage: &dyn Storage, sink: &str, gone: u64, known_before: Vec<Identity>) -> io::Result<Self> {
        let (name, fresh) = (format!("{sink}{SUFFIX}"), format!("{sink}{SUFFIX}.new"));
        let file = match storage.create(&fresh) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => storage.open(&fresh, true)?,
            file => file?,
        };
        file.truncate(0)?;
        let mut header = [0; HEADER_LEN];
        header[..8].copy_from_slice(&MAGIC);
        header[8..16].copy_from_slice(&gone.to_le_bytes());
        let crc = crc32fast::hash(&header[..16]);
        header[16..].copy_from_slice(&crc.to_le_bytes());
        file.write_at(0, &header)?;
        file.sync()?;
        storage.rename(&fresh, &name)?;
        storage.sync_directory()?;
        Ok(Self { file, end: HEADER_LEN as u64, records: 0, gone, known: Vec::new(), known_before })
    }

    /// Makes this the older file, for which the one before goes.
    fn succeed(self, storage: &dyn Storage, sink: &str) -> io::Result<Self> {
        let name = format!("{sink}{SUFFIX}");
        let gone = self.gone + older(storage, sink)?.records.len() as u64;
        storage.rename(&name, &format!("{name}.old"))?;
        Self::begin(storage, sink, gone, self.known)
    }

    fn knows(&self, identity: Identity) -> bool {
        self.known.contains(&identity) || self.known_before.contains(&identity)
    }
}

impl RefusedBySink {
    fn identities(&self) -> Vec<Identity> {
        self.records.iter().map(|record| record.identity).collect()
    }
}

/// The older file's records; none where there is none.
fn older(storage: &dyn Storage, sink: &str) -> io::Result<RefusedBySink> {
    read(storage, sink, &format!("{sink}{SUFFIX}.old"))
}

fn read(storage: &dyn Storage, sink: &str, name: &str) -> io::Result<RefusedBySink> {
    let mut found = RefusedBySink { sink: sink.to_owned(), ..RefusedBySink::default() };
    let file = match storage.open(name, false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        file => file?,
    };
    let (gone, _) = walk(&*file, &mut |record| found.records.push(record))?;
    found.gone = gone.unwrap_or(0);
    Ok(found)
}

/// Everything that sinks refused, as far as it is kept; changes nothing.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub fn refused(storage: &dyn Storage) -> Result<Vec<RefusedBySink>, QueueError> {
    let files = storage.list("").map_err(QueueError::storage("list", "the files", storage.place()))?;
    let sink = |name: &str| name.strip_suffix(".old").unwrap_or(name).strip_suffix(SUFFIX).map(str::to_owned);
    let mut sinks: Vec<String> = files.iter().filter_map(|file| sink(&file.name)).collect();
    sinks.sort();
    sinks.dedup();
    let both = |sink: String| {
        let mut all = older(storage, &sink)?;
        let newer = read(storage, &sink, &format!("{sink}{SUFFIX}"))?;
        all.gone = all.gone.max(newer.gone);
        all.records.extend(newer.records);
        Ok(all)
    };
    let all: io::Result<Vec<_>> = sinks.into_iter().map(both).collect();
    all.map_err(QueueError::storage("read", "what was refused", storage.place()))
}

fn encode(record: &RefusedRecord) -> Vec<u8> {
    let reason = &record.reason[..record.reason.floor_char_boundary(MOST_REASON)];
    let length = FRAME_LEN - 8 + reason.len() + record.payload.len();
    let mut frame = vec![0; 4];
    frame.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    frame.extend(record.time.as_millisecond().to_le_bytes());
    frame.extend(record.identity.queue.as_bytes());
    frame.extend(record.identity.sequence.to_le_bytes());
    frame.push(record.tag);
    frame.extend(u16::try_from(reason.len()).unwrap_or(0).to_le_bytes());
    frame.extend(reason.as_bytes());
    frame.extend(&record.payload);
    let crc = crc32fast::hash(&frame[4..]);
    frame[..4].copy_from_slice(&crc.to_le_bytes());
    frame
}

/// Hands every frame that holds to `visit`, in order. Returns the header's count, if there is a header, and
/// where the frames end.
fn walk(file: &dyn StoredFile, visit: &mut dyn FnMut(RefusedRecord)) -> io::Result<(Option<u64>, u64)> {
    let mut header = [0; HEADER_LEN];
    let whole = file.read_at(0, &mut header)? == HEADER_LEN;
    let crc = crc32fast::hash(&header[..16]).to_le_bytes();
    if !whole || header[..8] != MAGIC || header[16..] != crc {
        return Ok((None, HEADER_LEN as u64));
    }
    let gone = number(&header[8..16]);
    let mut end = HEADER_LEN as u64;
    while let Some((record, length)) = frame_at(file, end)? {
        end += length;
        visit(record);
    }
    Ok((Some(gone), end))
}

fn frame_at(file: &dyn StoredFile, offset: u64) -> io::Result<Option<(RefusedRecord, u64)>> {
    let mut head = [0; 8];
    if file.read_at(offset, &mut head)? < head.len() {
        return Ok(None);
    }
    let (crc, length) = (number(&head[..4]), number(&head[4..]));
    if length > MOST_BYTES || length < (FRAME_LEN - 8) as u64 {
        return Ok(None);
    }
    let mut body = vec![0; usize::try_from(length).unwrap_or(0)];
    let read = file.read_at(offset + 8, &mut body)?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&head[4..]);
    hasher.update(&body);
    if read < body.len() || u64::from(hasher.finalize()) != crc {
        return Ok(None);
    }
    Ok(decode(&body).map(|record| (record, 8 + length)))
}

/// What follows a frame's length.
fn decode(body: &[u8]) -> Option<RefusedRecord> {
    let (time, rest) = body.split_first_chunk::<8>()?;
    let (queue, rest) = rest.split_first_chunk::<16>()?;
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let (tag, rest) = rest.split_first()?;
    let (reason, rest) = rest.split_first_chunk::<2>()?;
    let (reason, payload) = rest.split_at_checked(usize::from(u16::from_le_bytes(*reason)))?;
    Some(RefusedRecord {
        time: Timestamp::from_millisecond(i64::from_le_bytes(*time)).ok()?,
        identity: Identity { queue: Uuid::from_bytes(*queue), sequence: u64::from_le_bytes(*sequence) },
        tag: *tag,
        reason: String::from_utf8_lossy(reason).into_owned(),
        payload: payload.to_vec(),
    })
}

/// A little-endian number of up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
