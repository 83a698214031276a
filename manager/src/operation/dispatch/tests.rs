use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::*;
use crate::operation::journal::place::StateFolder;
use crate::watch::{OperationState, StoredOperation};

/// Takes as many steps as it is let.
struct Steps {
    lets: Semaphore,
    taken: AtomicUsize,
}

impl Runner for Steps {
    fn admit(&self, order: &Order) -> Result<(), String> {
        if order.file_sha256.as_deref() == Some("another") {
            return Err("the rack file here is another".into());
        }
        Ok(())
    }

    fn run<'a>(&'a self, order: &'a Order, conductor: &'a Conductor) -> Running<'a> {
        Box::pin(async move {
            assert!(!order.allow.contains("PANIC"), "on purpose");
            conductor.started();
            for number in 1..=3 {
                let underway =
                    conductor.begin(format!("step {number}"), number, 3, Duration::from_secs(1))?;
                self.lets.acquire().await.unwrap().forget();
                self.taken.fetch_add(1, Ordering::Relaxed);
                underway.done();
            }
            Ok(Outcome::of(3))
        })
    }

    fn foresee<'a>(&'a self, _: &'a Order) -> Foreseeing<'a> {
        let outcome = Outcome::default();
        let seen = Foreseen { plan: "- remove it".into(), steps: 1, refused: vec![], outcome };
        Box::pin(async move {
            self.lets.acquire().await.unwrap().forget();
            Ok(seen)
        })
    }
}

struct Lab {
    dispatcher: Arc<Dispatcher>,
    steps: Arc<Steps>,
    _folder: tempfile::TempDir,
}

fn lab() -> Lab {
    let folder = tempfile::tempdir().unwrap();
    let history = StateFolder::at(folder.path()).open().unwrap();
    let journal = Journal::start(history, Box::new(drop)).unwrap();
    let steps = Arc::new(Steps { lets: Semaphore::new(0), taken: AtomicUsize::new(0) });
    let dispatcher = Dispatcher::new("desk", Arc::clone(&steps) as _, journal, Vec::new());
    Lab { dispatcher, steps, _folder: folder }
}

impl Lab {
    async fn end(&self, id: Uuid) -> StoredOperation {
        let mut written = self.dispatcher.journal().written();
        let history = Arc::clone(self.dispatcher.journal().history());
        let over = || history.operation(id).unwrap().filter(|stored| stored.state.is_over());
        let wait = async {
            loop {
                match over() {
                    Some(stored) => return stored,
                    None => written.changed().await.unwrap(),
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap()
    }
}

#[tokio::test]
async fn one_runs_at_a_time_and_who_asks_meanwhile_hears_who_has_it() {
    let lab = lab();
    let first = lab.dispatcher.submit(Order::apply("ada@desk")).unwrap();
    assert_eq!(lab.dispatcher.current(), Some(first.clone()));
    let refused = lab.dispatcher.submit(Order::apply("bob@shelf")).unwrap_err();
    assert_eq!(refused, Refused::Busy(first.clone()));
    assert!(refused.to_string().contains("apply runs for ada@desk"), "{refused}");
    lab.steps.lets.add_permits(3);
    let stored = lab.end(first.id).await;
    assert_eq!((stored.state, stored.steps), (OperationState::Completed, Some(3)));
    let history = lab.dispatcher.journal().history();
    assert_eq!(history.operations(10).unwrap().len(), 1, "what was refused left no trace");
}

#[tokio::test]
async fn an_interrupted_one_ends_between_two_steps() {
    let lab = lab();
    let operation = lab.dispatcher.submit(Order::apply("ada@desk")).unwrap();
    assert_eq!(lab.dispatcher.interrupt(Uuid::nil()), Err(Refused::NotRunning(Uuid::nil())));
    lab.dispatcher.interrupt(operation.id).unwrap();
    lab.steps.lets.add_permits(3);
    let stored = lab.end(operation.id).await;
    assert_eq!(stored.state, OperationState::Failed);
    assert!(stored.why.unwrap().contains("ended between two steps"));
    assert!(lab.steps.taken.load(Ordering::Relaxed) <= 1);
}

#[tokio::test]
async fn a_job_that_breaks_off_is_told_as_failed_and_the_next_may_come() {
    let lab = lab();
    let allow = [String::from("PANIC")].into();
    let broken = lab.dispatcher.submit(Order { allow, ..Order::apply("ada@desk") }).unwrap();
    assert_eq!(lab.end(broken.id).await.state, OperationState::Failed);
    lab.steps.lets.add_permits(3);
    let next = lab.dispatcher.submit(Order::apply("ada@desk")).unwrap();
    assert_eq!(lab.end(next.id).await.state, OperationState::Completed);
}

/// Notes at the end whether somebody could find that the operation still runs.
#[derive(Default)]
struct AtTheEnd {
    dispatcher: std::sync::OnceLock<std::sync::Weak<Dispatcher>>,
    found_running: Mutex<Option<bool>>,
}

impl Audience for AtTheEnd {
    fn hear(&self, _: &Operation, _: jiff::Timestamp, progress: &crate::operation::Progress) {
        if progress.is_end() {
            let dispatcher = self.dispatcher.get().unwrap().upgrade().unwrap();
            let found = dispatcher.inner.try_lock().is_ok_and(|inner| inner.running.is_some());
            *self.found_running.lock().unwrap() = Some(found);
        }
    }
}

#[tokio::test]
async fn whoever_hears_of_the_end_finds_nothing_that_still_runs() {
    let Lab { dispatcher, steps, _folder } = lab();
    let ear = Arc::new(AtTheEnd::default());
    let journal = Arc::clone(dispatcher.journal());
    let dispatcher = Dispatcher::new("desk", Arc::clone(&steps) as _, journal, vec![Arc::clone(&ear) as _]);
    ear.dispatcher.set(Arc::downgrade(&dispatcher)).unwrap();
    let lab = Lab { dispatcher, steps, _folder };
    lab.steps.lets.add_permits(6);
    let first = lab.dispatcher.submit(Order::apply("ada@desk")).unwrap();
    lab.end(first.id).await;
    assert_eq!(*ear.found_running.lock().unwrap(), Some(false));
    let next = lab.dispatcher.submit(Order::apply("ada@desk")).unwrap();
    assert_eq!(lab.end(next.id).await.state, OperationState::Completed);
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_it_begins() {
    let lab = lab();
    let unfit = |order| match lab.dispatcher.submit(order) {
        Err(Refused::Unfit(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(unfit(Order::apply(" ")).contains("say who asks"));
    assert!(unfit(Order::apply("a\nb")).contains("say who asks"));
    let other = Order { file_sha256: Some("another".into()), ..Order::apply("ada@desk") };
    assert_eq!(unfit(other), "the rack file here is another");
    let destroy = Order::destroy("ada@desk", Take::default());
    assert!(unfit(destroy.clone()).contains("\"confirm\": \"desk\""));
    assert!(unfit(Order { confirm: Some("dusk".into()), ..destroy }).contains("desk"));
    assert_eq!(lab.dispatcher.journal().history().operations(10).unwrap(), []);
}

#[tokio::test]
async fn one_looks_ahead_at_a_time_and_the_next_may_once_that_is_over_or_given_up() {
    let lab = lab();
    let order = Order::destroy("ada@desk", Take::default());
    let mut first = Box::pin(lab.dispatcher.foresee(&order));
    tokio::select! {
        biased;
        seen = &mut first => panic!("{seen:?}"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(lab.dispatcher.foresee(&order).await, Err(Refused::Looking));
    drop(first);
    lab.steps.lets.add_permits(2);
    for _ in 0..2 {
        assert_eq!(lab.dispatcher.foresee(&order).await.unwrap().steps, 1);
    }
}

#[tokio::test]
async fn a_program_that_stops_ends_what_runs_and_takes_nothing_more() {
    let lab = lab();
    let operation = lab.dispatcher.submit(Order::apply("ada@desk")).unwrap();
    lab.steps.lets.add_permits(3);
    lab.dispatcher.stop(Duration::from_secs(60)).await;
    assert!(lab.end(operation.id).await.state.is_over());
    assert_eq!(lab.dispatcher.submit(Order::apply("ada@desk")), Err(Refused::Stopping));
}

#[tokio::test]
async fn one_that_does_not_end_in_time_is_broken_off_and_told_as_failed() {
    let lab = lab();
    let operation = lab.dispatcher.submit(Order::apply("ada@desk")).unwrap();
    lab.steps.lets.add_permits(1);
    // The second step waits for a let that never comes.
    while lab.steps.taken.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    lab.dispatcher.stop(Duration::ZERO).await;
    let stored = lab.end(operation.id).await;
    assert_eq!(stored.state, OperationState::Failed);
    assert!(stored.why.unwrap().contains("the manager was stopped"));
}
