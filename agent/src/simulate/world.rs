//! One board's model and its time, shared by everything that looks at it.
//!
//! This is the only place where simulated boards learn the time. Two times are kept: the model moves
//! with the clock alone, so that a board's uptime is right, and chips count the drivers' waits as well,
//! which pass at once: a conversion of 40 ms ends for the driver that waits for it, and nobody sleeps.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use embedded_hal::delay::DelayNs;

use super::chips::{Probe, Sample};
use super::physics::BoardModel;

/// Seconds since any moment; never less than before.
pub type ElapsedSeconds = Arc<dyn Fn() -> f64 + Send + Sync>;

/// A board's model, moved on whenever somebody looks.
#[derive(Clone)]
pub struct World(Arc<Mutex<State>>);

struct State {
    model: BoardModel,
    clock: ElapsedSeconds,
    seen: f64,
    waited: f64,
}

impl World {
    /// A world whose time begins now.
    #[must_use]
    pub fn new(model: BoardModel, clock: ElapsedSeconds) -> Self {
        let seen = clock();
        Self(Arc::new(Mutex::new(State { model, clock, seen, waited: 0.0 })))
    }

    /// Looks at the board as it is now.
    pub fn observe<T>(&self, look: impl FnOnce(&BoardModel) -> T) -> T {
        self.sample(look).truth
    }

    /// A probe that feels one thing of this world.
    pub fn probe<T: 'static>(&self, feel: impl Fn(&BoardModel) -> T + Send + 'static) -> Probe<T> {
        let world = self.clone();
        Box::new(move || world.sample(&feel))
    }

    /// What drivers wait with.
    #[must_use]
    pub fn delay(&self) -> SimulatedDelay {
        SimulatedDelay(self.clone())
    }

    fn sample<T>(&self, look: impl FnOnce(&BoardModel) -> T) -> Sample<T> {
        self.with(|state| {
            let now = (state.clock)().max(state.seen);
            state.model.advance(now - state.seen);
            state.seen = now;
            Sample { seconds: now + state.waited, truth: look(&state.model) }
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

/// A wait that is over at once, and has passed for the chips.
#[derive(Clone, Debug)]
pub struct SimulatedDelay(World);

impl DelayNs for SimulatedDelay {
    fn delay_ns(&mut self, nanoseconds: u32) {
        self.0.with(|state| state.waited += f64::from(nanoseconds) / 1e9);
    }
}
