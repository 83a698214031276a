//! Looking: every board at once; the swarm through the first manager that speaks for it; the stacks beside, as
//! soon as it is known who is who.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use pirack_swarm::desired::Image;
use pirack_swarm::docker::DockerEngine;
use pirack_swarm::engine::{Engine as _, EngineError, observe};
use pirack_swarm::host::{HeldImage, Host as _};
use pirack_swarm::member::{Member as _, Membership};
use tokio::time::timeout;

use super::{Answered, BoardLook, EngineLook, Look, SwarmLook, data, departed, disk, shell};
use crate::operation::lock;
use crate::operation::plan::as_remembered;
use crate::rack::{Board, BoardName, Identity, Rack, identity};
use crate::reach::{Boards, Deadlines, Reached, Round, chain};
use crate::stack::cassandra::Question;
use crate::stack::{self, StackHealth};

/// The images that a board has, of those that were asked for; the words where it does not tell.
type Images = Result<BTreeMap<Image, HeldImage>, String>;

/// Looks. It takes as long as the slowest that answers, and as the boards' deadlines say where somebody does not.
pub async fn look(rack: &Rack, boards: &Boards, question: Question) -> Look {
    let (at, began) = (Timestamp::now(), Instant::now());
    let (round, within) = (boards.round(), boards.deadlines());
    let each = rack.boards.iter().map(async |board| {
        let reached = round.get(&board.name).await;
        (board.name.clone(), board_look(reached, rack, Some(board), within).await)
    });
    let rest = async {
        let swarm = swarm(&round, within).await;
        let (images, departed, stacks, data) = tokio::join!(
            images(rack, swarm.as_ref().ok(), &round, within),
            strangers(rack, swarm.as_ref().ok(), boards),
            stacks(rack, swarm.as_ref().ok(), &round, question, within),
            data::look(rack, swarm.as_ref().ok(), within.stack),
        );
        let data = data.heard_with(&stacks);
        (swarm, images, departed, stacks, data)
    };
    let (each, (swarm, mut images, departed, stacks, data)) = tokio::join!(join_all(each), rest);
    let with_images = |(name, look): (BoardName, BoardLook)| {
        let images = images.remove(&name);
        (name, look.with(images))
    };
    let boards = each.into_iter().map(with_images).collect();
    Look { at, took: began.elapsed(), boards, departed, swarm, stacks, data }
}

/// The swarm, by whoever manages now, and how the stacks are: the part of a look that is asked for again and again.
pub async fn glance(rack: &Rack, boards: &Boards) -> (Option<SwarmLook>, StackHealth) {
    let (round, within) = (boards.round(), boards.deadlines());
    let swarm = swarm(&round, within).await.ok();
    let stacks = stacks(rack, swarm.as_ref(), &round, Question::State, within).await;
    (swarm, stacks)
}

/// Of a board that the file names no more, nobody knows which disk it should have.
async fn board_look(
    reached: Result<Reached, String>,
    rack: &Rack,
    board: Option<&Board>,
    within: Deadlines,
) -> BoardLook {
    let reached = match reached {
        Err(words) => return BoardLook::Silent(words),
        Ok(reached) => reached,
    };
    let disk = async {
        match board {
            Some(board) => disk::look(&reached.link, rack, board, within.shell).await,
            None => Ok(None),
        }
    };
    let (engine, shell, disk) =
        tokio::join!(engine(&reached, within.engine), shell::look(&reached.link, within.shell), disk);
    BoardLook::Reached(Box::new(Answered { engine, shell, disk }))
}

async fn engine(reached: &Reached, within: Duration) -> Result<EngineLook, String> {
    let engine = reached.engine.as_ref().map_err(Clone::clone)?;
    let asked = async { tokio::join!(engine.facts(), engine.membership()) };
    let (facts, membership) = timeout(within, asked).await.map_err(|_| late(within))?;
    let facts = facts.map_err(|error| chain(&error))?;
    let membership = membership.map_err(|error| chain(&error))?;
    Ok(EngineLook { facts, membership, images: BTreeMap::new() })
}

impl BoardLook {
    /// With its images: an engine that does not tell them has not answered.
    fn with(mut self, images: Option<Images>) -> Self {
        if let (Self::Reached(answered), Some(images)) = (&mut self, images)
            && let Ok(engine) = &mut answered.engine
        {
            match images {
                Ok(images) => engine.images = images,
                Err(words) => answered.engine = Err(words),
            }
        }
        self
    }
}

fn late(within: Duration) -> String {
    format!("no answer within {} s", within.as_secs())
}

/// Of the images that tasks may need on each board, those that are there. Each is asked for by its tag and by the
/// digest that is remembered for it: what was pulled by a digest has no tag, and a tag may be another's by now.
async fn images(
    rack: &Rack,
    swarm: Option<&SwarmLook>,
    round: &Round<'_>,
    within: Deadlines,
) -> BTreeMap<BoardName, Images> {
    let racks = [rack.clone(), as_remembered(rack, swarm)];
    let each = rack.boards.iter().map(async |board| {
        let Ok(Reached { engine: Ok(engine), .. }) = round.get(&board.name).await else { return None };
        let found = timeout(within.engine, images_of(&engine, &racks, board)).await;
        Some((board.name.clone(), found.unwrap_or_else(|_| Err(late(within.engine)))))
    });
    join_all(each).await.into_iter().flatten().collect()
}

async fn images_of(engine: &DockerEngine, racks: &[Rack], board: &Board) -> Images {
    let wanted = racks.iter().flat_map(|rack| rack.images_on(board));
    let each = wanted.map(async |image| (image, engine.held(image).await));
    let mut found = BTreeMap::new();
    for (image, held) in join_all(each).await {
        if let Some(held) = held.map_err(|error| chain(&error))? {
            found.insert(image.clone(), held);
        }
    }
    Ok(found)
}

/// The boards that the file names no more, by the addresses that the swarm has of them.
async fn strangers(
    rack: &Rack,
    swarm: Option<&SwarmLook>,
    boards: &Boards,
) -> BTreeMap<BoardName, BoardLook> {
    let known = swarm.into_iter().flat_map(|swarm| swarm.strangers(rack)).filter_map(departed);
    let each = known.map(async |(name, address)| {
        boards.learn(&name, address);
        let look = board_look(boards.reach(&name).await, rack, None, boards.deadlines()).await;
        (name, look)
    });
    join_all(each).await.into_iter().collect()
}

/// The first manager that has a leader speaks; the others are not waited for.
async fn swarm(round: &Round<'_>, within: Deadlines) -> Result<SwarmLook, String> {
    let mut asked: FuturesUnordered<_> = (round.names())
        .map(async |name| {
            let Ok(Reached { engine: Ok(engine), .. }) = round.get(name).await else { return None };
            Some(match timeout(within.engine, speak(&engine)).await {
                Ok(Some(spoken)) => spoken.map_err(|error| format!("{name}: {error}")),
                Ok(None) => return None,
                Err(_) => Err(format!("{name}: {}", late(within.engine))),
            })
        })
        .collect();
    let mut words = vec![];
    while let Some(told) = asked.next().await {
        match told {
            Some(Ok(spoken)) => return Ok(spoken),
            Some(Err(told)) => words.push(told),
            None => {}
        }
    }
    words.sort();
    Err(if words.is_empty() { "no board that answers is a manager".to_owned() } else { words.join("; ") })
}

/// Nothing where the engine is no manager.
async fn speak(engine: &DockerEngine) -> Option<Result<SwarmLook, String>> {
    match engine.membership().await {
        Ok(Membership::Active(active)) if active.control_available => {}
        Ok(Membership::Active(active)) if active.is_manager => return Some(Err(active.words)),
        Ok(_) => return None,
        Err(error) => return Some(Err(chain(&error))),
    }
    Some(told(engine).await.map_err(|error| chain(&error)))
}

async fn told(engine: &DockerEngine) -> Result<SwarmLook, EngineError> {
    let (swarm, observed, tasks) = tokio::try_join!(engine.swarm(), observe(engine), engine.tasks())?;
    let identity = swarm.labels.get(identity::LABEL);
    Ok(SwarmLook {
        identity: identity.map(|text| Identity::parse(text).map_err(|error| error.to_string())),
        lock: lock::in_labels(&swarm.labels),
        id: swarm.id.0,
        observed,
        tasks,
    })
}

/// All at once, each within its own deadlines; without a manager nobody knows who is who.
async fn stacks(
    rack: &Rack,
    swarm: Option<&SwarmLook>,
    round: &Round<'_>,
    question: Question,
    within: Deadlines,
) -> StackHealth {
    let Some(swarm) = swarm else { return StackHealth::default() };
    let identity = swarm.identity.as_ref().and_then(|identity| identity.as_ref().ok());
    stack::ask(rack, identity, &swarm.observed, &swarm.tasks, round, question, within.stack).await
}
