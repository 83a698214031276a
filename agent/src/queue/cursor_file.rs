//! A cursor's file: how far the sink has come, and what of that is settled, in two slots each.
//!
//! Both pairs of slots keep one rule: between two syncs only one slot of a pair is rewritten, the other holds
//! what was synced last. However a power cut tears the file, a valid slot of each remains. Each pair may show
//! its state before or after the last sync without the other; whoever reads takes the lower position.
//!
//! A new boot sets a position back once. So an opening writes in this order, and syncs after each: how far the
//! sink came, which must not be forgotten with the position; the position; and only then that this was done
//! in this boot. Whoever finds an opening cut short begins it anew.
//!
//! What is settled may be old, or not there at all, as in a file of an earlier version or on a disk that had
//! no room for it: that costs a longer redelivery, never a record. So a disk that does not take it keeps no
//! cursor from moving.

use std::io;

use uuid::Uuid;

use super::format::{MOVE_OFFSETS, SETTLED_OFFSETS, Settled, Slot, cursor_file};
use super::state::Place;
use super::storage::{Storage, StoredFile};

/// What a cursor's file tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// The next sequence to ship.
    pub(super) position: u64,
    /// The furthest that the sink ever came: past `position` where a new boot has set that back.
    pub(super) reached: u64,
    /// What lies before was settled; none where the file does not tell.
    pub(super) settled: Option<u64>,
    /// The boot in which `position` was set, or set back; none where the file does not tell.
    pub(super) boot: Option<Uuid>,
}

/// What `file` tells; none where no slot of it holds.
pub(super) fn read(file: &dyn StoredFile) -> io::Result<Option<Stored>> {
    let moved = Pair::<1>::find(file, MOVE_OFFSETS)?.holds.map(|[position]| position);
    // A block of these that the disk cannot read is as good as none.
    let settled = Pair::find(file, SETTLED_OFFSETS).ok().and_then(|pair| pair.holds).map(Settled::of);
    let Some(position) = moved.or(settled.map(|told| told.settled)) else { return Ok(None) };
    Ok(Some(Stored {
        position,
        reached: settled.map_or(position, |told| told.reached.max(position)),
        settled: settled.map(|told| told.settled),
        boot: settled.map(|told| told.boot),
    }))
}

/// Makes or opens the file of the cursor at `place` and writes that into it, as of this boot, durably but for
/// the file's name.
pub(super) fn establish(storage: &dyn Storage, place: &Place, boot: Uuid) -> io::Result<CursorFile> {
    let name = cursor_file(&place.name);
    let file = match storage.open(&name, true) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => storage.create(&name)?,
        file => file?,
    };
    let moves = Pair::find(&*file, MOVE_OFFSETS)?;
    let settled = Pair::find(&*file, SETTLED_OFFSETS).unwrap_or_else(|_| Pair::at(SETTLED_OFFSETS));
    let before = settled.holds.map_or(Uuid::nil(), |words| Settled::of(words).boot);
    let mut file = CursorFile { file, boot: before, moves, settled, refused: false };
    file.settle(place.settled, place.reached);
    file.sync()?;
    file.move_to(place.position)?;
    file.sync()?;
    // Once more, so that every slot has its room: a disk that is full by then must not keep a cursor from moving.
    file.boot = boot;
    file.settle(place.settled, place.reached);
    file.move_to(place.position)?;
    file.sync()?;
    Ok(file)
}

/// A cursor's file, and where the next of each goes.
#[derive(Debug)]
pub(super) struct CursorFile {
    file: Box<dyn StoredFile>,
    boot: Uuid,
    moves: Pair<1>,
    settled: Pair<4>,
    /// The disk did not take what was settled last, which was said.
    refused: bool,
}

impl CursorFile {
    pub(super) fn move_to(&mut self, position: u64) -> io::Result<()> {
        self.moves.write(&*self.file, [position])
    }

    /// Whether the last position that was written, as a whole, is this one.
    pub(super) fn is_at(&self, position: u64) -> bool {
        self.moves.holds == Some([position])
    }

    pub(super) fn settle(&mut self, settled: u64, reached: u64) {
        let told = Settled { settled, reached, boot: self.boot };
        let outcome = self.settled.write(&*self.file, told.words());
        let refused_before = std::mem::replace(&mut self.refused, outcome.is_err());
        if let Err(error) = outcome
            && !refused_before
        {
            tracing::warn!(%error, "the disk does not take what is settled of a cursor; a new boot would ship more again");
        }
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        let outcome = self.file.sync();
        self.moves.synced(outcome.is_ok());
        self.settled.synced(outcome.is_ok());
        outcome
    }
}

/// Two slots of `N` words, written in turn.
#[derive(Debug)]
struct Pair<const N: usize> {
    offsets: [u64; 2],
    /// Which of the two is written next.
    slot: usize,
    generation: u64,
    /// What was found, or written last; none where that is in doubt.
    holds: Option<[u64; N]>,
    /// Whether `slot` was written, as a whole, since the last sync.
    written: bool,
}

impl<const N: usize> Pair<N> {
    /// Two slots without anything in them.
    fn at(offsets: [u64; 2]) -> Self {
        Self { offsets, slot: 0, generation: 0, holds: None, written: false }
    }

    fn find(file: &dyn StoredFile, offsets: [u64; 2]) -> io::Result<Self> {
        let mut pair = Self::at(offsets);
        for (index, offset) in offsets.into_iter().enumerate() {
            let mut bytes = vec![0; Slot::<N>::LEN];
            let read = file.read_at(offset, &mut bytes)?;
            if let Some(slot) = Slot::decode(&bytes[..read])
                && (pair.holds.is_none() || slot.generation > pair.generation)
            {
                (pair.slot, pair.generation, pair.holds) = (1 - index, slot.generation, Some(slot.words));
            }
        }
        Ok(pair)
    }

    fn write(&mut self, file: &dyn StoredFile, words: [u64; N]) -> io::Result<()> {
        self.generation += 1;
        (self.holds, self.written) = (None, false);
        let slot = Slot { generation: self.generation, words };
        file.write_at(self.offsets[self.slot], &slot.encode())?;
        (self.holds, self.written) = (Some(words), true);
        Ok(())
    }

    /// Goes on to the other slot if what was written, as a whole, is safe. After a sync that failed it is in
    /// doubt, and must be written once more before another sync can be believed.
    fn synced(&mut self, safe: bool) {
        if std::mem::take(&mut self.written) {
            if safe {
                self.slot = 1 - self.slot;
            } else {
                self.holds = None;
            }
        }
    }
}
