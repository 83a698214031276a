//! Boards: whether each answers and is in the swarm what its file declares, at its address, with enough power.

use std::net::IpAddr;

use pirack_swarm::spec::{Availability, Role};

use super::Reasons;
use crate::operation::plan::behind_name;
use crate::report::{Board, Node, Report};

pub(super) fn judge(report: &Report, reasons: &mut Reasons) {
    for board in &report.boards {
        silence(board, reasons);
        match &board.node {
            Some(node) => node_of(board, node, reasons),
            None => outside(board, report, reasons),
        }
        disk(board, reasons);
        power(board, reasons);
    }
}

fn about(board: &Board) -> String {
    format!("board {}", board.name)
}

fn silence(board: &Board, reasons: &mut Reasons) {
    if let Some(words) = &board.silence {
        let remedy = "until it does, all else here is told without it";
        let what = behind_name(&board.name, words)
            .map_or_else(|| format!("does not answer: {words}"), str::to_owned);
        reasons.degraded(about(board), what, remedy);
    } else if let Some(words) = &board.engine_silence {
        let remedy = "look at docker on the board: systemctl status docker";
        reasons.degraded(about(board), format!("its engine does not answer: {words}"), remedy);
    }
}

fn outside(board: &Board, report: &Report, reasons: &mut Reasons) {
    // That there is no swarm at all is said once, and of a board that is silent nothing is known.
    let unknown = report.swarm.is_none() || board.silence.is_some() || board.engine_silence.is_some();
    if board.member && !unknown {
        let words = board.membership.as_deref().unwrap_or("the managers do not know its node");
        reasons.degraded(
            about(board),
            format!("is not in the swarm: {words}"),
            "let it join with: pirack apply",
        );
    }
}

fn node_of(board: &Board, node: &Node, reasons: &mut Reasons) {
    if node.state != "ready" && board.silence.is_none() {
        let words = if node.words.is_empty() { "they do not say why" } else { &node.words };
        let what = format!("is {} in the managers' eyes: {words}", node.state);
        reasons.degraded(about(board), what, "see that it reaches the managers on port 2377 and 7946");
    }
    role(board, node, reasons);
    if node.availability != Availability::Active {
        let what = match node.availability {
            Availability::Drain => "is drained: it runs no tasks",
            _ => "is paused: it takes no new tasks",
        };
        reasons.degraded(about(board), what, "let it take tasks again with: pirack apply");
    }
    let lost = node.manager.is_some_and(|manager| !manager.reachable) && node.state == "ready";
    if lost && board.silence.is_none() {
        let remedy = "see that the managers reach each other on port 2377";
        reasons.degraded(about(board), "is a manager that the others do not reach", remedy);
    }
    drifted(board, node, reasons);
}

fn role(board: &Board, node: &Node, reasons: &mut Reasons) {
    let declared = if board.roles.contains(&"manager") { Role::Manager } else { Role::Worker };
    if !board.member {
        let remedy = "give it a role in the file, or take it out with: pirack apply";
        reasons.degraded(about(board), "is in the swarm, and its file says admin alone", remedy);
    } else if node.role != declared {
        let what =
            format!("is a {} in the swarm, and its file says {}", node.role.as_str(), declared.as_str());
        reasons.degraded(about(board), what, "make it so with: pirack apply");
    }
}

/// Managers know each other by address alone: one that has moved is lost at the next restart.
fn drifted(board: &Board, node: &Node, reasons: &mut Reasons) {
    let Some(seen) = node.address.filter(|seen| *seen != IpAddr::V4(board.address)) else { return };
    let what = format!("has the address {seen} in the swarm, and {} in its file", board.address);
    let remedy = "give it back its address (static, or reserved at the router), or write the new one into the file and let it join anew";
    reasons.degraded(about(board), what, remedy);
}

fn disk(board: &Board, reasons: &mut Reasons) {
    if let Some(words) = &board.disk_astray {
        let remedy = "its data services do not start without it: mount it with pirack preflight --fix";
        reasons.degraded(about(board), format!("has no data disk in its place: {words}"), remedy);
    }
}

fn power(board: &Board, reasons: &mut Reasons) {
    let Some(agent) = &board.agent else { return };
    if agent.under_voltage == Some(true) {
        let remedy = "give it a supply and a cable that carry its load";
        reasons.degraded(about(board), "has too little voltage right now", remedy);
    }
    if agent.throttled == Some(true) {
        let heat = agent.cpu_temperature_celsius.map(|t| format!(" at {t:.0} °C")).unwrap_or_default();
        let what = format!("is slowed down right now{heat}");
        reasons.degraded(about(board), what, "give it more power or more air");
    }
}
