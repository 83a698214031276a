//! What must be true of a queue after any history.
//!
//! The model remembers what was appended, what a commit confirmed, what a reader saw and what was told as
//! lost, where telling counts only once a record that tells it is itself durable. It knows nothing of
//! segments. Its sinks are as forgetful as real ones: when the boards lose their power, or are shut down, what
//! a sink acknowledged within the last minute is gone, and must be offered to it again. A failing case prints
//! its operations; proptest shrinks them.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::queue::testing::FakeDisk;
use crate::record::GapReason;
use crate::record::Identity;

const TAG_RECORD: u8 = 1;
const TAG_GAP: u8 = 3;
const SINKS: [&str; 2] = ["kafka", "cassandra"];
/// How long, in seconds, a sink may forget what it acknowledged.
const FORGETS: u64 = 60;
/// Bounds that no history here meets: where nothing else goes wrong, nothing may be given up.
pub(super) const ROOMY: Settings = Settings { max_bytes: 1 << 20, segment_bytes: 1024 };

#[derive(Clone, Debug)]
pub(super) enum Op {
    Append(u8),
    Commit,
    /// Reads all there is for one sink, and lets it confirm that share of it, in sixteenths.
    Ship {
        sink: usize,
        confirm: usize,
    },
    /// So many seconds pass.
    Wait(u64),
    Kill,
    CutPower(u64),
    Close {
        reboot: bool,
    },
    FailWrites(u32),
    FailSyncs(u32),
    Capacity(Option<u64>),
    Flip {
        file: usize,
        offset: usize,
        bit: u8,
    },
}

/// What may go wrong in a history.
#[derive(Clone, Copy, Default)]
pub(super) struct Wrongs {
    pub(super) power: bool,
    pub(super) errors: bool,
    pub(super) full: bool,
    pub(super) flips: bool,
    pub(super) lies: bool,
}

pub(super) fn ops(wrongs: Wrongs) -> impl Strategy<Value = Vec<Op>> {
    let ship = (0..SINKS.len(), 0..17_usize).prop_map(|(sink, confirm)| Op::Ship { sink, confirm });
    let mut kinds: Vec<(u32, BoxedStrategy<Op>)> = vec![
        (6, (1..9_u8).prop_map(Op::Append).boxed()),
        (6, Just(Op::Commit).boxed()),
        (5, ship.boxed()),
        (5, (1..40_u64).prop_map(Op::Wait).boxed()),
        (1, Just(Op::Kill).boxed()),
        (1, any::<bool>().prop_map(|reboot| Op::Close { reboot }).boxed()),
    ];
    if wrongs.power {
        kinds.push((2, any::<u64>().prop_map(Op::CutPower).boxed()));
    }
    if wrongs.errors {
        kinds.push((1, (1..4_u32).prop_map(Op::FailWrites).boxed()));
        kinds.push((1, (1..4_u32).prop_map(Op::FailSyncs).boxed()));
    }
    if wrongs.full {
        // The two cursors' files take the first 24,664.
        let bytes = prop::option::of(25_400..40_400_u64);
        kinds.push((1, bytes.prop_map(Op::Capacity).boxed()));
    }
    if wrongs.flips {
        let flip = (0..16_usize, any::<prop::sample::Index>(), 0..8_u8);
        let flip = flip.prop_map(|(file, at, bit)| Op::Flip { file, offset: at.index(1024), bit });
        kinds.push((1, flip.boxed()));
    }
    prop::collection::vec(prop::strategy::Union::new_weighted(kinds), 1..80)
}

struct Open {
    writer: Writer,
    readers: Vec<(Reader, Cursor)>,
}

pub(super) struct World {
    storage: Arc<dyn Storage>,
    fake: Option<FakeDisk>,
    settings: Settings,
    wrongs: Wrongs,
    boot: u128,
    open: Option<Open>,
    /// Every record that was confirmed or seen, and what it says. A name stays what it is for ever.
    names: BTreeMap<Identity, Vec<u8>>,
    pending: Vec<(Identity, Vec<u8>)>,
    time: Hand,
    /// How far each sink has come, as far as it has not forgotten.
    delivered: [u64; 2],
    /// How far it has ever come.
    reached: [u64; 2],
    /// When it had acknowledged how much, in seconds; without what it has forgotten.
    acknowledged: [Vec<(u64, u64)>; 2],
    /// Losses whose telling is durable, and those taken that are not yet.
    told: Vec<Loss>,
    taken: Vec<Loss>,
    appended: u64,
}

impl World {
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        fake: Option<FakeDisk>,
        wrongs: Wrongs,
        settings: Settings,
    ) -> Self {
        if let Some(fake) = &fake {
            fake.lie(wrongs.lies);
        }
        let (names, pending, told, taken) = (BTreeMap::new(), Vec::new(), Vec::new(), Vec::new());
        let (delivered, reached, acknowledged) = Default::default();
        let mut world = Self {
            storage,
            fake,
            settings,
            wrongs,
            boot: 1,
            open: None,
            names,
            pending,
            time: Hand::new(),
            delivered,
            reached,
            acknowledged,
            told,
            taken,
            appended: 0,
        };
        world.reopen();
        world
    }

    fn parts(&mut self) -> &mut Open {
        self.open.as_mut().unwrap()
    }

    fn reopen(&mut self) {
        if let Some(fake) = &self.fake {
            // A disk without room for the cursors' first write cannot be opened; that is said, not tested here.
            fake.set_capacity(None);
            fake.fail_writes(0);
            fake.fail_syncs(0);
        }
        let boot = Uuid::from_u128(self.boot);
        let Opened { writer, mut readers, .. } =
            open(self.storage.clone(), self.settings, boot, &SINKS).unwrap();
        for (_, cursor) in &mut readers {
            self.time.keep(cursor);
            // Every other one syncs each move; the other now and then, and when it is dropped.
            if self.appended.is_multiple_of(2) {
                cursor.sync_every(std::time::Duration::ZERO);
            }
        }
        self.open = Some(Open { writer, readers });
        self.tell();
    }

    fn end(&mut self) {
        self.open = None;
        self.pending.clear();
        self.taken.clear();
    }

    /// As the agent does: before anything else, a record for every loss.
    fn tell(&mut self) {
        for loss in self.parts().writer.take_losses() {
            let text = serde_json::to_vec(&loss).unwrap();
            self.append(TAG_GAP, text);
            self.taken.push(loss);
        }
    }

    fn append(&mut self, tag: u8, payload: Vec<u8>) {
        let bytes = payload.clone();
        let identity = self.parts().writer.append(tag, move |_| bytes);
        self.pending.push((identity, payload));
    }

    fn name(&mut self, identity: Identity, payload: &[u8]) {
        let known = self.names.entry(identity).or_insert_with(|| payload.to_vec());
        assert_eq!(*known, payload, "{identity:?} names two records");
    }

    fn commit(&mut self) {
        self.tell();
        let outcome = self.parts().writer.commit();
        let pending = std::mem::take(&mut self.pending);
        let lost_from = match outcome {
            Ok(_) => {
                self.told.append(&mut self.taken);
                u64::MAX
            }
            Err(QueueError::Lost { from, .. }) => from,
            Err(other) => panic!("{other}"),
        };
        let (kept, lost): (Vec<_>, Vec<_>) =
            pending.into_iter().partition(|(identity, _)| identity.sequence < lost_from);
        for (identity, payload) in kept {
            self.name(identity, &payload);
        }
        if lost_from != u64::MAX {
            // A loss whose record was lost itself is covered by that record's own loss: the model keeps it
            // as taken, as the agent that appends it once more would.
            self.check_told(&lost);
        }
        let bound = self.settings.max_bytes;
        let bytes = self.parts().writer.status().bytes;
        assert!(bytes <= bound, "{bytes} bytes in a queue of {bound}");
    }

    fn check_told(&mut self, lost: &[(Identity, Vec<u8>)]) {
        let told = self.parts().writer.take_losses();
        for (identity, _) in lost {
            assert!(covers(&told, *identity), "{identity:?} was lost in silence");
        }
        let again = std::mem::take(&mut self.taken);
        for loss in told.into_iter().chain(again) {
            self.append(TAG_GAP, serde_json::to_vec(&loss).unwrap());
            self.taken.push(loss);
        }
    }

    fn ship(&mut self, sink: usize, confirm: usize) {
        let position = self.parts().readers[sink].1.position();
        let mut seen = Vec::new();
        let mut from = position;
        loop {
            let batch = self.parts().readers[sink].0.read(from, 7, 500).unwrap();
            if batch.entries.is_empty() {
                break;
            }
            from = batch.next;
            seen.extend(batch.entries);
        }
        self.tell();
        assert!(seen.is_sorted_by(|a, b| a.identity.sequence < b.identity.sequence), "{seen:?}");
        for entry in &seen {
            self.name(entry.identity, &entry.payload);
        }
        if !self.wrongs.lies {
            self.check_complete(sink, &seen);
        }
        if let Some(last) = seen.get((seen.len() * confirm / 16).wrapping_sub(1)) {
            let to = last.identity.sequence + 1;
            self.parts().readers[sink].1.advance(to).ok();
            self.acknowledged[sink].push((self.time.seconds(), to));
            self.delivered[sink] = self.delivered[sink].max(to);
            self.reached[sink] = self.reached[sink].max(to);
        }
    }

    /// Another boot begins, of the sinks' boards too: what they held in memory only is gone.
    fn boot_anew(&mut self) {
        self.boot += 1;
        let now = self.time.seconds();
        for (acknowledged, delivered) in self.acknowledged.iter_mut().zip(&mut self.delivered) {
            acknowledged.retain(|(at, _)| at + FORGETS <= now);
            *delivered = acknowledged.iter().map(|(_, to)| *to).max().unwrap_or(0);
        }
    }

    /// Where every cursor stands.
    fn positions(&mut self) -> Vec<u64> {
        self.parts().readers.iter().map(|(_, cursor)| cursor.position()).collect()
    }

    /// The agent begins again in the boot in which it ended: unless the disk refused the moves, none is taken back.
    fn restart(&mut self, before: &[u64]) {
        self.end();
        self.reopen();
        let after = self.positions();
        assert!(self.wrongs.errors || before == after, "within a boot {before:?} became {after:?}");
    }

    /// Every record that was ever durable has been delivered, is read now, or was told as lost. What all sinks
    /// had and one forgot may have had to go in silence, where the queue was full or its disk is damaged.
    fn check_complete(&self, sink: usize, seen: &[Entry]) {
        let seen: std::collections::BTreeSet<_> = seen.iter().map(|entry| entry.identity).collect();
        let nothing_had_to_go = self.settings == ROOMY && !self.wrongs.flips;
        let had = if nothing_had_to_go { 0 } else { self.reached.into_iter().min().unwrap_or(0) };
        for identity in self.names.keys() {
            let accounted = identity.sequence < self.delivered[sink].max(had)
                || seen.contains(identity)
                || covers(&self.told, *identity)
                || covers(&self.taken, *identity);
            assert!(accounted, "{identity:?} is missing for {} and nobody said so", SINKS[sink]);
        }
    }

    pub(super) fn run(&mut self, op: &Op) {
        match op {
            Op::Append(count) => {
                for _ in 0..*count {
                    self.appended += 1;
                    let payload = format!("record {} {}", self.appended, "x".repeat(usize::from(*count) * 5));
                    self.append(TAG_RECORD, payload.into_bytes());
                }
            }
            Op::Commit => self.commit(),
            Op::Ship { sink, confirm } => self.ship(*sink, *confirm),
            Op::Kill => {
                let before = self.positions();
                if let Some(fake) = &self.fake {
                    fake.kill();
                }
                self.restart(&before);
            }
            Op::CutPower(seed) => {
                self.fake.as_ref().unwrap().cut_power(*seed);
                self.end();
                self.boot_anew();
                self.reopen();
            }
            Op::Wait(seconds) => self.time.pass(*seconds),
            Op::Close { reboot } => self.close(*reboot),
            Op::FailWrites(count) => self.fake.as_ref().unwrap().fail_writes(*count),
            Op::FailSyncs(count) => self.fake.as_ref().unwrap().fail_syncs(*count),
            Op::Capacity(bytes) => self.fake.as_ref().unwrap().set_capacity(*bytes),
            Op::Flip { file, offset, bit } => self.flip(*file, *offset, *bit),
        }
    }

    fn close(&mut self, reboot: bool) {
        self.commit();
        let before = self.positions();
        if let Some(open) = self.open.take() {
            // With every fault in play a seal may fail: what was appended is then durable all the same.
            if !matches!(open.writer.close().outcome, Err(QueueError::Lost { .. })) {
                self.told.append(&mut self.taken);
                for (identity, payload) in std::mem::take(&mut self.pending) {
                    self.name(identity, &payload);
                }
            }
        }
        if reboot {
            self.end();
            self.boot_anew();
            self.reopen();
        } else {
            self.restart(&before);
        }
    }

    /// Flips a bit anywhere but in the last two segments: what is torn off a queue's very end by damage
    /// cannot be told from a write that was cut short.
    fn flip(&self, file: usize, offset: usize, bit: u8) {
        let mut names: Vec<_> = self.storage.list("").unwrap().into_iter().map(|file| file.name).collect();
        names.retain(|name| name.ends_with(".segment"));
        names.sort();
        names.truncate(names.len().saturating_sub(2));
        if let Some(name) = names.get(file % names.len().max(1)) {
            let _flipped = self.fake.as_ref().unwrap().flip(name, offset, bit);
        }
    }

    pub(super) fn finish(mut self) -> Vec<Loss> {
        self.close(false);
        self.commit();
        for sink in 0..SINKS.len() {
            self.ship(sink, 16);
        }
        self.told.append(&mut self.taken);
        self.told
    }
}

fn covers(losses: &[Loss], identity: Identity) -> bool {
    losses.iter().any(|loss| {
        // Where no file is left nobody knows the queue; where several losses were merged, the range holds.
        (loss.queue == identity.queue || loss.queue.is_nil() || loss.reason == GapReason::Vanished)
            && (loss.from..=loss.to).contains(&identity.sequence)
    })
}
