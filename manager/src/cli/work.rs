//! What is done when somebody orders it: by `pirack serve` for others, by a command for itself. The rack's file is read
//! anew each time.

use std::path::{Path, PathBuf};

use anyhow::Context;
use pirack::operation::apply::{self, Request};
use pirack::operation::destroy::{self, Scope};
use pirack::operation::dispatch::{Foreseeing, Foreseen, Order, Runner, Running};
use pirack::operation::fix::{self, Mend};
use pirack::operation::saved::Saved;
use pirack::operation::{Conductor, Ended, Kind, Outcome, Stopped};
use pirack::rack::Rack;
use pirack::stack::Engine;
use uuid::Uuid;

use super::manager::sha256;
use super::rack::{self, Opened};

/// Does what is ordered to the rack of one file.
pub(crate) struct Work {
    file: PathBuf,
    rack: String,
}

impl Work {
    /// On the rack of this name and file.
    pub(crate) fn at(file: &Path, rack: &str) -> anyhow::Result<Self> {
        let file = std::path::absolute(file).context("cannot tell where the rack's file lies")?;
        Ok(Self { file, rack: rack.to_owned() })
    }

    /// The rack's file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }
}

impl Runner for Work {
    fn admit(&self, order: &Order) -> Result<(), String> {
        let ours = sha256(&self.file).map_err(|error| format!("{error:#}"))?;
        if order.file_sha256.as_ref().is_some_and(|theirs| *theirs != ours) {
            return Err(format!(
                "the rack file of pirack serve, {}, is not the one you have: copy yours there, or pass --here",
                self.file.display()
            ));
        }
        let rack = pirack::rack::read(&self.file).map_err(|problems| problems.to_string())?;
        if rack.name.as_str() != self.rack {
            return Err(format!("the rack file is now of {}: restart pirack serve", rack.name));
        }
        match order.kind {
            Kind::Apply => saved(order).map(drop),
            Kind::Destroy => scope(order).map(drop),
            Kind::Fix => mend(order, &rack).map(drop),
        }
    }

    fn foresee<'a>(&'a self, order: &'a Order) -> Foreseeing<'a> {
        Box::pin(async move {
            if order.kind != Kind::Destroy {
                return Err("only a destroy is looked at ahead: an apply's plan is pirack plan's".to_owned());
            }
            let scope = scope(order)?;
            let opened = rack::open(&self.file).map_err(|error| format!("{error:#}"))?;
            let (plan, stays) = destroy::look(&taking(&opened, &scope, order), &opened.world).await;
            let steps = plan.steps.len();
            let outcome = Outcome { undone: plan.undone.clone(), stays: Some(stays), ..Outcome::of(0) };
            Ok(Foreseen { plan: plan.to_string(), steps, refused: plan.refused, outcome })
        })
    }

    fn run<'a>(&'a self, order: &'a Order, conductor: &'a Conductor) -> Running<'a> {
        Box::pin(async move {
            let opened = rack::open(&self.file);
            let opened = opened.map_err(|error| Stopped::Failed(format!("{error:#}")))?;
            match order.kind {
                Kind::Apply => applied(&opened, order, conductor).await,
                Kind::Destroy => destroyed(&opened, order, conductor).await,
                Kind::Fix => fixed(&opened, order, conductor).await,
            }
        })
    }
}

async fn applied(opened: &Opened, order: &Order, conductor: &Conductor) -> Ended {
    let saved = saved(order).map_err(Stopped::Failed)?;
    let fresh = saved.as_ref().map_or_else(Uuid::new_v4, Saved::fresh);
    let wanted = opened.wanted(&order.allow, fresh).map_err(|error| Stopped::Failed(format!("{error:#}")))?;
    let request = Request { wanted, saved: saved.as_ref(), break_lock: order.break_lock };
    Ok(apply::apply(&request, &opened.world, conductor).await?.into())
}

async fn destroyed(opened: &Opened, order: &Order, conductor: &Conductor) -> Ended {
    let scope = scope(order).map_err(Stopped::Failed)?;
    if opened.rack.kafka.is_some() && scope.takes_stack(Engine::Kafka) {
        conductor.note("Kafka goes: events wait in this machine's history, and are published once a Kafka of this rack answers again");
    }
    if opened.rack.cassandra.is_some() && scope.takes_stack(Engine::Cassandra) {
        conductor.note(
            "Cassandra goes: agents keep their records and the dashboard has no charts until it is back",
        );
    }
    Ok(destroy::destroy(&taking(opened, &scope, order), &opened.world, conductor).await?.into())
}

async fn fixed(opened: &Opened, order: &Order, conductor: &Conductor) -> Ended {
    let mend = mend(order, &opened.rack).map_err(Stopped::Failed)?;
    let request = fix::Request { rack: &opened.rack, mend: &mend, break_lock: order.break_lock };
    Ok(fix::fix(&request, &opened.world, conductor).await?.into())
}

fn taking<'a>(opened: &'a Opened, scope: &'a Scope, order: &'a Order) -> destroy::Request<'a> {
    destroy::Request { rack: &opened.rack, scope, allowed: &order.allow, break_lock: order.break_lock }
}

fn scope(order: &Order) -> Result<Scope, String> {
    order.take.clone().unwrap_or_default().scope().map_err(|error| error.to_string())
}

fn saved(order: &Order) -> Result<Option<Saved>, String> {
    let plan = order.plan.clone().map(serde_json::from_value).transpose();
    plan.map_err(|error| format!("this is no plan that pirack saved: {error}"))
}

fn mend(order: &Order, rack: &Rack) -> Result<Mend, String> {
    let mend = order.mend.clone().unwrap_or_default();
    match mend.boards.iter().find(|name| rack.board(name).is_none()) {
        Some(unknown) => Err(format!("the rack file has no board {unknown}")),
        None => Ok(mend),
    }
}
