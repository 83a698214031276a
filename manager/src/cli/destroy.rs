//! `pirack destroy`: takes the rack away, or a part of it.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use pirack::operation::destroy::Take;
use pirack::operation::dispatch::Order;
use pirack::operation::{Kind, OperationError, Progress, Took};

use super::apply::Allowed;
use super::global::Global;
use super::manager::Place;
use super::rack::who;
use super::{log, manager, progress};

/// The options of `pirack destroy`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack destroy                       shows what would go, and asks
  pirack destroy --yes desk            for scripts
  pirack destroy --stack kafka         Kafka alone; its data stay
  pirack destroy --service page --service feed
  pirack destroy --board b4            its services, and its place in the swarm
  pirack destroy --agents              the agents alone, on all boards
  pirack destroy --all --agents --volumes --yes desk   nothing stays but Docker

Only what is the rack's own goes. Volumes stay unless --volumes is given, packages unless --agents \
is. What is in the file comes back with the next apply: take it out there too.

Exit status: 0 it is gone, 1 it is not (standard error says why), 130 ended by Ctrl-C.")]
pub(crate) struct Destroy {
    /// All services of a stack.
    #[arg(long, value_name = "STACK", value_parser = ["kafka", "cassandra", "stargate"])]
    stack: Vec<String>,
    /// A service.
    #[arg(long, value_name = "NAME")]
    service: Vec<String>,
    /// A board's services and its node.
    #[arg(long, value_name = "NAME")]
    board: Vec<String>,
    /// The agents' packages, with their queues: of the boards that go, or of all.
    #[arg(long)]
    agents: bool,
    /// Everything: with --agents, the rest of the rack too.
    #[arg(long, conflicts_with_all = ["stack", "service", "board"])]
    all: bool,
    /// The data of what goes, too.
    #[arg(long)]
    volumes: bool,
    /// The rack's name, in place of asking for it.
    #[arg(long, value_name = "RACK")]
    yes: Option<String>,
    #[command(flatten)]
    allowed: Allowed,
    /// Takes the rack's lock from whoever has it: where you know that nobody is at it any more.
    #[arg(long)]
    break_lock: bool,
    #[command(flatten)]
    manager: manager::Options,
}

impl Destroy {
    fn order(&self) -> Order {
        let set = |names: &[String]| names.iter().cloned().collect();
        let take = Take {
            stacks: set(&self.stack),
            services: set(&self.service),
            boards: set(&self.board),
            agents: self.agents,
            all: self.all,
            volumes: self.volumes,
        };
        Order { allow: self.allowed.set(), break_lock: self.break_lock, ..Order::destroy(&who(), take) }
    }
}

/// Runs it.
pub(crate) fn run(options: &Destroy, global: &Global) -> anyhow::Result<ExitCode> {
    log::to_stderr("warn,scylla=off");
    let rack = pirack::rack::read(&global.file)?;
    let name = rack.name.as_str();
    let mut order = manager::with_file(options.order(), global)?;
    order.take.iter().try_for_each(|take| take.scope().map(drop))?;
    let place = Place::of(&options.manager, &rack, global)?;
    manager::in_runtime(async {
        match options.yes.as_deref() {
            Some(said) if said == name => {}
            Some(said) => bail!("nothing was done: --yes says \"{said}\", and this rack is \"{name}\""),
            None => {
                let looking = progress::looking(rack.boards.len(), global.output);
                let foreseen = place.foresee(&order).await?;
                drop(looking);
                if !foreseen.refused.is_empty() {
                    return Err(OperationError::Refused(foreseen.refused).into());
                }
                if foreseen.steps == 0 {
                    return manager::finish(
                        Kind::Destroy,
                        &Progress::end(Ok(foreseen.outcome), Took::default()),
                        global.output,
                    );
                }
                agree(&foreseen.plan, name)?;
            }
        }
        order.confirm = Some(name.to_owned());
        place.perform(&order, &rack, global.output).await
    })
}

/// Shows what would go, and wants the rack's name for it.
fn agree(plan: &str, name: &str) -> anyhow::Result<()> {
    let mut err = std::io::stderr().lock();
    writeln!(err, "{plan}")?;
    if !std::io::stdin().is_terminal() {
        bail!("nothing was done: there is nobody to ask; say --yes {name}");
    }
    write!(err, "type the rack's name to take this away: ")?;
    err.flush()?;
    let mut said = String::new();
    std::io::stdin().read_line(&mut said)?;
    if said.trim() == name { Ok(()) } else { bail!("nothing was done: the rack's name is \"{name}\"") }
}
