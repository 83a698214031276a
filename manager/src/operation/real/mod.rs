//! The world as it is: boards by their links, swarm and images by their engines, stacks by their own protocols.

mod agent;
mod destroy;
mod disk;
mod lock;
mod stacks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use pirack_swarm::docker::DockerEngine;
use pirack_swarm::engine::Answer;
use pirack_swarm::host::Host;
use pirack_swarm::member::{Member, MemberError, Membership};
use tokio::time::timeout;

use super::join;
use super::lock::Lock;
use super::plan::Act;
use super::seen::{Glance, Kept, Seen};
use super::world::{Tell, World, WorldError, failed, pulled};
use crate::bootstrap::agent::Packages;
use crate::bootstrap::fix::{self, Fix};
use crate::bootstrap::link::Link;
use crate::bootstrap::preflight::{self, Report};
use crate::look;
use crate::rack::{Board, BoardName, Rack};
use crate::reach::{Boards, chain};
use crate::stack::cassandra::Question;
use crate::stack::roll;

/// How long an engine may take to say what it is to the swarm.
const ANSWER: Duration = Duration::from_secs(10);

/// A rack's boards, and what is installed on them.
pub struct RealWorld {
    boards: Arc<Boards>,
    packages: Packages,
}

impl RealWorld {
    /// Over these boards; nobody is asked yet.
    #[must_use]
    pub fn over(boards: Arc<Boards>, packages: Packages) -> Self {
        Self { boards, packages }
    }

    /// The link to a board.
    async fn link(&self, board: &BoardName) -> Result<Arc<Link>, WorldError> {
        let reached = self.boards.reach(board).await;
        reached.map(|reached| reached.link).map_err(|words| failed(board, "reaching it", words))
    }

    /// The engine of a board.
    async fn engine_of(&self, board: &BoardName) -> Result<DockerEngine, WorldError> {
        let reached = self.boards.reach(board).await.map_err(|words| failed(board, "reaching it", words))?;
        reached.engine.map_err(|words| failed(board, "reaching its engine", words))
    }

    /// Of the engines that were reached the first that says that it manages; the words of all where none does.
    async fn manager(&self) -> Result<&DockerEngine, Vec<String>> {
        first_manager(self.boards.engines().map(|(name, engine)| (name, engine, engine.membership()))).await
    }
}

/// All are asked at once: none that is silent keeps the others from speaking, or a lock from its beat.
async fn first_manager<'a, E: 'a>(
    engines: impl Iterator<Item = (&'a BoardName, &'a E, impl Answer<Membership, MemberError>)>,
) -> Result<&'a E, Vec<String>> {
    let ask = |(name, engine, asked)| async move { (name, engine, timeout(ANSWER, asked).await) };
    let mut asked: FuturesUnordered<_> = engines.map(ask).collect();
    let mut words = vec![];
    while let Some((name, engine, told)) = asked.next().await {
        match told {
            Ok(Ok(Membership::Active(active))) if active.control_available => return Ok(engine),
            Ok(Ok(Membership::Active(active))) if active.is_manager => {
                words.push(format!("{name}: {}", active.words));
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => words.push(chain(&error)),
            Err(_) => words.push(format!("{name} does not answer")),
        }
    }
    words.sort();
    Err(words)
}

impl World for RealWorld {
    type Engine = DockerEngine;

    async fn see(&self, rack: &Rack) -> Seen {
        Seen::of(&look::look(rack, &self.boards, Question::State).await)
    }

    async fn glance(&self, rack: &Rack) -> Glance {
        let (swarm, health) = look::glance(rack, &self.boards).await;
        Glance { swarm, health }
    }

    async fn kept(&self, rack: &Rack) -> Kept {
        self.kept_on(rack).await
    }

    async fn inspect(&self, rack: &Rack, boards: &[&Board]) -> Report {
        preflight::run(rack, self.boards.doors(), boards).await
    }

    async fn mend(&self, fix: &Fix) -> Result<Vec<String>, WorldError> {
        let link = self.link(&fix.board).await?;
        let what = format!("mending {}", fix.check);
        fix::carry_out(&link, &fix.deed).await.map_err(|error| failed(&fix.board, &what, error))
    }

    async fn engine(&self) -> Result<&DockerEngine, WorldError> {
        if let Ok(engine) = self.manager().await {
            return Ok(engine);
        }
        // Connections break, and a board may have been asked for the first time.
        let round = self.boards.round();
        join_all(round.names().map(|name| round.get(name))).await;
        self.manager().await.map_err(|mut words| {
            if words.is_empty() {
                words.push("no board that answers is a manager".to_owned());
            }
            WorldError::NoManager(words.join("; "))
        })
    }

    async fn begin(
        &self,
        rack: &Rack,
        board: &BoardName,
        labels: BTreeMap<String, String>,
    ) -> Result<(), WorldError> {
        join::begin(&self.engine_of(board).await?, declared(rack, board)?, labels).await
    }

    async fn act(&self, rack: &Rack, act: &Act, tell: Tell<'_>) -> Result<(), WorldError> {
        match act {
            Act::Join { board, manager, leave } => {
                let (own, asked) = (self.engine_of(board).await?, self.engine().await?);
                join::join(&own, asked, declared(rack, board)?, *manager, *leave).await
            }
            Act::Install { board, .. } => agent::install(self, board).await,
            Act::Configure { board, content } => {
                let link = self.link(board).await?;
                agent::configure(&link, content).await
            }
            Act::Folder { board, folder } => {
                let link = self.link(board).await?;
                disk::make(&link, declared(rack, board)?, folder).await
            }
            Act::Pull { board, image } => {
                let came = self.engine_of(board).await?.pull(image, |far| tell(&pulled(&far))).await;
                came.map_err(|error| failed(board, &format!("pulling {image}"), error))
            }
            Act::Retire { board } => agent::retire(&*self.link(board).await?).await,
            Act::Topics => stacks::topics(rack).await,
            Act::Schema => stacks::schema(rack).await,
            Act::Volume { board, volume } => self.remove_volume(board, volume).await,
            Act::Clear { board, folder } => self.clear(rack, board, folder).await,
            Act::Purge { board } => self.purge_agent(board).await,
            Act::Leave { board, force } => self.leave_swarm(board, *force).await,
            Act::Begin { .. } | Act::Remember { .. } | Act::Swarm { .. } | Act::Stack { .. } => Ok(()),
        }
    }

    async fn prepare(&self, rack: &Rack, act: &roll::Act) -> Result<(), WorldError> {
        let cluster = match act.board() {
            Some(_) => None,
            None => stacks::cluster(self, rack).await?,
        };
        act.run(&*self.boards, cluster.as_ref())
            .await
            .map_err(|source| WorldError::Stack { what: act.to_string(), source: source.into() })
    }

    async fn progress(&self, act: &roll::Act) -> Option<String> {
        act.progress(&*self.boards).await
    }

    async fn lock_file(&self, board: &BoardName) -> Result<Option<Vec<u8>>, WorldError> {
        let link = self.link(board).await?;
        lock::read(&link).await
    }

    async fn write_lock_file(
        &self,
        board: &BoardName,
        own: &Lock,
        over: Option<&[u8]>,
    ) -> Result<bool, WorldError> {
        let link = self.link(board).await?;
        lock::write(&link, own, over).await
    }

    async fn unlock_file(&self, board: &BoardName, own: &Lock) -> Result<(), WorldError> {
        let link = self.link(board).await?;
        lock::remove(&link, own).await
    }
}

fn declared<'a>(rack: &'a Rack, name: &BoardName) -> Result<&'a Board, WorldError> {
    rack.board(name).ok_or_else(|| failed(name, "looking it up", "it is not in the file"))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use pirack_swarm::testing::FakeEngine;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silent_engines_keep_no_manager_from_speaking() {
        let manages = FakeEngine::new("b3").cloud().engine("b3");
        let names: [BoardName; 3] = ["b1", "b2", "b3"].map(|name| name.parse().unwrap());
        let silent = || std::future::pending().boxed();
        let (began, engines) = (Instant::now(), [silent(), silent(), manages.membership().boxed()]);
        let asked = names.iter().zip(engines).map(|(name, asked)| (name, name, asked));
        assert_eq!(first_manager(asked).await.unwrap(), &names[2]);
        assert_eq!(began.elapsed(), Duration::ZERO);
        let engines = [silent(), silent()];
        let asked = names.iter().zip(engines).map(|(name, asked)| (name, name, asked));
        assert_eq!(first_manager(asked).await.unwrap_err(), ["b1 does not answer", "b2 does not answer"]);
        assert_eq!(began.elapsed(), ANSWER, "they were not waited for one after another");
    }
}
