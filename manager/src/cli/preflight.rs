//! `pirack preflight`: what would keep the rack from working.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use futures_util::future::join_all;
use pirack::bootstrap::fix::{self, Fix};
use pirack::bootstrap::link::{Doors, LinkError};
use pirack::bootstrap::preflight::{self, Check, Finding, Report, Severity, worst};
use pirack::rack::{self, Board, BoardName, Rack};

use super::global::{Global, Output};
use super::log;

/// The options of `preflight`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack preflight                    looks at every board, and changes nothing
  pirack preflight b1 b2              at these
  pirack preflight --fix              mends what can be mended without risk, then looks again
  pirack preflight --fix --format b4  makes a file system where the file says: ALL ON IT IS LOST
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
}

/// Runs it.
pub(crate) fn run(options: &Preflight, global: &Global) -> anyhow::Result<ExitCode> {
    log::to_stderr("error");
    let rack = rack::read(&global.file)?;
    let boards = named(&rack, &options.boards)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (report, mended) = runtime.block_on(async {
        // So that connections end in order, and leave nothing behind. Every fix may be done again.
        tokio::select! {
            done = look(&rack, &boards, options, global) => Ok(done),
            _ = tokio::signal::ctrl_c() => bail!("interrupted: the same again is safe"),
        }
    })?;
    let said = match global.output {
        Output::Table => lines(&report),
        Output::Json => format!("{:#}\n", json(&report, &mended)),
    };
    super::say(said.trim_end());
    let fatal = if options.strict { Severity::Warning } else { Severity::Error };
    let failed = worst(&report.findings).is_some_and(|worst| worst >= fatal);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What came of a fix.
struct Mended {
    board: BoardName,
    check: Check,
    /// What was done, or why it was not.
    came: Result<Vec<String>, String>,
}

/// Looks, and with `--fix` mends and looks again.
async fn look(rack: &Rack, boards: &[&Board], options: &Preflight, global: &Global) -> (Report, Vec<Mended>) {
    let report = preflight::run(rack, &Doors::of(&global.file), boards).await;
    if !options.fix {
        return (report, vec![]);
    }
    let (fixes, left) = fix::plan(rack, &report, options.format);
    let mut mended: Vec<Mended> = left
        .into_iter()
        .map(|left| Mended { board: left.board, check: left.check, came: Err(left.why) })
        .collect();
    for left in &mended {
        tell(left, global.output);
    }
    if fixes.is_empty() {
        return (report, mended);
    }
    let doors = Doors::of(&global.file);
    for fixes in fix::in_turn(rack, fixes) {
        let each = boards.iter().map(|board| mend(&doors, board, &fixes, global.output));
        mended.extend(join_all(each).await.into_iter().flatten());
    }
    // Over connections made anew: a login's groups are those of its beginning.
    (preflight::run(rack, &Doors::of(&global.file), boards).await, mended)
}

/// A board's fixes, one after another; the first that fails ends them.
async fn mend(doors: &Doors, board: &Board, fixes: &[Fix], output: Output) -> Vec<Mended> {
    let mut own = fixes.iter().filter(|fix| fix.board == board.name).peekable();
    let Some(first) = own.peek() else { return vec![] };
    let done = |check, came: Result<Vec<String>, LinkError>| {
        let came = came.map_err(|error| format!("{:#}", anyhow::Error::from(error)));
        let mended = Mended { board: board.name.clone(), check, came };
        tell(&mended, output);
        mended
    };
    let link = match doors.open(board).await {
        Ok(link) => link,
        Err(error) => return vec![done(first.check, Err(error))],
    };
    let mut mended = vec![];
    for fix in own {
        mended.push(done(fix.check, fix::carry_out(&link, &fix.deed).await));
        if mended.last().is_some_and(|mended| mended.came.is_err()) {
            break;
        }
    }
    mended
}

/// As it happens: installing takes minutes.
fn tell(mended: &Mended, output: Output) {
    let (board, check) = (&mended.board, mended.check);
    let lines = match &mended.came {
        Ok(lines) => lines.iter().map(|line| format!("{board}: {check}: {line}")).collect(),
        Err(why) => vec![format!("{board}: {check}: not mended: {why}")],
    };
    for line in lines {
        match output {
            Output::Table => super::say(&line),
            Output::Json => eprintln!("{line}"),
        }
    }
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
    let fixed = |mended: &Mended| {
        serde_json::json!({
            "board": mended.board.as_str(),
            "code": mended.check.code(),
            "did": mended.came.as_ref().ok(),
            "failed": mended.came.as_ref().err(),
        })
    };
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
        "fixes": mended.iter().map(fixed).collect::<Vec<_>>(),
    })
}
