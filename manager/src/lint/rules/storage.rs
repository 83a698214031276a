//! Volumes, folders, configs and secrets.

use super::{Hit, Rule, hit};
use crate::lint::compose::{Declared, Mount, MountKind, Service, Stack, keeps_data};
use crate::lint::finding::Severity;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SL040",
        severity: Severity::Error,
        title: "a folder relative to the file",
        reason: "It is looked for on the board where the task starts, not on the machine with the file: the task is rejected",
        remedy: "Use a named volume, a config, or a folder that is on every board",
        check: |stack| mounts(stack, relative),
    },
    Rule {
        code: "SL041",
        severity: Severity::Error,
        title: "`~` as a volume",
        reason: "It is nothing to YAML, and to Docker the home of whoever deploys, which no board has",
        remedy: "Use a named volume",
        check: |stack| mounts(stack, home),
    },
    Rule {
        code: "SL042",
        severity: Severity::Error,
        title: "a local volume without a place",
        reason: "A local volume stays on its board: where the task starts elsewhere it finds an empty one",
        remedy: "Bind the service to one board, for example with `node.labels.board == b1`",
        check: homeless,
    },
    Rule {
        code: "SL043",
        severity: Severity::Warning,
        title: "a config or secret that cannot change",
        reason: "They are immutable in a swarm: after a change of the file the next deployment is refused",
        remedy: "Give it a name that changes with its content: `name: settings-${VERSION}`",
        check: immutable,
    },
];

fn mounts(stack: &Stack, wrong: fn(&Mount) -> bool) -> Vec<Hit> {
    let all =
        stack.services.iter().flat_map(|service| service.mounts.iter().map(move |mount| (service, mount)));
    let wrong = all.filter(|(_, mount)| mount.kind == MountKind::Bind && wrong(mount));
    wrong
        .map(|(service, mount)| {
            hit(&mount.span, format!("{}: no board has `{}`", service.name.text, mount.source))
        })
        .collect()
}

fn relative(mount: &Mount) -> bool {
    !mount.source.starts_with(['/', '~', '$'])
}

fn home(mount: &Mount) -> bool {
    mount.source.starts_with('~')
}

fn homeless(stack: &Stack) -> Vec<Hit> {
    let moves = |service: &&Service| {
        let data = service.engine.is_some_and(keeps_data);
        !data && !service.deploy.is_placed() && !service.deploy.is_global()
    };
    let local = |mount: &&Mount| mount.kind == MountKind::Volume && stack.is_local(&mount.source);
    let all = stack.services.iter().filter(moves);
    all.flat_map(|service| service.mounts.iter().filter(local).map(move |mount| (service, mount)))
        .map(|(service, mount)| {
            hit(&mount.span, format!("{} may start where `{}` is empty", service.name.text, mount.source))
        })
        .collect()
}

fn immutable(stack: &Stack) -> Vec<Hit> {
    let kinds = [("config", &stack.configs), ("secret", &stack.secrets)];
    let fixed = |declared: &&Declared| {
        let named = declared.word("name").is_some_and(|name| name.known().is_none());
        declared.word("file").is_some() && !declared.is_external() && !named
    };
    kinds
        .iter()
        .flat_map(|(kind, all)| all.iter().filter(fixed).map(move |declared| (kind, declared)))
        .map(|(kind, declared)| {
            let name = &declared.name;
            hit(&name.span, format!("the {kind} `{}` keeps its name whatever its file says", name.text))
        })
        .collect()
}
