//! The embedded rack: one agent for this machine, one for each simulated board, and the plugs that an
//! audience may pull.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use pirack_agent::record::{BoardName, NameError};
use pirack_agent::run::{
    self, Agent, AgentSettings, Clock, Counts, Farewell, QueueSettings, RunError, Scheduled,
};
use pirack_agent::simulate::{self, SimulatedBoard};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::broker::Broker;
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

/// Why the rack cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RackError {
    /// An agent cannot.
    #[error(transparent)]
    Agent(#[from] RunError),
    /// This machine cannot be named.
    #[error(transparent)]
    Name(#[from] NameError),
}

struct Inner {
    agents: BTreeMap<String, Agent>,
    /// Brings the broker back; replaced by every order.
    resumption: Option<JoinHandle<()>>,
}

impl Rack {
    pub(super) fn start(
        ground: &Ground<'_>,
        broker: Broker,
        live: Arc<Live>,
        herald: Herald,
    ) -> Result<Arc<Self>, RackError> {
        live.set_broker(broker.address(), BrokerState::Running, None);
        let mut agents = BTreeMap::new();
        for SimulatedBoard { name, role, sources, .. } in simulate::rack(ground.boards, ground.seed) {
            live.declare(name.as_str(), shown(role), true);
            let interval = ground.interval;
            let sources = sources.into_iter().map(|source| Scheduled { source, interval }).collect();
            agents.insert(name.to_string(), agent(ground, &broker, name, sources)?);
        }
        let name = this_machine(&agents)?;
        live.declare(name.as_str(), Role::Unassigned, false);
        let sources = run::this_machine(ground.interval);
        agents.insert(name.to_string(), agent(ground, &broker, name, sources)?);
        herald.announce("rack", Happening::RackStarted { boards: agents.len() as u64 });
        let inner = Mutex::new(Inner { agents, resumption: None });
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

    /// Puts every lever back, so that what waits arrives, then stops every agent, all at once, and says
    /// what each left behind.
    pub(super) async fn stop(&self, drain: Duration) -> Result<Vec<(Counts, Farewell)>, RunError> {
        let (agents, resumption) = {
            let mut inner = self.lock();
            (std::mem::take(&mut inner.agents), inner.resumption.take())
        };
        if let Some(resumption) = resumption.filter(|task| !task.is_finished()) {
            resumption.abort();
            self.release_broker().await;
        }
        agents.values().for_each(|agent| agent.plug(true));
        let ends: Vec<_> = agents
            .into_values()
            .map(|agent| {
                let tally = agent.tally();
                tokio::spawn(
                    async move { agent.stop(drain).await.map(|farewell| (tally.counts(), farewell)) },
                )
            })
            .collect();
        let mut farewells = Vec::with_capacity(ends.len());
        for end in ends {
            // An agent that panicked leaves no farewell; its records show as lost.
            if let Ok(farewell) = end.await {
                farewells.push(farewell?);
            }
        }
        Ok(farewells)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_plug(&self, board: &str, plugged: bool) -> Result<(), ControlError> {
        let inner = self.lock();
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
        let task = self.runtime.spawn(future);
        if let Some(earlier) = self.lock().resumption.replace(task) {
            earlier.abort();
        }
        Ok(())
    }

    fn this(&self) -> Result<Arc<Self>, ControlError> {
        self.this.upgrade().ok_or_else(|| ControlError::Refused("the demonstration is ending".to_owned()))
    }
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
        let this = self.this()?;
        self.order(async move { this.release_broker().await })
    }
}

fn agent(
    ground: &Ground<'_>,
    broker: &Broker,
    board: BoardName,
    sources: Vec<Scheduled>,
) -> Result<Agent, RunError> {
    Agent::start(AgentSettings {
        queue_directory: ground.scratch.queue(board.as_str()),
        board,
        interval: ground.interval,
        sources,
        queue: QueueSettings::bounded(QUEUE_BYTES),
        kafka_bootstrap: vec![broker.address().to_owned()],
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
