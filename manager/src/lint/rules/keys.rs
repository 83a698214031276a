//! Keys of a compose file that `docker stack deploy` refuses or ignores, after its own lists and schema
//! (docker/cli, cli/compose/types; `format` has its schema).

use super::format::{Fault, faults};
use super::{Hit, Rule, each, hit};
use crate::lint::compose::{Service, Stack};
use crate::lint::finding::Severity;
use crate::lint::yaml::Value;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SL001",
        severity: Severity::Error,
        title: "a key that a stack does not take",
        reason: "`docker stack deploy` refuses the whole file",
        remedy: "Take it out; limits belong under deploy.resources, copies under deploy.replicas",
        check: |stack| faults(stack, &[Fault::Key], false),
    },
    Rule {
        code: "SL002",
        severity: Severity::Error,
        title: "build",
        reason: "A swarm builds nothing and ignores `build`",
        remedy: "Build the image once, push it to a registry that every board reaches, and name it under `image`",
        check: build,
    },
    Rule {
        code: "SL003",
        severity: Severity::Warning,
        title: "depends_on",
        reason: "A swarm ignores it and starts everything at once",
        remedy: "Take it out, and have each service wait for what it needs or end and be restarted",
        check: depends_on,
    },
    Rule {
        code: "SL004",
        severity: Severity::Error,
        title: "depends_on with conditions",
        reason: "`docker stack deploy` refuses the whole file: it takes a list there, and ignores it",
        remedy: "Take it out, and have each service wait for what it needs or end and be restarted",
        check: depends_on_conditions,
    },
    Rule {
        code: "SL005",
        severity: Severity::Warning,
        title: "restart",
        reason: "A swarm ignores it",
        remedy: "Write deploy.restart_policy with `condition: any` and a delay, and no max_attempts",
        check: |stack| ignored(stack, "restart"),
    },
    Rule {
        code: "SL006",
        severity: Severity::Error,
        title: "network_mode",
        reason: "A swarm ignores it and puts the service on an overlay",
        remedy: "For a board's own network declare a network with `external: true` and `name: host`, and use it",
        check: network_mode,
    },
    Rule {
        code: "SL007",
        severity: Severity::Error,
        title: "privileged, devices",
        reason: "A swarm ignores it: its tasks reach no device and are never privileged",
        remedy: "Run what needs hardware on the board itself, beside the swarm",
        check: |stack| any_ignored(stack, &["privileged", "devices"]),
    },
    Rule {
        code: "SL008",
        severity: Severity::Warning,
        title: "links",
        reason: "A swarm ignores it",
        remedy: "Put both services on one network; they reach each other by name",
        check: |stack| any_ignored(stack, &["links", "external_links"]),
    },
    Rule {
        code: "SL009",
        severity: Severity::Warning,
        title: "another key that a swarm ignores",
        reason: "A swarm ignores it: what it asks for does not happen",
        remedy: "Take it out, and do without what it asked for",
        check: ignored_besides,
    },
    Rule {
        code: "SL010",
        severity: Severity::Advice,
        title: "cap_add, cap_drop, ulimits",
        reason: "Engines before Docker 20.10 ignore it in a swarm",
        remedy: "See that every board has Docker 20.10 or newer",
        check: |stack| any_ignored(stack, &["cap_add", "cap_drop", "ulimits"]),
    },
    Rule {
        code: "SL011",
        severity: Severity::Error,
        title: "a published port that a stack does not take",
        reason: "`docker stack deploy` refuses the whole file: the long form has target, published, protocol and mode, and its ports are numbers",
        remedy: "Write the numbers without quotes, and take other keys out",
        check: |stack| faults(stack, &[Fault::Key, Fault::Type], true),
    },
    Rule {
        code: "SL012",
        severity: Severity::Error,
        title: "a name that the file does not declare",
        reason: "`docker stack deploy` refuses the whole file",
        remedy: "Declare it at the top level of the file, with `external: true` if it is made elsewhere",
        check: undeclared,
    },
    Rule {
        code: "SL013",
        severity: Severity::Error,
        title: "a value of a type that a stack does not take",
        reason: "`docker stack deploy` refuses the whole file",
        remedy: "Put texts in quotes, write numbers without, and a span of time with its unit: 90s",
        check: |stack| faults(stack, &[Fault::Type], false),
    },
    Rule {
        code: "SL014",
        severity: Severity::Error,
        title: "a word that Docker does not know",
        reason: "Docker refuses the service; a port's mode and protocol it takes for ingress and tcp without a word",
        remedy: "Write one of the words that are named",
        check: |stack| [faults(stack, &[Fault::Word], false), faults(stack, &[Fault::Word], true)].concat(),
    },
    Rule {
        code: "SL015",
        severity: Severity::Error,
        title: "a version of the format that no stack has",
        reason: "`docker stack deploy` refuses the whole file: it takes 3.0 to 3.13",
        remedy: "Take `version` out, or write \"3.13\"",
        check: version,
    },
];

/// What has no rule of its own.
const IGNORED: &[&str] = &[
    "cgroup_parent",
    "cgroupns_mode",
    "container_name",
    "domainname",
    "expose",
    "ipc",
    "mac_address",
    "pid",
    "security_opt",
    "shm_size",
    "userns_mode",
];
fn ignored_in(service: &Service, key: &str) -> Option<Hit> {
    service.key(key).map(|found| hit(&found.span, format!("{}: a swarm ignores `{key}`", service.name.text)))
}

fn ignored(stack: &Stack, key: &str) -> Vec<Hit> {
    each(stack, |service| ignored_in(service, key))
}

fn any_ignored(stack: &Stack, keys: &[&str]) -> Vec<Hit> {
    keys.iter().flat_map(|key| ignored(stack, key)).collect()
}

fn ignored_besides(stack: &Stack) -> Vec<Hit> {
    [any_ignored(stack, IGNORED), faults(stack, &[Fault::Ignored], false)].concat()
}

fn version(stack: &Stack) -> Vec<Hit> {
    let Some(word) = stack.root.get("version").and_then(|node| node.word()) else { return Vec::new() };
    let minor = |text: &str| text.strip_prefix("3.")?.parse::<u32>().ok();
    let taken = |text: &str| matches!(text, "" | "3") || minor(text).is_some_and(|minor| minor <= 13);
    match word.known().filter(|text| !taken(text)) {
        Some(text) => vec![hit(&word.span, format!("`docker stack deploy` knows no version {text}"))],
        None => Vec::new(),
    }
}

fn build(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let key = service.key("build")?;
        let then =
            if service.image.is_some() { "the image must be in a registry" } else { "there is no image" };
        Some(hit(&key.span, format!("{}: `build` is ignored, and {then}", service.name.text)))
    })
}

fn depends_on(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let list = service.node.get("depends_on").is_some_and(|node| matches!(node.value, Value::List(_)));
        list.then(|| ignored_in(service, "depends_on")).flatten()
    })
}

fn depends_on_conditions(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let map = service.node.get("depends_on").is_some_and(|node| matches!(node.value, Value::Map(_)));
        let key = service.key("depends_on").filter(|_| map)?;
        Some(hit(&key.span, format!("{}: `depends_on` is a mapping", service.name.text)))
    })
}

fn network_mode(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let key = service.key("network_mode")?;
        let mode = service.word("network_mode").map(|word| word.text).unwrap_or_default();
        let meant = match mode.split(':').next() {
            Some("host") => "it will not have its board's own network",
            Some("none") => "it will have a network all the same",
            Some("service" | "container") => "it will have a network of its own",
            _ => "it will be on an overlay",
        };
        let name = &service.name.text;
        Some(hit(&key.span, format!("{name}: `network_mode: {mode}` is ignored, {meant}")))
    })
}

fn undeclared(stack: &Stack) -> Vec<Hit> {
    use crate::lint::compose::{Declared, MountKind, Reference};
    let mut hits = Vec::new();
    for service in &stack.services {
        let who = &service.name.text;
        for mount in service.mounts.iter().filter(|mount| mount.kind == MountKind::Volume) {
            if !stack.volumes.iter().any(|volume| volume.name.text == mount.source) {
                hits.push(hit(&mount.span, format!("{who}: the file declares no volume `{}`", mount.source)));
            }
        }
        let mut compare = |kind: &str, used: &[Reference], declared: &[Declared]| {
            for Reference { name } in used {
                let implied = kind == "network" && name.text == "default";
                if !implied && !declared.iter().any(|declared| declared.name.text == name.text) {
                    hits.push(hit(&name.span, format!("{who}: the file declares no {kind} `{}`", name.text)));
                }
            }
        };
        compare("network", &service.networks, &stack.networks);
        compare("config", &service.configs, &stack.configs);
        compare("secret", &service.secrets, &stack.secrets);
    }
    hits
}
