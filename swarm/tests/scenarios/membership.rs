//! Boards begin, join and leave swarms.

use std::collections::BTreeMap;

use pirack_swarm::engine::{Engine, EngineError};
use pirack_swarm::member::{Birth, Entry, JoinToken, Member, MemberError, Membership, PORT};
use pirack_swarm::observed::NodeState;
use pirack_swarm::spec::Role;
use pirack_swarm::wait::{self, node_left};

use super::world::{PATIENCE, World, bare, entry, join, node};

pub(crate) async fn boards_begin_join_leave_and_are_forgotten<W: World>(world: &W) {
    bare(world).await;
    let (first, second) = (world.engine(0), world.engine(1));
    assert_eq!(first.membership().await.unwrap(), Membership::Inactive);
    let own = first.init(&Birth::new(world.address(0))).await.unwrap();
    let again = first.init(&Birth::new(world.address(0))).await;
    assert!(matches!(again, Err(MemberError::AlreadyMember { .. })), "{again:?}");
    let Membership::Active(active) = first.membership().await.unwrap() else { panic!("it is in no swarm") };
    assert_eq!((&active.node, active.is_manager, active.control_available), (&own, true, true));
    assert_eq!(active.swarm, Some(first.swarm().await.unwrap().id));
    assert_eq!(active.address, Some(world.address(0)));

    let joined = join(world, 1, Role::Worker).await;
    assert_eq!((joined.held.spec.role, joined.address), (Role::Worker, Some(world.address(1))));
    let machine = joined.machine.unwrap();
    assert!(machine.memory_bytes > 0 && machine.nano_cpus > 0, "{machine:?}");
    assert!(!machine.engine_version.is_empty() && !machine.architecture.is_empty(), "{machine:?}");
    let twice = second.join(&entry(world, 1, Role::Worker).await).await;
    assert!(matches!(twice, Err(MemberError::AlreadyMember { .. })), "{twice:?}");
    let Membership::Active(active) = second.membership().await.unwrap() else { panic!("it is in no swarm") };
    assert_eq!((active.node, active.is_manager, active.swarm), (joined.held.id.clone(), false, None));

    let early = first.remove_node(&joined.held.id).await;
    assert!(
        matches!(&early, Err(EngineError::Refused { reason, .. }) if reason.contains("is not down")),
        "{early:?}"
    );
    second.leave(false).await.unwrap();
    let gone = second.leave(false).await;
    assert!(matches!(gone, Err(MemberError::NotMember { .. })), "{gone:?}");
    let left = wait::until(first, node_left(&world.name(1)), PATIENCE).await.unwrap();
    assert_eq!(left.held.id, joined.held.id);
    first.remove_node(&left.held.id).await.unwrap();
    assert_eq!(first.nodes().await.unwrap().len(), 1);

    let refused = first.leave(false).await;
    assert!(matches!(refused, Err(MemberError::StillManager { .. })), "{refused:?}");
    first.leave(true).await.unwrap();
    assert_eq!(first.membership().await.unwrap(), Membership::Inactive);
}

pub(crate) async fn a_board_that_joins_anew_is_another_node<W: World>(world: &W) {
    bare(world).await;
    let first = world.engine(0);
    first.init(&Birth::new(world.address(0))).await.unwrap();
    let before = join(world, 1, Role::Worker).await;
    world.engine(1).leave(false).await.unwrap();
    wait::until(first, node_left(&world.name(1)), PATIENCE).await.unwrap();
    let after = join(world, 1, Role::Worker).await;
    assert_ne!(before.held.id, after.held.id);
    let nodes = first.nodes().await.unwrap();
    let ghost = nodes.iter().find(|node| node.held.id == before.held.id).unwrap();
    assert_eq!((nodes.len(), ghost.state, &ghost.name), (3, NodeState::Down, &after.name));
}

pub(crate) async fn only_a_token_of_that_swarm_lets_a_board_in<W: World>(world: &W) {
    bare(world).await;
    world.engine(0).init(&Birth::new(world.address(0))).await.unwrap();
    world.engine(2).init(&Birth::new(world.address(2))).await.unwrap();
    let other = world.engine(2).join_token(Role::Manager).await.unwrap();
    let managers = vec![(world.address(0), PORT).into()];
    for token in [other, JoinToken::new("SWMTKN-1-nonsense".to_owned())] {
        let entry = Entry::new(managers.clone(), token, world.address(1));
        let refused = world.engine(1).join(&entry).await;
        assert!(matches!(refused, Err(MemberError::BadToken { .. })), "{refused:?}");
        assert_eq!(world.engine(1).membership().await.unwrap(), Membership::Inactive);
    }
    assert_eq!(world.engine(0).nodes().await.unwrap().len(), 1);
    assert_ne!(world.engine(0).swarm().await.unwrap().id, world.engine(2).swarm().await.unwrap().id);
}

pub(crate) async fn a_board_in_no_swarm_or_a_worker_speaks_for_none<W: World>(world: &W) {
    bare(world).await;
    let none = world.engine(1).nodes().await;
    assert!(matches!(none, Err(EngineError::NotManager { .. })), "{none:?}");
    let none = world.engine(1).swarm().await;
    assert!(matches!(none, Err(EngineError::NotManager { .. })), "{none:?}");
    let token = world.engine(1).join_token(Role::Worker).await;
    assert!(matches!(token, Err(MemberError::NotManager { .. })), "{token:?}");
    world.engine(0).init(&Birth::new(world.address(0))).await.unwrap();
    join(world, 1, Role::Worker).await;
    let none = world.engine(1).services().await;
    assert!(matches!(none, Err(EngineError::NotManager { .. })), "{none:?}");
    let token = world.engine(1).join_token(Role::Worker).await;
    assert!(matches!(token, Err(MemberError::NotManager { .. })), "{token:?}");
}

pub(crate) async fn a_swarm_remembers_its_labels_from_birth_and_changes_them_under_their_version<W: World>(
    world: &W,
) {
    bare(world).await;
    let first = world.engine(0);
    let labels = BTreeMap::from([("io.pirack.rack".to_owned(), "desk".to_owned())]);
    let birth = Birth { labels: labels.clone(), ..Birth::new(world.address(0)) };
    first.init(&birth).await.unwrap();
    join(world, 1, Role::Manager).await;
    let token = first.join_token(Role::Worker).await.unwrap();
    let born = first.swarm().await.unwrap();
    assert_eq!(born.labels, labels);

    let mut more = labels.clone();
    more.insert("io.pirack.lock".to_owned(), "{\"owner\":\"admin\"}".to_owned());
    let version = first.update_swarm(born.version, &more).await.unwrap();
    assert!(version > born.version);
    let stale = world.engine(1).update_swarm(born.version, &labels).await;
    assert!(
        matches!(stale, Err(EngineError::VersionConflict { named, .. }) if named == born.version),
        "{stale:?}"
    );
    let now = world.engine(1).swarm().await.unwrap();
    assert_eq!((&now.labels, now.version, &now.id), (&more, version, &born.id));
    world.engine(1).update_swarm(now.version, &BTreeMap::new()).await.unwrap();
    assert_eq!(first.swarm().await.unwrap().labels, BTreeMap::new());
    assert_eq!(first.join_token(Role::Worker).await.unwrap(), token, "all else is as it was");
    assert!(node(first, &world.name(0)).await.reachable_manager);
}
