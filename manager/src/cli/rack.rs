//! What commands that act on a real rack begin with: its file, its secrets, and a way to its boards.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use pirack::bootstrap::agent::Packages;
use pirack::operation::plan::Wanted;
use pirack::operation::real::RealWorld;
use pirack::rack::{self, Rack, SecretsRead};
use pirack::reach::{Boards, Deadlines};
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use super::global::Global;
use super::manager;

/// A rack, and the way to its boards.
pub(crate) struct Opened {
    pub(crate) rack: Rack,
    secrets: SecretsRead,
    packages: anyhow::Result<Packages>,
    pub(crate) world: RealWorld,
}

impl Opened {
    /// What a plan is made from. Only whoever plans needs secrets and packages.
    pub(crate) fn wanted<'a>(
        &'a self,
        allowed: &'a BTreeSet<String>,
        fresh: Uuid,
    ) -> anyhow::Result<Wanted<'a>> {
        let secrets = self.secrets.all().map_err(|errors| anyhow!("{errors}"))?;
        let packages = self.packages.as_ref().map_err(|error| anyhow!("{error:#}"))?;
        Ok(Wanted { rack: &self.rack, secrets, packages, allowed, fresh })
    }
}

/// Reads the rack of this file; nobody is asked yet.
pub(crate) fn open(file: &Path) -> anyhow::Result<Opened> {
    open_over(file, |rack| Arc::new(Boards::of(rack, file, Deadlines::OPERATION)))
}

/// The same, over boards that somebody keeps.
pub(crate) fn open_over(file: &Path, boards: impl FnOnce(&Rack) -> Arc<Boards>) -> anyhow::Result<Opened> {
    let rack = rack::read(file)?;
    let (secrets, packages) = (rack.read_secrets(), packages(&rack));
    let at_hand = packages.as_ref().ok().cloned().unwrap_or_default();
    let world = RealWorld::over(boards(&rack), at_hand);
    Ok(Opened { rack, secrets, packages, world })
}

/// Opens the rack, does `work` with it, and closes its connections.
pub(crate) fn with_world(
    global: &Global,
    work: impl AsyncFnOnce(&Opened) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let opened = open(&global.file)?;
    manager::in_runtime(async move { work(&opened).await })
}

/// The agent's packages: in the folder that the file names; else in `packages` beside this program, or in `debian`
/// beside its folder, which is where `make deb` puts them beside a program in `target/release`.
pub(crate) fn packages(rack: &Rack) -> anyhow::Result<Packages> {
    if !rack.agent.enabled {
        return Ok(Packages::default());
    }
    if let Some(folder) = &rack.agent.packages {
        return Ok(Packages::in_folder(folder)?);
    }
    let program = std::env::current_exe().context("cannot tell where this program lies")?;
    let beside = program.parent().map(|folder| folder.join("packages"));
    let built = program.parent().and_then(Path::parent).map(|folder| folder.join("debian"));
    Ok(Packages::in_first_of(beside.into_iter().chain(built).collect())?)
}

/// Who asks: a user and a host.
pub(crate) fn who() -> String {
    let user =
        std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "root".to_owned());
    let host = rustix::system::uname();
    format!("{user}@{}", host.nodename().to_string_lossy())
}

/// Resolves when a person or the system wants this program to end.
pub(crate) async fn ended_by_user() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
