//! How far one sink has come: a number that only grows while a board runs, in a file of its own.
//!
//! A lost move costs a redelivery, never a record. So a move is written at once, where a killed process
//! cannot lose it, and synced at most every [`SYNC_EVERY`]: a power cut takes back a few seconds of
//! moves, and an SD card is spared a flush for each batch. With each sync goes what is settled by then (see
//! [`settling`](super::settling)): sinks may lose what they acknowledged last when all boards lose their power
//! at once, so in a new boot a cursor begins at what was settled (see [`recovery`](super::recovery)), and the
//! rest is offered again under the same names. Two rules keep both harmless:
//! - However a power cut tears the file, it tells a position, and one that is settled (see
//!   [`cursor_file`](super::cursor_file)).
//! - Segments are released by what is settled and synced, so that a cursor that was set back still finds its
//!   records. Where the queue is full they go before anything that a sink still lacks.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::QueueError;
use super::cursor_file::CursorFile;
use super::format::cursor_file;
use super::settling::Settling;
use super::state::Shared;

/// How long a move may wait for its sync while moves go on.
pub(super) const SYNC_EVERY: Duration = Duration::from_secs(5);

/// One sink's place in the queue.
#[derive(Debug)]
pub struct Cursor {
    shared: Arc<Shared>,
    index: usize,
    file: CursorFile,
    /// The position that a power cut cannot take back, and since when.
    synced: u64,
    synced_at: Instant,
    settling: Settling,
    sync_every: Duration,
    watch: Watch,
}

impl Cursor {
    pub(super) fn new(shared: Arc<Shared>, index: usize, file: CursorFile) -> Self {
        let watch = Watch(Box::new(Instant::now));
        let place = shared.state().cursors[index].clone();
        let now = watch.now();
        let settling = Settling::begin(place.settled, place.position, now);
        let (synced, synced_at, sync_every) = (place.position, now, SYNC_EVERY);
        Self { shared, index, file, synced, synced_at, settling, sync_every, watch }
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
            place.reached = place.reached.max(to);
        }
        let now = self.watch.now();
        self.settling.moved(to, now);
        self.file.move_to(to).map_err(|source| self.failed("write", source))?;
        if now.saturating_duration_since(self.synced_at) >= self.sync_every { self.sync() } else { Ok(()) }
    }

    /// Makes the position, and what is settled of it, safe from a power cut now; dropping the cursor does as
    /// much.
    ///
    /// # Errors
    /// When the disk does not confirm it.
    pub fn sync(&mut self) -> Result<(), QueueError> {
        let now = self.watch.now();
        let settled = self.settling.settled(now);
        let (position, reached) = {
            let place = &self.shared.state().cursors[self.index];
            (place.position, place.reached)
        };
        if !self.file.is_at(position) {
            self.file.move_to(position).map_err(|source| self.failed("write", source))?;
        }
        self.file.settle(settled, reached);
        self.file.sync().map_err(|source| self.failed("sync", source))?;
        self.shared.state().cursors[self.index].settled = settled;
        (self.synced, self.synced_at) = (position, now);
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

    /// Goes by another time from here on.
    #[cfg(test)]
    pub(super) fn keep_time(&mut self, now: impl Fn() -> Instant + Send + Sync + 'static) {
        self.watch = Watch(Box::new(now));
        self.synced_at = self.watch.now();
        let place = self.shared.state().cursors[self.index].clone();
        self.settling = Settling::begin(place.settled, place.position, self.synced_at);
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        let place = self.shared.state().cursors[self.index].clone();
        let settled = self.settling.settled(self.watch.now());
        if (place.position > self.synced || settled > place.settled)
            && let Err(error) = self.sync()
        {
            tracing::warn!(%error, cursor = place.name, "position not synced; some records may be shipped again");
        }
    }
}

/// What tells a cursor the time.
struct Watch(Box<dyn Fn() -> Instant + Send + Sync>);

impl Watch {
    fn now(&self) -> Instant {
        (self.0)()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Watch")
    }
}
