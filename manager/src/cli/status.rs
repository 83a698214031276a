//! `pirack status`: how the rack is, once or again and again.

mod shares;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use crossterm::{cursor, execute, terminal};
use pirack::bootstrap::agent::Packages;
use pirack::look::{self, Look};
use pirack::operation::plan::{Plan, Wanted};
use pirack::rack::{self, Rack, SecretsRead};
use pirack::reach::{Boards, Deadlines};
use pirack::report::{self, Report, Verdict, drift, show};
use pirack::stack::cassandra::Question;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::global::{self, Global, Output};
use super::{answer, log, progress, say};
use shares::Shares;

/// How often the rack is looked at while somebody watches.
const EVERY: Duration = Duration::from_secs(2);

/// The options of `pirack status`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack status                    what is wrong and what to do, then the rest
  pirack status --watch            the same every 2 s, until Ctrl-C
  pirack status -o json | jq .reasons
  pirack status >/dev/null || echo \"the desk needs somebody\"

It needs the rack's secrets, to tell whether the rack is what its file says: where they cannot be \
read here, it is degraded for that. It does not need the agents' packages: without them, agents' \
versions are not compared. Shares of Cassandra are asked for once a minute while it watches.

Exit status: 0 healthy, 3 degraded (it works, and not all that is wanted is so, or cannot be told), \
4 down (it does not do its work), 1 it could not be asked at all.")]
pub(crate) struct Status {
    /// Looks every 2 s: in place on a terminal, one report after another in a pipe.
    #[arg(short, long)]
    watch: bool,
}

/// A rack and what goes with it, as far as it can be read.
pub(crate) struct Asked {
    pub(crate) rack: Rack,
    pub(crate) boards: Boards,
    secrets: SecretsRead,
    /// As far as they are here: a rack is looked at from machines that never install an agent.
    packages: Packages,
}

impl Asked {
    /// Reads it; nobody is asked yet.
    pub(crate) fn of(file: &Path) -> anyhow::Result<Self> {
        let rack = rack::read(file)?;
        let secrets = rack.read_secrets();
        let packages = super::rack::packages(&rack).unwrap_or_default();
        let boards = Boards::of(&rack, file, Deadlines::REPORT);
        Ok(Self { rack, boards, secrets, packages })
    }

    /// The values of its secrets, as far as they can be read: to be taken out of texts.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let known = self.secrets.known.values();
        known.map(|value| String::from_utf8_lossy(value.reveal()).into_owned()).collect()
    }

    /// One look, with what an apply would change: the plan, or why there is none.
    pub(crate) async fn look(&self, question: Question) -> (Look, Result<Plan, String>) {
        let look = look::look(&self.rack, &self.boards, question).await;
        let plan = self.plan(&look);
        (look, plan)
    }

    fn plan(&self, look: &Look) -> Result<Plan, String> {
        let secrets = self.secrets.all().map_err(ToString::to_string)?;
        let (rack, packages) = (&self.rack, &self.packages);
        let (allowed, fresh) = (&BTreeSet::new(), Uuid::new_v4());
        drift::planned(&Wanted { rack, secrets, packages, allowed, fresh }, look)
    }

    /// A report, with the shares that are known where they are not asked for anew.
    async fn report(&self, shares: &mut Shares) -> Report {
        let (mut look, plan) = self.look(shares.question(Instant::now())).await;
        shares.keep(&mut look.stacks);
        self.report_of(&look, &plan)
    }

    /// The report of it.
    pub(crate) fn report_of(&self, look: &Look, plan: &Result<Plan, String>) -> Report {
        report::report(&self.rack, look, &plan.as_ref().map(drift::titles).map_err(Clone::clone))
    }
}

/// Runs it.
pub(crate) fn run(options: &Status, global: &Global) -> anyhow::Result<ExitCode> {
    // Clients say at every try what the report says once.
    log::to_stderr("error,scylla=off,rdkafka=off,librdkafka=off");
    let asked = Asked::of(&global.file)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let verdict = runtime.block_on(async {
        if options.watch { watch(&asked, global.output).await } else { once(&asked, global.output).await }
    });
    // A question to a broker that does not answer has a thread of its own.
    runtime.shutdown_timeout(Duration::from_millis(100));
    Ok(ExitCode::from(verdict?.exit_status()))
}

async fn once(asked: &Asked, output: Output) -> anyhow::Result<Verdict> {
    let looking = progress::looking(asked.rack.boards.len(), output);
    let report = asked.report(&mut Shares::default()).await;
    drop(looking);
    tell(&report, output)?;
    Ok(report.verdict)
}

fn tell(report: &Report, output: Output) -> anyhow::Result<()> {
    say(&text(report, output)?);
    Ok(())
}

fn text(report: &Report, output: Output) -> anyhow::Result<String> {
    Ok(match output {
        Output::Json => serde_json::to_string(report)?,
        Output::Table => page(report),
    })
}

fn page(report: &Report) -> String {
    show::lines(report).iter().map(painted).collect::<Vec<_>>().join("\n")
}

/// With colours only where somebody sees them and wants them.
fn painted(line: &show::Line) -> String {
    if global::colour(&io::stdout()) { line.painted() } else { line.text.clone() }
}

/// Until Ctrl-C; tells of the last report.
async fn watch(asked: &Asked, output: Output) -> anyhow::Result<Verdict> {
    let screen = (output == Output::Table && io::stdout().is_terminal()).then(Screen::open).transpose()?;
    if let Some(screen) = &screen {
        screen.draw(&[show::Line::new(show::Tone::Faint, format!("looking at {} ...", asked.rack.name))])?;
    }
    let (mut last, mut shares) = (None, Shares::default());
    let mut beat = interval(EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ended = super::rack::ended_by_user();
    tokio::pin!(ended);
    loop {
        let next = async {
            beat.tick().await;
            asked.report(&mut shares).await
        };
        let report = tokio::select! {
            () = &mut ended => break,
            report = next => report,
        };
        match &screen {
            Some(screen) => screen.draw(&show::lines(&report))?,
            None => {
                // An empty line parts one page from the next.
                let end = if output == Output::Table { "\n" } else { "" };
                if !answer::tell(&(text(&report, output)? + end)) {
                    return Ok(report.verdict);
                }
            }
        }
        last = Some(report);
    }
    drop(screen);
    let Some(report) = last else { anyhow::bail!("ended before the first look was over") };
    if output == Output::Table && io::stdout().is_terminal() {
        tell(&report, output)?;
    }
    Ok(report.verdict)
}

/// The terminal's other screen, so that what stood there before comes back.
struct Screen;

impl Screen {
    fn open() -> io::Result<Self> {
        execute!(io::stdout(), terminal::EnterAlternateScreen, cursor::Hide)?;
        Ok(Self)
    }

    /// Over what is there, without a flicker: as much as fits, each line cut where the terminal ends.
    fn draw(&self, lines: &[show::Line]) -> io::Result<()> {
        let (width, height) = terminal::size().map_or((80, 24), |(w, h)| (usize::from(w), usize::from(h)));
        let shown = show::fitted(lines, width, height);
        let mut out = io::stdout().lock();
        execute!(out, cursor::MoveTo(0, 0))?;
        for (number, line) in shown.iter().enumerate() {
            if number > 0 {
                write!(out, "\r\n")?;
            }
            write!(out, "{}", painted(line))?;
            execute!(out, terminal::Clear(terminal::ClearType::UntilNewLine))?;
        }
        execute!(out, terminal::Clear(terminal::ClearType::FromCursorDown))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing put back.
        let _gone = execute!(io::stdout(), cursor::Show, terminal::LeaveAlternateScreen);
    }
}
