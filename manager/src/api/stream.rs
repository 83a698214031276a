//! `GET /api/stream`: the rack once a second and every event as it happens, as server-sent events.
//!
//! One pulse serialises the rack for all streams, and only while there is one. A client that is too
//! slow skips racks: the channel holds the newest alone. One that missed events is given a fresh rack
//! and goes on; what it missed is in `GET /api/events`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::error::ApiError;
use super::{MOST_STREAMS, Shared};
use crate::watch::{Event, Live};

/// The rack as JSON, shared by all streams.
pub(super) type Frame = Option<Arc<str>>;

const PULSE: Duration = Duration::from_secs(1);

/// Serialises the rack once a second while anybody listens, until the shutdown.
pub(super) async fn pulse(
    live: Arc<Live>,
    frames: watch::Sender<Frame>,
    streams: Arc<Semaphore>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut beat = interval(PULSE);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = shutdown.wait_for(|&ended| ended) => return,
            _ = beat.tick() => {}
        }
        if streams.available_permits() < MOST_STREAMS {
            frames.send_replace(frame(&live));
        }
    }
}

fn frame(live: &Live) -> Frame {
    match serde_json::to_string(&live.snapshot()) {
        Ok(text) => Some(text.into()),
        Err(error) => {
            tracing::error!(%error, "the rack cannot be written as JSON");
            None
        }
    }
}

/// One client's stream.
struct Stream {
    live: Arc<Live>,
    frames: watch::Receiver<Frame>,
    events: broadcast::Receiver<Arc<Event>>,
    fresh: bool,
    _place: OwnedSemaphorePermit,
}

/// A place among the streams that may be open.
pub(super) fn place(shared: &Shared) -> Result<OwnedSemaphorePermit, ApiError> {
    let place = Arc::clone(&shared.streams).try_acquire_owned();
    place.map_err(|_| ApiError::Busy("as many streams as may be are open; close a dashboard and try again"))
}

pub(super) async fn stream(State(shared): State<Shared>) -> Result<impl IntoResponse, ApiError> {
    let place = place(&shared)?;
    let mut frames = shared.frames.clone();
    frames.mark_unchanged();
    let events = shared.api.live.subscribe();
    let start = Stream { live: shared.api.live, frames, events, fresh: true, _place: place };
    let messages = stream::unfold(start, |mut stream| async move {
        let message = stream.next().await?;
        Some((Ok::<_, Infallible>(message), stream))
    });
    Ok(Sse::new(messages).keep_alive(KeepAlive::default()))
}

impl Stream {
    /// The next message; nothing once the pulse has ended with the program.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if std::mem::take(&mut self.fresh) {
                return Some(rack(&frame(&self.live)?));
            }
            tokio::select! {
                changed = self.frames.changed() => {
                    changed.ok()?;
                    if let Some(frame) = self.frames.borrow_and_update().clone() {
                        return Some(rack(&frame));
                    }
                }
                event = self.events.recv() => match event {
                    Ok(event) => {
                        if let Ok(text) = serde_json::to_string(&*event) {
                            return Some(Message::default().event("event").data(text));
                        }
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => self.fresh = true,
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
            }
        }
    }
}

fn rack(text: &str) -> Message {
    Message::default().event("rack").data(text)
}
