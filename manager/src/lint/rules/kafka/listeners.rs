//! Listeners: where a node listens, and where it sends others.

use super::{Hit, Service, at_name, lacks, nodes, property, roles, said};
use crate::lint::compose::{Stack, Word};

/// One of `NAME://HOST:PORT,...`.
#[derive(Clone, Copy)]
pub(super) struct Listener<'a> {
    name: &'a str,
    pub(super) host: &'a str,
    pub(super) port: &'a str,
}

/// All of them, where every one can be read.
fn listeners(word: &Word) -> Option<Vec<Listener<'_>>> {
    let read = |item| {
        let (name, address): (&str, &str) = str::split_once(item, "://")?;
        let (host, port) = address.rsplit_once(':')?;
        Some(Listener { name, host, port })
    };
    word.list()?.into_iter().map(read).collect()
}

fn of<'a>(service: &'a Service, name: &str) -> Option<(&'a Word, Vec<Listener<'a>>)> {
    let word = property(service, name)?;
    Some((word, listeners(word)?))
}

/// The names that are the controllers'.
fn controllers(service: &Service) -> Option<Vec<&str>> {
    property(service, "CONTROLLER_LISTENER_NAMES")?.list()
}

/// Where a controller listens for the others, as far as it says.
pub(super) fn of_controller(service: &Service) -> Vec<Listener<'_>> {
    let names = controllers(service).unwrap_or_default();
    let all = of(service, "LISTENERS").map(|(_, all)| all).unwrap_or_default();
    all.into_iter().filter(|listener| names.contains(&listener.name)).collect()
}

fn found(stack: &Stack, ask: impl Fn(&Service) -> Option<Hit>) -> Vec<Hit> {
    nodes(stack).into_iter().filter_map(ask).collect()
}

fn advertised<'a>(service: &'a Service, wrong: impl Fn(&Listener<'a>) -> Option<String>) -> Option<Hit> {
    let (word, all) = of(service, "ADVERTISED_LISTENERS")?;
    all.iter().find_map(wrong).map(|what| said(service, &word.span, &what))
}

pub(super) fn controller(stack: &Stack) -> Vec<Hit> {
    found(stack, |service| {
        let roles = roles(service)?;
        if lacks(service, "CONTROLLER_LISTENER_NAMES") {
            return Some(at_name(service, "names no listener of the controllers"));
        }
        let names = controllers(service)?;
        let (word, all) = of(service, "LISTENERS")?;
        let listens = all.iter().find(|listener| names.contains(&listener.name));
        match (roles.controller, listens) {
            (true, None) => {
                let what =
                    format!("controller without the listener {}", names.first().unwrap_or(&"CONTROLLER"));
                Some(said(service, &word.span, &what))
            }
            (false, Some(listener)) => Some(said(
                service,
                &word.span,
                &format!("broker with the controllers' listener {}", listener.name),
            )),
            _ => None,
        }
    })
}

pub(super) fn no_host(stack: &Stack) -> Vec<Hit> {
    found(stack, |service| {
        advertised(service, |listener| {
            let Listener { name, host, port } = listener;
            host.is_empty().then(|| format!("`{name}://:{port}` names no host"))
        })
    })
}

pub(super) fn nowhere(stack: &Stack) -> Vec<Hit> {
    let several = nodes(stack).len() > 1;
    found(stack, |service| {
        advertised(service, |listener| {
            let host = listener.host;
            let own = host == "localhost" || host.starts_with("127.") || host == "[::1]";
            let any = host == "0.0.0.0" || host == "[::]";
            (any || own && several).then(|| format!("`{host}` leads nobody here"))
        })
    })
}

pub(super) fn not_advertised(stack: &Stack) -> Vec<Hit> {
    let several = nodes(stack).len() > 1;
    found(stack, |service| {
        let broker = roles(service).is_some_and(|roles| roles.broker);
        if !several || !broker || !lacks(service, "ADVERTISED_LISTENERS") {
            return None;
        }
        // What it listens on is advertised where it is an address of its own.
        let own = |listener: &Listener<'_>| !matches!(listener.host, "" | "0.0.0.0" | "[::]");
        let named = of(service, "LISTENERS").is_some_and(|(_, all)| all.iter().all(own));
        (!named).then(|| at_name(service, "advertises nothing"))
    })
}

pub(super) fn not_listening(stack: &Stack) -> Vec<Hit> {
    found(stack, |service| {
        let listening = of(service, "LISTENERS");
        let controllers = controllers(service).unwrap_or_default();
        advertised(service, |listener| {
            let name = listener.name;
            let among = |(_, all): &(_, Vec<Listener<'_>>)| all.iter().any(|own| own.name == name);
            if controllers.contains(&name) {
                return Some(format!("{name} is the controllers' and must not be advertised"));
            }
            let silent = listening.as_ref().is_some_and(|listening| !among(listening));
            silent.then(|| format!("{name} is advertised and does not listen"))
        })
    })
}

pub(super) fn same_address(stack: &Stack) -> Vec<Hit> {
    let mut seen: Vec<(&str, &str, &Service)> = Vec::new();
    let mut hits = Vec::new();
    for service in nodes(stack) {
        let Some((word, all)) = of(service, "ADVERTISED_LISTENERS") else { continue };
        for Listener { host, port, .. } in all {
            // Another rule tells of these.
            if host.is_empty() || host == "localhost" || host == "0.0.0.0" || host.starts_with("127.") {
                continue;
            }
            let other =
                seen.iter().find(|(h, p, whose)| (*h, *p) == (host, port) && !std::ptr::eq(*whose, service));
            if let Some((_, _, whose)) = other {
                let what = format!("{host}:{port} is the address of {} already", whose.name.text);
                hits.push(said(service, &word.span, &what));
            }
            seen.push((host, port, service));
        }
    }
    hits
}

pub(super) fn between_brokers(stack: &Stack) -> Vec<Hit> {
    found(stack, |service| {
        if !roles(service)?.broker {
            return None;
        }
        let (word, all) = of(service, "ADVERTISED_LISTENERS").or_else(|| of(service, "LISTENERS"))?;
        let has = |name: &str| all.iter().any(|listener| listener.name == name);
        if let Some(named) = property(service, "INTER_BROKER_LISTENER_NAME") {
            let name = named.known()?;
            return (!has(name)).then(|| said(service, &named.span, &format!("{name} is not advertised")));
        }
        // Or a protocol, by which Kafka finds the listener of that name.
        if !lacks(service, "INTER_BROKER_LISTENER_NAME")
            || property(service, "SECURITY_INTER_BROKER_PROTOCOL").is_some()
        {
            return None;
        }
        (!has("PLAINTEXT")).then(|| said(service, &word.span, "which of these is for other brokers?"))
    })
}

/// Listeners that are called as their protocol need no entry, where there is no map at all.
const PROTOCOLS: [&str; 4] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

pub(super) fn no_protocol(stack: &Stack) -> Vec<Hit> {
    found(stack, |service| {
        let (word, all) = of(service, "LISTENERS")?;
        let map = property(service, "LISTENER_SECURITY_PROTOCOL_MAP");
        if map.is_none() && !service.complete {
            return None;
        }
        let mapped: Vec<&str> = match map {
            Some(map) => map.list()?.iter().filter_map(|entry| Some(entry.split_once(':')?.0)).collect(),
            // Kafka's own map, and in KRaft mode the controllers' PLAINTEXT by default.
            None => PROTOCOLS.iter().copied().chain(controllers(service).unwrap_or_default()).collect(),
        };
        let without = all.iter().find(|listener| !mapped.contains(&listener.name))?;
        Some(said(service, &word.span, &format!("the listener {} has no protocol", without.name)))
    })
}
