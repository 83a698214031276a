//! How a swarm begins and boards come into it. A board is in only once the managers see its node: what comes
//! next places tasks there.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use pirack_swarm::engine::Engine;
use pirack_swarm::member::{Birth, Entry, Member, MemberError, Membership};
use pirack_swarm::observed::{NodeState, ObservedNode};
use pirack_swarm::spec::Role;
use tokio::time::{Instant, sleep};

use super::world::{WorldError, failed};
use crate::rack::Board;

/// How long a board that was let in may take to be seen.
const SEEN: Duration = Duration::from_secs(60);
/// How long an engine is sent anew to managers that did not answer it: they may be choosing a leader.
const LET_IN: Duration = Duration::from_secs(60);
/// How long an engine that is in no swarm that works is given to come back by itself: one that starts, or has just
/// become a manager or ceased to be one, is so for a moment.
const COMES_BACK: Duration = Duration::from_secs(30);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// Begins a swarm with this board's engine, with these labels from its first moment.
pub(super) async fn begin(
    own: &(impl Engine + Member),
    board: &Board,
    labels: BTreeMap<String, String>,
) -> Result<(), WorldError> {
    let birth = Birth { labels, ..Birth::new(board.address.into()) };
    own.init(&birth).await.map_err(|error| failed(&board.name, "beginning a swarm", error))?;
    seen(own, own, board).await
}

/// Lets a board's engine into the swarm that `asked` is a manager of.
pub(super) async fn join(
    own: &impl Member,
    asked: &(impl Engine + Member),
    board: &Board,
    manager: bool,
    leave: bool,
) -> Result<(), WorldError> {
    if leave {
        if comes_back(own, asked).await? {
            return Ok(());
        }
        match own.leave(true).await {
            Ok(()) | Err(MemberError::NotMember { .. }) => {}
            Err(error) => return Err(failed(&board.name, "leaving the swarm that it was in", error)),
        }
    }
    let role = if manager { Role::Manager } else { Role::Worker };
    let_in(own, asked, board, role).await?;
    seen(own, asked, board).await
}

async fn let_in(
    own: &impl Member,
    asked: &(impl Engine + Member),
    board: &Board,
    role: Role,
) -> Result<(), WorldError> {
    let refused = |error| failed(&board.name, "joining the swarm", error);
    let until = Instant::now() + LET_IN;
    let mut unanswered = false;
    loop {
        let token = asked.join_token(role).await.map_err(refused)?;
        let nodes = asked.nodes().await?;
        let managers: Vec<SocketAddr> = (nodes.iter().filter(|node| node.reachable_manager))
            .filter_map(|node| node.manager?.address)
            .collect();
        match own.join(&Entry::new(managers, token, board.address.into())).await {
            Ok(()) => return Ok(()),
            // An engine that ran out of time goes on trying by itself.
            Err(MemberError::AlreadyMember { .. }) if unanswered => return Ok(()),
            Err(MemberError::NoManager { .. }) if Instant::now() < until => {
                unanswered = true;
                sleep(LOOK).await;
            }
            Err(error) => return Err(refused(error)),
        }
    }
}

/// Whether an engine is in the swarm again before it is made to leave what it is in.
async fn comes_back(own: &impl Member, asked: &impl Engine) -> Result<bool, WorldError> {
    let until = Instant::now() + COMES_BACK;
    loop {
        match own.membership().await {
            Ok(Membership::Active(active)) => {
                return Ok(asked.nodes().await?.iter().any(|node| node.held.id == active.node));
            }
            Ok(Membership::Inactive | Membership::Locked) => return Ok(false),
            _ if Instant::now() >= until => return Ok(false),
            _ => sleep(LOOK).await,
        }
    }
}

/// Waits until the managers see the board's own node ready, and the one that it was before no more: of two that live
/// nobody knows which is meant.
async fn seen(own: &impl Member, asked: &impl Engine, board: &Board) -> Result<(), WorldError> {
    let until = Instant::now() + SEEN;
    loop {
        let words = match own.membership().await {
            Ok(Membership::Active(active)) => {
                let nodes = asked.nodes().await?;
                let is_own = |node: &&ObservedNode| node.held.id == active.node;
                let is_former = |node: &ObservedNode| {
                    !is_own(&node) && node.name == board.name.as_str() && node.state != NodeState::Down
                };
                match nodes.iter().find(is_own) {
                    Some(node) if node.state == NodeState::Ready && node.machine.is_some() => {
                        // One that goes on living is the next plan's to tell.
                        if !nodes.iter().any(is_former) || Instant::now() >= until {
                            return Ok(());
                        }
                        "the managers still see the node that it was before".to_owned()
                    }
                    Some(node) => format!("the managers see it {:?} {}", node.state, node.words),
                    None => "the managers do not see it".to_owned(),
                }
            }
            Ok(other) => format!("its engine says {other:?}"),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= until {
            let what = format!("waiting {} s for its node", SEEN.as_secs());
            return Err(failed(&board.name, &what, words));
        }
        sleep(LOOK).await;
    }
}
