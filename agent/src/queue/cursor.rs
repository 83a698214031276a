//! How far one sink has come: a number that only grows, in a file of two slots.
//!
//! A lost move costs a redelivery, never a record. So a move is written at once, where a killed process
//! cannot lose it, and synced at most every [`SYNC_EVERY`]: a power cut takes back a few seconds of
//! moves, and an SD card is spared a flush for each batch. Two rules keep that harmless:
//! - Between two syncs only one slot is rewritten; the other holds the last synced position. However the
//!   power cut tears the file, one valid slot remains.
//! - Segments are released by the synced position, so that a cursor that was set back still finds its records.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::QueueError;
use super::format::{SLOT_LEN, SLOT_OFFSETS, Slot, cursor_file};
use super::state::Shared;
use super::storage::{Storage, StoredFile};

/// How long a move may wait for its sync while moves go on.
const SYNC_EVERY: Duration = Duration::from_secs(5);

/// The newest valid slot of a cursor's file, and which of the two it is.
pub(super) fn read_slot(file: &dyn StoredFile) -> io::Result<Option<(usize, Slot)>> {
    let mut newest: Option<(usize, Slot)> = None;
    for (index, offset) in SLOT_OFFSETS.into_iter().enumerate() {
        let mut bytes = [0; SLOT_LEN];
        let read = file.read_at(offset, &mut bytes)?;
        let slot = if read == SLOT_LEN { Slot::decode(&bytes) } else { None };
        if let Some(slot) = slot
            && newest.is_none_or(|(_, newest)| slot.generation > newest.generation)
        {
            newest = Some((index, slot));
        }
    }
    Ok(newest)
}

/// Makes or opens the file of cursor `name` and writes `position` into it, durably but for the file's name.
pub(super) fn establish(storage: &dyn Storage, name: &str, position: u64) -> io::Result<CursorFile> {
    let file_name = cursor_file(name);
    let file = match storage.open(&file_name, true) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => storage.create(&file_name)?,
        file => file?,
    };
    let (index, generation) = read_slot(&*file)?.map_or((1, 0), |(index, slot)| (index, slot.generation));
    let both_have_room = file.read_at(SLOT_OFFSETS[1], &mut [0; SLOT_LEN])? == SLOT_LEN;
    let mut file = CursorFile { file, slot: 1 - index, generation };
    // A disk that is full by then must not keep a cursor from its first move: both slots get their room now.
    for _ in 0..if both_have_room { 1 } else { 2 } {
        file.write(position)?;
        file.sync()?;
    }
    Ok(file)
}

/// A cursor's file, and where the next move goes.
#[derive(Debug)]
pub(super) struct CursorFile {
    file: Box<dyn StoredFile>,
    slot: usize,
    generation: u64,
}

impl CursorFile {
    fn write(&mut self, position: u64) -> io::Result<()> {
        self.generation += 1;
        let bytes = Slot { generation: self.generation, position }.encode();
        self.file.write_at(SLOT_OFFSETS[self.slot], &bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()?;
        self.slot = 1 - self.slot;
        Ok(())
    }
}

/// One sink's place in the queue.
#[derive(Debug)]
pub struct Cursor {
    shared: Arc<Shared>,
    index: usize,
    file: CursorFile,
    synced: Instant,
    sync_every: Duration,
}

impl Cursor {
    pub(super) fn new(shared: Arc<Shared>, index: usize, file: CursorFile) -> Self {
        Self { shared, index, file, synced: Instant::now(), sync_every: SYNC_EVERY }
    }

    /// The next sequence to ship.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.shared.state().cursors[self.index].position
    }

    /// Says that the sink has every record before `to`. A move backwards is no move.
    ///
    /// # Errors
    /// [`QueueError::Ahead`] past what is durable: nothing moves. [`QueueError::Storage`] when the move could
    /// not be written: it holds in memory, the next one tries again, and a restart in between redelivers.
    pub fn advance(&mut self, to: u64) -> Result<(), QueueError> {
        {
            let mut state = self.shared.state();
            let durable = state.durable;
            let place = &mut state.cursors[self.index];
            if to <= place.position {
                return Ok(());
            }
            if to > durable {
                return Err(QueueError::Ahead { name: place.name.clone(), to, durable });
            }
            place.position = to;
        }
        self.file.write(to).map_err(|source| self.failed("write", source))?;
        if self.synced.elapsed() >= self.sync_every { self.sync() } else { Ok(()) }
    }

    /// Makes the position safe from a power cut now; dropping the cursor does as much.
    ///
    /// # Errors
    /// When the disk does not confirm it.
    pub fn sync(&mut self) -> Result<(), QueueError> {
        let position = self.position();
        self.file.sync().map_err(|source| self.failed("sync", source))?;
        self.shared.state().cursors[self.index].safe = position;
        self.synced = Instant::now();
        Ok(())
    }

    fn failed(&self, what: &'static str, source: io::Error) -> QueueError {
        let name = cursor_file(&self.shared.state().cursors[self.index].name);
        QueueError::storage(what, name, self.shared.storage.place())(source)
    }

    #[cfg(test)]
    pub(super) fn sync_every(&mut self, every: Duration) {
        self.sync_every = every;
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        let place = self.shared.state().cursors[self.index].clone();
        if place.position > place.safe
            && let Err(error) = self.sync()
        {
            tracing::warn!(%error, cursor = place.name, "position not synced; some records may be shipped again");
        }
    }
}
