//! `run`: the agent as a service, with systemd's readiness and watchdog where systemd asks for them.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use pirack_agent::clock::{Clock, SystemClock};
use pirack_agent::config::{self, Config};
use pirack_agent::memory::keep_small;
use pirack_agent::queue;
use pirack_agent::run::{self, Agent, AgentSettings};
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// How long a stop may ship what is queued; the rest waits on disk for the next start.
const DRAIN: Duration = Duration::from_secs(5);

pub(crate) fn run(config: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let config = super::load(config)?;
    // The driver says at every try what the sink says once; who wants to hear it writes scylla=... into log.
    let filter = EnvFilter::try_new(format!("scylla=off,{}", config.log))?;
    let ansi = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(ansi).with_writer(std::io::stderr).init();
    for stranger in config::strangers() {
        tracing::warn!("{stranger}");
    }
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    // What a request to a broker takes for a moment stays: to return it each time costs more than to keep it.
    keep_small(512);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(config.sensors.len() + 16)
        .thread_keep_alive(Duration::from_secs(30))
        .thread_stack_size(256 * 1024)
        .build()
        .context("cannot start the runtime")?;
    let outcome = runtime.block_on(serve(config));
    // A source that hangs in the kernel must not keep the agent from ending.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new().context("cannot read this boot's identity")?);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // A terminal that is closed must not cost the clean end either.
    let mut hangup = signal(SignalKind::hangup())?;
    let mut agent = Agent::start(AgentSettings {
        board: config.board.clone(),
        interval: config.interval,
        sources: run::sources(&config),
        queue_directory: config.queue_directory,
        queue: queue::Settings::bounded(config.queue_max_bytes),
        kafka: config.kafka,
        cassandra: config.cassandra,
        clock,
    })?;
    if let Some(listen) = config.metrics {
        agent.serve_metrics(listen);
    }
    tracing::info!(board = %config.board, version = env!("CARGO_PKG_VERSION"), "agent started");
    notify(NotifyState::Ready);
    tokio::select! {
        () = keep_alive() => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    notify(NotifyState::Stopping);
    tracing::info!("stopping: shipping what can be shipped within {} s", DRAIN.as_secs());
    let farewell = agent.stop(DRAIN).await;
    tracing::info!(waiting = farewell.backlog, "agent stopped; what waits is on disk");
    farewell.closed?;
    Ok(ExitCode::SUCCESS)
}

/// Tells systemd's watchdog, where there is one, that the runtime still turns.
async fn keep_alive() {
    let Some(period) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    let mut beat = tokio::time::interval(period / 3);
    loop {
        beat.tick().await;
        notify(NotifyState::Watchdog);
    }
}

fn notify(state: NotifyState<'_>) {
    // Without systemd there is no socket, and nothing to tell.
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd could not be told");
    }
}
