//! What an opening makes of what it finds: [`decide`] and [`begins`] are pure, [`open`](super::open()) acts
//! on them.
//!
//! # When a queue id goes on
//! A name, `(queue id, sequence)`, must never be given to two records. The danger is a folder that shows
//! an earlier state than the last writer left: that writer's last records were shipped, are gone here, and
//! their sequences would be given again. So an id goes on only with proof that the files end where the
//! last writer ended:
//! - the last segment was begun in the boot that still runs, so whatever was written is still in the page
//!   cache, synced or not;
//! - it ends with a seal, so its writer came to a good end. Without one that writer may have given names
//!   to records that the disk refused, and whose bytes a power cut can bring back under a file's old end;
//! - no cursor lies past its end.
//!
//! A seal alone proves that *a* writer ended there, not that it was the last: a disk that lies about
//! flushes can lose everything since, its cursors included, and so does a card that is restored from an
//! image, or cloned. Both need a new boot, so a new boot begins a new id, which costs nothing: sequences
//! go on, from the end of the files or the furthest cursor. The seal tells people whether the end is whole.
//! What remains is a disk that lies about flushes and besides loses its power while the board runs on, or
//! refuses writes: then bytes of a batch that was refused, and told as lost, can come back after a power
//! cut in place of the segment that took their names.
//!
//! # What counts as lost
//! Records that were durable, that a cursor has not passed, and that no reader will see. A torn end is
//! none: it was never confirmed. What a header's `follows` and `floor` account for was told before,
//! unless that header's own segment is torn, in which case the telling may be gone, and it is told again.
//!
//! # Where a cursor begins
//! Where it was, in the boot that wrote its file. In a new boot the sinks' servers may have lost their power
//! when this board did, and with it what they acknowledged last: a cursor begins at what was settled, and what
//! lies from there to where it was is offered again, under the same names. How far it had come stays known, as
//! what it `reached`: it counts for all of the above, so what a sink has had once is never told as lost, also
//! where the queue had to give it up before it was offered again. After a clean shutdown the same is done:
//! nobody knows what happened to the others since. A board restarts its agent often, and itself rarely.

use serde::Serialize;
use uuid::Uuid;

use super::cursor_file::Stored;
use super::loss::{Loss, Range};
use super::state::{Place, Segment};
use super::survey::Facts;
use crate::record::GapReason;

/// Which queue id an opening goes on with, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// The same: the last process closed the files, in this boot.
    Continued,
    /// A new one: the last process, in this boot, did not close the files.
    Killed,
    /// A new one: nothing was there.
    First,
    /// A new one: another boot wrote the files, and closed them cleanly.
    NewBoot,
    /// A new one: another boot wrote the files, and did not close them.
    PowerLost,
    /// A new one: the files end in the middle of a record.
    TornEnd,
    /// A new one: a cursor lies past the end of the files.
    CursorAhead,
    /// A new one: the last file cannot be read.
    Unreadable,
}

impl Start {
    /// In words.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Continued => "continued: the last process closed its files",
            Self::Killed => "new: the last process did not close its files",
            Self::First => "new: nothing was there",
            Self::NewBoot => "new: the board was started anew, after a clean close",
            Self::PowerLost => "new: the board was started anew, without a clean close",
            Self::TornEnd => "new: the files end in the middle of a record",
            Self::CursorAhead => "new: a cursor lies past the end of the files",
            Self::Unreadable => "new: the last file cannot be read",
        }
    }
}

/// What an opening will do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) queue: Uuid,
    pub(super) start: Start,
    /// The sequence that the next record gets.
    pub(super) next: u64,
    pub(super) floor: u64,
    /// What stays readable.
    pub(super) segments: Vec<Segment>,
    /// Bases and lengths of the files to set aside now.
    pub(super) set_aside: Vec<(u64, u64)>,
    /// The same, of those at the end, which are moved only when a newer segment is safe.
    pub(super) leftovers: Vec<(u64, u64)>,
    /// Still to be cut to what the cursors have not passed.
    pub(super) losses: Vec<(Uuid, Range, GapReason)>,
    pub(super) torn_bytes: u64,
    /// Whether no segment was begun in the boot that runs.
    pub(super) new_boot: bool,
}

impl Plan {
    /// The first sequence that is kept.
    fn oldest(&self) -> u64 {
        self.segments.first().map_or(self.next, |segment| segment.base)
    }
}

/// What an opening found and did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// The queue that new records belong to.
    pub queue: Uuid,
    /// Whether it is a new one, and why.
    pub start: Start,
    /// The sequence that the next record gets.
    pub next: u64,
    /// Sequences kept that the cursor furthest behind has not passed.
    pub waiting: u64,
    /// Sequences kept that a sink acknowledged so shortly before a new boot that it may have lost them, and that
    /// are offered again: so many to the sink that is offered the most.
    pub again: u64,
    /// Segments kept.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes at the end of the last segment that are no whole record: the write that was cut short.
    pub torn_bytes: u64,
    /// Files that were set aside.
    pub set_aside: Vec<String>,
    /// Records found missing; [`Writer::take_losses`](super::Writer::take_losses) tells them too.
    pub losses: Vec<Loss>,
}

impl std::fmt::Display for Recovery {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { queue, next, waiting, segments, bytes, .. } = self;
        write!(out, "queue {queue} {}; ", self.start.reason())?;
        write!(
            out,
            "next record {next}, {waiting} waiting to be shipped, {segments} segments of {bytes} bytes"
        )?;
        if self.again > 0 {
            write!(out, ", {} offered again that a sink had acknowledged", self.again)?;
        }
        if self.torn_bytes > 0 {
            write!(out, ", {} bytes of a write cut short", self.torn_bytes)?;
        }
        if !self.set_aside.is_empty() {
            write!(out, ", set aside: {}", self.set_aside.join(", "))?;
        }
        let lost: u64 = self.losses.iter().map(|loss| loss.count).sum();
        if lost > 0 {
            write!(out, ", {lost} records lost")?;
        }
        Ok(())
    }
}

/// Decides what to make of a folder. `fresh` is the id of the new queue, should one begin.
pub(super) fn decide(facts: &Facts, boot: Uuid, fresh: Uuid) -> Plan {
    let furthest = facts.furthest();
    let start = start(facts, boot, furthest);
    let last = facts.last();
    let newest_base = facts.segments.last().map_or(0, |newest| newest.base);
    let end = last.map_or(0, |(_, _, tail)| tail.end).max(facts.stray_end.unwrap_or(0)).max(newest_base);
    let mut plan = Plan {
        queue: last.filter(|_| start == Start::Continued).map_or(fresh, |(_, header, _)| header.queue),
        start,
        next: end.max(furthest),
        floor: 0,
        segments: Vec::new(),
        set_aside: Vec::new(),
        leftovers: Vec::new(),
        losses: Vec::new(),
        torn_bytes: last.map_or(0, |(found, _, tail)| found.bytes.saturating_sub(tail.offset)),
        new_boot: true,
    };
    let headers: Vec<_> = facts.segments.iter().filter_map(|found| found.header).collect();
    plan.new_boot = headers.iter().all(|header| header.boot != boot);
    let trusted = if plan.torn_bytes == 0 { headers.last() } else { headers.iter().rev().nth(1) };
    plan.floor = trusted.map_or(0, |header| header.floor);
    keep(facts, &mut plan);
    losses(facts, furthest, &mut plan);
    plan
}

/// Where the cursor `name` begins, whose file tells `stored`. A new one, and one whose file tells nothing,
/// begins at the oldest record; a file that does not tell what is settled, as of an earlier version, says as
/// little of when the sink acknowledged what the queue still keeps.
pub(super) fn begins(name: &str, stored: Option<Stored>, boot: Uuid, plan: &Plan) -> Place {
    let (name, oldest) = (name.to_owned(), plan.oldest());
    let Some(Stored { position, reached, settled, boot: written }) = stored else {
        return Place { name, position: oldest, reached: oldest, settled: oldest };
    };
    let settled = settled.unwrap_or(oldest).max(oldest).min(position);
    let new_boot = written.map_or(plan.new_boot, |written| written != boot);
    Place { name, position: if new_boot { settled } else { position }, reached, settled }
}

fn start(facts: &Facts, boot: Uuid, furthest: u64) -> Start {
    let Some((found, header, tail)) = facts.last() else {
        let empty = facts.segments.is_empty() && furthest == 0;
        return if empty { Start::First } else { Start::Unreadable };
    };
    let newest = facts.segments.last().is_some_and(|newest| newest.base == found.base);
    match () {
        () if !newest => Start::Unreadable,
        () if furthest > tail.end => Start::CursorAhead,
        () if tail.offset != found.bytes => Start::TornEnd,
        () if header.boot == boot && tail.sealed => Start::Continued,
        () if header.boot == boot => Start::Killed,
        () if tail.sealed => Start::NewBoot,
        () => Start::PowerLost,
    }
}

/// Sorts the files into those that stay and those that hold nothing to read. An empty last segment
/// goes too: the next one may need its name.
fn keep(facts: &Facts, plan: &mut Plan) {
    let last_base = facts.last().map(|(last, ..)| last.base);
    for (index, found) in facts.segments.iter().enumerate() {
        let newest_with_header = last_base == Some(found.base);
        match (facts.queue_of(index), facts.end_of(index)) {
            (Some(queue), Some(end)) if end > found.base || !newest_with_header => {
                let (base, bytes, damaged) = (found.base, found.bytes, found.header.is_none());
                plan.segments.push(Segment { base, end, bytes, queue, holes: Vec::new(), damaged });
            }
            _ if last_base.is_none_or(|last| found.base >= last) => {
                plan.leftovers.push((found.base, found.bytes));
            }
            _ => plan.set_aside.push((found.base, found.bytes)),
        }
    }
}

fn losses(facts: &Facts, furthest: u64, plan: &mut Plan) {
    if let Some(oldest) = facts.segments.first() {
        let queue = oldest.header.map_or_else(|| facts.owner(0).for_a_loss(), |header| header.queue);
        plan.losses.push((queue, plan.floor..oldest.base, GapReason::Vanished));
    }
    let kept = |base: u64| plan.segments.iter().any(|segment| segment.base == base);
    let gone: Vec<_> = facts.segments.iter().enumerate().filter(|(_, found)| !kept(found.base)).collect();
    for (index, found) in gone.into_iter().filter(|(_, found)| found.header.is_none()) {
        let later = facts.segments.get(index + 1..).unwrap_or_default();
        // Its records end where the next file begins, or where the next header says that they ended.
        let next = later.first().map(|next| next.header.map_or(next.base, |h| h.follows.min(next.base)));
        let end = next.or(facts.stray_end).unwrap_or(found.base);
        plan.losses.push((facts.owner(index).for_a_loss(), found.base..end, GapReason::Corrupt));
    }
    let Some((_, header, tail)) = facts.last() else { return };
    if plan.torn_bytes > 0 {
        plan.losses.push((header.queue, header.follows..header.base, GapReason::Vanished));
    }
    let end = tail.end.max(facts.stray_end.unwrap_or(0));
    plan.losses.push((header.queue, end..furthest, GapReason::Vanished));
}
