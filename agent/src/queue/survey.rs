//! What lies in a queue's folder: facts only, gathered without changing anything.

use std::io;

use uuid::Uuid;

use super::QueueError;
use super::cursor_file::{self, Stored};
use super::format::{HEADER_LEN, Header, cursor_name, segment_base, segment_name};
use super::segment::{Bound, Step, Walk};
use super::storage::{Storage, StoredFile};

/// One segment's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// From its name.
    pub(super) base: u64,
    /// Its length.
    pub(super) bytes: u64,
    /// None when it cannot be read, or tells another base than the name.
    pub(super) header: Option<Header>,
    /// The queue that the header names, believed or not; nil where there are too few bytes.
    pub(super) claimed: Uuid,
}

/// How the frames of a file end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// The sequence after the last record, or after the seal.
    pub(super) end: u64,
    /// Where the last whole frame ends.
    pub(super) offset: u64,
    /// Whether that frame is a seal.
    pub(super) sealed: bool,
}

/// What a folder holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Every segment's file, by base.
    pub(super) segments: Vec<Found>,
    /// The end of the last one that has a header.
    pub(super) tail: Option<Tail>,
    /// The end of the frames in files without a header that come after it.
    pub(super) stray_end: Option<u64>,
    /// Every cursor's file, and what it tells, if it can be read.
    pub(super) cursors: Vec<(String, Option<Stored>)>,
}

impl Facts {
    /// Looks at everything: a few bytes of each file, and the whole of the last segment.
    pub(super) fn gather(storage: &dyn Storage) -> Result<Self, QueueError> {
        let place = storage.place();
        let listed = storage.list("").map_err(QueueError::storage("list", "the files", &place))?;
        let mut facts = Self::default();
        for file in &listed {
            let failed = |what| QueueError::storage(what, &file.name, &place);
            if let Some(base) = segment_base(&file.name) {
                let Some(open) = open(storage, &file.name).map_err(failed("open"))? else { continue };
                let (header, claimed) = read_header(&*open);
                let header = header.filter(|header| header.base == base);
                facts.segments.push(Found { base, bytes: file.bytes, header, claimed });
            } else if let Some(name) = cursor_name(&file.name) {
                let Some(open) = open(storage, &file.name).map_err(failed("open"))? else { continue };
                let stored = cursor_file::read(&*open).map_err(failed("read"))?;
                facts.cursors.push((name.to_owned(), stored));
            }
        }
        facts.segments.sort_by_key(|found| found.base);
        facts.cursors.sort_by(|(a, _), (b, _)| a.cmp(b));
        facts.find_end(storage).map_err(QueueError::storage("read", "the last segment", &place))?;
        Ok(facts)
    }

    fn find_end(&mut self, storage: &dyn Storage) -> io::Result<()> {
        for found in self.segments.iter().rev() {
            let Some(file) = open(storage, &segment_name(found.base))? else { continue };
            let tail = scan(file, found)?;
            if found.header.is_some() {
                self.tail = Some(tail);
                break;
            }
            if tail.end > found.base {
                self.stray_end = self.stray_end.max(Some(tail.end));
            }
        }
        Ok(())
    }

    /// The last segment that has a header.
    pub(super) fn last(&self) -> Option<(&Found, Header, Tail)> {
        let (found, header) =
            self.segments.iter().rev().find_map(|found| found.header.map(|header| (found, header)))?;
        Some((found, header, self.tail?))
    }

    /// What the file of the cursor `name` tells, if there is one, and it can be read.
    pub(super) fn stored(&self, name: &str) -> Option<Stored> {
        self.cursors.iter().find(|(found, _)| found == name).and_then(|(_, stored)| *stored)
    }

    /// How far the sink has come that has come furthest.
    pub(super) fn furthest(&self) -> u64 {
        self.cursors.iter().filter_map(|(_, stored)| Some(stored.as_ref()?.reached)).max().unwrap_or(0)
    }

    /// Where each segment's records end: the next header tells, or else the file itself. Nothing for
    /// files without a header at the queue's end.
    pub(super) fn end_of(&self, index: usize) -> Option<u64> {
        let found = self.segments.get(index)?;
        let later = self.segments.get(index + 1..).unwrap_or_default();
        let told = later.iter().find_map(|later| later.header).map(|header| header.follows);
        let end = told.or_else(|| found.header.and(self.tail).map(|tail| tail.end))?;
        let next_base = later.first().map_or(u64::MAX, |later| later.base);
        Some(end.min(next_base).max(found.base))
    }
}

/// The queue that a file without a header belongs to, as far as the folder tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// It cannot be another.
    Certain(Uuid),
    /// Every other segment belongs to this one: good enough to tell a loss by, not to name a record.
    Likely(Uuid),
    /// Nothing tells.
    Unknown,
}

impl Owner {
    /// The queue by which a loss is told: nil where nothing tells.
    pub(super) fn for_a_loss(self) -> Uuid {
        match self {
            Self::Certain(queue) | Self::Likely(queue) => queue,
            Self::Unknown => Uuid::nil(),
        }
    }
}

impl Facts {
    /// Whose the file at `index` is, which has no header. An id never comes back once another has begun, so
    /// what lies between two segments of one queue is that queue's. An id that is damaged in a few bytes is
    /// still like no other by chance; one that is there and like none of its neighbours' is another queue's.
    pub(super) fn owner(&self, index: usize) -> Owner {
        let queue = |found: &Found| found.header.map(|header| header.queue);
        let before = self.segments[..index].iter().rev().find_map(queue);
        let after = self.segments[index + 1..].iter().find_map(queue);
        let claimed = self.segments[index].claimed;
        let resembled =
            [before, after].into_iter().flatten().find(|neighbour| resembles(*neighbour, claimed));
        match (before, after, resembled) {
            (Some(queue), Some(other), _) if queue == other => Owner::Certain(queue),
            (_, _, Some(queue)) => Owner::Certain(queue),
            (None, Some(first), _)
                if claimed.is_nil() && self.segments.iter().filter_map(queue).all(|id| id == first) =>
            {
                Owner::Likely(first)
            }
            _ => Owner::Unknown,
        }
    }

    /// The queue by whose name the records of the segment at `index` can be read.
    pub(super) fn queue_of(&self, index: usize) -> Option<Uuid> {
        let found = self.segments.get(index)?;
        match found.header {
            Some(header) => Some(header.queue),
            None => match self.owner(index) {
                Owner::Certain(queue) if found.bytes > HEADER_LEN as u64 => Some(queue),
                _ => None,
            },
        }
    }
}

fn resembles(id: Uuid, claimed: Uuid) -> bool {
    let same = id.as_bytes().iter().zip(claimed.as_bytes()).filter(|(a, b)| a == b).count();
    same >= 12
}

/// None when the file has gone since the folder was listed: an agent at work released it.
fn open(storage: &dyn Storage, name: &str) -> io::Result<Option<Box<dyn StoredFile>>> {
    match storage.open(name, false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        file => file.map(Some),
    }
}

/// A header on a block that the disk cannot read any more is as good as none.
fn read_header(file: &dyn StoredFile) -> (Option<Header>, Uuid) {
    let mut bytes = [0; HEADER_LEN];
    let read = file.read_at(0, &mut bytes).unwrap_or(0);
    (Header::decode(&bytes[..read]), Header::claimed_queue(&bytes))
}

fn scan(file: Box<dyn StoredFile>, found: &Found) -> io::Result<Tail> {
    let mut walk = Walk::new(file, found.base);
    walk.pass_bad_blocks();
    let mut sealed = false;
    loop {
        match walk.step(Bound { bytes: found.bytes, end: u64::MAX })? {
            Step::Frame { .. } | Step::Hole { .. } => sealed = false,
            Step::Seal => sealed = true,
            Step::End => break,
        }
    }
    Ok(Tail { end: walk.next_sequence(), offset: walk.offset(), sealed })
}
