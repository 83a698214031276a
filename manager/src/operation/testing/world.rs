//! The fake as a [`World`].

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use pirack_swarm::engine::{Engine, observe};
use pirack_swarm::host::Host;
use pirack_swarm::member::{Member, Membership};
use pirack_swarm::testing::FakeEngine;

use super::agents;
use super::stacks::Around;
use super::{FakeRack, Starting, State};
use crate::bootstrap::agent::digest;
use crate::bootstrap::fix::Fix;
use crate::bootstrap::preflight::Report;
use crate::look::{DataSeen, DiskSeen, SwarmLook};
use crate::operation::join;
use crate::operation::lock::{self, Lock};
use crate::operation::plan::{Act, as_remembered};
use crate::operation::seen::{BoardSeen, Glance, Kept, Reached, Seen};
use crate::operation::world::{Tell, World, WorldError, failed, pulled};
use crate::rack::{Access, Board, BoardName, Bytes, DataDisk, Identity, Rack, identity};
use crate::reach::chain;
use crate::stack::StackHealth;
use crate::stack::roll;

impl FakeRack {
    pub(super) fn engine_of(&self, board: &BoardName) -> Result<&FakeEngine, WorldError> {
        let there = !self.state().away.contains(board);
        let engine = self.engines.get(board).filter(|_| there);
        engine.ok_or_else(|| failed(board, "reaching it", "no route to host"))
    }

    async fn seen_at(&self, racks: &[Rack], board: &Board) -> BoardSeen {
        match self.board_seen(racks, board).await {
            Ok(reached) => BoardSeen::Reached(Box::new(reached)),
            Err(error) => BoardSeen::Unreached(chain(&error)),
        }
    }

    async fn board_seen(&self, racks: &[Rack], board: &Board) -> Result<Reached, WorldError> {
        let engine = self.engine_of(&board.name)?;
        let told = |error: &dyn std::error::Error| failed(&board.name, "looking", error.to_string());
        let facts = engine.facts().await.map_err(|error| told(&error))?;
        let mut membership = engine.membership().await.map_err(|error| told(&error))?;
        if let Some((looks, how)) = self.state().starting.get_mut(&board.name).filter(|(looks, _)| *looks > 0)
        {
            *looks -= 1;
            membership = match how {
                Starting::Unheard => Membership::Pending {
                    node: membership.node().cloned(),
                    managers: membership.managers().to_vec(),
                },
                Starting::Unable => {
                    Membership::Failed { words: "cannot assign requested address".to_owned() }
                }
            };
        }
        let mut images = BTreeMap::new();
        for image in racks.iter().flat_map(|rack| rack.images_on(board)) {
            if let Some(held) = engine.held(image).await.map_err(|error| told(&error))? {
                images.insert(image.clone(), held);
            }
        }
        let state = self.state();
        Ok(Reached {
            membership,
            memory: Bytes(facts.memory_bytes),
            architecture: facts.architecture,
            images,
            agent: Some(state.agents.get(&board.name).cloned().unwrap_or_default()),
            lock: (state.lock.as_ref())
                .filter(|(on, _)| *on == board.name)
                .and_then(|(_, text)| Lock::parse(text)),
            disk: board.data_disk.as_ref().map(|disk| disk_seen(&state, board, disk)),
        })
    }

    async fn swarm_seen(&self) -> Option<SwarmLook> {
        let engine = self.manager().await.ok()?;
        let swarm = engine.swarm().await.ok()?;
        let observed = observe(engine).await.ok()?;
        let tasks = engine.tasks().await.ok()?;
        let label = swarm.labels.get(identity::LABEL);
        Some(SwarmLook {
            identity: label.map(|text| Identity::parse(text).map_err(|error| error.to_string())),
            lock: lock::in_labels(&swarm.labels),
            id: swarm.id.0,
            observed,
            tasks,
        })
    }

    pub(super) async fn health(&self, rack: &Rack) -> StackHealth {
        let Ok(engine) = self.manager().await else { return StackHealth::default() };
        let (Ok(services), Ok(tasks), Ok(nodes)) =
            (engine.services().await, engine.tasks().await, engine.nodes().await)
        else {
            return StackHealth::default();
        };
        let state = &mut *self.state();
        let around = Around { tasks: &tasks, nodes: &nodes, services: &services, dark: &state.away };
        state.stacks.look(rack, &around)
    }

    pub(in crate::operation) async fn manager(&self) -> Result<&FakeEngine, WorldError> {
        let foreign = self.state().foreign.clone();
        for name in self.engines.keys().filter(|name| !foreign.contains(*name)) {
            let Ok(engine) = self.engine_of(name) else { continue };
            if let Ok(Membership::Active(active)) = engine.membership().await
                && active.control_available
            {
                return Ok(engine);
            }
        }
        Err(WorldError::NoManager("no board that answers is a manager".to_owned()))
    }
}

pub(super) fn disk_seen(state: &State, board: &Board, disk: &DataDisk) -> DiskSeen {
    if state.diskless.contains(&board.name) {
        let astray = Some(format!("nothing is mounted at {}", disk.mount));
        return DiskSeen { astray, folders: BTreeMap::new() };
    }
    let own = state.folders.iter().filter(|((on, _), _)| *on == board.name);
    let folders = own.map(|((_, path), owner)| (path.clone(), *owner)).collect();
    DiskSeen { astray: None, folders }
}

impl World for FakeRack {
    type Engine = FakeEngine;

    async fn see(&self, rack: &Rack) -> Seen {
        self.call().await;
        let swarm = self.swarm_seen().await;
        let racks = [rack.clone(), as_remembered(rack, swarm.as_ref())];
        let mut boards = BTreeMap::new();
        for board in &rack.boards {
            boards.insert(board.name.clone(), self.seen_at(&racks, board).await);
        }
        let mut departed = BTreeMap::new();
        let nodes = swarm.iter().flat_map(|swarm| swarm.strangers(rack));
        for name in nodes.filter_map(|node| node.name.parse().ok()) {
            let access = Access::Ssh(rack.ssh.clone());
            let board = Board::at(name, Ipv4Addr::UNSPECIFIED, access);
            departed.insert(board.name.clone(), self.seen_at(&[], &board).await);
        }
        let health = self.health(rack).await;
        let state = self.state();
        let told = |answers: bool, done: bool| {
            answers.then(|| if done { vec![] } else { vec!["create all of it".to_owned()] })
        };
        let data = DataSeen {
            topics: told(health.kafka().is_some(), state.topics),
            schema: told(health.cassandra().is_some(), state.tables),
        };
        drop(state);
        self.records_arrive(&data);
        Seen { boards, departed, swarm, health, data }
    }

    async fn kept(&self, rack: &Rack) -> Kept {
        self.kept_on(rack).await
    }

    async fn inspect(&self, _: &Rack, boards: &[&Board]) -> Report {
        let Some(mut report) = self.state().findings.clone() else {
            return Report { boards: vec![], findings: vec![] };
        };
        report.boards.retain(|(name, _)| boards.iter().any(|board| board.name == *name));
        report
    }

    async fn mend(&self, fix: &Fix) -> Result<Vec<String>, WorldError> {
        self.call().await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let mut state = self.state();
        if state.unmendable.contains(&fix.board) {
            return Err(failed(&fix.board, "mending", "no space left on device"));
        }
        state.acts += 1;
        Ok(vec!["is mended".to_owned()])
    }

    async fn glance(&self, rack: &Rack) -> Glance {
        self.call().await;
        let swarm = self.swarm_seen().await;
        Glance { health: self.health(rack).await, swarm }
    }

    async fn engine(&self) -> Result<&FakeEngine, WorldError> {
        self.call().await;
        self.manager().await
    }

    async fn begin(
        &self,
        rack: &Rack,
        board: &BoardName,
        labels: BTreeMap<String, String>,
    ) -> Result<(), WorldError> {
        self.call().await;
        join::begin(self.engine_of(board)?, rack.board(board).unwrap(), labels).await
    }

    async fn act(&self, rack: &Rack, act: &Act, tell: Tell<'_>) -> Result<(), WorldError> {
        self.call().await;
        if let Some(board) = act.board() {
            self.engine_of(board)?;
        }
        match act {
            Act::Join { board, manager, leave } => {
                let (own, asked) = (self.engine_of(board)?, self.manager().await?);
                return join::join(own, asked, rack.board(board).unwrap(), *manager, *leave).await;
            }
            Act::Pull { board, image } => {
                let came = self.engine_of(board)?.pull(image, |far| tell(&pulled(&far))).await;
                return came.map_err(|error| failed(board, "pulling", error));
            }
            Act::Leave { board, force } => return self.leave_swarm(board, *force).await,
            Act::Volume { board, volume } => self.remove_volume(board, volume).await?,
            Act::Clear { board, folder } => self.clear(board, folder).await?,
            _ => {}
        }
        let mut state = self.state();
        state.acts += 1;
        match act {
            Act::Install { board, version } => {
                state.agents.entry(board.clone()).or_default().version = Some(version.clone());
            }
            Act::Configure { board, content } => {
                let agent = state.agents.entry(board.clone()).or_default();
                agent.sinks = agents::begun();
                agent.configuration = Some(digest(content.as_bytes()));
                agent.running = true;
            }
            Act::Retire { board } if state.stuck.iter().any(|(stuck, _)| *stuck == board.to_string()) => {
                let what = "stopping the agent for good".to_owned();
                let why = "records wait for a sink".to_owned();
                return Err(WorldError::Busy { board: board.clone(), what, why });
            }
            Act::Retire { board } => state.agents.entry(board.clone()).or_default().running = false,
            Act::Purge { board } => drop(state.agents.remove(board)),
            Act::Folder { board, folder } => {
                state.folders.insert((board.clone(), folder.path.clone()), folder.owner);
            }
            Act::Topics => {
                state.topics = true;
                state.stacks.lay_topics();
            }
            Act::Schema => {
                state.tables = true;
                state.stacks.rows = rack.cassandra.as_ref().map(|ring| ring.replication as usize);
            }
            _ => {}
        }
        Ok(())
    }

    async fn prepare(&self, _: &Rack, act: &roll::Act) -> Result<(), WorldError> {
        self.call().await;
        if let Some(board) = act.board() {
            self.engine_of(&board.parse().unwrap())?;
        }
        let mut state = self.state();
        state.acts += 1;
        state.stacks.prepare(act);
        Ok(())
    }

    async fn progress(&self, _: &roll::Act) -> Option<String> {
        None
    }

    async fn lock_file(&self, board: &BoardName) -> Result<Option<Vec<u8>>, WorldError> {
        self.call().await;
        self.engine_of(board)?;
        let found = self.state().lock.clone().filter(|(on, _)| on == board);
        Ok(found.map(|(_, text)| text))
    }

    async fn write_lock_file(
        &self,
        board: &BoardName,
        lock: &Lock,
        over: Option<&[u8]>,
    ) -> Result<bool, WorldError> {
        self.call().await;
        self.engine_of(board)?;
        let mut state = self.state();
        state.acts += 1;
        let lawful = state.lock.as_ref().map(|(_, text)| text.as_slice()) == over;
        if lawful {
            state.lock = Some((board.clone(), lock.text().into_bytes()));
        }
        Ok(lawful)
    }

    async fn unlock_file(&self, board: &BoardName, lock: &Lock) -> Result<(), WorldError> {
        self.call().await;
        self.engine_of(board)?;
        let mut state = self.state();
        let found = state.lock.as_ref().and_then(|(_, text)| Lock::parse(text));
        if found.is_some_and(|found| found.operation == lock.operation) {
            state.acts += 1;
            state.lock = None;
        }
        Ok(())
    }
}
