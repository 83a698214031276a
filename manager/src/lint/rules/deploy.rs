//! How many tasks, where, and what becomes of one that ends.

use std::collections::BTreeSet;

use super::{Hit, Rule, each, hit};
use crate::lint::compose::{Stack, Word};
use crate::lint::finding::Severity;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SL030",
        severity: Severity::Warning,
        title: "no memory limit",
        reason: "One service may take all of its board's memory, and the kernel then ends whichever it likes",
        remedy: "Set deploy.resources.limits.memory",
        check: unlimited,
    },
    Rule {
        code: "SL031",
        severity: Severity::Error,
        title: "restarts that run out",
        reason: "After so many ends the swarm gives up, and nobody starts it again: three restarts are used up while its peers boot",
        remedy: "Take max_attempts out and set a delay",
        check: attempts,
    },
    Rule {
        code: "SL032",
        severity: Severity::Error,
        title: "replicas of a global service",
        reason: "`docker stack deploy` refuses the whole file: a global service has one task on every board",
        remedy: "Take either `mode: global` or `replicas` out",
        check: global_replicas,
    },
    Rule {
        code: "SL033",
        severity: Severity::Warning,
        title: "an even number of managers",
        reason: "Managers vote: four lose their quorum with the second that is away, as three do, and there is one more to fail",
        remedy: "Have three or five managers",
        check: even_managers,
    },
    Rule {
        code: "SL034",
        severity: Severity::Error,
        title: "a constraint that no board meets",
        reason: "A constraint is a key, == or !=, and a value; keys are node.id, node.hostname, node.ip, node.role, node.platform.os, node.platform.arch, node.labels.X and engine.labels.X: Docker refuses another form, and finds no board for another key",
        remedy: "Write it as in `node.labels.board == b1`",
        check: no_board,
    },
    Rule {
        code: "SL035",
        severity: Severity::Warning,
        title: "more kept free than it may take",
        reason: "What lies between the limit and the reservation is kept free on the board, and nobody may use it",
        remedy: "Keep reservations at or below limits",
        check: reserved_in_vain,
    },
];

fn unlimited(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let none = service.deploy.limits.memory.is_none();
        none.then(|| hit(&service.name.span, format!("{} has no memory limit", service.name.text)))
    })
}

fn attempts(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let attempts = service.deploy.max_attempts.as_ref()?;
        let number = attempts.number().filter(|number| *number > 0)?;
        let times = if number == 1 { "one restart".to_owned() } else { format!("{number} restarts") };
        Some(hit(&attempts.span, format!("{} stays down after {times}", service.name.text)))
    })
}

fn global_replicas(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let replicas = service.deploy.replicas.as_ref().filter(|_| service.deploy.is_global())?;
        Some(hit(&replicas.span, format!("{} is global and has replicas", service.name.text)))
    })
}

fn no_board(stack: &Stack) -> Vec<Hit> {
    let mut hits = Vec::new();
    for service in &stack.services {
        for constraint in &service.deploy.constraints {
            let Some(text) = constraint.known() else { continue };
            let pair = text.split_once("==").or_else(|| text.split_once("!="));
            let what = match pair.map(|(key, value)| (key.trim(), value.trim())) {
                Some((key, value)) if is_key(key) && !value.is_empty() => continue,
                Some((key, value)) if !value.is_empty() => format!("no board has `{key}`"),
                _ => format!("`{text}` compares nothing"),
            };
            hits.push(hit(&constraint.span, format!("{}: {what}", service.name.text)));
        }
    }
    hits
}

fn is_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let label = ["node.labels.", "engine.labels."].iter().any(|head| {
        let name = key.strip_prefix(head).unwrap_or_default();
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    });
    let fixed =
        ["node.id", "node.hostname", "node.ip", "node.role", "node.platform.os", "node.platform.arch"];
    label || fixed.contains(&key.as_str())
}

fn reserved_in_vain(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let (limits, reserved) = (&service.deploy.limits, &service.deploy.reservations);
        let number = |word: &Word| word.known()?.trim().parse::<f64>().ok();
        let more_memory = || Some(reserved.memory.as_ref()?.bytes()? > limits.memory.as_ref()?.bytes()?);
        let more_cpus = || Some(number(reserved.cpus.as_ref()?)? > number(limits.cpus.as_ref()?)?);
        let (kept, most) = match (more_memory(), more_cpus()) {
            (Some(true), _) => (reserved.memory.as_ref()?, limits.memory.as_ref()?),
            (_, Some(true)) => (reserved.cpus.as_ref()?, limits.cpus.as_ref()?),
            _ => return None,
        };
        let what = format!("{} keeps {} free and may take {}", service.name.text, kept.text, most.text);
        Some(hit(&kept.span, what))
    })
}

fn even_managers(stack: &Stack) -> Vec<Hit> {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    let mut last = None;
    for service in &stack.services {
        let deploy = &service.deploy;
        if !deploy.equations().any(|equation| equation == ("node.role", "manager")) {
            continue;
        }
        let one_each = deploy.per_node.as_ref().is_some_and(|most| most.number() == Some(1));
        if let Some((number, span)) = deploy.many().filter(|(number, _)| one_each && number % 2 == 0) {
            return vec![hit(&span, format!("{} runs on {number} managers", service.name.text))];
        }
        for constraint in &deploy.constraints {
            let Some((key, board)) = constraint.text.split_once("==") else { continue };
            if key.trim() == "node.hostname" && constraint.known().is_some() {
                named.insert(board.trim());
                last = Some(constraint.span.clone());
            }
        }
    }
    match last {
        Some(span) if named.len() >= 2 && named.len().is_multiple_of(2) => {
            let names: Vec<_> = named.into_iter().collect();
            vec![hit(&span, format!("the file knows {} managers: {}", names.len(), names.join(", ")))]
        }
        _ => Vec::new(),
    }
}
