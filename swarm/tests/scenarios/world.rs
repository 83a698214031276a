//! The boards that scenarios are told on, and what each begins with.

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::time::Duration;

use pirack_swarm::apply::apply;
use pirack_swarm::desired::{Desired, Draft, Image, Service};
use pirack_swarm::engine::{Engine, EngineError, observe};
use pirack_swarm::host::Host;
use pirack_swarm::member::{Birth, Entry, Member, Membership, PORT};
use pirack_swarm::observed::{Held, NodeState, ObservedNode, ObservedTask};
use pirack_swarm::plan::{Plan, plan};
use pirack_swarm::spec::{Availability, NodeSpec, Role, ServiceSpec, Span};
use pirack_swarm::wait::{self, Look, Patience, node_ready, role_followed, service_settled};

/// No single thing takes longer on a machine that is fit to work on.
pub(crate) const PATIENCE: Patience = Patience::seconds(60).pausing(Duration::from_millis(100));

/// What a container runs.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// This line of a shell, which goes on running. The fake takes that for granted; the real one shows it.
    Line(String),
    /// It ends with this status.
    Exits(i64),
}

/// Three boards.
pub(crate) trait World {
    type Engine: Engine + Member + Host;

    /// The engine of a board, 0 to 2.
    fn engine(&self, board: usize) -> &Self::Engine;
    /// The board's host name.
    fn name(&self, board: usize) -> String;
    /// Its address.
    fn address(&self, board: usize) -> IpAddr;
    /// An image and a command that make a program run; images of different versions are different.
    fn program(&self, program: &Program, version: u8) -> (Image, Vec<String>);
    /// An image that no registry has.
    fn missing_image(&self) -> Image;
    /// Pushes an image that the board has into another repository, and says under which name.
    async fn pushed_as_a_copy(&self, board: usize, image: &Image) -> Image;
    /// Cuts the board off from the others.
    fn cut(&self, board: usize);
    /// Ends that.
    fn mend(&self, board: usize);
}

/// A service of this name that runs on and on.
pub(crate) fn service<W: World>(world: &W, name: &str) -> Service {
    running(world, name, &Program::Line("exec sleep 1000".to_owned()))
}

pub(crate) fn running<W: World>(world: &W, name: &str, program: &Program) -> Service {
    let (image, command) = world.program(program, 1);
    let mut service = Service::new(name.parse().unwrap(), image);
    service.command = command;
    // What a shell runs in its place does not hear SIGTERM: it is killed after this.
    service.stop_grace = Some(Span::seconds(1));
    service
}

pub(crate) fn draft() -> Draft {
    Draft::new("desk".parse().unwrap())
}

/// The three boards as three managers of one swarm with nothing in it.
pub(crate) async fn formed<W: World>(world: &W) {
    (0..3).for_each(|board| world.mend(board));
    if is_formed(world).await {
        clear(world.engine(0)).await;
        return;
    }
    bare(world).await;
    world.engine(0).init(&Birth::new(world.address(0))).await.unwrap();
    for board in 1..3 {
        join(world, board, Role::Manager).await;
    }
}

/// The three boards, in no swarm.
pub(crate) async fn bare<W: World>(world: &W) {
    for board in 0..3 {
        world.mend(board);
        if world.engine(board).membership().await.unwrap() != Membership::Inactive {
            world.engine(board).leave(true).await.unwrap();
        }
    }
}

/// Lets the board join the swarm of board 0, and waits until it takes part.
pub(crate) async fn join<W: World>(world: &W, board: usize, role: Role) -> ObservedNode {
    world.engine(board).join(&entry(world, board, role).await).await.unwrap();
    let name = world.name(board);
    wait::until(world.engine(0), node_ready(&name), PATIENCE).await.unwrap();
    wait::until(world.engine(0), role_followed(&name, role), PATIENCE).await.unwrap()
}

pub(crate) async fn entry<W: World>(world: &W, board: usize, role: Role) -> Entry {
    let token = world.engine(0).join_token(role).await.unwrap();
    Entry::new(vec![(world.address(0), PORT).into()], token, world.address(board))
}

async fn is_formed<W: World>(world: &W) -> bool {
    for board in 0..3 {
        if !matches!(world.engine(board).membership().await, Ok(Membership::Active(active)) if active.is_manager)
        {
            return false;
        }
    }
    let whole = async || {
        let Ok(nodes) = world.engine(0).nodes().await else { return Look::NotYet(String::new()) };
        let names: Vec<String> = (0..3).map(|board| world.name(board)).collect();
        match nodes.len() {
            3 if nodes.iter().all(|node| node.reachable_manager && names.contains(&node.name)) => {
                Look::Holds(())
            }
            _ => Look::NotYet(String::new()),
        }
    };
    // What was cut off a moment ago needs one to come back.
    let patience = Patience::seconds(20).pausing(Duration::from_millis(200));
    wait::until_seen("three managers", patience, whole).await.is_ok()
}

async fn clear<E: Engine>(engine: &E) {
    for held in engine.services().await.unwrap() {
        engine.remove_service(&held.id).await.unwrap();
    }
    let gone = async || match engine.tasks().await {
        Ok(tasks) if tasks.is_empty() => Look::Holds(()),
        Ok(tasks) => Look::NotYet(format!("{} tasks", tasks.len())),
        Err(error) => Look::NotYet(error.to_string()),
    };
    wait::until_seen("tasks to go", PATIENCE, gone).await.unwrap();
    for held in engine.configs().await.unwrap() {
        engine.remove_config(&held.id).await.unwrap();
    }
    for held in engine.secrets().await.unwrap() {
        engine.remove_secret(&held.id).await.unwrap();
    }
    for held in engine.networks().await.unwrap().into_iter().filter(|held| held.spec.name != "ingress") {
        engine.remove_network(&held.id).await.unwrap();
    }
    for node in engine.nodes().await.unwrap() {
        let is = node.held.spec;
        let spec = NodeSpec { availability: Availability::Active, labels: Default::default(), ..is.clone() };
        if spec != is {
            engine.update_node(&node.held.id, node.held.version, &spec).await.unwrap();
        }
    }
}

pub(crate) async fn planned(engine: &impl Engine, desired: &Desired) -> Plan {
    plan(desired, &observe(engine).await.unwrap())
}

/// Applies a draft, and holds that nothing is left to do.
pub(crate) async fn made(engine: &impl Engine, draft: &Draft) -> Plan {
    let desired = draft.clone().check().unwrap();
    let first = planned(engine, &desired).await;
    apply(&first, engine, |_| ControlFlow::Continue(())).await.unwrap();
    let second = planned(engine, &desired).await;
    assert!(second.is_empty(), "a second plan wants more:\n{second}");
    first
}

/// Waits until the service runs as it says.
pub(crate) async fn settled(engine: &impl Engine, name: &str) {
    if let Err(error) = wait::until(engine, service_settled(name, Duration::from_millis(300)), PATIENCE).await
    {
        let tasks = engine.tasks().await.unwrap();
        panic!("{error}\n{tasks:#?}");
    }
}

/// Waits for words about why a service does not run.
pub(crate) async fn unsettled(engine: &impl Engine, name: &str, words: &str) {
    let look = async || match story(engine, name).await {
        Ok(story) if story.contains(words) => Look::Holds(()),
        Ok(story) => Look::NotYet(story),
        // Who is cut off may have been the leader.
        Err(error) if error.is_transient() => Look::NotYet(error.to_string()),
        Err(error) => Look::Never(error.to_string()),
    };
    wait::until_seen(&format!("\"{words}\" of {name}"), PATIENCE, look).await.unwrap();
}

/// How the service stands, in words.
async fn story(engine: &impl Engine, name: &str) -> Result<String, EngineError> {
    let rollouts = engine.rollouts().await?;
    let tasks = engine.tasks().await?;
    Ok(match wait::settlement(&find_service(engine, name).await?.spec, &tasks, &rollouts) {
        wait::Settlement::Settled(tasks) => format!("settled: {tasks:?}"),
        wait::Settlement::Moving(words) => format!("moving: {words}"),
        wait::Settlement::Stuck(words) => format!("stuck: {words}"),
    })
}

pub(crate) async fn held_service(engine: &impl Engine, name: &str) -> Held<ServiceSpec> {
    find_service(engine, name).await.unwrap()
}

async fn find_service(engine: &impl Engine, name: &str) -> Result<Held<ServiceSpec>, EngineError> {
    Ok(engine.services().await?.into_iter().find(|held| held.spec.name == name).unwrap())
}

/// Tasks of a service that are wanted.
pub(crate) async fn wanted(engine: &impl Engine, service: &str) -> Vec<ObservedTask> {
    let tasks = engine.tasks().await.unwrap();
    tasks.into_iter().filter(|task| task.service == service && task.is_wanted()).collect()
}

/// The one node that answers on a board.
pub(crate) async fn node(engine: &impl Engine, name: &str) -> ObservedNode {
    let nodes = engine.nodes().await.unwrap();
    nodes.into_iter().find(|node| node.name == name && node.state != NodeState::Down).unwrap()
}

/// Changes a node.
pub(crate) async fn change_node(engine: &impl Engine, name: &str, change: impl Fn(&mut NodeSpec)) {
    try_change_node(engine, name, change).await.unwrap();
}

/// What a change of a node is answered.
pub(crate) async fn try_change_node(
    engine: &impl Engine,
    name: &str,
    change: impl Fn(&mut NodeSpec),
) -> Result<(), EngineError> {
    let write = async || {
        let held = node(engine, name).await.held;
        let mut spec = held.spec.clone();
        change(&mut spec);
        engine.update_node(&held.id, held.version, &spec).await.map(drop)
    };
    answered(write).await
}

/// Changes a service, and tells how it is then.
pub(crate) async fn change_service(
    engine: &impl Engine,
    name: &str,
    change: impl Fn(&mut ServiceSpec),
) -> ServiceSpec {
    let write = async || {
        let Held { id, version, mut spec } = held_service(engine, name).await;
        change(&mut spec);
        engine.update_service(&id, version, &spec).await.map(|_| spec)
    };
    answered(write).await.unwrap()
}

/// Reads and writes once more as long as the swarm's own bookkeeping moves the version in between.
async fn answered<T, F: Future<Output = Result<T, EngineError>>>(
    write: impl Fn() -> F,
) -> Result<T, EngineError> {
    let look = async || match write().await {
        Err(conflict @ EngineError::VersionConflict { .. }) => Look::NotYet(conflict.to_string()),
        answer => Look::Holds(answer),
    };
    wait::until_seen("an answer to a change", PATIENCE, look).await.unwrap()
}
