//! The embedded rack: one agent for this machine, one for each simulated board, and the plugs that an
//! audience may pull.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use pirack_agent::record::{BoardName, NameError};
use pirack_agent::run::{
    self, Agent, AgentSettings, Clock, Counts, Destination, KafkaSettings, QueueSettings, Rate, RunError,
    Scheduled,
};
use pirack_agent::simulate::{self, SimulatedBoard};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::broker::Broker;
use super::leaving::{Leaving, stop_all};
use super::scratch::Scratch;
use crate::watch::{AgentGauge, BrokerState, ControlError, Controls, Happening, Herald, Live, Role};

/// The bound of one board's queue in a demonstration; hours of backlog.
const QUEUE_BYTES: u64 = 64 << 20;

/// What every agent of the rack shares.
pub(super) struct Ground<'a> {
    pub(super) boards: usize,
    pub(super) interval: Duration,
    pub(super) scratch: &'a Scratch,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) seed: u64,
}

/// All agents, the broker, and their levers.
pub(super) struct Rack {
    live: Arc<Live>,
    herald: Herald,
    broker: Broker,
    inner: Mutex<Inner>,
    /// Levers are pulled from any thread; what follows runs here.
    runtime: Handle,
    /// Itself, for the timers that outlive a call.
    this: Weak<Self>,
}

/// Why the rack cannot start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum RackError {
    /// An agent cannot.
    #[error(transparent)]
    Agent(#[from] RunError),
    /// This machine cannot be named.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An agent's task panicked.
    #[error("the agent of {board} broke off: its numbers are those it had counted, please report this")]
    Broken {
        /// Whose.
        board: String,
    },
    /// An agent hung.
    #[error(
        "the agent of {board} did not end in time: its numbers are those it had counted; look for a disk or mount that hangs"
    )]
    Unended {
        /// Whose.
        board: String,
    },
}

struct Inner {
    agents: BTreeMap<String, Agent>,
    /// No lever moves any more: the end puts all back once, and nobody may undo that.
    ending: bool,
    /// Brings the broker back; replaced by every order.
    resumption: Option<JoinHandle<()>>,
}

impl Rack {
    /// Starts every agent.
    ///
    /// # Errors
    /// When one of them cannot start; those that had are stopped again.
    pub(super) async fn start(
        ground: &Ground<'_>,
        broker: Broker,
        live: Arc<Live>,
        herald: Herald,
    ) -> Result<Arc<Self>, RackError> {
        live.set_broker(broker.address(), BrokerState::Running, None);
        let mut agents = BTreeMap::new();
        if let Err(error) = start_agents(ground, &broker, &live, &mut agents) {
            drop(stop_all(agents, Duration::ZERO).await);
            return Err(error);
        }
        herald.announce("rack", Happening::RackStarted { boards: agents.len() as u64 });
        let inner = Mutex::new(Inner { agents, ending: false, resumption: None });
        Ok(Arc::new_cyclic(|this| Self {
            live,
            herald,
            broker,
            inner,
            runtime: Handle::current(),
            this: Weak::clone(this),
        }))
    }

    /// Where any Kafka client can look in.
    pub(super) fn bootstrap(&self) -> &str {
        self.broker.address()
    }

    /// Takes every agent's counters over into the live state.
    pub(super) fn gauge(&self) {
        for (name, agent) in &self.lock().agents {
            let Counts { produced, delivered, queued, dropped } = agent.tally().counts();
            let plugged = agent.is_plugged();
            self.live.set_agent(name, AgentGauge { produced, delivered, queued, dropped, plugged });
        }
    }

    /// Locks every lever and puts it back, so that what waits arrives, then stops every agent, all at
    /// once, and says what each left behind. A second call finds no agents.
    pub(super) async fn stop(&self, drain: Duration) -> Vec<Leaving> {
        let (agents, resumption) = {
            let mut inner = self.lock();
            inner.ending = true;
            (std::mem::take(&mut inner.agents), inner.resumption.take())
        };
        if let Some(resumption) = resumption.filter(|task| !task.is_finished()) {
            resumption.abort();
            // Only once it is over can it not stop the broker again.
            drop(resumption.await);
            self.release_broker().await;
        }
        agents.values().for_each(|agent| agent.plug(true));
        stop_all(agents, drain).await
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_plug(&self, board: &str, plugged: bool) -> Result<(), ControlError> {
        let inner = self.lock();
        if inner.ending {
            return Err(ending());
        }
        let Some(agent) = inner.agents.get(board) else {
            let boards = inner.agents.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(ControlError::UnknownBoard { board: board.to_owned(), boards });
        };
        if agent.is_plugged() != plugged {
            agent.plug(plugged);
            let what = if plugged { Happening::Plugged {} } else { Happening::Unplugged {} };
            self.herald.announce(board, what);
        }
        drop(inner);
        self.gauge();
        Ok(())
    }

    async fn hold_broker(self: Arc<Self>, seconds: f64) {
        if let Err(error) = self.broker.stop().await {
            tracing::warn!(error = &error as &dyn Error, "the broker goes on");
            return;
        }
        let pause = Duration::from_secs_f64(seconds);
        self.live.set_broker(self.broker.address(), BrokerState::Stopped, Some(Instant::now() + pause));
        self.herald.announce("broker", Happening::BrokerStopped { seconds: Some(seconds) });
        tokio::time::sleep(pause).await;
        self.release_broker().await;
    }

    async fn release_broker(&self) {
        match self.broker.resume().await {
            Ok(()) => {
                self.live.set_broker(self.broker.address(), BrokerState::Running, None);
                self.herald.announce("broker", Happening::BrokerStarted {});
            }
            Err(error) => tracing::warn!(error = &error as &dyn Error, "the broker stays down"),
        }
    }

    /// Replaces what was to happen to the broker.
    fn order(&self, future: impl Future<Output = ()> + Send + 'static) -> Result<(), ControlError> {
        let mut inner = self.lock();
        if inner.ending {
            return Err(ending());
        }
        if let Some(earlier) = inner.resumption.replace(self.runtime.spawn(future)) {
            earlier.abort();
        }
        Ok(())
    }

    fn this(&self) -> Result<Arc<Self>, ControlError> {
        self.this.upgrade().ok_or_else(ending)
    }
}

fn ending() -> ControlError {
    ControlError::Refused("the demonstration is ending".to_owned())
}

impl Controls for Rack {
    fn unplug(&self, board: &str) -> Result<(), ControlError> {
        self.set_plug(board, false)
    }

    fn plug(&self, board: &str) -> Result<(), ControlError> {
        self.set_plug(board, true)
    }

    fn stop_broker(&self, seconds: f64) -> Result<(), ControlError> {
        let this = self.this()?;
        self.order(this.hold_broker(seconds))
    }

    fn start_broker(&self) -> Result<(), ControlError> {
        if self.lock().ending {
            return Err(ending());
        }
        // A broker that runs is as it should be: nothing happens, and so no event says that something did.
        if self.live.snapshot().broker.state == BrokerState::Running {
            return Ok(());
        }
        let this = self.this()?;
        self.order(async move { this.release_broker().await })
    }
}

/// One agent for each simulated board and one for this machine, declared before it starts.
fn start_agents(
    ground: &Ground<'_>,
    broker: &Broker,
    live: &Live,
    agents: &mut BTreeMap<String, Agent>,
) -> Result<(), RackError> {
    for SimulatedBoard { name, role, sources, .. } in simulate::rack(ground.boards, ground.seed) {
        live.declare(name.as_str(), shown(role), true);
        let interval = ground.interval;
        let sources = sources.into_iter().map(|source| Scheduled { source, interval }).collect();
        agents.insert(name.to_string(), agent(ground, broker, name, sources)?);
    }
    let name = this_machine(agents)?;
    live.declare(name.as_str(), Role::Unassigned, false);
    let sources = run::this_machine(ground.interval);
    agents.insert(name.to_string(), agent(ground, broker, name, sources)?);
    Ok(())
}

fn agent(
    ground: &Ground<'_>,
    broker: &Broker,
    board: BoardName,
    sources: Vec<Scheduled>,
) -> Result<Agent, RunError> {
    let kafka =
        KafkaSettings { bootstrap: vec![broker.address().to_owned()], board: board.clone(), login: None };
    Agent::start(AgentSettings {
        queue_directory: ground.scratch.queue(board.as_str()),
        board,
        interval: ground.interval,
        sources,
        queue: QueueSettings::bounded(QUEUE_BYTES),
        kafka: Some(Destination { settings: kafka, rate: Rate::UNBOUNDED }),
        cassandra: None,
        clock: Arc::clone(&ground.clock),
    })
}

/// This machine's host name as a board's name, where it can be one and no simulated board has it.
fn this_machine(taken: &BTreeMap<String, Agent>) -> Result<BoardName, NameError> {
    let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let named = BoardName::of_host(&hostname).ok().filter(|name| !taken.contains_key(name.as_str()));
    named.map_or_else(|| "this-machine".parse(), Ok)
}

fn shown(role: simulate::Role) -> Role {
    match role {
        simulate::Role::Admin => Role::Admin,
        simulate::Role::Manager => Role::Manager,
        simulate::Role::Worker => Role::Worker,
        simulate::Role::App => Role::App,
    }
}

#[cfg(test)]
mod tests;
