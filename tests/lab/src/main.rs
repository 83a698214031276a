//! `lab`: boards on this machine, up and down, and their faults, from a shell.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use pirack_lab::images::{self, Architecture};
use pirack_lab::{Board, Flaw, Lab, LabError, LabStatus, Spec, Waste};
use serde::Serialize;

/// Boards made out of this machine, each with a root, a network, a Docker engine and an SSH door of its own.
///
/// Exit status: 0 done, 1 not done (standard error says what, and what to do), 2 a wrong command line;
/// `enter`, `run` and `ssh` end with their program's own. Needs root and what `tests/setup.sh lab` installs.
#[derive(Debug, Parser)]
#[command(name = "lab", version)]
struct Line {
    /// The lab's name; labs of different names know nothing of each other
    #[arg(long, global = true, env = "PIRACK_LAB", default_value = "pirack")]
    name: String,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Bring up a lab that stays; one that is up already is left as it is, also when it is not what is asked for
    /// or not well: then exit status 1
    Up {
        /// How many boards
        #[arg(long, default_value_t = 3)]
        boards: usize,
    },
    /// Take the lab down, and what killed runs left of labs of any name
    Down,
    /// Show the lab, and what there is of others: exit status 0 when it is up, 3 when not
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Say whether this machine can hold a lab, and what it lacks
    Check,
    /// Make the images that a rack runs, for the lab's registry; one that is there already is kept. Exit status 3
    /// when this machine cannot
    Images {
        /// The processor: amd64 or arm64; this machine's without
        #[arg(long)]
        arch: Option<String>,
        /// Which; without, all that a rack runs
        names: Vec<String>,
    },
    /// Print the folder of an image's jars, fetched and checked: `lab jars kafka`
    Jars {
        /// Which image
        image: String,
    },
    /// Remove from the cache what this tree does not use: trees, bases, jars, images. Other trees make theirs again
    Prune {
        /// Also the layers of images being made; the next build makes them again
        #[arg(long)]
        engines: bool,
        /// Only say what it is
        #[arg(long)]
        list: bool,
    },
    /// Run a program of this machine in the lab's network (`lab enter -- curl http://10.77.0.1:5000/v2/_catalog`)
    Enter(Program),
    /// Run a program of a board's on it (`lab run b1 -- docker ps`)
    Run {
        /// The board
        board: String,
        /// By the clock that `shift-time` sets, not by the true one
        #[arg(long)]
        shifted_time: bool,
        #[command(flatten)]
        program: Program,
    },
    /// Log in to a board by SSH
    Ssh {
        /// The board
        board: String,
        /// The user: `pi`, who has sudo, or `root`
        #[arg(long, default_value = "pi")]
        user: String,
        /// What to run there; a shell without
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Pull a board's network cable
    Unplug(On),
    /// Put a board's network cable back
    Plug(On),
    /// Cut a board's power: everything on it dies at once; its disk stays
    PowerOff(Power),
    /// Give a board its power back; it starts what it has at boot
    PowerOn(Power),
    /// Take the registry and the way out away, as at a booth without internet
    Isolate,
    /// Give the registry and the way out back
    Reconnect,
    /// Add a board
    AddBoard {
        /// Without an engine
        #[arg(long)]
        bare: bool,
    },
    /// Give a board an empty disk, another host key and another machine-id, as by another card
    Reflash(On),
    /// Give a board a flaw for preflight checks to find: no-memory-group, clock=SECONDS, mtu=BYTES, port=NUMBER,
    /// free-disk=BYTES, machine-id=ID, no-names, lease, hot=CELSIUS, low-power
    Give(Flawed),
    /// Mend a board's flaw, as it was given
    Mend(Flawed),
    /// Stop a board's engine where it stands
    PauseEngine(On),
    /// Let a board's engine go on
    ResumeEngine(On),
    /// Kill a board's engine; its containers run on
    KillEngine(On),
    /// Start a board's engine
    StartEngine(On),
    /// Fill a board's small disk, /srv/small
    FillDisk(On),
    /// Empty a board's small disk again
    FreeDisk(On),
    /// Shift the time of day of programs that run on a board by `lab run --shifted-time`
    ShiftTime {
        /// The board
        board: String,
        /// By how much, to somewhen from 1970 to 2099; 0 is the true time
        #[arg(allow_negative_numbers = true)]
        seconds: i64,
    },
    /// Slow a board's link, each way
    SlowLink {
        /// The board
        board: String,
        /// Bytes a second, 1000 to 10000000000
        bytes_per_second: u64,
    },
    /// Let a board's link be as fast as it can
    RestoreLink(On),
}

#[derive(Debug, Args)]
struct On {
    /// The board
    board: String,
}

#[derive(Debug, Args)]
struct Power {
    /// The board
    #[arg(required_unless_present = "all")]
    board: Option<String>,
    /// All boards, at once
    #[arg(long, conflicts_with = "board")]
    all: bool,
}

#[derive(Debug, Args)]
struct Flawed {
    /// The board
    board: String,
    /// What is wrong with it
    #[arg(allow_hyphen_values = true)]
    flaw: Flaw,
}

#[derive(Debug, Args)]
struct Program {
    /// The program and its arguments
    #[arg(last = true, required = true)]
    program: Vec<String>,
}

/// What `systemctl status` says of a service that does not run.
const NOT_UP: u8 = 3;

fn main() -> ExitCode {
    let line = Line::parse();
    match obey(&line) {
        Ok(code) => code,
        Err(error) => {
            say(&format!("lab: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn obey(line: &Line) -> anyhow::Result<ExitCode> {
    let name = line.name.as_str();
    match &line.verb {
        Verb::Up { boards } => bring_up(name, *boards)?,
        Verb::Down => take_down(name)?,
        Verb::Status { json } => return show(name, *json),
        Verb::Check => Lab::requirements()?,
        Verb::Images { arch, names } => return make_images(arch.as_deref(), names),
        Verb::Jars { image } => match images::jars(image)? {
            Some(folder) => print(&folder.display().to_string())?,
            None => anyhow::bail!("{image} has no jars"),
        },
        Verb::Prune { engines, list } => prune(*engines, *list)?,
        Verb::Enter(Program { program }) => {
            return become_program(Lab::attach(name)?.command(&program[0]), &program[1..]);
        }
        Verb::Run { board, shifted_time, program: Program { program } } => {
            let board = on(name, board)?;
            let command = match shifted_time {
                true => board.command_with_shifted_time(&program[0])?,
                false => board.command(&program[0]),
            };
            return become_program(command, &program[1..]);
        }
        Verb::Ssh { board, user, command } => {
            return become_program(on(name, board)?.ssh().command(user, &command.join(" ")), &[]);
        }
        Verb::Unplug(On { board }) => on(name, board)?.unplug()?,
        Verb::Plug(On { board }) => on(name, board)?.plug()?,
        Verb::PowerOff(which) => of(name, which, Lab::cut_power, Board::cut_power)?,
        Verb::PowerOn(which) => of(name, which, Lab::power_on, Board::power_on)?,
        Verb::Isolate => Lab::attach(name)?.isolate()?,
        Verb::Reconnect => Lab::attach(name)?.reconnect()?,
        Verb::AddBoard { bare } => {
            let mut lab = Lab::attach(name)?;
            let added = if *bare { lab.add_bare_board()? } else { lab.add_board()? };
            print(added.name())?;
        }
        Verb::Reflash(On { board }) => on(name, board)?.reflash()?,
        Verb::Give(Flawed { board, flaw }) => on(name, board)?.give(flaw)?,
        Verb::Mend(Flawed { board, flaw }) => on(name, board)?.mend(flaw)?,
        Verb::PauseEngine(On { board }) => on(name, board)?.pause_engine()?,
        Verb::ResumeEngine(On { board }) => on(name, board)?.resume_engine()?,
        Verb::KillEngine(On { board }) => on(name, board)?.kill_engine()?,
        Verb::StartEngine(On { board }) => on(name, board)?.start_engine()?,
        Verb::FillDisk(On { board }) => on(name, board)?.fill_disk()?,
        Verb::FreeDisk(On { board }) => on(name, board)?.free_disk()?,
        Verb::ShiftTime { board, seconds } => on(name, board)?.shift_time(*seconds)?,
        Verb::SlowLink { board, bytes_per_second } => on(name, board)?.slow_link(*bytes_per_second)?,
        Verb::RestoreLink(On { board }) => on(name, board)?.restore_link()?,
    }
    Ok(ExitCode::SUCCESS)
}

fn on(name: &str, board: &str) -> anyhow::Result<Board> {
    Ok(Lab::attach(name)?.board_named(board)?.clone())
}

/// Does it to all boards at once, or to one.
fn of(
    name: &str,
    which: &Power,
    all: impl Fn(&Lab) -> Result<(), LabError>,
    one: impl Fn(&Board) -> Result<(), LabError>,
) -> anyhow::Result<()> {
    match &which.board {
        None => all(&Lab::attach(name)?)?,
        Some(board) => one(&on(name, board)?)?,
    }
    Ok(())
}

fn bring_up(name: &str, boards: usize) -> anyhow::Result<()> {
    let status = LabStatus::of(name)?;
    if status.is_as_asked(boards)? {
        say(&format!("lab: {name} is up already"));
    } else {
        if status.held_by.is_none() {
            Lab::take_down(name)?;
        }
        let began = Instant::now();
        Lab::begin(&Spec::new(boards).named(name))?.keep()?;
        say(&format!("lab: {name} is up, {boards} boards in {:.1} s", began.elapsed().as_secs_f64()));
    }
    print(&LabStatus::of(name)?.to_string())
}

fn take_down(name: &str) -> anyhow::Result<()> {
    Lab::take_down(name)?;
    for left in Lab::take_down_left()? {
        say(&format!("lab: removed what a killed run left of lab {left}"));
    }
    Ok(())
}

/// What `lab status --json` prints.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    lab: LabStatus,
    /// Labs of other names.
    others: Vec<LabStatus>,
}

fn show(name: &str, json: bool) -> anyhow::Result<ExitCode> {
    let shown = Shown { lab: LabStatus::of(name)?, others: LabStatus::others(name)? };
    if json {
        print(&serde_json::to_string_pretty(&shown).context("writing the status as JSON")?)?;
    } else {
        for status in std::iter::once(&shown.lab).chain(&shown.others) {
            print(&status.to_string())?;
        }
    }
    Ok(if shown.lab.up { ExitCode::SUCCESS } else { ExitCode::from(NOT_UP) })
}

fn make_images(arch: Option<&str>, names: &[String]) -> anyhow::Result<ExitCode> {
    let architecture = arch.map_or_else(Architecture::of_this_machine, str::parse);
    let named: Vec<&str> = names.iter().map(String::as_str).collect();
    let wanted = if named.is_empty() { images::RACK.as_slice() } else { named.as_slice() };
    match architecture.and_then(|architecture| images::make(wanted, architecture, None)) {
        Ok(made) => print(&images::table(&made)).map(|()| ExitCode::SUCCESS),
        Err(error) if error.is_about_this_machine() => {
            say(&format!("lab: {:#}", anyhow::Error::new(error)));
            Ok(ExitCode::from(3))
        }
        Err(error) => Err(error.into()),
    }
}

fn prune(engines: bool, list: bool) -> anyhow::Result<()> {
    let mut waste = Waste::find()?;
    if engines {
        waste.extend(Waste::engines()?);
    }
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    for Waste { what, bytes, .. } in &waste {
        print(&format!("{:>7} MB  {what}", megabytes(*bytes)))?;
    }
    if !list {
        Waste::remove(&waste)?;
    }
    let all = megabytes(waste.iter().map(|waste| waste.bytes).sum());
    print(&format!("{all:>7} MB  {}", if list { "could be removed" } else { "removed" }))
}

/// Only returns when the program could not be started.
fn become_program(mut command: Command, arguments: &[String]) -> anyhow::Result<ExitCode> {
    let error = command.args(arguments).exec();
    Err(error).with_context(|| format!("starting {}", command.get_program().to_string_lossy()))
}

fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    writeln!(std::io::stdout().lock(), "{text}").context("writing to standard output")
}

fn say(line: &str) {
    use std::io::Write as _;
    // Nobody can be told that standard error is closed.
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}
