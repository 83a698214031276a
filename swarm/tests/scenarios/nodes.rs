//! Nodes: labels, availability, roles, and boards that are cut off.

use pirack_swarm::desired::{Constraint, Subject};
use pirack_swarm::engine::{Engine, EngineError};
use pirack_swarm::member::{Member, Membership};
use pirack_swarm::observed::NodeState;
use pirack_swarm::spec::{Availability, Role};
use pirack_swarm::wait::{self, Look, node_left, node_ready, role_followed};

use super::world::{
    PATIENCE, World, change_node, draft, formed, made, node, service, settled, try_change_node, unsettled,
    wanted,
};

/// The board of the one task.
async fn place(engine: &impl Engine, service: &str) -> String {
    wanted(engine, service).await.remove(0).node.unwrap().name
}

pub(crate) async fn labels_decide_where_tasks_run_and_a_drain_moves_them<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let label = |spec: &mut pirack_swarm::spec::NodeSpec| {
        spec.labels.insert("kind".into(), "data".into());
    };
    change_node(engine, &world.name(1), label).await;
    let mut draft = draft();
    let mut data = service(world, "data");
    let subject = Subject::NodeLabel("kind".parse().unwrap());
    data.placement.insert(Constraint::equal(subject, "data").unwrap());
    draft.services.push(data);
    made(engine, &draft).await;
    settled(engine, "data").await;
    assert_eq!(place(engine, "data").await, world.name(1));

    change_node(engine, &world.name(2), label).await;
    change_node(engine, &world.name(1), |spec| spec.availability = Availability::Drain).await;
    let moved = async || match wanted(engine, "data").await.first().and_then(|task| task.node.clone()) {
        Some(node) if node.name == world.name(2) => Look::Holds(()),
        other => Look::NotYet(format!("{other:?}")),
    };
    wait::until_seen("the task to move", PATIENCE, moved).await.unwrap();
    settled(engine, "data").await;
    change_node(engine, &world.name(2), |spec| spec.availability = Availability::Drain).await;
    unsettled(engine, "data", "no suitable node (").await;
    change_node(engine, &world.name(1), |spec| spec.availability = Availability::Active).await;
    settled(engine, "data").await;
    assert_eq!(place(engine, "data").await, world.name(1));
}

pub(crate) async fn a_demoted_manager_leaves_the_votes_and_a_promoted_one_enters<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let name = world.name(2);
    assert!(node(engine, &name).await.manager.is_some());
    change_node(engine, &name, |spec| spec.role = Role::Worker).await;
    let worker = wait::until(engine, role_followed(&name, Role::Worker), PATIENCE).await.unwrap();
    assert_eq!((worker.manager, worker.reachable_manager), (None, false));
    let no_control = async || match world.engine(2).membership().await {
        Ok(Membership::Active(active)) if !active.control_available => Look::Holds(()),
        other => Look::NotYet(format!("{other:?}")),
    };
    wait::until_seen("its own engine to follow", PATIENCE, no_control).await.unwrap();
    change_node(engine, &name, |spec| spec.role = Role::Manager).await;
    let manager = wait::until(engine, role_followed(&name, Role::Manager), PATIENCE).await.unwrap();
    assert_eq!(manager.manager.unwrap().address.unwrap().ip(), world.address(2));
    let nodes = engine.nodes().await.unwrap();
    assert_eq!(nodes.iter().filter(|node| node.manager.is_some_and(|manager| manager.leader)).count(), 1);
}

/// The new version is read back from an engine that may have been let go of by then.
pub(crate) async fn an_engine_that_demotes_itself_does_so_and_speaks_for_the_swarm_no_more<W: World>(
    world: &W,
) {
    formed(world).await;
    let (asked, other) = (world.engine(1), world.engine(0));
    let name = world.name(1);
    let told = try_change_node(asked, &name, |spec| spec.role = Role::Worker).await;
    assert!(matches!(told, Ok(()) | Err(EngineError::NotManager { .. })), "{told:?}");
    wait::until(other, role_followed(&name, Role::Worker), PATIENCE).await.unwrap();
    let silent = async || match asked.nodes().await {
        Err(EngineError::NotManager { .. }) => Look::Holds(()),
        other => Look::NotYet(format!("{other:?}")),
    };
    wait::until_seen("it to say so", PATIENCE, silent).await.unwrap();
}

pub(crate) async fn the_last_manager_is_neither_demoted_nor_removed<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    for board in [1, 2] {
        let name = world.name(board);
        change_node(engine, &name, |spec| spec.role = Role::Worker).await;
        wait::until(engine, role_followed(&name, Role::Worker), PATIENCE).await.unwrap();
    }
    let refused = try_change_node(engine, &world.name(0), |spec| spec.role = Role::Worker).await;
    assert!(matches!(refused, Err(EngineError::QuorumLost { managers: 0, .. })), "{refused:?}");
    let id = node(engine, &world.name(0)).await.held.id;
    let refused = engine.remove_node(&id).await;
    assert!(matches!(refused, Err(EngineError::Refused { .. })), "{refused:?}");
}

pub(crate) async fn a_board_that_is_cut_off_is_down_and_comes_back<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let mut draft = draft();
    let mut pinned = service(world, "pinned");
    pinned.placement.insert(Constraint::equal(Subject::HostName, &world.name(2)).unwrap());
    let mut free = service(world, "free");
    free.placement.insert(Constraint::differs(Subject::HostName, &world.name(1)).unwrap());
    draft.services = vec![pinned, free];
    made(engine, &draft).await;
    settled(engine, "pinned").await;
    world.cut(2);
    let down = wait::until(engine, node_left(&world.name(2)), PATIENCE).await.unwrap();
    assert!(
        (down.state, down.reachable_manager) == (NodeState::Down, false) && !down.words.is_empty(),
        "{down:?}"
    );
    unsettled(engine, "pinned", "no suitable node (").await;
    settled(engine, "free").await;
    assert_eq!(place(engine, "free").await, world.name(0));
    world.mend(2);
    wait::until(engine, node_ready(&world.name(2)), PATIENCE).await.unwrap();
    settled(engine, "pinned").await;
    assert_eq!(node(engine, &world.name(2)).await.held.id, down.held.id, "it is the same node");
}

pub(crate) async fn without_a_majority_nothing_is_told_and_nothing_changes<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let held = node(engine, &world.name(0)).await.held;
    let mut draft = draft();
    draft.services.push(service(world, "web"));
    made(engine, &draft).await;
    (1..3).for_each(|board| world.cut(board));
    let silent = async || match engine.nodes().await {
        Err(EngineError::NoLeader { .. }) => Look::Holds(()),
        other => Look::NotYet(format!("{other:?}")),
    };
    wait::until_seen("the leader to give up", PATIENCE, silent).await.unwrap();
    let refused = engine.update_node(&held.id, held.version, &held.spec).await;
    assert!(matches!(&refused, Err(error) if error.is_transient()), "{refused:?}");
    let Membership::Active(active) = engine.membership().await.unwrap() else { panic!("it is in no swarm") };
    assert!(active.is_manager && active.swarm.is_none() && !active.words.is_empty(), "{active:?}");
    (1..3).for_each(|board| world.mend(board));
    settled(engine, "web").await;
    for board in 1..3 {
        wait::until(engine, role_followed(&world.name(board), Role::Manager), PATIENCE).await.unwrap();
    }
}
