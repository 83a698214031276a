//! `pirack plan` and `pirack apply`: what would be done, and doing it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use pirack::operation::apply::look;
use pirack::operation::dispatch::Order;
use pirack::operation::plan::Plan;
use pirack::operation::saved::Saved;
use pirack::stack::roll::Code;
use uuid::Uuid;

use super::global::{Global, Output};
use super::manager::Place;
use super::rack::{Opened, who};
use super::{log, manager, progress, rack, say};

/// The options of `pirack plan`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack plan                      what apply would do, and why
  pirack plan --out monday.plan    the same, kept for: pirack apply monday.plan
  pirack plan -o json | jq .steps

Exit status: 0 nothing to do, 2 there is something to do, 1 it cannot be planned or must not be \
done, or the command line is wrong.")]
pub(crate) struct PlanOptions {
    /// Keeps the plan in a file, for pirack apply, where nothing is or an older plan.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    allowed: Allowed,
}

/// The options of `pirack apply`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack apply                     makes the rack what rack.toml says
  pirack apply monday.plan         only if the plan would still be that one
  pirack apply 2> apply.log        plain lines with times, in UTC

A saved plan holds until the first change: from then on apply plans anew after each step, as ever, \
and is stopped by what needs --allow.

Ctrl-C ends it between two steps; a second one at once. Whenever it ended, and however: apply again \
goes on.

Exit status: 0 the rack is what its file says, 1 it is not (standard error says why), 130 ended by \
Ctrl-C.")]
pub(crate) struct ApplyOptions {
    /// A plan that pirack plan saved.
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// Takes the rack's lock from whoever has it: where you know that nobody is at it any more.
    #[arg(long)]
    break_lock: bool,
    #[command(flatten)]
    allowed: Allowed,
    #[command(flatten)]
    manager: manager::Options,
}

#[derive(Args)]
pub(super) struct Allowed {
    /// Does what would be refused because it loses data or quorum; the refusal names the code.
    #[arg(long = "allow", value_name = "CODE", value_delimiter = ',')]
    codes: Vec<Code>,
}

impl Allowed {
    pub(super) fn set(&self) -> BTreeSet<String> {
        self.codes.iter().map(ToString::to_string).collect()
    }
}

/// Runs `pirack plan`.
pub(crate) fn plan(options: &PlanOptions, global: &Global) -> anyhow::Result<ExitCode> {
    log::to_stderr("warn,scylla=off");
    rack::with_world(global, async |opened: &Opened| {
        let fresh = Uuid::new_v4();
        let allowed = options.allowed.set();
        let wanted = opened.wanted(&allowed, fresh)?;
        let looking = progress::looking(opened.rack.boards.len(), global.output);
        let (_, plan) = look(&wanted, &opened.world).await?;
        drop(looking);
        show(&plan, global.output)?;
        match &options.out {
            Some(path) if plan.refused.is_empty() => {
                Saved::of(opened.rack.name.as_str(), fresh, &plan)?.write(path)?;
            }
            Some(_) => eprintln!("pirack: this plan is not saved: something in it must not be done"),
            None => {}
        }
        Ok(status(&plan))
    })
}

/// 2 where apply would do something, 1 where it must not or cannot do all.
fn status(plan: &Plan) -> ExitCode {
    match plan {
        Plan { refused, .. } if !refused.is_empty() => ExitCode::FAILURE,
        Plan { steps, .. } if !steps.is_empty() => ExitCode::from(2),
        Plan { undone, .. } if !undone.is_empty() => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

fn show(plan: &Plan, output: Output) -> anyhow::Result<()> {
    match output {
        Output::Json => say(&serde_json::to_string(plan)?),
        Output::Table if plan.is_empty() => say("nothing to do: the rack is what its file says"),
        Output::Table => say(&plan.to_string()),
    }
    Ok(())
}

/// Runs `pirack apply`.
pub(crate) fn apply(options: &ApplyOptions, global: &Global) -> anyhow::Result<ExitCode> {
    log::to_stderr("warn,scylla=off");
    let rack = pirack::rack::read(&global.file)?;
    let plan = match &options.plan {
        Some(path) => Some(serde_json::to_value(Saved::read(path, rack.name.as_str())?)?),
        None => None,
    };
    let (allow, break_lock) = (options.allowed.set(), options.break_lock);
    let order = Order { plan, allow, break_lock, ..Order::apply(&who()) };
    let order = manager::with_file(order, global)?;
    let place = Place::of(&options.manager, &rack, global)?;
    manager::in_runtime(async { place.perform(&order, &rack, global.output).await })
}
