//! Opening a queue: look, decide, do.

use std::sync::Arc;

use uuid::Uuid;

use super::cursor::Cursor;
use super::cursor_file;
use super::format::{self, segment_name};
use super::loss::Losses;
use super::recovery::{Plan, Recovery, begins, decide};
use super::segment::{Bound, Step, Walk};
use super::set_aside::{FOLDER, SetAside};
use super::state::{Place, Shared, State};
use super::storage::Storage;
use super::survey::Facts;
use super::writer::Beginning;
use super::{Limits, QueueError, Reader, Refusals, Settings, Writer};
use crate::record::GapReason;

/// The file that keeps a second opener out.
pub(super) const LOCK: &str = "lock";

/// An open queue's parts. The folder stays locked until the last of them is dropped.
#[derive(Debug)]
pub struct Opened {
    /// The one writer.
    pub writer: Writer,
    /// A reader and a cursor for each name given, in the same order.
    pub readers: Vec<(Reader, Cursor)>,
    /// Where each of these sinks' refused records are kept, in the same order.
    pub refusals: Vec<Refusals>,
    /// What was found.
    pub recovery: Recovery,
}

/// Opens the queue in `storage`, and makes one if there is none. `boot` is the kernel's identity of this
/// boot; `cursors` are the sinks' names, each of which begins at the oldest record if it is new. A cursor
/// whose sink is not among them is forgotten, unless none is named at all: it would hold nothing, and yet be
/// shown as if somebody still waited.
///
/// # Errors
/// When the bounds or a name are impossible, another process holds the queue, or the disk does not do as
/// it is asked. Damage is no error: it is told in [`Opened::recovery`], and the rest is read.
pub fn open(
    storage: Arc<dyn Storage>,
    settings: Settings,
    boot: Uuid,
    cursors: &[&str],
) -> Result<Opened, QueueError> {
    let limits = Limits::new(settings)?;
    if let Some(name) = cursors.iter().find(|name| !is_name(name)) {
        return Err(QueueError::CursorName { name: (*name).to_owned() });
    }
    let place = storage.place();
    let lock = storage.lock(LOCK).map_err(|source| match source.kind() {
        std::io::ErrorKind::WouldBlock => QueueError::Locked { place: place.clone() },
        _ => QueueError::storage("lock", LOCK, &place)(source),
    })?;
    let facts = Facts::gather(&*storage)?;
    let mut plan = decide(&facts, boot, Uuid::new_v4());
    let set_aside = tidy(&*storage, &plan, limits.max_bytes)?;
    confirm_end(&*storage, &plan)?;

    let places: Vec<Place> =
        cursors.iter().map(|name| begins(name, facts.stored(name), boot, &plan)).collect();
    let mut files = Vec::new();
    for begun in &places {
        let file = cursor_file::establish(&*storage, begun, boot);
        files.push(file.map_err(QueueError::storage("write", format::cursor_file(&begun.name), &place))?);
    }
    storage.sync_directory().map_err(QueueError::storage("sync", "the directory", &place))?;

    forget(&*storage, &facts, cursors);
    let mut state = begin(&mut plan, places);
    look_once_more(&*storage, &mut state)?;
    let recovery = report(&plan, &state);
    let shared = Shared::new(storage, state, lock);
    let reader = |(index, file)| (Reader::new(shared.clone()), Cursor::new(shared.clone(), index, file));
    let refusals = cursors.iter().map(|name| Refusals::new(shared.clone(), name)).collect();
    let readers = files.into_iter().enumerate().map(reader).collect();
    let Plan { queue, next, floor, leftovers, .. } = plan;
    let writer =
        Writer::new(shared.clone(), limits, Beginning { queue, boot, next, floor, leftovers, set_aside });
    Ok(Opened { writer, readers, refusals, recovery })
}

/// Moves what cannot be read out of the way.
fn tidy(storage: &dyn Storage, plan: &Plan, max_bytes: u64) -> Result<SetAside, QueueError> {
    let place = storage.place();
    let mut set_aside =
        SetAside::open(storage, max_bytes).map_err(QueueError::storage("list", FOLDER, &place))?;
    for (base, bytes) in &plan.set_aside {
        let name = segment_name(*base);
        let taken = set_aside.take(storage, &name, *bytes);
        taken.map_err(QueueError::storage("set aside", name, &place))?;
    }
    Ok(set_aside)
}

/// Removes the cursors of sinks that are no more.
fn forget(storage: &dyn Storage, facts: &Facts, cursors: &[&str]) {
    let gone =
        facts.cursors.iter().filter(|(name, _)| !cursors.is_empty() && !cursors.contains(&name.as_str()));
    for (name, stored) in gone {
        match storage.remove(&format::cursor_file(name)) {
            Ok(()) => tracing::info!(
                sink = name,
                position = stored.map(|stored| stored.position),
                "a sink that is configured no more holds nothing any more"
            ),
            Err(error) => {
                tracing::warn!(%error, sink = name, "the place of a sink that is no more could not be removed")
            }
        }
    }
}

/// What a killed process wrote may be in the page cache only. Nothing is readable before it is durable,
/// so it is synced before anybody reads.
fn confirm_end(storage: &dyn Storage, plan: &Plan) -> Result<(), QueueError> {
    let Some(last) = plan.segments.last() else { return Ok(()) };
    let name = segment_name(last.base);
    let synced = storage.open(&name, true).and_then(|file| file.sync());
    synced.map_err(QueueError::storage("sync", name, storage.place()))
}

fn begin(plan: &mut Plan, cursors: Vec<Place>) -> State {
    let mut state = State {
        segments: std::mem::take(&mut plan.segments).into(),
        cursors,
        losses: Losses::default(),
        durable: plan.next,
        dropped: 0,
    };
    // Without a cursor nobody can say what was shipped.
    if !state.cursors.is_empty() {
        for (queue, range, reason) in &plan.losses {
            state.lose(*queue, range, *reason);
        }
    }
    state
}

/// Reads what every cursor has passed, and so goes unread for now: what the last process knew to be damaged in
/// it, it knew in memory only. Usually that is one segment, or none.
fn look_once_more(storage: &dyn Storage, state: &mut State) -> Result<(), QueueError> {
    let passed = state.lowest();
    let passed = state.segments.iter().filter(|segment| segment.end <= passed && !segment.damaged);
    for segment in passed.cloned().collect::<Vec<_>>() {
        let name = segment_name(segment.base);
        let failed = |what| QueueError::storage(what, &name, storage.place());
        let mut walk = match storage.open(&name, false) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            file => Walk::new(file.map_err(failed("open"))?, segment.base),
        };
        walk.pass_bad_blocks();
        let bound = Bound { bytes: segment.bytes, end: segment.end };
        loop {
            match walk.step(bound).map_err(failed("read"))? {
                Step::Frame { .. } | Step::Seal => {}
                Step::Hole { from, to } => state.damage(segment.base, from..to + 1, GapReason::Corrupt),
                Step::End => break,
            }
        }
        let (missing, reason) = walk.missing_to(bound);
        state.damage(segment.base, missing, reason);
    }
    Ok(())
}

fn report(plan: &Plan, state: &State) -> Recovery {
    let status = state.status(plan.queue);
    let (oldest, end) = (state.oldest(), state.segments.back().map_or(0, |segment| segment.end));
    let again = |place: &Place| place.reached.min(end).saturating_sub(place.position.max(oldest));
    Recovery {
        queue: plan.queue,
        start: plan.start,
        next: plan.next,
        waiting: status.cursors.iter().map(|cursor| cursor.backlog).max().unwrap_or(0),
        again: state.cursors.iter().map(again).max().unwrap_or(0),
        segments: status.segments,
        bytes: status.bytes,
        torn_bytes: plan.torn_bytes,
        set_aside: plan
            .set_aside
            .iter()
            .chain(&plan.leftovers)
            .map(|(base, _)| segment_name(*base))
            .collect(),
        losses: state.losses.waiting().to_vec(),
    }
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !name.is_empty() && name.bytes().all(plain)
}
