//! Looking at one board: the facts of its system in one script, its clock in three, its engine over its socket.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::Docker;
use bollard::query_parameters::ListContainersOptionsBuilder;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::check::Looked;
use super::facts::{self, Clock, EngineFacts, Facts};
use super::letter;
use crate::bootstrap::link::{Link, LinkError, Root, Script};
use crate::rack::{Board, Rack, Role};

const GATHER: &str = include_str!("gather.sh");
/// How many times the clock is asked: the quickest answer tells most.
const CLOCK_ASKED: usize = 3;
/// The names of swarm's services on their containers.
const SERVICE: &str = "com.docker.swarm.service.name";
/// What IPv4 and ICMP take of a packet.
const HEADERS: u16 = 28;
/// How long the engine may take to tell of itself.
const ENGINE: Duration = Duration::from_secs(20);

/// Looks; what cannot be seen is said in its place.
pub(super) async fn look(rack: &Rack, board: &Board, link: &Link) -> Looked {
    let (root, user, shell) = (link.root().await, link.user().to_owned(), link.has_shell());
    let looked = |facts, failed| Looked { facts, failed, root, user: user.clone(), shell };
    if !shell {
        let facts = Facts { engine: Some(engine(link).await), ..Facts::default() };
        return looked(Some(facts), None);
    }
    let clock = clock(link).await;
    match system(rack, board, link, root).await {
        Err(error) => looked(None, Some(letter(&error))),
        Ok(None) => looked(None, Some("its answer ended early: is its disk full, or its memory?".to_owned())),
        Ok(Some(mut facts)) => {
            facts.clock = clock;
            if facts.socket {
                facts.engine = Some(engine(link).await);
            }
            looked(Some(facts), None)
        }
    }
}

async fn system(rack: &Rack, board: &Board, link: &Link, root: Root) -> Result<Option<Facts>, LinkError> {
    let mark = format!("--{}--", Uuid::new_v4().simple());
    let around = around(rack, board);
    let addresses: Vec<String> = around.iter().map(|other| other.address.to_string()).collect();
    let mut names: Vec<&str> = around.iter().map(|other| other.name.as_str()).collect();
    names.push(board.name.as_str());
    let script = Script::new("looking at the system", GATHER).with(&mark).with(link.user());
    let script = script.with(board.data_disk.as_ref().map_or("-", |disk| &disk.uuid));
    let script = script.with(rack.network.mtu.saturating_sub(HEADERS).to_string());
    let script = script.with(addresses.join(" ")).with(names.join(" ")).with(clients(rack, board).join(" "));
    let script = if root == Root::No { script.as_user() } else { script };
    let text = link.ask(&script).await?.text();
    Ok(facts::read(&text, &mark))
}

/// The boards that this one measures its network with: the next two in the file, and the first manager. All of
/// them together touch every board, and the work grows with their number only.
fn around<'a>(rack: &'a Rack, board: &Board) -> Vec<&'a Board> {
    let at = rack.boards.iter().position(|other| other.name == board.name).unwrap_or_default();
    let next = rack.boards.iter().cycle().skip(at + 1).take(2);
    let manager = rack.with_role(Role::Manager).take(1);
    let mut seen = BTreeSet::from([&board.name]);
    next.chain(manager).filter(|other| seen.insert(&other.name)).collect()
}

/// Whom it serves time to: the admin every other board.
fn clients(rack: &Rack, board: &Board) -> Vec<String> {
    if !board.roles.contains(&Role::Admin) {
        return vec![];
    }
    let others = rack.boards.iter().filter(|other| other.name != board.name);
    others.map(|other| other.address.to_string()).collect()
}

/// Measured over the quickest of some round trips: the board's time was read somewhere within it.
async fn clock(link: &Link) -> Option<Clock> {
    let script = Script::new("asking the time", "date +%s%N").as_user();
    let mut best: Option<Clock> = None;
    for _ in 0..CLOCK_ASKED {
        let (begun, wall) = (Instant::now(), SystemTime::now());
        let ran = link.ask(&script).await.ok()?;
        let half = begun.elapsed() / 2;
        let theirs: i128 = ran.text().trim().parse().ok()?;
        let ours = i128::try_from(wall.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()?;
        let half_nanos = i128::try_from(half.as_nanos()).ok()?;
        let clock = Clock { offset_nanos: theirs - ours - half_nanos, uncertainty: half };
        if best.is_none_or(|best| clock.uncertainty < best.uncertainty) {
            best = Some(clock);
        }
    }
    best
}

async fn engine(link: &Link) -> Result<EngineFacts, String> {
    let docker = link.docker().await.map_err(|error| letter(&error))?;
    match timeout(ENGINE, of_engine(&docker)).await {
        Ok(facts) => facts.map_err(|error| error.to_string()),
        Err(_) => Err(format!("it took longer than {} s to tell of itself", ENGINE.as_secs())),
    }
}

async fn of_engine(docker: &Docker) -> Result<EngineFacts, bollard::errors::Error> {
    let version = docker.version().await?;
    let info = docker.info().await?;
    let options = ListContainersOptionsBuilder::new()
        .filters(&std::collections::HashMap::from([("label", vec![SERVICE])]))
        .build();
    let (mut containers, mut published) = (BTreeMap::new(), BTreeMap::new());
    for container in docker.list_containers(Some(options)).await? {
        let service = container.labels.unwrap_or_default().remove(SERVICE).unwrap_or_default();
        let ports = container.ports.unwrap_or_default();
        published.extend(ports.iter().filter_map(|port| Some((port.public_port?, service.clone()))));
        containers.extend(container.id.map(|id| (id, service)));
    }
    let registries = info.registry_config.unwrap_or_default();
    let insecure = registries.index_configs.unwrap_or_default();
    let insecure = insecure.into_iter().filter(|(_, index)| index.secure == Some(false));
    let swarm = info.swarm.unwrap_or_default();
    let state = swarm.local_node_state.map(|state| state.to_string()).unwrap_or_default();
    let managers = swarm.remote_managers.unwrap_or_default();
    Ok(EngineFacts {
        version: version.version.unwrap_or_default(),
        api: version.api_version.unwrap_or_default(),
        live_restore: info.live_restore_enabled.unwrap_or_default(),
        insecure_registries: insecure.map(|(name, _)| name).collect(),
        in_swarm: !["", "inactive"].contains(&state.as_str()),
        managers: managers.into_iter().filter_map(|manager| manager.addr).collect(),
        containers,
        published,
        memory_limit: info.memory_limit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::preflight::tests::desk;

    #[test]
    fn a_board_measures_with_its_next_two_and_the_first_manager() {
        let rack = desk();
        let names = |at: usize| -> Vec<&str> {
            around(&rack, &rack.boards[at]).iter().map(|board| board.name.as_str()).collect()
        };
        assert_eq!(names(0), ["b2", "b3"]);
        assert_eq!(names(1), ["b3", "b4", "b1"]);
        assert_eq!(names(3), ["b1", "b2"]);
    }
}
