//! `buffer`: what lies in the durable queue, and whether its bytes are whole. Looks only, also while an
//! agent runs.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use clap::Subcommand;
use pirack_agent::config::DEFAULT_QUEUE_DIRECTORY;
use pirack_agent::queue::{
    self, Damage, DamageKind, Directory, Inspection, RefusedBySink, RefusedRecord, RefusedStatus,
    Verification,
};
use serde_json::json;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// What waits, for whom, and how much room it takes.
    Status,
    /// Read every record and check its checksum; changes nothing. Exit 0 when whole, 1 when damaged.
    Verify,
    /// Every record that a sink refused for good, with its reason, as far as they are kept.
    Refused,
}

pub(crate) fn buffer(
    command: &Command,
    config: Option<PathBuf>,
    queue: Option<PathBuf>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let directory = match queue {
        Some(directory) => directory,
        None => super::load_if_there(config)?
            .map_or_else(|| PathBuf::from(DEFAULT_QUEUE_DIRECTORY), |config| config.queue_directory),
    };
    let storage = Directory::existing(&directory);
    ensure!(
        directory.is_dir() && queue::lies_in(&storage)?,
        "no queue lies in {}: name its folder with --queue, or the configuration with --config",
        directory.display()
    );
    match command {
        Command::Status => {
            let found = queue::inspect(&storage)?;
            super::print(&if json { as_json(&found)? } else { status(&found)? })?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Verify => {
            let found = queue::verify(&storage, &mut |_| {})?;
            super::print(&if json { as_json(&found)? } else { verification(&found)? })?;
            Ok(if found.damage.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Refused => {
            let found = queue::refused(&storage)?;
            super::print(&if json { as_json(&refused_json(&found))? } else { refused(&found)? })?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn as_json(found: &impl serde::Serialize) -> serde_json::Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(found)?))
}

fn status(found: &Inspection) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let queue = found.queue.map_or_else(|| "none yet".to_owned(), |queue| queue.to_string());
    writeln!(text, "queue      {queue}{}", if found.sealed { ", closed" } else { "" })?;
    writeln!(text, "records    {} to {}", found.oldest, found.next)?;
    writeln!(text, "on disk    {} bytes in {} segments", found.bytes, found.segments.len())?;
    if found.unfinished_bytes > 0 {
        writeln!(
            text,
            "unfinished {} bytes at the end: a write cut short, or still going on",
            found.unfinished_bytes
        )?;
    }
    for cursor in &found.cursors {
        writeln!(text, "{:<10} at {}, {} records wait", cursor.name, cursor.position, cursor.backlog)?;
        if cursor.unsettled > 0 {
            writeln!(
                text,
                "           {} before them are not settled: a new boot offers them again",
                cursor.unsettled
            )?;
        }
    }
    for cursor in &found.unreadable_cursors {
        writeln!(text, "{cursor:<10} unreadable: it will begin at the oldest record")?;
    }
    for RefusedStatus { sink, records, gone, last, time, reason } in &found.refused {
        write!(text, "refused    {records} records by {sink}, kept")?;
        if *gone > 0 {
            write!(text, ", and {gone} before them, kept no more")?;
        }
        if let (Some(last), Some(time), Some(reason)) = (last, time, reason) {
            write!(text, "; the last is {last}, at {time}: {reason}")?;
        }
        writeln!(text, "; see buffer refused")?;
    }
    for file in &found.set_aside {
        writeln!(
            text,
            "set aside  {file}: damaged; what the agent could read of it, and name, was read; the rest was told as lost"
        )?;
    }
    Ok(text)
}

fn refused(found: &[RefusedBySink]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for RefusedBySink { sink, gone, records } in found {
        if *gone > 0 {
            writeln!(text, "{gone} records that {sink} refused are kept no more")?;
        }
        for RefusedRecord { time, identity, reason, payload, .. } in records {
            let (queue, sequence) = (identity.queue, identity.sequence);
            writeln!(text, "{time} {sink} refused {sequence} of queue {queue}: {reason}")?;
            writeln!(text, "    {}", String::from_utf8_lossy(payload))?;
        }
    }
    if text.is_empty() {
        writeln!(text, "nothing was refused")?;
    }
    Ok(text)
}

fn refused_json(found: &[RefusedBySink]) -> serde_json::Value {
    let record = |record: &RefusedRecord| {
        json!({
            "time": record.time.to_string(),
            "queue": record.identity.queue,
            "sequence": record.identity.sequence,
            "reason": record.reason,
            "payload": String::from_utf8_lossy(&record.payload),
        })
    };
    let sink = |all: &RefusedBySink| {
        let records: Vec<_> = all.records.iter().map(record).collect();
        json!({ "sink": all.sink, "gone": all.gone, "records": records })
    };
    found.iter().map(sink).collect()
}

fn verification(found: &Verification) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let Verification { segments, records, payload_bytes, .. } = found;
    writeln!(text, "{records} records in {segments} segments hold, {payload_bytes} bytes of payload")?;
    if found.unfinished_bytes > 0 {
        writeln!(
            text,
            "{} bytes at the end are unfinished: a write cut short, or still going on",
            found.unfinished_bytes
        )?;
    }
    for Damage { file, from, to, kind } in &found.damage {
        let to = to.map_or_else(|| "the end".to_owned(), |to| to.to_string());
        let what = match kind {
            DamageKind::HeaderOnly => "have lost their header, and are read by what the files around it tell",
            DamageKind::Header => "have lost their header, and cannot be named",
            DamageKind::Frames => "cannot be read",
            DamageKind::Short => "are there no more",
        };
        writeln!(text, "{file}: records {from} to {to} {what}; the agent sets the file aside")?;
    }
    Ok(text)
}
