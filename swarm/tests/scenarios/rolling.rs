//! Tasks: why one does not run, and how a change goes through them.

use pirack_swarm::desired::{Constraint, Subject};
use pirack_swarm::engine::Engine;
use pirack_swarm::observed::TaskState;
use pirack_swarm::spec::{FailureAction, Restart, RestartCondition, Scale, Span, Update};
use pirack_swarm::wait::{self, Patience, WaitError, service_settled};

use super::world::{
    Program, World, draft, formed, held_service, made, running, service, settled, unsettled, wanted,
};

const SOON: Span = Span::seconds(1);

pub(crate) async fn a_service_that_cannot_run_says_why_in_dockers_words<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let mut draft = draft();
    let mut nowhere = service(world, "nowhere");
    nowhere.placement.insert(Constraint::equal(Subject::HostName, "b9").unwrap());
    let mut greedy = service(world, "greedy");
    greedy.reservations.memory_bytes = Some(1 << 50);
    let mut failing = running(world, "failing", &Program::Exits(3));
    failing.restart.delay = Some(SOON);
    let mut imageless = service(world, "imageless");
    imageless.image = world.missing_image();
    draft.services = vec![nowhere, greedy, failing, imageless];
    made(engine, &draft).await;
    unsettled(engine, "nowhere", "no suitable node (scheduling constraints not satisfied on 3 nodes)").await;
    unsettled(engine, "greedy", "no suitable node (insufficient resources on 3 nodes)").await;
    unsettled(engine, "failing", "task: non-zero exit (3)").await;
    unsettled(engine, "imageless", "No such image: ").await;

    let patience = Patience::seconds(1);
    let late = wait::until(engine, service_settled("nowhere", std::time::Duration::ZERO), patience).await;
    let Err(WaitError::Late { reason, last, .. }) = late else { panic!("{late:?}") };
    assert_eq!(reason, "service nowhere to settle");
    assert!(last.contains("0 of 1 tasks run as it says; task 1 is pending: no suitable node"), "{last}");
    let failed = engine.tasks().await.unwrap();
    let failed =
        failed.iter().find(|task| task.service == "failing" && task.state == TaskState::Failed).unwrap();
    assert_eq!((failed.exit_code, failed.is_wanted(), failed.present), (Some(3), false, true));
}

pub(crate) async fn a_change_stops_a_task_before_the_next_begins<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let mut draft = draft();
    let mut web = service(world, "web");
    web.scale = Scale::Replicas(2);
    draft.services.push(web);
    made(engine, &draft).await;
    settled(engine, "web").await;
    let before = wanted(engine, "web").await;
    assert_eq!(before.len(), 2);
    assert!(
        before
            .iter()
            .all(|task| task.present && task.state == TaskState::Running && task.container.is_some())
    );

    // A change of constraints alone moves no task that may stay.
    let own = Constraint::differs(Subject::HostName, "b9").unwrap();
    draft.services[0].placement.insert(own);
    made(engine, &draft).await;
    settled(engine, "web").await;
    let ids = |tasks: &[pirack_swarm::observed::ObservedTask]| {
        let mut ids: Vec<_> = tasks.iter().map(|task| task.id.clone()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&wanted(engine, "web").await), ids(&before));

    draft.services[0].image = world.program(&Program::Line(String::new()), 2).0;
    made(engine, &draft).await;
    let early = wanted(engine, "web").await;
    assert!(
        early.iter().any(|task| !task.present) || early.len() < 2 || early.iter().all(|task| task.present)
    );
    settled(engine, "web").await;
    let tasks = engine.tasks().await.unwrap();
    for old in &before {
        let old = tasks.iter().find(|task| task.id == old.id).unwrap();
        assert_eq!((old.state, old.is_wanted(), old.present), (TaskState::Shutdown, false, false), "{old:?}");
        let new = tasks.iter().find(|task| task.is_wanted() && task.slot == old.slot).unwrap();
        assert!(new.present && new.since >= old.since, "the old one ended first: {old:?} {new:?}");
    }
}

pub(crate) async fn a_change_that_fails_pauses_and_says_why<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let mut draft = draft();
    let mut web = service(world, "web");
    web.restart = Restart { delay: Some(SOON), ..Restart::default() };
    web.update = Update {
        failure_action: Some(FailureAction::Pause),
        monitor: Some(Span::seconds(2)),
        ..Update::default()
    };
    draft.services.push(web.clone());
    made(engine, &draft).await;
    settled(engine, "web").await;
    let (image, command) = world.program(&Program::Exits(4), 2);
    (draft.services[0].image, draft.services[0].command) = (image, command);
    made(engine, &draft).await;
    unsettled(engine, "web", "stuck: update paused due to failure or early termination of task").await;
    unsettled(engine, "web", "task: non-zero exit (4)").await;
    let never =
        wait::until(engine, service_settled("web", std::time::Duration::ZERO), Patience::seconds(5)).await;
    assert!(matches!(never, Err(WaitError::Never { .. })), "{never:?}");

    // The way on is another change, for which nothing has to be undone by hand.
    draft.services[0] = web;
    made(engine, &draft).await;
    settled(engine, "web").await;
}

pub(crate) async fn a_task_that_ends_is_begun_again<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let mut draft = draft();
    let mut once = running(world, "once", &Program::Exits(0));
    once.restart.condition = Some(RestartCondition::None);
    let mut again = running(world, "again", &Program::Exits(0));
    again.restart.delay = Some(SOON);
    draft.services = vec![once, again];
    made(engine, &draft).await;
    unsettled(engine, "once", "complete: finished").await;
    let look = async || {
        let tasks = engine.tasks().await.unwrap();
        match tasks.iter().filter(|task| task.service == "again" && task.state.has_ended()).count() {
            ended if ended >= 2 => wait::Look::Holds(()),
            ended => wait::Look::NotYet(format!("{ended} ended")),
        }
    };
    wait::until_seen("two ends", super::world::PATIENCE, look).await.unwrap();
    let tasks = engine.tasks().await.unwrap();
    let once: Vec<_> = tasks.iter().filter(|task| task.service == "once").collect();
    assert_eq!((once.len(), once[0].exit_code), (1, Some(0)), "{once:?}");
}

pub(crate) async fn a_service_without_tasks_is_settled<W: World>(world: &W) {
    formed(world).await;
    let engine = world.engine(0);
    let mut draft = draft();
    let mut web = service(world, "web");
    web.scale = Scale::Replicas(0);
    draft.services.push(web);
    made(engine, &draft).await;
    settled(engine, "web").await;
    draft.services[0].scale = Scale::Replicas(2);
    made(engine, &draft).await;
    settled(engine, "web").await;
    assert_eq!(wanted(engine, "web").await.len(), 2);
    draft.services[0].scale = Scale::Replicas(0);
    made(engine, &draft).await;
    settled(engine, "web").await;
    assert_eq!(held_service(engine, "web").await.spec.scale, Scale::Replicas(0));
    let mut everywhere = service(world, "everywhere");
    everywhere.scale = Scale::Global;
    draft.services.push(everywhere);
    made(engine, &draft).await;
    settled(engine, "everywhere").await;
    let tasks = wanted(engine, "everywhere").await;
    assert!(tasks.len() == 3 && tasks.iter().all(|task| task.slot.is_none()), "{tasks:?}");
}
