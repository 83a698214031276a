//! Images: that there is one, that it exists, and that it is the same tomorrow.

use super::{Hit, Rule, each, hit};
use crate::lint::compose::{Engine, Service, Stack, meant, title};
use crate::lint::finding::Severity;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SL020",
        severity: Severity::Error,
        title: "no image",
        reason: "A service without an image is refused",
        remedy: "Name one, with its full tag",
        check: missing,
    },
    Rule {
        code: "SL021",
        severity: Severity::Error,
        title: "an image that is misspelled",
        reason: "Nobody has an image of this name: its tasks are rejected for ever",
        remedy: "Write the name as its maker does",
        check: misspelled,
    },
    Rule {
        code: "SL022",
        severity: Severity::Warning,
        title: "`latest`, or no tag",
        reason: "Another day, or another board, it is another version: a cluster of mixed versions, or data that an older one cannot read",
        remedy: "Name the full version, best with its digest",
        check: floating,
    },
    Rule {
        code: "SL023",
        severity: Severity::Warning,
        title: "one cluster of several images",
        reason: "Nodes of different versions work together only while a cluster is being upgraded",
        remedy: "Name the same image for all of them",
        check: mixed,
    },
    Rule {
        code: "SL024",
        severity: Severity::Warning,
        title: "an image that is no longer published",
        reason: "Bitnami's versions left Docker Hub in 2025: a board that has not got the image yet does not get it",
        remedy: "Use apache/kafka or cassandra, or bitnamilegacy until then; their variables differ",
        check: withdrawn,
    },
];

fn missing(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let bare =
            service.node.get("image").is_none_or(|node| node.is_null()) && service.key("build").is_none();
        bare.then(|| hit(&service.name.span, format!("{} has no image", service.name.text)))
    })
}

fn misspelled(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let image = service.image.as_ref()?;
        let meant = meant(service.repository())?;
        let what = format!("{}: `{}` is not `{meant}`", service.name.text, service.repository());
        Some(hit(&image.span, what))
    })
}

fn floating(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let image = service.image.as_ref().filter(|image| image.known().is_some())?;
        let fixed = image.text.contains('@') || service.tag().is_some_and(|tag| tag != "latest");
        (!fixed)
            .then(|| hit(&image.span, format!("{}: which version is `{}`?", service.name.text, image.text)))
    })
}

fn mixed(stack: &Stack) -> Vec<Hit> {
    let mut hits = Vec::new();
    for engine in [Engine::Kafka, Engine::Cassandra, Engine::Stargate] {
        let nodes = stack.running(engine);
        let known =
            |service: &&Service| service.image.as_ref().and_then(|image| image.known()).map(str::to_owned);
        let Some(first) = nodes.iter().find_map(known) else { continue };
        for service in &nodes {
            let Some(image) =
                service.image.as_ref().filter(|image| image.known().is_some_and(|own| own != first))
            else {
                continue;
            };
            let (who, name) = (&service.name.text, title(engine));
            hits.push(hit(&image.span, format!("{who}: others of {name} run `{first}`")));
        }
    }
    hits
}

fn withdrawn(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let name = service.repository();
        let gone = name.strip_prefix("docker.io/").unwrap_or(name).starts_with("bitnami/");
        let image = service.image.as_ref().filter(|_| gone)?;
        Some(hit(&image.span, format!("{}: `{}` is gone from Docker Hub", service.name.text, image.text)))
    })
}
