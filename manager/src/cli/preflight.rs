//! `pirack preflight`: what would keep the rack from working.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use pirack::bootstrap::link::Doors;
use pirack::bootstrap::preflight::{self, Check, Finding, Report, Severity, worst};
use pirack::operation::Progress;
use pirack::operation::dispatch::Order;
use pirack::operation::fix::{Mend, Mended};
use pirack::rack::{self, Board, BoardName, Rack};

use super::global::{Global, Output};
use super::manager::{self, Place};
use super::rack::{ended_by_user, who};
use super::{log, progress};

/// The options of `preflight`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack preflight                    looks at every board, changes nothing
  pirack preflight b1 b2              at these
  pirack preflight --fix              mends what it safely can, looks again
  pirack preflight --fix --format b4  makes a file system: ALL ON IT IS LOST
  pirack preflight -o json | jq '.findings[] | select(.severity == \"error\")'

docs/preflight.md has every code, and what --fix does about it.

Exit status: 0 no errors, 1 errors (with --strict: or warnings); after --fix by what is left.")]
pub(crate) struct Preflight {
    /// Boards; all of the rack where none is named.
    boards: Vec<BoardName>,
    /// Fail on warnings too.
    #[arg(long)]
    strict: bool,
    /// Mend what can be mended without risk: no container ends, no disk is formatted.
    #[arg(long)]
    fix: bool,
    /// With --fix: format a data disk that is not there, where the file names its `device`. What is on it is lost.
    #[arg(long, requires = "fix")]
    format: bool,
    /// With --fix: takes the rack's lock from whoever has it, where you know that nobody is at it any more.
    #[arg(long, requires = "fix")]
    break_lock: bool,
    #[command(flatten)]
    manager: manager::Options,
}

/// Runs it.
pub(crate) fn run(options: &Preflight, global: &Global) -> anyhow::Result<ExitCode> {
    log::to_stderr("error");
    let rack = rack::read(&global.file)?;
    let boards = named(&rack, &options.boards)?;
    manager::in_runtime(async {
        let mended = if options.fix { fix(&rack, options, global).await? } else { Some(vec![]) };
        let Some(mended) = mended else { return Ok(ExitCode::from(130)) };
        // Over connections made anew: a login's groups are those of its beginning.
        let doors = Doors::of(&global.file);
        let looking = progress::looking(boards.len(), global.output);
        let report = tokio::select! {
            report = preflight::run(&rack, &doors, &boards) => report,
            () = ended_by_user() => bail!("interrupted: nothing was changed by this look"),
        };
        drop(looking);
        let said = match global.output {
            Output::Table => lines(&report),
            Output::Json => format!("{:#}\n", json(&report, &mended)),
        };
        super::say(said.trim_end());
        let fatal = if options.strict { Severity::Warning } else { Severity::Error };
        let failed = worst(&report.findings).is_some_and(|worst| worst >= fatal);
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    })
}

/// Has it mended, as an operation. What came of each finding; nothing where it was ended before its time.
async fn fix(rack: &Rack, options: &Preflight, global: &Global) -> anyhow::Result<Option<Vec<Mended>>> {
    let mend = Mend { boards: options.boards.iter().cloned().collect(), format: options.format };
    let order = Order { break_lock: options.break_lock, ..Order::fix(&who(), mend) };
    let order = manager::with_file(order, global)?;
    let place = Place::of(&options.manager, rack, global)?;
    Ok(match place.carry_out(&order, rack).await? {
        Some(Progress::Completed { outcome, .. } | Progress::Failed { outcome: Some(outcome), .. }) => {
            for (mended, why) in
                outcome.mended.iter().filter_map(|mended| Some((mended, mended.failed.as_ref()?)))
            {
                eprintln!("{}: {}: not mended: {why}", mended.board, mended.code);
            }
            Some(outcome.mended)
        }
        Some(Progress::Failed { interrupted: false, why, .. }) => bail!("{why}"),
        _ => None,
    })
}

fn named<'a>(rack: &'a Rack, names: &[BoardName]) -> anyhow::Result<Vec<&'a Board>> {
    if names.is_empty() {
        return Ok(rack.boards.iter().collect());
    }
    let all: Vec<&str> = rack.boards.iter().map(|board| board.name.as_str()).collect();
    let unknown = |name: &BoardName| format!("the rack file has no board {name}: it has {}", all.join(", "));
    names.iter().map(|name| rack.board(name).with_context(|| unknown(name))).collect()
}

/// Boards by the codes that were found anywhere, then each code with what was seen and its remedy, then the sum.
fn lines(report: &Report) -> String {
    let mut text = String::new();
    let codes: BTreeSet<Check> = report
        .findings
        .iter()
        .filter(|finding| finding.board.is_some())
        .map(|finding| finding.check)
        .collect();
    if !codes.is_empty() {
        text.push_str(&grid(report, &codes));
        text.push('\n');
    }
    let all: BTreeSet<Check> = report.findings.iter().map(|finding| finding.check).collect();
    for check in all {
        text.push_str(&format!("{check} {}: {}\n", check.severity(), check.finds()));
        for finding in report.findings.iter().filter(|finding| finding.check == check) {
            let board = finding.board.as_ref().map_or("rack", |board| board.as_str());
            text.push_str(&format!("    {board}: {}\n", finding.seen));
        }
        text.push_str(&format!("    {}\n", check.remedy()));
    }
    let of = |severity| report.findings.iter().filter(|finding| finding.check.severity() == severity).count();
    let (errors, warnings) =
        (counted(of(Severity::Error), "error"), counted(of(Severity::Warning), "warning"));
    let boards = counted(report.boards.len(), "board");
    text.push_str(&format!("{boards}, {} checks: {errors}, {warnings}\n", Check::ALL.len()));
    text
}

fn counted(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}

fn grid(report: &Report, codes: &BTreeSet<Check>) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    let head = std::iter::once("board".to_owned()).chain(codes.iter().map(ToString::to_string));
    table.set_header(head);
    for (name, _) in &report.boards {
        let has = |check: &Check| {
            report
                .findings
                .iter()
                .any(|finding| finding.check == *check && finding.board.as_ref() == Some(name))
        };
        let cells =
            codes.iter().map(|check| if has(check) { check.severity().to_string() } else { "-".to_owned() });
        table.add_row(std::iter::once(name.to_string()).chain(cells));
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn json(report: &Report, mended: &[Mended]) -> serde_json::Value {
    let finding = |finding: &Finding| {
        serde_json::json!({
            "board": finding.board.as_ref().map(BoardName::as_str),
            "code": finding.check.code(),
            "severity": finding.check.severity().to_string(),
            "finds": finding.check.finds(),
            "seen": finding.seen,
            "remedy": finding.check.remedy(),
            "fixable": finding.check.fix().is_some(),
        })
    };
    serde_json::json!({
        "boards": report.boards.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        "checks": Check::ALL.len(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "fixes": mended,
    })
}
