//! The one writer: gives records their names, and makes them durable in groups.
//!
//! A commit writes everything appended since the last one at once, then syncs. Only what a sync has
//! confirmed is added to the shared state, so only that is ever read. After a failed write or sync
//! nothing more goes to that file: whether its bytes are safe is in doubt for ever, and asking again may
//! be answered with a lie. The frames, still in memory, are written once more, to a new segment; its
//! header tells where the old one ends, so that what may lie there beyond is never read. Nothing is cut off there:
//! a torn end is what keeps a killed process's successor from giving the same names again.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use uuid::Uuid;

use super::format::{
    FRAME_LEN, HEADER_LEN, Header, MAX_PAYLOAD, TAG_SEAL, TAG_VOID, encode_frame, segment_name,
};
use super::loss::Loss;
use super::set_aside::SetAside;
use super::state::{Segment, Shared, Status};
use super::storage::StoredFile;
use super::{Limits, QueueError};
use crate::record::{GapReason, Identity};

/// How many of the oldest segments one commit gives up for a disk that says it is full, besides those that
/// every sink has had. If that much room does not do, somebody else is filling the disk, and the whole backlog
/// would not do either.
const MOST_GIVEN: usize = 4;

/// Appends to a queue.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    limits: Limits,
    queue: Uuid,
    boot: Uuid,
    /// Frames that are not durable yet, one after the other, and the length of each.
    frames: Vec<u8>,
    lengths: VecDeque<usize>,
    next: u64,
    /// What is missing before this sequence was told: goes into headers.
    floor: u64,
    /// What `floor` becomes once the records that tell the losses taken last are durable.
    next_floor: u64,
    active: Option<Active>,
    /// Bases and lengths of files at the queue's end that hold nothing to read. Their names stay until a
    /// newer segment is safe: should the process be killed before, they keep the next opening from going
    /// on with the old id, and from reading what was never confirmed.
    leftovers: Vec<(u64, u64)>,
    set_aside: SetAside,
}

/// The segment that is being written.
#[derive(Debug)]
struct Active {
    file: Box<dyn StoredFile>,
    bytes: u64,
    /// Where it ends.
    most: u64,
}

/// What a commit reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The sequence after the last durable record.
    pub durable: u64,
}

/// What a close came to.
#[derive(Debug)]
pub struct Closed {
    /// Losses that nobody had asked for yet, those of the last commit included. No record tells them; the next
    /// opening finds them again.
    pub losses: Vec<Loss>,
    /// The queue at its end.
    pub status: Status,
    /// [`QueueError::Lost`] when the last records could not be made durable, [`QueueError::Storage`] when only
    /// the seal could not be written.
    pub outcome: Result<(), QueueError>,
}

/// What a writer starts from.
pub(super) struct Beginning {
    pub(super) queue: Uuid,
    pub(super) boot: Uuid,
    pub(super) next: u64,
    pub(super) floor: u64,
    pub(super) leftovers: Vec<(u64, u64)>,
    pub(super) set_aside: SetAside,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, limits: Limits, beginning: Beginning) -> Self {
        let Beginning { queue, boot, next, floor, leftovers, set_aside } = beginning;
        let (frames, lengths) = (Vec::new(), VecDeque::new());
        Self {
            shared,
            limits,
            queue,
            boot,
            frames,
            lengths,
            next,
            floor,
            next_floor: floor,
            active: None,
            leftovers,
            set_aside,
        }
    }

    /// Appends a record in memory: `encode` is given its identity and returns its bytes. Readers see it
    /// after the next [`commit`](Self::commit). Memory is bounded by how often the caller commits.
    ///
    /// A payload over 1 MiB (or over a segment), and the tags 0 and 255, cannot be kept: such a record is
    /// told as a [`Loss`] in its place.
    pub fn append(&mut self, tag: u8, encode: impl FnOnce(Identity) -> Vec<u8>) -> Identity {
        let identity = Identity { queue: self.queue, sequence: self.next };
        self.next += 1;
        let payload = encode(identity);
        let most = MAX_PAYLOAD.min(self.limits.frame_bytes().saturating_sub(FRAME_LEN));
        let before = self.frames.len();
        if payload.len() > most || tag == TAG_SEAL || tag == TAG_VOID {
            encode_frame(&mut self.frames, identity.sequence, TAG_VOID, &[]);
            let range = identity.sequence..self.next;
            self.shared.state().lose(self.queue, &range, GapReason::Refused);
        } else {
            encode_frame(&mut self.frames, identity.sequence, tag, &payload);
        }
        self.lengths.push_back(self.frames.len() - before);
        identity
    }

    /// Makes everything appended since the last commit durable, and readable.
    ///
    /// # Errors
    /// [`QueueError::Lost`] when the disk took it neither into this segment nor into a new one: those
    /// records are lost, and told by [`take_losses`](Self::take_losses). The writer can go on.
    pub fn commit(&mut self) -> Result<Commit, QueueError> {
        while !self.lengths.is_empty() {
            if let Err(source) = self.write_chunk() {
                self.next_floor = self.floor;
                return Err(self.lose_pending(source));
            }
        }
        self.floor = self.next_floor;
        let settled = self.shared.state().settled();
        self.discard(settled);
        Ok(Commit { durable: self.shared.state().durable })
    }

    /// The losses since the last call. The caller appends a record for each before it appends anything
    /// else: segments begun after the next commit that succeeds say that these losses were told.
    pub fn take_losses(&mut self) -> Vec<Loss> {
        let mut state = self.shared.state();
        self.next_floor = self.floor.max(state.oldest());
        state.losses.take()
    }

    /// The queue that new records belong to.
    #[must_use]
    pub fn queue_id(&self) -> Uuid {
        self.queue
    }

    /// The queue at a glance; touches no disk.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.state().status(self.queue)
    }

    /// Commits, and seals the queue: the next opening sees that nothing is missing at its end.
    pub fn close(mut self) -> Closed {
        let outcome = self.commit().and_then(|_| self.seal());
        let losses = self.take_losses();
        Closed { losses, status: self.status(), outcome }
    }

    fn seal(&mut self) -> Result<(), QueueError> {
        let Some(active) = self.active.take() else { return Ok(()) };
        let durable = self.shared.state().durable;
        let mut seal = Vec::new();
        encode_frame(&mut seal, durable, TAG_SEAL, &[]);
        let sealed = active.file.write_at(active.bytes, &seal).and_then(|()| active.file.sync());
        sealed.map_err(QueueError::storage("seal", "the last segment", self.shared.storage.place()))
    }

    /// Writes as many pending frames as fit into the active segment, or a new one, and syncs them.
    fn write_chunk(&mut self) -> io::Result<()> {
        let mut given = 0;
        let mut tries = 2;
        loop {
            let (count, bytes) = self.chunk();
            self.make_room(bytes);
            let Err(error) = self.write_frames(count, bytes) else { return Ok(()) };
            self.active = None;
            tries -= 1;
            let shipped = self.shared.state().oldest_is_shipped();
            if is_full(&error) && given < MOST_GIVEN && self.give_oldest(GapReason::DiskFull) {
                given += usize::from(!shipped);
                tries = 1;
            }
            if tries == 0 {
                return Err(error);
            }
        }
    }

    /// How many pending frames go into one segment, and their bytes; leaves a segment that has no room.
    fn chunk(&mut self) -> (usize, usize) {
        let fits = |room: u64| {
            let mut bytes = 0;
            let whole = |length: &&usize| {
                bytes += **length as u64;
                bytes <= room
            };
            self.lengths.iter().take_while(whole).count()
        };
        let active = self.active.as_ref();
        let count = match active.map_or(0, |active| fits(active.most.saturating_sub(active.bytes))) {
            0 => {
                self.active = None;
                // A record that is larger than a small disk's segments has one for itself.
                fits(self.segment_most().saturating_sub(HEADER_LEN as u64)).max(1)
            }
            count => count,
        };
        (count, self.lengths.iter().take(count).sum())
    }

    /// Where a segment that is begun now will end.
    fn segment_most(&self) -> u64 {
        let own = self.shared.state().bytes() + self.set_aside.bytes();
        match self.shared.storage.free() {
            Ok(free) => self.limits.segment_within(free.saturating_add(own)),
            Err(_) => self.limits.segment_bytes,
        }
    }

    fn write_frames(&mut self, count: usize, bytes: usize) -> io::Result<()> {
        match &mut self.active {
            Some(active) => {
                active.file.write_at(active.bytes, &self.frames[..bytes])?;
                active.file.sync()?;
                active.bytes += bytes as u64;
            }
            None => self.begin_segment(bytes)?,
        }
        self.frames.drain(..bytes);
        self.lengths.drain(..count);
        let end = self.next - self.lengths.len() as u64;
        let mut state = self.shared.state();
        state.durable = end;
        if let (Some(segment), Some(active)) = (state.segments.back_mut(), &self.active) {
            (segment.end, segment.bytes) = (end, active.bytes);
        }
        Ok(())
    }

    /// Begins a segment with the first `bytes` of the pending frames. Its name is safe before the records
    /// in it count as durable.
    fn begin_segment(&mut self, bytes: usize) -> io::Result<()> {
        let base = self.next - self.lengths.len() as u64;
        let follows = self.shared.state().segments.back().map_or(base, |segment| segment.end);
        let header = Header { queue: self.queue, base, follows, floor: self.floor, boot: self.boot };
        let most = self.segment_most();
        let mut content = header.encode().to_vec();
        content.extend_from_slice(&self.frames[..bytes]);
        let storage = self.shared.storage.clone();
        let name = segment_name(base);
        let file = if self.leftovers.contains(&(base, 0)) {
            storage.open(&name, true)?
        } else {
            // A leftover of an earlier process may have the name that this segment needs.
            self.clear_leftovers(|leftover| leftover == base);
            storage.create(&name)?
        };
        let written =
            file.write_at(0, &content).and_then(|()| file.sync()).and_then(|()| storage.sync_directory());
        if let Err(error) = written {
            self.leave(base, &*file);
            return Err(error);
        }
        self.leftovers.retain(|(leftover, _)| *leftover != base);
        self.clear_leftovers(|_| true);
        let bytes = content.len() as u64;
        self.active = Some(Active { file, bytes, most });
        let segment =
            Segment { base, end: base, bytes, queue: self.queue, holes: Vec::new(), damaged: false };
        self.shared.state().segments.push_back(segment);
        Ok(())
    }

    /// Gives back the room of a segment that could not be written. Only the first such name stays, so
    /// that a disk that refuses for long does not fill up with them.
    fn leave(&mut self, base: u64, file: &dyn StoredFile) {
        if let Err(error) = file.truncate(0) {
            tracing::warn!(%error, base, "a segment that could not be written could not be emptied either");
        }
        if !self.leftovers.contains(&(base, 0)) {
            self.leftovers.push((base, 0));
        }
        if self.leftovers.len() > 1 {
            self.clear_leftovers(|leftover| leftover == base);
        }
        // Older segments may be given up next: what says that they were there must be safe before.
        if let Err(error) = self.shared.storage.sync_directory() {
            tracing::warn!(%error, "the queue's directory could not be synced");
        }
    }

    fn clear_leftovers(&mut self, gone: impl Fn(u64) -> bool) {
        let storage = &*self.shared.storage;
        for (base, bytes) in self.leftovers.extract_if(.., |(base, _)| gone(*base)) {
            let name = segment_name(base);
            let cleared =
                if bytes == 0 { storage.remove(&name) } else { self.set_aside.take(storage, &name, bytes) };
            if let Err(error) = cleared {
                tracing::warn!(%error, name, "a file that holds nothing to read could not be moved away");
            }
        }
    }

    /// Gives up the oldest segments until `bytes` more fit into the queue's bound.
    fn make_room(&mut self, bytes: usize) {
        let header = if self.active.is_none() { HEADER_LEN } else { 0 };
        // The seal must find room too.
        let needed = (bytes + header + FRAME_LEN) as u64;
        while self.shared.state().bytes() + self.set_aside.bytes() + needed > self.limits.max_bytes {
            if !self.give_oldest(GapReason::QueueFull) {
                return;
            }
        }
    }

    /// False when there is nothing to give but the segment that is being written.
    fn give_oldest(&mut self, reason: GapReason) -> bool {
        let segment = {
            let mut state = self.shared.state();
            let closed = state.segments.len() - usize::from(self.active.is_some());
            if closed == 0 { None } else { state.give_oldest(reason) }
        };
        let given = segment.is_some();
        self.discard(segment);
        given
    }

    /// Removes segments from the disk, or sets them aside for people to look at if something in them was
    /// unreadable. A file that stays is found, and released again, by the next opening.
    fn discard(&mut self, segments: impl IntoIterator<Item = Segment>) {
        let storage = &*self.shared.storage;
        for segment in segments {
            let name = segment_name(segment.base);
            let gone = if segment.damaged {
                self.set_aside.take(storage, &name, segment.bytes)
            } else {
                storage.remove(&name)
            };
            match gone {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%error, name, "a segment could not be removed");
                }
                _ => {}
            }
        }
    }

    fn lose_pending(&mut self, source: io::Error) -> QueueError {
        let from = self.next - self.lengths.len() as u64;
        self.frames.clear();
        self.lengths.clear();
        let reason = if is_full(&source) { GapReason::DiskFull } else { GapReason::WriteFailed };
        self.shared.state().lose(self.queue, &(from..self.next), reason);
        QueueError::Lost { from, to: self.next - 1, place: self.shared.storage.place(), source }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
