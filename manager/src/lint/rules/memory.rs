//! Memory of the JVMs.

use super::{Hit, Rule, each, hit};
use crate::lint::compose::{Engine, Service, Stack, Word, bytes};
use crate::lint::finding::Severity;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SL060",
        severity: Severity::Error,
        title: "a JVM without a heap",
        reason: "Its image sizes the heap by itself: Kafka's takes 1 GiB, Cassandra's a share of the board's memory; neither looks at the container's limit, and the kernel ends what goes over it",
        remedy: "Set the heap: KAFKA_HEAP_OPTS, MAX_HEAP_SIZE with HEAP_NEWSIZE, or JAVA_OPTS",
        check: missing,
    },
    Rule {
        code: "SL061",
        severity: Severity::Error,
        title: "a heap that its limit does not hold",
        reason: "Beside its heap a JVM needs memory for threads, code, buffers and files: at least a quarter of the limit",
        remedy: "Lower the heap to three quarters of the limit at the most, or raise the limit",
        check: too_large,
    },
    Rule {
        code: "SL062",
        severity: Severity::Error,
        title: "one of Cassandra's two heap sizes",
        reason: "The official image of Cassandra 4 ends at once where MAX_HEAP_SIZE and HEAP_NEWSIZE are not both set or both left out",
        remedy: "Set both; a quarter of the heap is a good HEAP_NEWSIZE",
        check: halves,
    },
];

/// The variables in which an engine's heap may stand; an option of the JVM, or the size alone.
fn holders(engine: Engine) -> &'static [&'static str] {
    match engine {
        Engine::Kafka => &["KAFKA_HEAP_OPTS", "KAFKA_OPTS", "JAVA_TOOL_OPTIONS"],
        Engine::Cassandra => &["MAX_HEAP_SIZE", "JVM_OPTS", "JVM_EXTRA_OPTS", "JAVA_TOOL_OPTIONS"],
        Engine::Stargate => &["JAVA_OPTS", "JAVA_TOOL_OPTIONS"],
        Engine::Graphql => &[],
    }
}

/// What a variable says of the heap.
enum Heap<'a> {
    Says(u64, &'a Word),
    Unknown,
    Nothing,
}

fn heap<'a>(service: &'a Service, name: &str) -> Heap<'a> {
    let Some(word) = service.value(name) else { return Heap::Nothing };
    let Some(text) = word.known() else { return Heap::Unknown };
    if name == "MAX_HEAP_SIZE" {
        return bytes(text).map_or(Heap::Nothing, |size| Heap::Says(size, word));
    }
    let option = text.split_whitespace().find_map(|option| option.strip_prefix("-Xmx"));
    match option.and_then(bytes) {
        Some(size) => Heap::Says(size, word),
        None if text.contains("RAMPercentage") => Heap::Unknown,
        None => Heap::Nothing,
    }
}

fn missing(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let holders = holders(service.engine?);
        let silent = holders.iter().all(|name| matches!(heap(service, name), Heap::Nothing));
        let wrong = !holders.is_empty() && silent && service.complete && !service.sizes_its_heap();
        wrong.then(|| hit(&service.name.span, format!("{} has no heap of its own", service.name.text)))
    })
}

fn too_large(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        let limit = service.deploy.limits.memory.as_ref()?.bytes()?;
        let says = |name: &&str| match heap(service, name) {
            Heap::Says(size, word) => Some((size, word)),
            _ => None,
        };
        let (size, word) = holders(service.engine?).iter().find_map(says)?;
        (u128::from(size) * 4 > u128::from(limit) * 3).then(|| {
            let (who, size, limit) = (&service.name.text, size >> 20, limit >> 20);
            hit(&word.span, format!("{who}: a heap of {size} MiB in a limit of {limit} MiB"))
        })
    })
}

fn halves(stack: &Stack) -> Vec<Hit> {
    each(stack, |service| {
        if service.engine != Some(Engine::Cassandra) || service.repository() != "cassandra" {
            return None;
        }
        let both = ["MAX_HEAP_SIZE", "HEAP_NEWSIZE"];
        let (there, missing) = match both.map(|name| service.lacks(name)) {
            [false, true] => (both[0], both[1]),
            [true, false] => (both[1], both[0]),
            _ => return None,
        };
        let variable = service.variable(there)?;
        Some(hit(&variable.name.span, format!("{} sets {there} and not {missing}", service.name.text)))
    })
}
