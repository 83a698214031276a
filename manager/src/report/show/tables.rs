//! The tables of a report, one for each kind of thing. What is not known is a dash.

use comfy_table::{ContentArrangement, Table, presets};
use pirack_swarm::spec::Availability;

use super::{Line, Tone, WIDTH};
use crate::report::{AgentWords, Board, Node, Report};
use crate::stack::Answer;
use crate::stack::kafka::KafkaHealth;

const UNKNOWN: &str = "-";

pub(super) fn boards(report: &Report) -> Vec<Line> {
    let rows = report.boards.iter().map(|board| {
        let agent = board.agent.as_ref();
        vec![
            board.name.clone(),
            board.roles.join(" "),
            board.node.as_ref().map_or_else(|| absence(report, board), place),
            address(board),
            told(board.engine_version.as_ref()),
            told(agent.and_then(|agent| agent.cpu_temperature_celsius).map(|t| format!("{t:.0} °C"))),
            power(agent),
        ]
    });
    table(&["BOARD", "DECLARED", "IN THE SWARM", "ADDRESS", "ENGINE", "TEMP", "POWER"], rows)
}

fn absence(report: &Report, board: &Board) -> String {
    let word = match (&board.silence, board.member) {
        (Some(_), _) => "silent",
        (None, false) => "not wanted there",
        (None, true) if report.swarm.is_none() && board.membership.is_none() => UNKNOWN,
        (None, true) => "no",
    };
    word.to_owned()
}

fn place(node: &Node) -> String {
    let mut words = vec![node.role.as_str(), node.state];
    match node.availability {
        Availability::Active => {}
        Availability::Pause => words.push("paused"),
        Availability::Drain => words.push("drained"),
    }
    if let Some(manager) = node.manager {
        words.extend(manager.leader.then_some("leads"));
        words.extend((!manager.reachable).then_some("unreachable"));
    }
    words.join(" ")
}

fn address(board: &Board) -> String {
    let declared = board.address.to_string();
    match board.node.as_ref().and_then(|node| node.address) {
        Some(seen) if seen.to_string() != declared => format!("{declared} (swarm: {seen})"),
        _ => declared,
    }
}

fn power(agent: Option<&AgentWords>) -> String {
    let Some(agent) = agent else { return UNKNOWN.to_owned() };
    let mut words = vec![];
    words.extend((agent.under_voltage == Some(true)).then(|| "low".to_owned()));
    words.extend((agent.throttled == Some(true)).then(|| "throttled".to_owned()));
    words.extend(agent.supply_watts.map(|watts| format!("{watts:.1} W")));
    words.extend(agent.supply_volts.map(|volts| format!("{volts:.2} V")));
    if words.is_empty() && (agent.under_voltage, agent.throttled) != (None, None) {
        words.push("ok".to_owned());
    }
    told((!words.is_empty()).then(|| words.join(" ")))
}

pub(super) fn services(report: &Report) -> Vec<Line> {
    if report.swarm.is_none() {
        return vec![];
    }
    let rows = report.services.iter().map(|service| {
        let boards: Vec<&str> = service.boards.iter().map(String::as_str).collect();
        vec![
            service.name.clone(),
            format!("{}/{}", service.running, service.wanted),
            if boards.is_empty() { UNKNOWN.to_owned() } else { boards.join(" ") },
            service.recent_restarts.to_string(),
            service.why.clone().unwrap_or_default(),
        ]
    });
    table(&["SERVICE", "RUN", "ON", "RESTARTS", "WHY NOT"], rows)
}

pub(super) fn kafka(report: &Report) -> Vec<Line> {
    let Some(answer) = &report.stacks.kafka else { return vec![] };
    match answer {
        Answer::Silent { reason } => silent("kafka", reason),
        Answer::Said(health) => vec![Line::new(Tone::Plain, kafka_words(health))],
    }
}

fn kafka_words(health: &KafkaHealth) -> String {
    let controller = health.quorum.as_ref().map_or(UNKNOWN, |quorum| quorum.leader.as_str());
    let brokers: Vec<&str> = health.brokers.iter().map(String::as_str).collect();
    let partitions = &health.partitions;
    format!(
        "kafka: brokers {}; controller {controller}; {} partitions, {} under-replicated, {} offline",
        brokers.join(" "),
        partitions.0.len(),
        partitions.under_replicated().len(),
        partitions.offline().len()
    )
}

pub(super) fn cassandra(report: &Report) -> Vec<Line> {
    let Some(answer) = &report.stacks.cassandra else { return vec![] };
    let health = match answer {
        Answer::Silent { reason } => return silent("cassandra", reason),
        Answer::Said(health) => health,
    };
    let rows = health.nodes.iter().map(|(board, node)| {
        let owned = node.gossip.as_ref().and_then(|gossip| gossip.owned_ratio);
        vec![
            board.clone(),
            node.letters(),
            told(owned.map(|ratio| format!("{:.0} %", ratio * 100.0))),
            told(node.cql.as_ref().map(|cql| cql.release.clone())),
            told(
                node.cql
                    .as_ref()
                    .map(|cql| cql.schema.to_string().split('-').next().unwrap_or("").to_owned()),
            ),
        ]
    });
    table(&["CASSANDRA", "STATE", "OWNS", "RELEASE", "SCHEMA"], rows)
}

pub(super) fn stargate(report: &Report) -> Vec<Line> {
    let each = report.stacks.stargate.iter();
    let lines = each.flat_map(|(board, answer)| match answer {
        Answer::Silent { reason } => silent(&format!("stargate on {board}"), reason),
        Answer::Said(health) => {
            let text = format!("stargate on {board}: a query shows {} keyspaces", health.keyspaces);
            vec![Line::new(Tone::Plain, text)]
        }
    });
    lines.collect()
}

pub(super) fn agents(report: &Report) -> Vec<Line> {
    let rows = report.boards.iter().filter_map(|board| {
        let words = board.agent.as_ref().filter(|agent| report.agents_declared || agent.version.is_some())?;
        let sinks = words.sinks.iter().map(|(name, sink)| {
            let failing = if sink.failing { " (failing)" } else { "" };
            format!("{name} {}{failing}", sink.waiting)
        });
        let sinks: Vec<String> = sinks.collect();
        Some(vec![
            board.name.clone(),
            words.version.clone().unwrap_or_else(|| "not installed".to_owned()),
            if words.running { "yes" } else { "no" }.to_owned(),
            told(words.record_age_seconds.map(|age| format!("{age:.0} s ago"))),
            told((!sinks.is_empty()).then(|| sinks.join(", "))),
            told(words.dropped.map(|dropped| dropped.to_string())),
        ])
    });
    table(&["AGENT ON", "VERSION", "RUNS", "LAST RECORD", "WAITING FOR", "DROPPED"], rows)
}

fn silent(who: &str, reason: &str) -> Vec<Line> {
    let lines = super::wrapped(&format!("{who}: silent: {reason}"), "    ");
    lines.into_iter().map(|text| Line::new(Tone::Bad, text)).collect()
}

fn told(value: Option<impl ToString>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| value.to_string())
}

fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<Line> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(heads.to_vec());
    table.add_rows(rows);
    if table.row_count() == 0 {
        return vec![];
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned());
    lines
        .enumerate()
        .map(|(n, text)| Line::new(if n == 0 { Tone::Head } else { Tone::Plain }, text))
        .collect()
}
