//! `pirack topics`: a line a partition, and the sum of each topic.

use std::process::ExitCode;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table as Grid};
use pirack::stack::kafka::topics::{Cluster, Selection, Table, table};

use super::super::global::Output;
use super::super::say;
use super::wait_for;

/// Runs it.
pub(super) fn run(cluster: &Cluster, selection: &Selection, output: Output) -> anyhow::Result<ExitCode> {
    let table = wait_for(cluster, table(cluster, selection))??;
    match output {
        Output::Json => say(&serde_json::to_string(&table)?),
        Output::Table => say(&lines(&table)),
    }
    Ok(if table.silent == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The table for people: partitions, then the total of each topic.
pub(in super::super) fn lines(table: &Table) -> String {
    let mut grid = Grid::new();
    grid.load_preset(NOTHING).set_header(["TOPIC", "PARTITION", "OLDEST", "NEWEST", "MESSAGES"]);
    let number = |number: Option<i64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    for topic in &table.topics {
        for row in &topic.partitions {
            let messages = match (&row.reason, row.messages) {
                (Some(reason), _) => reason.clone(),
                (None, messages) => messages.map_or_else(|| "-".to_owned(), |messages| messages.to_string()),
            };
            grid.add_row([
                topic.topic.clone(),
                row.partition.to_string(),
                number(row.oldest),
                number(row.newest),
                messages,
            ]);
        }
    }
    right(&mut grid, 1);
    let mut totals = Grid::new();
    totals.load_preset(NOTHING).set_header(["TOPIC", "PARTITIONS", "REPLICAS", "TOTAL"]);
    for topic in &table.topics {
        totals.add_row([
            topic.topic.clone(),
            topic.partitions.len().to_string(),
            topic.replicas.to_string(),
            topic.messages.to_string(),
        ]);
    }
    right(&mut totals, 1);
    let mut said = format!("{}\n\n{}\n", trimmed(&grid), trimmed(&totals));
    let topics = count(table.topics.len(), "topic");
    said.push_str(&format!(
        "\n{topics}, {}",
        count(usize::try_from(table.messages).unwrap_or(usize::MAX), "message")
    ));
    if table.silent > 0 {
        said.push_str(&format!("; {} not counted", count(table.silent, "partition")));
    }
    said
}

/// All columns from this one on hold numbers.
fn right(grid: &mut Grid, from: usize) {
    for column in grid.column_iter_mut().skip(from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// Without the padding around it.
fn trimmed(grid: &Grid) -> String {
    let bare = |line: String| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned();
    grid.lines().map(bare).collect::<Vec<_>>().join("\n")
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use pirack::stack::kafka::topics::{PartitionRow, TopicRow};

    use super::*;

    #[test]
    fn the_table_has_a_line_a_partition_and_a_total_a_topic() {
        let row = |partition, newest: Option<i64>| PartitionRow {
            partition,
            oldest: newest.map(|_| 0),
            newest,
            messages: newest.map(|newest| u64::try_from(newest).unwrap()),
            reason: newest.is_none().then(|| "nobody leads it".to_owned()),
        };
        let table = Table {
            topics: vec![TopicRow {
                topic: "alerts".to_owned(),
                replicas: 2,
                partitions: vec![row(0, Some(10_000)), row(1, None)],
                messages: 10_000,
            }],
            messages: 10_000,
            silent: 1,
        };
        let said = lines(&table);
        let lines: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["alerts", "0", "0", "10000", "10000"]);
        assert_eq!(lines[2], ["alerts", "1", "-", "-", "nobody", "leads", "it"]);
        assert_eq!(lines[5], ["alerts", "2", "2", "10000"]);
        assert_eq!(said.lines().last(), Some("1 topic, 10000 messages; 1 partition not counted"));
    }
}
