//! What preflight found and can be mended without risk, mended.
//!
//! [`plan`] decides from what was found; [`Deed::script`] says how; [`carry_out`] runs it. Each deed may be done
//! twice. None ends a container, and none touches what is on a disk, unless the file names that disk and the
//! person asks for it by `--format`.

mod daemon;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
use std::time::Duration;

use super::link::{Link, LinkError, Script};
use super::preflight::{Check, Facts, Report, Seen};
use crate::rack::{Board, BoardName, Rack, Role};

/// Packages come from the internet, onto a card.
const INSTALLING: Duration = Duration::from_secs(1200);

/// One thing to be done on one board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Where.
    pub board: BoardName,
    /// For which finding.
    pub check: Check,
    /// What.
    pub deed: Deed,
}

/// What can be done, in the order in which it is done on a board.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// Gives it its name.
    HostName(String),
    /// Lets its name lead to its own address.
    Hosts(Ipv4Addr, String),
    /// Makes a file system with this UUID on this device, whatever is on it.
    Format {
        /// The device that the file names.
        device: String,
        /// The UUID that the file names.
        uuid: String,
    },
    /// Mounts the data disk, now and after restarts.
    Mount {
        /// Its UUID.
        uuid: String,
        /// Where.
        place: String,
    },
    /// Writes the engine's own file.
    Daemon(String),
    /// Installs and starts the engine.
    Engine,
    /// Puts the user into the engine's group.
    Group(String),
    /// Sets the kernel's flags.
    Cgroup,
    /// Installs chrony, with this configuration.
    Time(String),
}

/// A finding that is not mended, though there is a way: and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Where.
    pub board: BoardName,
    /// Which.
    pub check: Check,
    /// Why.
    pub why: String,
}

/// What to do about a report, board by board, and what is left.
#[must_use]
pub fn plan(rack: &Rack, report: &Report, format: bool) -> (Vec<Fix>, Vec<Left>) {
    let (mut fixes, mut left): (Vec<Fix>, Vec<Left>) = (vec![], vec![]);
    for (name, seen) in &report.boards {
        let Seen::Reached(looked) = seen else { continue };
        let (Some(board), Some(facts)) = (rack.board(name), &looked.facts) else { continue };
        let mut own: Vec<Fix> = vec![];
        let found = report.findings.iter().filter(|finding| finding.board.as_ref() == Some(name));
        for check in found.map(|finding| finding.check) {
            match deeds(rack, board, facts, &looked.user, check, format) {
                Ok(deeds) => {
                    own.extend(deeds.into_iter().map(|deed| Fix { board: name.clone(), check, deed }))
                }
                Err(why) => left.push(Left { board: name.clone(), check, why }),
            }
        }
        // Several findings may ask for the same.
        own.sort_by(|one, other| one.deed.cmp(&other.deed));
        own.dedup_by(|one, other| one.deed == other.deed);
        fixes.extend(own);
    }
    (fixes, left)
}

/// The same in two parts, one to be done after the other: boards ask the admin for the time once it serves it.
#[must_use]
pub fn in_turn(rack: &Rack, fixes: Vec<Fix>) -> [Vec<Fix>; 2] {
    let is_admin =
        |name: &BoardName| rack.board(name).is_some_and(|board| board.roles.contains(&Role::Admin));
    let asks = |fix: &Fix| matches!(fix.deed, Deed::Time(_)) && !is_admin(&fix.board);
    let (then, first) = fixes.into_iter().partition(asks);
    [first, then]
}

/// What mends this finding; nothing where nothing does.
fn deeds(
    rack: &Rack,
    board: &Board,
    facts: &Facts,
    user: &str,
    check: Check,
    format: bool,
) -> Result<Vec<Deed>, String> {
    let name = board.name.to_string();
    let disk = board.data_disk.as_ref();
    let mount = || disk.map(|disk| Deed::Mount { uuid: disk.uuid.clone(), place: disk.mount.clone() });
    Ok(match check {
        Check::HostName => vec![Deed::Hosts(board.address, name.clone()), Deed::HostName(name)],
        Check::OwnName => vec![Deed::Hosts(board.address, name)],
        Check::DataNotMounted | Check::DataNotLasting => mount().into_iter().collect(),
        Check::NoDataDisk => match disk.and_then(|disk| Some((disk.device.clone()?, disk.uuid.clone()))) {
            None => return Err("a disk is only ever formatted where the file names its `device`".to_owned()),
            Some((device, _)) if !format => {
                return Err(format!("{device} would be formatted with --format, and all on it be lost"));
            }
            Some((device, uuid)) => std::iter::once(Deed::Format { device, uuid }).chain(mount()).collect(),
        },
        Check::NoEngine => {
            let group = (user != "root").then(|| Deed::Group(user.to_owned()));
            let all = [Deed::Daemon(daemon::wanted(rack, facts)?), Deed::Engine];
            all.into_iter().chain(group).collect()
        }
        Check::EngineSilent if facts.dockerd && !facts.socket => vec![Deed::Engine],
        Check::LiveRestore | Check::Registry | Check::LogBounds => {
            vec![Deed::Daemon(daemon::wanted(rack, facts)?)]
        }
        Check::DockerGroup => vec![Deed::Group(user.to_owned())],
        Check::MemoryCgroup => vec![Deed::Cgroup],
        Check::ClockOffset | Check::NoTimeDaemon | Check::TimeServer | Check::TimeSource => {
            vec![Deed::Time(time(rack, board))]
        }
        _ => vec![],
    })
}

/// chrony's part of the rack: the admin serves the others, also while it has no time from anywhere itself; the
/// others follow it. Debian's own servers stay, for a rack that is on the internet.
fn time(rack: &Rack, board: &Board) -> String {
    let mut text = "# Written by pirack.\n".to_owned();
    if board.roles.contains(&Role::Admin) {
        let others = rack.boards.iter().filter(|other| other.name != board.name);
        text.extend(others.map(|other| format!("allow {}\n", other.address)));
        text.push_str("local stratum 10\n");
    } else {
        let admins = rack.with_role(Role::Admin);
        text.extend(admins.map(|admin| format!("server {} iburst prefer\n", admin.address)));
    }
    // However far off it is, at any time: a board that wakes up in the past must not crawl for days.
    text.push_str("makestep 1.0 -1\n");
    text
}

impl Deed {
    /// How long it will probably take, on a Pi's card.
    #[must_use]
    pub fn expected(&self) -> Duration {
        Duration::from_secs(match self {
            Self::Engine => 120,
            Self::Time(_) | Self::Format { .. } => 30,
            _ => 1,
        })
    }

    /// The script that does it, where one does: the engine's file is written as a file.
    fn script(&self) -> Script {
        match self {
            Self::HostName(name) => {
                Script::new("setting the host name", include_str!("hostname.sh")).with(name)
            }
            Self::Hosts(address, name) => Script::new("writing /etc/hosts", include_str!("hosts.sh"))
                .with(address.to_string())
                .with(name),
            Self::Format { device, uuid } => {
                Script::new(format!("formatting {device}"), include_str!("format.sh"))
                    .with(device)
                    .with(uuid)
                    .within(INSTALLING)
            }
            Self::Mount { uuid, place } => Script::new("mounting the data disk", include_str!("mount.sh"))
                .with(uuid)
                .with(place.trim_end_matches('/')),
            Self::Daemon(_) => Script::new("reloading the engine", include_str!("reload.sh")),
            Self::Engine => Script::new("installing Docker", include_str!("engine.sh")).within(INSTALLING),
            Self::Group(user) => {
                Script::new("adding to the group docker", include_str!("group.sh")).with(user)
            }
            Self::Cgroup => Script::new("setting the kernel's flags", include_str!("cgroup.sh")),
            Self::Time(text) => Script::new("installing chrony", include_str!("time.sh"))
                .reading(text.as_bytes())
                .within(INSTALLING),
        }
    }
}

/// Does one thing, and says what it did, a line each: nothing where nothing was to be done any more.
///
/// # Errors
/// When it could not be done, or is refused: the letter says why.
pub async fn carry_out(link: &Link, deed: &Deed) -> Result<Vec<String>, LinkError> {
    let mut said = vec![];
    if let Deed::Daemon(content) = deed {
        link.put(daemon::FILE, 0o644, content.as_bytes()).await?;
        said.push(format!("{} is written", daemon::FILE));
    }
    let ran = link.ask(&deed.script()).await?;
    said.extend(ran.text().lines().map(str::to_owned));
    Ok(said)
}
