//! A board's power: how it is made, what a cut leaves of it, and how it comes back.
//!
//! Invariant: a board's disk is the upper side of its root and its engine's data. Everything else of it (processes,
//! mounts, `/run`, `/srv/small`, its network) lives as long as its first process, so that to kill that one is to cut
//! the power. What is not on the disk after a cut was never on it; but what programs had only written, and not
//! synced, is kept as well, since the page cache is this machine's, which stays up.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::board::Board;
use crate::error::LabError;
use crate::lab::Lab;
use crate::lock::Lock;
use crate::machine::{self, Machine, Parts};
use crate::place::Place;
use crate::ssh::{self, Ssh};
use crate::{cgroup, layout, tool};

const BOOT: &str = include_str!("board.sh");
const BARE: &str = include_str!("bare.sh");
const DEADLINE: Duration = Duration::from_secs(20);

/// What a board is made of, as its state tells; with power, it is made of the same again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    /// The tree below its own files.
    pub(crate) tree: PathBuf,
    /// Where its engine's data is.
    pub(crate) data: PathBuf,
    /// Whether it begins without an engine.
    pub(crate) bare: bool,
    /// Its data disk, and how large that is.
    pub(crate) image: Option<(PathBuf, u64)>,
}

/// Whether the board's power was cut, and has not come back.
pub(crate) fn is_off(place: &Place, board: &str) -> bool {
    place.machine(board).join("off").exists()
}

/// Those of a lab's boards that are being made or were.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) place: Place,
    pub(crate) lock: Weak<Lock>,
    pub(crate) hub: Machine,
}

impl Ground {
    /// The board of that number, running or not.
    pub(crate) fn board(&self, number: usize) -> Board {
        let address = layout::board_address(number);
        Board {
            machine: Machine::of(&self.place, &layout::board_name(number)),
            ssh: Ssh::of(&self.place, &self.hub, address),
            ground: self.clone(),
            number,
            address,
        }
    }

    /// The lab's lock: the lab's own, or taken for as long as this takes.
    fn lock(&self) -> Result<Arc<Lock>, LabError> {
        match self.lock.upgrade() {
            Some(lock) => Ok(lock),
            None => Lock::take(&self.place, Duration::ZERO).map(Arc::new),
        }
    }
}

impl Board {
    /// Makes it, with an empty disk, an id and a host key of its own, in a lab of so many boards.
    pub(crate) fn make(&self, lock: &Lock, made: &Made, boards: usize) -> Result<(), LabError> {
        let (place, name) = (&self.ground.place, self.name());
        let keys = ssh::make_board_key(place, self.number)?;
        let cgroup = format!("{}/{name}", place.cgroup());
        let mut files = layout::machine_files(name, &machine::new_id(), boards);
        files.extend(layout::board_files(&cgroup, &keys.host, &keys.visitor));
        if let Some((path, bytes)) = &made.image {
            make_image(path, *bytes)?;
        }
        self.start(lock, made, &files)?;
        let record = serde_json::json!(made).to_string();
        let path = self.record();
        fs::write(&path, record).map_err(LabError::file("writing", &path))?;
        if made.bare {
            self.machine.script("taking the engine off", BARE, &[])?;
        }
        self.boot()
    }

    fn start(&self, lock: &Lock, made: &Made, files: &[layout::Text]) -> Result<(), LabError> {
        let (tree, data) = (&made.tree, &made.data);
        let image = made.image.as_ref().map(|(path, _)| path.as_path());
        let parts = Parts { name: self.name(), tree, files, data, target: "/var/lib/docker", image };
        Machine::start(&self.ground.place, lock, &parts)?;
        machine::connect(&self.ground.hub, &self.machine, self.address)
    }

    /// Its address, and what it starts by itself; it has come up when its SSH door is open.
    fn boot(&self) -> Result<(), LabError> {
        let with_prefix = format!("{}/{}", self.address, layout::PREFIX);
        self.machine.script("booting", BOOT, &[&with_prefix, &layout::HUB.to_string()])?;
        self.machine.wait_listening("SSH", 22)
    }

    /// Cuts its power: everything on it dies at once, as by a kill of its first process. Its disk stays. Without
    /// power already, it stays so.
    ///
    /// # Errors
    /// When the kernel refuses, or another process works with the lab.
    pub fn cut_power(&self) -> Result<(), LabError> {
        let lock = self.ground.lock()?;
        self.end()?;
        drop(lock);
        Ok(())
    }

    fn end(&self) -> Result<(), LabError> {
        let off = self.off();
        fs::write(&off, "").map_err(LabError::file("writing", &off))?;
        if let Some(init) = self.machine.init() {
            init.end(DEADLINE)?;
        }
        machine::disconnect(&self.ground.hub, self.name())?;
        // A board that has no power has no control groups.
        cgroup::remove_of(&self.ground.place, self.name())
    }

    /// Gives it power: the same board again, by name, address, keys, machine-id and disk. It starts by itself what
    /// is enabled in `/etc/rc2.d`, its engine and its SSH door among it; this returns when the door is open.
    /// [`Board::wait_engine`] waits for the engine, which a manager without its swarm's quorum answers only after
    /// 20 s. With power already, it stays as it is. An open [`Board::engine`] is of the time before the cut.
    ///
    /// # Errors
    /// When it does not come up, or another process works with the lab.
    pub fn power_on(&self) -> Result<(), LabError> {
        let lock = self.ground.lock()?;
        self.come_back(&lock)
    }

    fn come_back(&self, lock: &Lock) -> Result<(), LabError> {
        if self.has_power() {
            return Ok(());
        }
        let made = self.made()?;
        // A try before this one may have come half the way.
        self.end()?;
        self.start(lock, &made, &[])?;
        self.boot()?;
        self.forget_off()
    }

    /// The public half of its host key, as in `known_hosts`: kind and key.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn host_key(&self) -> Result<String, LabError> {
        let line = ssh::host_key(&self.ground.place, self.name())?;
        Ok(line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
    }

    /// Whether it has power, which says nothing of how it does.
    #[must_use]
    pub fn has_power(&self) -> bool {
        !is_off(&self.ground.place, self.name())
    }

    /// Makes it anew, as by another card: the same name and address, an empty disk, another machine-id and another
    /// host key (see [`Board::host_key`]; the lab's `known_hosts` has it).
    ///
    /// # Errors
    /// As [`Board::power_on`].
    pub fn reflash(&self) -> Result<(), LabError> {
        let lock = self.ground.lock()?;
        let made = self.made()?;
        self.end()?;
        let disk = self.ground.place.disks().join(self.name());
        for folder in [disk.join("upper"), disk.join("work"), made.data.clone()] {
            fs::remove_dir_all(&folder).map_err(LabError::file("emptying", &folder))?;
        }
        ssh::forget_board_key(&self.ground.place, self.number)?;
        let boards = crate::lab::boards(&self.ground.place).unwrap_or(self.number);
        self.make(&lock, &made, boards)?;
        ssh::write_known_hosts(&self.ground.place, boards)?;
        self.forget_off()
    }

    fn off(&self) -> PathBuf {
        self.ground.place.machine(self.name()).join("off")
    }

    fn record(&self) -> PathBuf {
        self.ground.place.machine(self.name()).join("board.json")
    }

    fn forget_off(&self) -> Result<(), LabError> {
        let off = self.off();
        if off.exists() { fs::remove_file(&off).map_err(LabError::file("removing", &off)) } else { Ok(()) }
    }

    pub(crate) fn made(&self) -> Result<Made, LabError> {
        let path = self.record();
        let text = fs::read_to_string(&path).map_err(LabError::file("reading", &path))?;
        let read = serde_json::from_str(&text).map_err(std::io::Error::from);
        read.map_err(LabError::file("understanding", &path))
    }
}

/// A disk that holds nothing yet, and takes no room for it; one that is there stays: another card does not empty it.
fn make_image(path: &Path, bytes: u64) -> Result<(), LabError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(LabError::file("making", folder))?;
    let opened = fs::File::options().write(true).create(true).truncate(false).open(path);
    opened.and_then(|file| file.set_len(bytes)).map_err(LabError::file("making", path))
}

impl Lab {
    /// Cuts the power of all boards at once.
    ///
    /// # Errors
    /// As [`Board::cut_power`]; all are tried.
    pub fn cut_power(&self) -> Result<(), LabError> {
        let lock = self.ground.lock()?;
        let ends = tool::all_at_once(self.boards(), Board::end);
        drop(lock);
        ends.map(drop)
    }

    /// Gives all boards their power, all at once.
    ///
    /// # Errors
    /// As [`Board::power_on`]; all are tried.
    pub fn power_on(&self) -> Result<(), LabError> {
        let lock = self.ground.lock()?;
        tool::all_at_once(self.boards(), |board| board.come_back(&lock)).map(drop)
    }

    /// Adds a board to the lab, known to all by name: one more than there were. Its engine answers.
    ///
    /// # Errors
    /// When it does not come up; when the lab is full.
    pub fn add_board(&mut self) -> Result<&Board, LabError> {
        self.add(false)
    }

    /// As [`Lab::add_board`], but a bare one, as by [`Spec::bare`](crate::Spec::bare).
    ///
    /// # Errors
    /// As [`Lab::add_board`].
    pub fn add_bare_board(&mut self) -> Result<&Board, LabError> {
        self.add(true)
    }

    fn add(&mut self, bare: bool) -> Result<&Board, LabError> {
        let number = self.boards().len() + 1;
        if number > layout::MOST_BOARDS {
            return Err(LabError::Boards { asked: number, most: layout::MOST_BOARDS });
        }
        let lock = self.ground.lock()?;
        let first = self.board(1).made()?;
        let name = layout::board_name(number);
        // Its engine's data lies where the others' does.
        let data = match first.data.ancestors().nth(2) {
            Some(disks) if first.data.ends_with("b1/docker") => disks.join(&name).join("docker"),
            _ => first.data.with_file_name(&name),
        };
        let board = self.ground.board(number);
        let image = first.image.map(|(path, bytes)| (path.with_file_name(format!("{name}.disk")), bytes));
        board.make(&lock, &Made { tree: first.tree, data, bare, image }, number)?;
        if !bare {
            board.wait_engine()?;
        }
        for machine in
            std::iter::once(&self.ground.hub).chain(self.boards().iter().map(|board| &board.machine))
        {
            self.learn_name(machine, &layout::hosts_line(number))?;
        }
        ssh::write_known_hosts(&self.ground.place, number)?;
        crate::lab::record_boards(&self.ground.place, number)?;
        drop(lock);
        self.boards.push(board);
        Ok(self.board(number))
    }

    /// Adds a line to the machine's `/etc/hosts`; to its disk, when it has no power.
    fn learn_name(&self, machine: &Machine, line: &str) -> Result<(), LabError> {
        let path = match machine.init() {
            Some(_) => machine.path("/etc/hosts"),
            None => self.ground.place.disks().join(&machine.name).join("upper/etc/hosts"),
        };
        let text = fs::read_to_string(&path).map_err(LabError::file("reading", &path))?;
        fs::write(&path, text + line).map_err(LabError::file("writing", &path))
    }
}
