//! How the boards of a rack are reached, by whoever wants something of them: each connected to when it is first
//! asked, kept, and connected to anew once it was lost.
//!
//! What is kept:
//! - None waits for another, and nobody waits longer for a board than its [`Deadlines`] say. Connecting goes on
//!   meanwhile: a board that comes back is there for whoever asks next.
//! - A board has one connection, whoever asks and however many at once.
//! - Boards that the file names no more, and the swarm still knows, are reached as the file's are: [`Boards::learn`].

mod slot;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use pirack_swarm::docker::DockerEngine;

pub(crate) use crate::bootstrap::link::chain;
use crate::bootstrap::link::{Doors, Link};
use crate::rack::{Access, Board, BoardName, Rack, SshAccess};
use crate::stack::Engine;
use crate::stack::exec::{Engines, Exec, ExecError, Ran};
use slot::Slot;

/// How long whoever asks has patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// For a board to let us in; what does not by then is told as silent.
    pub connect: Duration,
    /// For an engine to tell all that it is asked in one look.
    pub engine: Duration,
    /// For a script that looks at a board.
    pub shell: Duration,
    /// For each question to a stack.
    pub stack: Duration,
    /// For a command beside a data service: nodetool starts a JVM for it, on a Pi in some seconds.
    pub command: Duration,
}

impl Deadlines {
    /// Of a report: what answers at all does so within a tenth of these, and somebody is looking.
    pub const REPORT: Self = Self {
        connect: Duration::from_secs(4),
        engine: Duration::from_secs(4),
        shell: Duration::from_secs(4),
        stack: Duration::from_secs(2),
        command: Duration::from_secs(6),
    };

    /// Of an operation, which would leave out what does not answer.
    pub const OPERATION: Self = Self {
        connect: Duration::from_secs(45),
        engine: Duration::from_secs(20),
        shell: Duration::from_secs(60),
        stack: Duration::from_secs(5),
        command: Duration::from_secs(15),
    };
}

/// A board that answered.
#[derive(Clone)]
pub struct Reached {
    /// The way there.
    pub link: Arc<Link>,
    /// Its engine, or why not.
    pub engine: Result<DockerEngine, String>,
}

/// All boards of a rack.
pub struct Boards {
    doors: Arc<Doors>,
    ssh: SshAccess,
    deadlines: Deadlines,
    slots: BTreeMap<BoardName, Slot>,
    /// Those that the file names no more.
    learnt: Mutex<BTreeMap<BoardName, Arc<Slot>>>,
}

impl Boards {
    /// Of this rack; `file` is where its file lies. Nobody is asked yet.
    #[must_use]
    pub fn of(rack: &Rack, file: &Path, deadlines: Deadlines) -> Self {
        let doors = Arc::new(Doors::of(file));
        let slot = |board: &Board| (board.name.clone(), Slot::of(board.clone(), Arc::clone(&doors)));
        let slots = rack.boards.iter().map(slot).collect();
        Self { doors, ssh: rack.ssh.clone(), deadlines, slots, learnt: Mutex::default() }
    }

    /// Whether this rack's boards are just these, reached the same way: whoever keeps them then may go on with them.
    #[must_use]
    pub fn are_of(&self, rack: &Rack) -> bool {
        rack.ssh == self.ssh
            && rack.boards.len() == self.slots.len()
            && rack
                .boards
                .iter()
                .all(|board| self.slots.get(&board.name).is_some_and(|slot| slot.is_at(board)))
    }

    /// How long is waited here.
    #[must_use]
    pub fn deadlines(&self) -> Deadlines {
        self.deadlines
    }

    /// The ways in, for whoever looks at boards by a connection of his own.
    #[must_use]
    pub fn doors(&self) -> &Doors {
        &self.doors
    }

    /// A board that the file does not name is at this address: it is reached as the file says of all boards, and
    /// let in by the keys that were trusted for that address.
    pub fn learn(&self, name: &BoardName, address: Ipv4Addr) {
        if self.slots.contains_key(name) {
            return;
        }
        let board = Board::at(name.clone(), address, Access::Ssh(self.ssh.clone()));
        let mut learnt = self.learnt();
        if learnt.get(name).is_none_or(|slot| !slot.is_at(&board)) {
            learnt.insert(name.clone(), Arc::new(Slot::of(board, Arc::clone(&self.doors))));
        }
    }

    /// A board, connected to now if it was not.
    ///
    /// # Errors
    /// In words, when it does not let us in in time.
    pub async fn reach(&self, board: &BoardName) -> Result<Reached, String> {
        if let Some(slot) = self.slots.get(board) {
            return slot.reach(self.deadlines.connect).await;
        }
        let slot = self.learnt().get(board).map(Arc::clone);
        match slot {
            Some(slot) => slot.reach(self.deadlines.connect).await,
            None => Err("the file has no such board, and the swarm no such node".to_owned()),
        }
    }

    /// The engines of the file's boards that were reached so far, whether or not they answer now.
    pub fn engines(&self) -> impl Iterator<Item = (&BoardName, &DockerEngine)> {
        self.slots.iter().filter_map(|(name, slot)| Some((name, slot.engine()?)))
    }

    /// The boards for one look: each is reached once, by whoever asks first.
    #[must_use]
    pub fn round(&self) -> Round<'_> {
        let each = self.slots.keys().map(|name| (name.clone(), self.reach(name).boxed().shared()));
        Round { answers: each.collect(), command: self.deadlines.command }
    }

    fn learnt(&self) -> std::sync::MutexGuard<'_, BTreeMap<BoardName, Arc<Slot>>> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One board's answer in one look, for everybody who asks for it there.
type Answer<'a> = Shared<BoxFuture<'a, Result<Reached, String>>>;

/// The file's boards in one look.
pub struct Round<'a> {
    answers: BTreeMap<BoardName, Answer<'a>>,
    command: Duration,
}

impl Round<'_> {
    /// A board.
    ///
    /// # Errors
    /// In words, when it does not let us in in time.
    pub async fn get(&self, board: &BoardName) -> Result<Reached, String> {
        let answer = self.answers.get(board).cloned();
        answer.ok_or_else(|| "it was not asked".to_owned())?.await
    }

    /// The boards' names.
    pub fn names(&self) -> impl Iterator<Item = &BoardName> {
        self.answers.keys()
    }
}

impl Exec for Round<'_> {
    async fn exec(
        &self,
        board: &str,
        engine: Engine,
        command: &[&str],
        within: Duration,
    ) -> Result<Ran, ExecError> {
        exec(board, async |name| self.get(name).await, engine, command, within.max(self.command)).await
    }
}

impl Exec for Boards {
    async fn exec(
        &self,
        board: &str,
        engine: Engine,
        command: &[&str],
        within: Duration,
    ) -> Result<Ran, ExecError> {
        exec(board, async |name| self.reach(name).await, engine, command, within).await
    }
}

/// A command beside a data service, through a board that may still be being connected to.
async fn exec(
    board: &str,
    reach: impl AsyncFnOnce(&BoardName) -> Result<Reached, String>,
    engine: Engine,
    command: &[&str],
    within: Duration,
) -> Result<Ran, ExecError> {
    let nobody = |why: String| ExecError::NoBoard { board: board.to_owned(), why };
    let name: BoardName = board.parse().map_err(|_| nobody("no board has such a name".to_owned()))?;
    let docker = reach(&name).await.and_then(|reached| reached.engine).map_err(nobody)?;
    let engines = Engines(BTreeMap::from([(board.to_owned(), docker.client().clone())]));
    engines.exec(board, engine, command, within).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_that_finds_no_way_to_a_board_says_why() {
        let why = "the host key has changed";
        let shut = async |_: &BoardName| Err(why.to_owned());
        let failed = exec("b1", shut, Engine::Kafka, &["true"], Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(failed.to_string(), format!("no connection to the engine of b1: {why}"));
    }
}
