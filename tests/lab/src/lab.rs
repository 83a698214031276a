//! The lab as a value: made by its start, gone with its drop.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::board::Board;
use crate::error::LabError;
use crate::layout;
use crate::lock::Lock;
use crate::machine::{self, Machine, Parts};
use crate::place::{self, Place};
use crate::requirements::{self, Missing};
use crate::ssh::{self, Keys, Ssh};
use crate::{down, tool, tree};

/// The name of a lab of tests; `lab up` has another, so that one can stay up while tests run.
const TESTS: &str = "tests";
pub(crate) const HUB: &str = "hub";
const HUB_SCRIPT: &str = include_str!("hub.sh");
const BOARD_SCRIPT: &str = include_str!("board.sh");
/// slirp4netns lives among the hub's processes, so that it ends with them, but in this machine's network.
const WAY_OUT: &str = r#"log=$1; shift; setsid slirp4netns "$@" >"$log" 2>&1 </dev/null &"#;
/// The longest of the tests take a third of it.
const PATIENCE: Duration = Duration::from_secs(1800);
const DEADLINE: Duration = Duration::from_secs(20);

/// What a lab is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    name: String,
    boards: usize,
    kept_engines: Option<String>,
    pub(crate) images: Vec<&'static str>,
    pub(crate) agent: Option<PathBuf>,
    patience: Duration,
}

impl Spec {
    /// A lab of so many boards, named by `PIRACK_LAB`, or else `tests`.
    #[must_use]
    pub fn new(boards: usize) -> Self {
        Self {
            name: place::name_or(TESTS),
            boards,
            kept_engines: None,
            images: Vec::new(),
            agent: None,
            patience: Duration::ZERO,
        }
    }

    /// Another name. Labs of different names know nothing of each other.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
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
    place: Place,
    hub: Machine,
    boards: Vec<Board>,
    /// Whoever has the lock takes the lab down.
    lock: Option<Lock>,
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
        let lock = Lock::take(&place, spec.patience)?;
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
        let (hub, boards) = made?;
        Ok(Self { place, hub, boards, lock: Some(lock), home: None })
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
        let boards = (1..=boards)
            .map(|number| {
                let machine = Machine::recorded(&place, &layout::board_name(number)).ok_or_else(down)?;
                Ok(board(&place, &hub, machine, number))
            })
            .collect::<Result<_, LabError>>()?;
        Ok(Self { place, hub, boards, lock: None, home: None })
    }

    /// Leaves the lab up when this is dropped, for [`Lab::attach`] and [`Lab::take_down`].
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn keep(mut self) -> Result<(), LabError> {
        let path = self.place.state().join("kept");
        fs::write(&path, "").map_err(LabError::file("writing", &path))?;
        self.lock = None;
        Ok(())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.place.name()
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
        let path = self.hub.proc("ns/net");
        let network = fs::File::open(&path).map_err(LabError::file("opening", &path))?;
        into_network(&network)?;
        self.home = Some(home);
        Ok(())
    }

    /// A program of this machine's, in the hub's network.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        self.hub.beside(program)
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
        if let Err(error) = down::clear(&self.place).and_then(|()| down::forget(&self.place)) {
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

fn board(place: &Place, hub: &Machine, machine: Machine, number: usize) -> Board {
    let address = layout::board_address(number);
    Board { machine, hub: hub.clone(), address, ssh: Ssh::of(place, hub, address) }
}

fn make(place: &Place, lock: &Lock, spec: &Spec) -> Result<(Machine, Vec<Board>), LabError> {
    let tree = tree::ensure(place)?;
    let keys = ssh::make(place, spec.boards)?;
    let hub = make_hub(place, lock, spec, &tree)?;
    let boards = thread::scope(|scope| {
        let started: Vec<_> = (1..=spec.boards)
            .map(|number| {
                let (hub, keys, tree) = (&hub, &keys, &tree);
                scope.spawn(move || make_board(place, lock, spec, tree, hub, keys, number))
            })
            .collect();
        let joined = started.into_iter().map(|board| match board.join() {
            Ok(board) => board,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect::<Vec<_>>()
    });
    let boards = boards.into_iter().collect::<Result<Vec<_>, LabError>>()?;
    let up = Up { boards: spec.boards, since: jiff::Timestamp::now().to_string() };
    let path = place.state().join("lab.json");
    let text = serde_json::json!(up).to_string();
    fs::write(&path, text).map_err(LabError::file("writing", &path))?;
    Ok((hub, boards))
}

fn make_hub(place: &Place, lock: &Lock, spec: &Spec, tree: &std::path::Path) -> Result<Machine, LabError> {
    let mut files = layout::machine_files(HUB, &machine_id(), spec.boards);
    files.extend(layout::hub_files());
    let data = place.registry();
    let parts = Parts { name: HUB, tree, files: &files, data: &data, target: "/var/lib/docker-registry" };
    let hub = Machine::start(place, lock, &parts)?;
    let network = format!("{}/{}", layout::HUB, layout::PREFIX);
    hub.script("making the network", HUB_SCRIPT, &[&network])?;
    let mut out = Command::new("nsenter");
    out.arg(format!("--target={}", hub.init.pid)).args(["--pid", "--", "sh", "-c", WAY_OUT, "sh"]);
    out.arg(place.machine(HUB).join("slirp4netns.log"));
    out.args(["--configure", "--mtu=1500", "--disable-host-loopback", "--netns-type=path"]);
    tool::run("making the way out", out.arg(hub.proc("ns/net")).arg("tap0"))?;
    tool::wait_until("the lab's way out", DEADLINE, || {
        let routes = fs::read_to_string(hub.proc("net/route")).unwrap_or_default();
        Ok(routes.lines().any(|line| line.starts_with("tap0\t00000000")))
    })?;
    hub.wait_listening("the registry", 5000)?;
    Ok(hub)
}

fn make_board(
    place: &Place,
    lock: &Lock,
    spec: &Spec,
    tree: &std::path::Path,
    hub: &Machine,
    keys: &Keys,
    number: usize,
) -> Result<Board, LabError> {
    let name = layout::board_name(number);
    let cgroup = format!("{}/{name}", place.cgroup());
    let mut files = layout::machine_files(&name, &machine_id(), spec.boards);
    files.extend(layout::board_files(&cgroup, &keys.hosts[number - 1], &keys.visitor));
    let data = match &spec.kept_engines {
        Some(kept) => place.engines(kept).join(&name),
        None => place.disks().join(&name).join("docker"),
    };
    let parts = Parts { name: &name, tree, files: &files, data: &data, target: "/var/lib/docker" };
    let machine = Machine::start(place, lock, &parts)?;
    let address = layout::board_address(number);
    machine::connect(hub, &machine, address)?;
    let with_prefix = format!("{address}/{}", layout::PREFIX);
    machine.script("starting services", BOARD_SCRIPT, &[&with_prefix, &layout::HUB.to_string()])?;
    let board = board(place, hub, machine, number);
    board.wait_engine()?;
    board.machine.wait_listening("SSH", 22)?;
    Ok(board)
}

fn machine_id() -> String {
    // The kernel makes a new one at every reading.
    let id = fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default();
    id.chars().filter(char::is_ascii_hexdigit).collect()
}
