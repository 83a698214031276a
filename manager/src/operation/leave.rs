//! How a board goes out of its swarm. What it still runs ends by itself first, and it is out only once the managers see
//! it down: what comes next forgets its node.

use pirack_swarm::engine::Engine;
use pirack_swarm::member::{Member, MemberError, Membership};
use pirack_swarm::observed::{NodeState, TaskNode};

use super::world::{WorldError, failed};
use crate::rack::BoardName;

const WHAT: &str = "leaving the swarm";

/// Leaves whatever it is in, with all that it runs.
pub(super) async fn at_once(own: &impl Member, board: &BoardName) -> Result<(), WorldError> {
    match own.leave(true).await {
        Ok(()) | Err(MemberError::NotMember { .. }) => Ok(()),
        Err(error) => Err(failed(board, WHAT, error)),
    }
}

/// Leaves the swarm that `asked` is a manager of; busy until all of it has come about. Asked again, it goes on.
pub(super) async fn leave(
    own: &impl Member,
    asked: &impl Engine,
    board: &BoardName,
) -> Result<(), WorldError> {
    let busy = |why: String| Err(WorldError::Busy { board: board.clone(), what: WHAT.to_owned(), why });
    let membership = own.membership().await.map_err(|error| failed(board, WHAT, error))?;
    if let Membership::Active(active) = membership {
        let tasks = asked.tasks().await?;
        let here = |node: &TaskNode| node.id == active.node;
        let runs = tasks.iter().find(|task| !task.state.has_ended() && task.node.as_ref().is_some_and(here));
        if let Some(task) = runs {
            return busy(format!("{} is {} there", task.service, task.state));
        }
        match own.leave(false).await {
            Ok(()) | Err(MemberError::NotMember { .. }) => {}
            // It has not heard yet that it was demoted.
            Err(error @ MemberError::StillManager { .. }) => return busy(error.to_string()),
            Err(error) => return Err(failed(board, WHAT, error)),
        }
    }
    let nodes = asked.nodes().await?;
    let seen = nodes.iter().find(|node| node.name == board.as_str() && node.state != NodeState::Down);
    match seen {
        Some(node) => busy(format!("it has left, and the managers still see its node {:?}", node.state)),
        None => Ok(()),
    }
}
