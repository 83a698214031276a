//! Makes a cluster's topics what is declared: observes, decides, acts, and looks again until nothing is
//! left to do and every partition has a leader, or the deadline is over.

use std::time::Duration;

use rdkafka::error::KafkaError;
use serde::{Serialize, Serializer};
use tokio::time::Instant;

use super::admin::{Admin, AdminError};
use super::declared::Declared;
use super::plan::{Left, Refusal, Step, leaderless, plan};
use crate::stack::kafka::Bootstrap;
use crate::stack::some;

/// Between two looks at a cluster that is not yet what it shall be.
const LOOK_AGAIN: Duration = Duration::from_millis(300);
/// As many partitions without a leader are named; the rest is counted.
const MOST_NAMED: usize = 5;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where the cluster is.
    pub bootstrap: Bootstrap,
    /// What its topics shall be.
    pub declared: Declared,
    /// Nothing is created before so many brokers are there: their number fixes the replication for good.
    pub brokers: usize,
    /// How long it may take in all.
    pub deadline: Duration,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Brokers that were there at the end.
    pub brokers: usize,
    /// What was done, in order; nothing where the cluster was as declared.
    pub steps: Vec<Step>,
    /// Differences that stay, as sentences.
    #[serde(serialize_with = "sentences")]
    pub left: Vec<Left>,
}

/// Why the topics are not what is declared.
#[derive(Debug, thiserror::Error)]
pub enum TopicsError {
    /// The client could not be made.
    #[error("cannot make a Kafka client for {bootstrap}")]
    Client {
        /// Where to.
        bootstrap: Bootstrap,
        /// librdkafka's reason.
        #[source]
        source: KafkaError,
    },
    /// A person must decide first. Nothing was done.
    #[error("the topics at {bootstrap} stay as they are: {}", letters(refusals))]
    Refused {
        /// Where.
        bootstrap: Bootstrap,
        /// What was refused; at least one.
        refusals: Vec<Refusal>,
    },
    /// The cluster will not do it.
    #[error("{bootstrap} refuses to {step}: {reason}; look into the log of its controller")]
    Step {
        /// Where.
        bootstrap: Bootstrap,
        /// What was tried.
        step: String,
        /// In Kafka's words.
        reason: String,
    },
    /// The deadline is over.
    #[error("the topics at {bootstrap} are not ready after {} s: {waiting}", deadline.as_secs())]
    Late {
        /// Where.
        bootstrap: Bootstrap,
        /// How long it was waited.
        deadline: Duration,
        /// For what.
        waiting: Waiting,
    },
}

/// What was waited for in vain, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Waiting {
    /// Nobody answers.
    #[error("{0}; is the address right, and does Kafka run there?")]
    Answer(String),
    /// Too few brokers to create a topic.
    #[error(
        "{there} of {wanted} brokers are there, and a topic created now would have too few replicas for good; start the others, or say --brokers {there}"
    )]
    Brokers {
        /// How many there are.
        there: usize,
        /// How many there shall be.
        wanted: usize,
    },
    /// A step that does not succeed.
    #[error("cannot {step}: {reason}; look into the log of Kafka's controller")]
    Step {
        /// What was tried.
        step: String,
        /// In Kafka's words.
        reason: String,
    },
    /// Partitions that nobody leads.
    #[error("no leader for {}; start the brokers that hold them", some(.0, MOST_NAMED))]
    Leaders(Vec<String>),
    /// The cluster has not yet shown what was done.
    #[error("it took what was asked and does not show it; run this again")]
    Sight,
}

/// Makes the topics what is declared.
///
/// # Errors
/// With a letter that says what stands in the way; what was done by then stays, and a further run goes on.
pub async fn apply(request: &Request) -> Result<Report, TopicsError> {
    let bootstrap = || request.bootstrap.clone();
    let admin = Admin::connect(&request.bootstrap, request.deadline)
        .map_err(|source| TopicsError::Client { bootstrap: bootstrap(), source })?;
    let until = Instant::now() + request.deadline;
    let mut steps: Vec<Step> = Vec::new();
    loop {
        let waiting = match round(&admin, request, &mut steps).await? {
            Round::Done { brokers, left } => return Ok(Report { brokers, steps, left }),
            Round::Again(waiting) => waiting,
        };
        if Instant::now() + LOOK_AGAIN >= until {
            return Err(TopicsError::Late { bootstrap: bootstrap(), deadline: request.deadline, waiting });
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// What [`apply`] would do now, as sentences, and changes nothing. One look: whoever does not answer at once is
/// asked another time.
///
/// # Errors
/// When nobody answers, or a person must decide first.
pub async fn pending(request: &Request) -> Result<Vec<String>, TopicsError> {
    let bootstrap = || request.bootstrap.clone();
    let admin = Admin::connect(&request.bootstrap, request.deadline)
        .map_err(|source| TopicsError::Client { bootstrap: bootstrap(), source })?;
    let observed = admin.observe(&request.declared).await.map_err(|error| TopicsError::Late {
        bootstrap: bootstrap(),
        deadline: request.deadline,
        waiting: Waiting::Answer(error.to_string()),
    })?;
    let plan = plan(&request.declared, &observed);
    if plan.refused.is_empty() {
        Ok(plan.steps.iter().map(Step::title).collect())
    } else {
        Err(TopicsError::Refused { bootstrap: bootstrap(), refusals: plan.refused })
    }
}

/// What one look at the cluster came to.
enum Round {
    Done { brokers: usize, left: Vec<Left> },
    Again(Waiting),
}

async fn round(admin: &Admin, request: &Request, done: &mut Vec<Step>) -> Result<Round, TopicsError> {
    let bootstrap = || request.bootstrap.clone();
    let observed = match admin.observe(&request.declared).await {
        Ok(observed) => observed,
        Err(error) => return Ok(Round::Again(Waiting::Answer(error.to_string()))),
    };
    let plan = plan(&request.declared, &observed);
    if !plan.refused.is_empty() {
        return Err(TopicsError::Refused { bootstrap: bootstrap(), refusals: plan.refused });
    }
    if plan.creates() && observed.brokers < request.brokers {
        let (there, wanted) = (observed.brokers, request.brokers);
        return Ok(Round::Again(Waiting::Brokers { there, wanted }));
    }
    if plan.steps.is_empty() {
        let unled = leaderless(&request.declared, &observed);
        return Ok(match unled.is_empty() {
            true => Round::Done { brokers: observed.brokers, left: plan.left },
            false => Round::Again(Waiting::Leaders(unled)),
        });
    }
    for step in plan.steps {
        match admin.take(&step).await {
            Ok(true) if !done.contains(&step) => done.push(step),
            // Somebody else was quicker, or the broker that was asked has not heard of it yet.
            Ok(_) => {}
            Err(error) => return failed(request, &step, &error),
        }
    }
    Ok(Round::Again(Waiting::Sight))
}

fn failed(request: &Request, step: &Step, error: &AdminError) -> Result<Round, TopicsError> {
    let (step, reason) = (step.title(), error.to_string());
    match error.is_final() {
        true => Err(TopicsError::Step { bootstrap: request.bootstrap.clone(), step, reason }),
        false => Ok(Round::Again(Waiting::Step { step, reason })),
    }
}

fn letters(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn sentences<S: Serializer>(left: &[Left], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(left.iter().map(ToString::to_string))
}
