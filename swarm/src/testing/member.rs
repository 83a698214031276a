//! The fake as a [`Member`]: one board's engine begins, joins and leaves.

use super::FakeEngine;
use super::cloud::World;
use super::fault::CallFate;
use crate::member::{Active, Birth, Entry, JoinToken, Member, MemberError, Membership, PORT};
use crate::object::Id;
use crate::spec::Role;

/// The token that lets boards into this swarm, made after Docker's own.
fn token(swarm: &Id, role: Role) -> String {
    format!("SWMTKN-1-{swarm}-{}", role.as_str())
}

impl FakeEngine {
    /// The board whose engine this is: by its own name, or the first manager of the swarm.
    fn board(&self, world: &World) -> Result<String, MemberError> {
        world.board_behind(&self.door).ok_or_else(|| unreachable(&self.name(), "its swarm"))
    }

    /// A call that asks for a change, through the board's own engine.
    fn change_board<T>(
        &self,
        about: &'static str,
        change: impl FnOnce(&mut World, &str) -> Result<T, MemberError>,
    ) -> Result<T, MemberError> {
        let mut world = self.world();
        let fate = world.faults.next_change();
        let board = self.board(&world)?;
        if fate == CallFate::NeverDone {
            return Err(unreachable(&board, about));
        }
        let done = change(&mut world, &board)?;
        if fate == CallFate::DoneInVain { Err(unreachable(&board, about)) } else { Ok(done) }
    }
}

fn unreachable(engine: &str, about: &'static str) -> MemberError {
    MemberError::Unreachable { engine: engine.to_owned(), about, source: "the fake does not answer".into() }
}

impl World {
    fn membership(&self, board: &str) -> Membership {
        let joined = self.boards.get(board).and_then(|board| Some((board, board.member.as_ref()?)));
        let Some((board, joined)) = joined else { return Membership::Inactive };
        let swarm = self.swarms.get(&joined.swarm);
        let Some((swarm, node)) = swarm.and_then(|swarm| Some((swarm, swarm.nodes.get(&joined.node)?)))
        else {
            return Membership::Failed { words: "certificate is blacklisted".to_owned() };
        };
        let is_manager = node.held.spec.role == Role::Manager;
        let (reachable, managers) = self.managers_seen(board, swarm);
        let has_leader = reachable > managers / 2;
        Membership::Active(Active {
            node: joined.node.clone(),
            swarm: (is_manager && has_leader).then(|| joined.swarm.clone()),
            address: node.address,
            is_manager,
            control_available: is_manager,
            managers: swarm.nodes.values().filter_map(|node| node.manager?.address).collect(),
            words: if has_leader { String::new() } else { "The swarm does not have a leader.".to_owned() },
        })
    }

    /// The swarm that this entry leads to, and the role that it gives.
    fn admit(&self, board: &str, entry: &Entry) -> Result<(Id, Role), MemberError> {
        let asked = |name: &str| {
            let board = self.boards.get(name).filter(|board| board.is_heard())?;
            let swarm = self.swarms.get(&board.member.as_ref()?.swarm)?;
            let (reachable, managers) = swarm.managers_without(None);
            let answers = swarm.is_manager(&board.member.as_ref()?.node) && reachable > managers / 2;
            (answers && entry.managers.contains(&(board.address, PORT).into()))
                .then(|| swarm.itself.id.clone())
        };
        let Some(swarm) = self.boards.keys().find_map(|name| asked(name)) else {
            let managers: Vec<String> = entry.managers.iter().map(ToString::to_string).collect();
            return Err(MemberError::NoManager { engine: board.to_owned(), managers: managers.join(", ") });
        };
        let role = [Role::Manager, Role::Worker]
            .into_iter()
            .find(|role| token(&swarm, *role) == entry.token.reveal());
        let role = role.ok_or_else(|| MemberError::BadToken {
            engine: board.to_owned(),
            words: "invalid join token".to_owned(),
        })?;
        Ok((swarm, role))
    }

    fn must_be_free(&self, board: &str) -> Result<(), MemberError> {
        match self.membership(board) {
            Membership::Inactive => Ok(()),
            _ => Err(MemberError::AlreadyMember { engine: board.to_owned() }),
        }
    }
}

impl Member for FakeEngine {
    async fn membership(&self) -> Result<Membership, MemberError> {
        let mut world = self.world();
        let board = self.board(&world)?;
        world.faults.before_question("membership").map_err(|_| unreachable(&board, "its swarm"))?;
        Ok(world.membership(&board))
    }

    async fn init(&self, birth: &Birth) -> Result<Id, MemberError> {
        self.change_board("beginning a swarm", |world, board| {
            world.must_be_free(board)?;
            let own = world.boards.get(board).is_some_and(|found| found.address == birth.advertise);
            if !own {
                let words = "must specify a listening address that is one of this engine's".to_owned();
                return Err(MemberError::Refused { engine: board.to_owned(), words });
            }
            let id = world.begin_swarm(board);
            if let Some(swarm) = world.swarms.get_mut(&id) {
                swarm.itself.labels.clone_from(&birth.labels);
                swarm.task_history = usize::try_from(birth.task_history).unwrap_or(usize::MAX);
            }
            let node = world
                .boards
                .get(board)
                .and_then(|board| board.member.as_ref())
                .map(|joined| joined.node.clone());
            node.ok_or_else(|| MemberError::NotMember { engine: board.to_owned() })
        })
    }

    async fn join(&self, entry: &Entry) -> Result<(), MemberError> {
        self.change_board("joining a swarm", |world, board| {
            world.must_be_free(board)?;
            let (swarm, role) = world.admit(board, entry)?;
            world.join_swarm(board, &swarm, role);
            Ok(())
        })
    }

    async fn leave(&self, force: bool) -> Result<(), MemberError> {
        self.change_board("leaving its swarm", |world, board| match world.membership(board) {
            Membership::Inactive => Err(MemberError::NotMember { engine: board.to_owned() }),
            Membership::Active(active) if active.is_manager && !force => Err(MemberError::StillManager {
                engine: board.to_owned(),
                words: "You are attempting to leave the swarm on a node that is participating as a manager."
                    .to_owned(),
            }),
            _ => {
                world.drop_out(board);
                Ok(())
            }
        })
    }

    async fn join_token(&self, role: Role) -> Result<JoinToken, MemberError> {
        let world = self.world();
        let board = self.board(&world)?;
        match world.membership(&board) {
            Membership::Active(Active { swarm: Some(swarm), .. }) => Ok(JoinToken::new(token(&swarm, role))),
            _ => Err(MemberError::NotManager { engine: board }),
        }
    }
}
