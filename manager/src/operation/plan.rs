//! What leads from the rack that was seen to the rack that the file says: pure, it asks nobody.
//!
//! A plan has stages, and a stage's steps stand in the order in which they are safe. Whoever runs a plan takes
//! the first stage that has steps, looks again, and plans again: so a later stage may be planned on what the
//! earlier ones are expected to bring, and a crash anywhere leaves nothing to remember.
//!
//! - `membership`: one swarm, every board in it, and what the rack remembers of itself.
//! - `boards`: what each board must have before a task starts there: its agent, its images.
//! - `disks`: the data disk in its place, and the services' folders on it.
//! - `services`: the swarm's own plan, in the order and behind the gates that the stacks ask for.
//! - `data`: topics and tables, once somebody can be asked.
//! - `leaving`: boards that the file names no more leave the swarm, when nothing is left on them to lose.
//!
//! What must not be done at all (another rack's swarm, something that loses data or quorum and was not allowed)
//! is in [`Plan::refused`], and then nothing is done. What cannot be done now (a board that does not answer)
//! is in [`Plan::undone`], and the rest is done all the same.

mod boards;
mod disks;
mod leaving;
mod membership;
mod services;
mod show;

pub(crate) use boards::as_remembered;
pub(super) use membership::is_one_swarm;
pub(crate) use show::behind_name;
pub(super) use show::sentence;

use std::collections::BTreeSet;
use std::time::Duration;

use pirack_swarm::desired::{AbsolutePath, Image};
use pirack_swarm::plan::Move;
use serde::{Deserialize, Serialize};

use super::seen::Seen;
use crate::bootstrap::agent::Packages;
use crate::rack::identity::settle;
use crate::rack::{BoardName, Identity, Rack, Secrets};
use crate::stack::roll::{Part, Refusal, Turn};
use crate::stack::{self, Folder, StackError};

/// What a plan is made from, besides what was seen.
pub struct Wanted<'a> {
    /// The rack, as its file says.
    pub rack: &'a Rack,
    /// Its secrets.
    pub secrets: &'a Secrets,
    /// The agent's packages that are at hand.
    pub packages: &'a Packages,
    /// Codes of what may be done although it loses data or quorum.
    pub allowed: &'a BTreeSet<String>,
    /// For ids that are made up once: a new rack's, a new cluster's.
    pub fresh: uuid::Uuid,
}

/// When a step's turn is. The order of the variants is the order of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// One swarm with every board.
    Membership,
    /// What a board must have.
    Boards,
    /// What runs.
    Services,
    /// Topics and tables.
    Data,
    /// What services used.
    Files,
    /// Their data.
    Volumes,
    /// Agents go.
    Agents,
    /// Managers that shall be workers, so that they may leave.
    Demotions,
    /// Nodes leave.
    Leaving,
    /// And are forgotten.
    Forgetting,
    /// The last manager takes the swarm along.
    Last,
}

impl Stage {
    /// Whether its steps are each board's own affair, so that boards need not wait for each other.
    #[must_use]
    pub fn is_each_boards_own(self) -> bool {
        matches!(self, Self::Boards | Self::Volumes | Self::Agents | Self::Leaving)
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Begins a swarm.
    Begin {
        /// On this board.
        board: BoardName,
        /// What the rack remembers of itself from its first moment.
        #[serde(serialize_with = "Identity::show")]
        identity: Identity,
    },
    /// Lets a board's engine join.
    Join {
        /// Which.
        board: BoardName,
        /// As a manager from the start.
        manager: bool,
        /// It has to leave first what it was in.
        leave: bool,
    },
    /// Writes what the rack remembers of itself.
    Remember {
        /// All of it.
        #[serde(serialize_with = "Identity::show")]
        identity: Identity,
    },
    /// Installs the agent's package, or another version of it.
    Install {
        /// On this board.
        board: BoardName,
        /// The version.
        version: String,
    },
    /// Writes the agent's configuration and starts it with it.
    Configure {
        /// On this board.
        board: BoardName,
        /// The file.
        content: String,
    },
    /// Makes a folder for a service's data.
    Folder {
        /// On this board's data disk.
        board: BoardName,
        /// Which, and whose.
        #[serde(flatten)]
        folder: Folder,
    },
    /// Brings an image onto a board.
    Pull {
        /// Which board.
        board: BoardName,
        /// Which image.
        image: Image,
    },
    /// A step of the swarm's own plan, with what must hold and be done before it and after.
    Swarm {
        /// The step.
        #[serde(flatten)]
        turn: Box<Turn>,
    },
    /// What only data services themselves can do, with what must hold for it.
    Stack {
        /// In this order.
        parts: Vec<Part>,
    },
    /// The agent delivers all that its queue holds, and stops for good.
    Retire {
        /// On this board.
        board: BoardName,
    },
    /// Makes Kafka's topics what they should be.
    Topics,
    /// Makes Cassandra's tables what they should be.
    Schema,
    /// Removes a volume.
    Volume {
        /// Where.
        board: BoardName,
        /// Which.
        volume: String,
    },
    /// Removes a service's folder on a board's data disk, with all that is in it.
    Clear {
        /// Where.
        board: BoardName,
        /// Which.
        folder: AbsolutePath,
    },
    /// Purges the agent's package, with its configuration and its queue.
    Purge {
        /// Where.
        board: BoardName,
    },
    /// Lets a board's engine leave its swarm.
    Leave {
        /// Which.
        board: BoardName,
        /// Although it is a manager.
        force: bool,
    },
}

impl Act {
    /// Whether all there is to do is to say so, and to wait: an engine fetches an image, a database makes tables.
    #[must_use]
    pub fn is_left_to_others(&self) -> bool {
        matches!(self, Self::Pull { .. } | Self::Topics | Self::Schema)
    }

    /// The board that it is done on, where it is one board's own affair.
    #[must_use]
    pub fn board(&self) -> Option<&BoardName> {
        match self {
            Self::Begin { board, .. }
            | Self::Join { board, .. }
            | Self::Install { board, .. }
            | Self::Configure { board, .. }
            | Self::Folder { board, .. }
            | Self::Pull { board, .. }
            | Self::Volume { board, .. }
            | Self::Clear { board, .. }
            | Self::Purge { board }
            | Self::Retire { board }
            | Self::Leave { board, .. } => Some(board),
            Self::Remember { .. } | Self::Swarm { .. } | Self::Stack { .. } | Self::Topics | Self::Schema => {
                None
            }
        }
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Its turn.
    pub stage: Stage,
    /// What it does, in a word.
    pub r#move: Move,
    /// To what: `board b2`, `service kafka-b1`.
    pub subject: String,
    /// Why; at least one.
    pub reasons: Vec<String>,
    /// How.
    pub act: Act,
    /// How long it will probably take.
    #[serde(skip)]
    pub expected: Duration,
}

/// Something that the plan leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// What.
    pub subject: String,
    /// Why, and what to do.
    pub reason: String,
    /// What `--allow` takes, where somebody may ask for it all the same.
    pub code: Option<String>,
    /// Nobody can tell whether it differs from what is wanted: a board is silent, or a package is not here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
}

/// Steps in order, and what is left.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// What cannot be done now.
    pub undone: Vec<Left>,
    /// What must not be done: nothing is, while there is any.
    pub refused: Vec<Left>,
}

impl Plan {
    /// Whether there is nothing to do and nothing in the way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.undone.is_empty() && self.refused.is_empty()
    }

    /// The steps of the first stage that has any.
    #[must_use]
    pub fn first_stage(&self) -> &[Step] {
        let Some(first) = self.steps.first() else { return &[] };
        let end = self.steps.iter().position(|step| step.stage != first.stage).unwrap_or(self.steps.len());
        &self.steps[..end]
    }

    /// How long all of it will probably take.
    #[must_use]
    pub fn expected(&self) -> Duration {
        self.steps.iter().map(|step| step.expected).sum()
    }

    /// How many steps make this move.
    #[must_use]
    pub fn count(&self, r#move: Move) -> usize {
        self.steps.iter().filter(|step| step.r#move == r#move).count()
    }

    pub(super) fn step(
        &mut self,
        stage: Stage,
        r#move: Move,
        subject: String,
        reasons: Vec<String>,
        act: Act,
        seconds: u64,
    ) {
        let expected = Duration::from_secs(seconds);
        self.steps.push(Step { stage, r#move, subject, reasons, act, expected });
    }

    /// What the rack remembers of itself is to be this.
    pub(super) fn remember(&mut self, stage: Stage, r#move: Move, reason: &str, identity: Identity) {
        let subject = format!("identity of rack {}", identity.rack);
        self.step(stage, r#move, subject, vec![reason.to_owned()], Act::Remember { identity }, 1);
    }

    pub(super) fn undone(&mut self, subject: String, reason: impl Into<String>) {
        self.undone.push(Left { subject, reason: reason.into(), code: None, unknown: false });
    }

    /// What cannot be done now, and may not be needed.
    pub(super) fn unknown(&mut self, subject: String, reason: impl Into<String>) {
        self.undone.push(Left { subject, reason: reason.into(), code: None, unknown: true });
    }

    /// What must not be done unless somebody allows it.
    pub(super) fn refuse_until(&mut self, allowed: &BTreeSet<String>, refusal: Refusal) {
        let Refusal { code, object: subject, what: reason } = refusal;
        let code = code.to_string();
        if !allowed.contains(&code) {
            self.refused.push(Left { subject, reason, code: Some(code), unknown: false });
        }
    }

    pub(super) fn refuse(&mut self, subject: String, reason: impl Into<String>) {
        self.refused.push(Left { subject, reason: reason.into(), code: None, unknown: false });
    }
}

/// The plan from what was seen to what is wanted.
///
/// # Errors
/// When what is wanted cannot be said to Docker: a stack that does not fit its board.
pub fn plan(wanted: &Wanted<'_>, seen: &Seen) -> Result<Plan, StackError> {
    let mut plan = Plan::default();
    let remembered = membership::remembered(seen, &mut plan);
    // Never twice the same: derived from one fresh id, so that planning stays a function of its input.
    let mut made = 0_u8;
    let fresh = || {
        made += 1;
        uuid::Uuid::new_v5(&wanted.fresh, &[made])
    };
    let known = remembered.clone().map(|identity| membership::with_members(identity, seen));
    let (identity, contradictions) = settle(known.as_ref(), wanted.rack, fresh);
    let mut identity = boards::with_digests(identity, wanted.rack, seen);
    membership::take_lost_places(wanted.rack, seen, &mut identity);
    for contradiction in contradictions {
        plan.refuse(format!("rack {}", wanted.rack.name), contradiction.to_string());
    }
    membership::decide(wanted, seen, remembered.as_ref(), &identity, &mut plan);
    if !plan.refused.is_empty() {
        return Ok(plan);
    }
    let memory = boards::memory(wanted.rack, seen);
    let pinned = boards::pinned(wanted.rack, &identity);
    let desired = stack::desired(&pinned, &identity, &memory, wanted.secrets)?;
    boards::decide(wanted, &pinned, &identity, seen, &mut plan);
    services::decide(wanted, &desired, seen, &mut plan);
    leaving::decide(wanted, seen, &mut plan);
    disks::decide(wanted.rack, seen, &mut plan)?;
    services::data(wanted.rack, seen, &mut plan);
    plan.steps.sort_by_key(|step| step.stage);
    Ok(plan)
}
