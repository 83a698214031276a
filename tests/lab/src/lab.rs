//! The lab as a value: made by its start, gone with its drop.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::board::Board;
use crate::error::LabError;
use crate::hub::HUB;
use crate::layout;
use crate::lock::Lock;
use crate::machine::Machine;
use crate::place::{self, Place};
use crate::power::{Ground, Made};
use crate::requirements::{self, Missing};
use crate::{down, hub, ssh, tool, tree};

/// The name of a lab of tests; `lab up` has another, so that one can stay up while tests run.
const TESTS: &str = "tests";
/// The longest of the tests take a third of it.
const PATIENCE: Duration = Duration::from_secs(1800);

/// What a lab is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    name: String,
    boards: usize,
    bare: BTreeSet<usize>,
    data_disk: Option<u64>,
    kept_engines: Option<String>,
    pub(crate) images: Vec<&'static str>,
    pub(crate) agent: Option<PathBuf>,
    pub(crate) package: bool,
    patience: Duration,
}

impl Spec {
    /// A lab of so many boards, named by `PIRACK_LAB`, or else `tests`.
    #[must_use]
    pub fn new(boards: usize) -> Self {
        Self {
            name: place::name_or(TESTS),
            boards,
            bare: BTreeSet::new(),
            data_disk: None,
            kept_engines: None,
            images: Vec::new(),
            agent: None,
            package: false,
            patience: Duration::ZERO,
        }
    }

    /// Another name. Labs of different names know nothing of each other.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Boards without an engine: none is installed, nor is anything of its configuration there. Debian's packages of
    /// it can be.
    #[must_use]
    pub fn bare(self) -> Self {
        let all: Vec<usize> = (1..=self.boards).collect();
        self.with_bare(&all)
    }

    /// As [`Spec::bare`], but only the boards of these numbers.
    #[must_use]
    pub fn with_bare(self, numbers: &[usize]) -> Self {
        Self { bare: numbers.iter().copied().collect(), ..self }
    }

    /// Each board has another disk of so many bytes, `/dev/data`, with nothing on it: a block device of its own, that
    /// is formatted, found by its UUID and mounted from `/etc/fstab` at boot like any. It outlives a power cut and
    /// [`Board::reflash`]. By a loop device of this machine's, which goes with the board.
    #[must_use]
    pub fn with_data_disk(self, bytes: u64) -> Self {
        Self { data_disk: Some(bytes), ..self }
    }

    /// What the boards will pull from the registry: [`crate::conduct`] and [`crate::conduct_story`] make what of it is not there.
    #[must_use]
    pub fn with_images(self, images: &[&'static str]) -> Self {
        Self { images: images.to_vec(), ..self }
    }

    /// The program in the agent's image, where it is not the release build.
    #[must_use]
    pub fn with_agent(self, program: &std::path::Path) -> Self {
        Self { agent: Some(program.to_owned()), ..self }
    }

    /// The tests make the agent's package, with [`package`](crate::package()).
    #[must_use]
    pub fn with_package(self) -> Self {
        Self { package: true, ..self }
    }

    /// Waits for whoever has a lab of that name, up to half an hour: tests of another checkout, for one.
    #[must_use]
    pub fn waiting(self) -> Self {
        Self { patience: PATIENCE, ..self }
    }

    /// What the boards' engines hold (images, containers, volumes) outlives the lab, in `engines/KEPT` of the
    /// cache. Only one lab at a time can have it.
    #[must_use]
    pub fn keeping_engines(self, kept: &str) -> Self {
        Self { kept_engines: Some(kept.to_owned()), ..self }
    }
}

/// What the state tells of a lab that is wholly up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Up {
    boards: usize,
    since: String,
}

/// A running lab.
#[derive(Debug)]
pub struct Lab {
    pub(crate) ground: Ground,
    pub(crate) boards: Vec<Board>,
    /// Whoever has the lock takes the lab down.
    lock: Option<Arc<Lock>>,
    home: Option<std::fs::File>,
}

impl Lab {
    /// What this machine lacks to hold a lab, if anything.
    ///
    /// # Errors
    /// With all of it.
    pub fn requirements() -> Result<(), Missing> {
        requirements::check()
    }

    /// Brings up a lab of so many boards; dropping it takes it down. The first ever takes a minute, for the
    /// root tree.
    ///
    /// # Errors
    /// When the machine lacks something, the name is taken, or a part does not come up. Nothing is left then.
    pub fn start(boards: usize) -> Result<Self, LabError> {
        Self::begin(&Spec::new(boards))
    }

    /// As [`Lab::start`], to a specification.
    ///
    /// # Errors
    /// As [`Lab::start`].
    pub fn begin(spec: &Spec) -> Result<Self, LabError> {
        let place = Place::named(&spec.name)?;
        if !(1..=layout::MOST_BOARDS).contains(&spec.boards) {
            return Err(LabError::Boards { asked: spec.boards, most: layout::MOST_BOARDS });
        }
        requirements::check()?;
        let lock = Arc::new(Lock::take(&place, spec.patience)?);
        if is_kept(&place) && Machine::recorded(&place, HUB).is_some() {
            return Err(LabError::Up(spec.name.clone()));
        }
        down::clear(&place)?;
        place.record_disks()?;
        let made = make(&place, &lock, spec);
        if made.is_err() {
            // The first failure is the one to tell.
            drop(down::clear(&place).and_then(|()| down::forget(&place)));
        }
        let (ground, boards) = made?;
        Ok(Self { ground, boards, lock: Some(lock), home: None })
    }

    /// The lab of that name that was brought up to stay. Dropping this takes nothing down.
    ///
    /// # Errors
    /// When it is not up, or not wholly.
    pub fn attach(name: &str) -> Result<Self, LabError> {
        let place = Place::named(name)?;
        let down = || LabError::Down(name.to_owned());
        let boards = boards(&place).ok_or_else(down)?;
        let hub = Machine::recorded(&place, HUB).ok_or_else(down)?;
        let ground = Ground { place, lock: Weak::new(), hub };
        let boards: Vec<Board> = (1..=boards).map(|number| ground.board(number)).collect();
        if boards.iter().any(|board| board.has_power() && board.machine.init().is_none()) {
            return Err(down());
        }
        Ok(Self { ground, boards, lock: None, home: None })
    }

    /// Leaves the lab up when this is dropped, for [`Lab::attach`] and [`Lab::take_down`].
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn keep(mut self) -> Result<(), LabError> {
        let path = self.ground.place.state().join("kept");
        fs::write(&path, "").map_err(LabError::file("writing", &path))?;
        self.lock = None;
        Ok(())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.ground.place.name()
    }

    /// Its boards, `b1` first.
    #[must_use]
    pub fn boards(&self) -> &[Board] {
        &self.boards
    }

    /// The board of that number, which its name has: 1 is `b1`.
    ///
    /// # Panics
    /// When there is no such board.
    #[must_use]
    pub fn board(&self, number: usize) -> &Board {
        &self.boards[number - 1]
    }

    /// The board of that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn board_named(&self, name: &str) -> Result<&Board, LabError> {
        self.boards.iter().find(|board| board.name() == name).ok_or_else(|| LabError::NoBoard {
            lab: self.name().to_owned(),
            board: name.to_owned(),
            has: self.boards.iter().map(Board::name).collect::<Vec<_>>().join(", "),
        })
    }

    /// The hub's image registry, as engines and images name it: `ADDRESS:PORT`.
    #[must_use]
    pub fn registry(&self) -> &'static str {
        layout::REGISTRY
    }

    /// Moves this thread, and all that it starts from now on, into the hub's network, from where the boards are
    /// one hop away. To be called before the process has other threads: those stay where they are. This machine's
    /// own network, and its name servers, cannot be reached from there.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn enter(&mut self) -> Result<(), LabError> {
        let own = PathBuf::from("/proc/thread-self/ns/net");
        let home = fs::File::open(&own).map_err(LabError::file("opening", &own))?;
        let path = self.ground.hub.proc("ns/net");
        let network = fs::File::open(&path).map_err(LabError::file("opening", &path))?;
        into_network(&network)?;
        self.home = Some(home);
        Ok(())
    }

    /// A program of this machine's, in the hub's network.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        self.ground.hub.beside(program)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            // A network lives as long as somebody is in it.
            drop(into_network(&home));
        }
        if self.lock.is_none() {
            return;
        }
        if let Err(error) = down::clear(&self.ground.place).and_then(|()| down::forget(&self.ground.place)) {
            tool::say(&format!("lab {} is not wholly down: {error}; try `lab down`", self.name()));
        }
    }
}

fn into_network(network: &fs::File) -> Result<(), LabError> {
    use rustix::fd::AsFd as _;
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(LabError::kernel("entering a network"))
}

/// Whether the lab was brought up to stay.
pub(crate) fn is_kept(place: &Place) -> bool {
    place.state().join("kept").exists()
}

/// How many boards the lab has, once all of it came up.
pub(crate) fn boards(place: &Place) -> Option<usize> {
    let text = fs::read_to_string(place.state().join("lab.json")).ok()?;
    serde_json::from_str::<Up>(&text).ok().map(|up| up.boards)
}

/// Writes down that the lab is wholly up, with so many boards.
pub(crate) fn record_boards(place: &Place, boards: usize) -> Result<(), LabError> {
    let since = jiff::Timestamp::now().to_string();
    let text = serde_json::json!(Up { boards, since }).to_string();
    let (path, part) = (place.state().join("lab.json"), place.state().join("lab.json.part"));
    fs::write(&part, text).and_then(|()| fs::rename(&part, &path)).map_err(LabError::file("writing", &path))
}

fn make(place: &Place, lock: &Arc<Lock>, spec: &Spec) -> Result<(Ground, Vec<Board>), LabError> {
    let tree = tree::ensure(place)?;
    ssh::make(place)?;
    let hub = hub::make(place, lock, &tree, spec.boards)?;
    let ground = Ground { place: place.clone(), lock: Arc::downgrade(lock), hub };
    let boards: Vec<Board> = (1..=spec.boards).map(|number| ground.board(number)).collect();
    tool::all_at_once(&boards, |board| {
        let data = match &spec.kept_engines {
            Some(kept) => place.engines(kept).join(board.name()),
            None => place.disks().join(board.name()).join("docker"),
        };
        let bare = spec.bare.contains(&board.number);
        let image = spec.data_disk.map(|bytes| (place.disks().join(format!("{}.disk", board.name())), bytes));
        board.make(lock, &Made { tree: tree.clone(), data, bare, image }, spec.boards)?;
        if bare { Ok(()) } else { board.wait_engine() }
    })?;
    ssh::write_known_hosts(place, spec.boards)?;
    record_boards(place, spec.boards)?;
    Ok((ground, boards))
}
