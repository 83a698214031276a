//! Ports: which the board's services want, and whether somebody else has them.

use pirack_swarm::spec::Protocol;

use super::super::code::Check;
use super::super::facts::Listener;
use super::{Found, Subject, time};
use crate::bootstrap::link::Root;
use crate::rack::Role;
use crate::stack;
use crate::stack::cassandra::JMX;
use crate::stack::port::{AGENT, GOSSIP, MANAGER, SWARM, TIME, VXLAN};

/// A port that something of ours wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) port: u16,
    pub(super) udp: bool,
    /// A service's name, or a program's.
    pub(super) whose: String,
    /// Whether other boards must reach it.
    pub(super) open: bool,
}

/// What the board's services, its engine, its agent and its manager listen at; images/PORTS.md has the list.
pub(super) fn wanted(subject: &Subject) -> Vec<Wanted> {
    let (rack, board) = (subject.rack, subject.board);
    let mut all = vec![];
    let mut want =
        |port, udp, whose: &str, open| all.push(Wanted { port, udp, whose: whose.to_owned(), open });
    for port in stack::ports(rack).remove(&board.name).unwrap_or_default() {
        // Only its own board speaks to JMX.
        want(port.port, port.protocol == Protocol::Udp, &port.service, port.port != JMX);
    }
    if subject.is_member() {
        want(GOSSIP, false, "dockerd", true);
        want(GOSSIP, true, "dockerd", true);
        want(VXLAN, true, "dockerd", rack.apps.iter().any(|app| !app.networks.is_empty()));
    }
    if board.roles.contains(&Role::Manager) {
        want(SWARM, false, "dockerd", true);
    }
    if rack.agent.enabled {
        want(AGENT, false, "pirack-agent", false);
    }
    if board.roles.contains(&Role::Admin) {
        want(MANAGER, false, "pirack", false);
    }
    if time::is_server(subject) {
        want(TIME, true, "chronyd", true);
    }
    all
}

pub(super) fn all(subject: &Subject) -> Vec<Found> {
    // Others' programs are seen by root alone, and without their names nobody can say whose a port is.
    if subject.root == Root::No {
        return vec![];
    }
    let mut found = vec![];
    // Whatever answers at the time's port keeps the time.
    for wanted in wanted(subject).into_iter().filter(|wanted| wanted.port != TIME) {
        let mut at = subject.facts.listeners.iter();
        let taken = at.find(|other| {
            other.port == wanted.port && other.udp == wanted.udp && !ours(subject, other, &wanted)
        });
        if let Some(other) = taken {
            let kind = if wanted.udp { "udp" } else { "tcp" };
            let who = holder(subject, other);
            found.push((Check::PortTaken, format!("{kind} {} of {} is {who}'s", wanted.port, wanted.whose)));
        }
    }
    found
}

/// The service in whose container a listener is, or for which a proxy of the engine's listens.
fn service<'a>(subject: &'a Subject, listener: &Listener) -> Option<&'a String> {
    let Some(Ok(engine)) = &subject.facts.engine else { return None };
    match &listener.container {
        Some(container) => engine.containers.get(container),
        None if listener.program.as_deref() == Some("docker-proxy") => engine.published.get(&listener.port),
        None => None,
    }
}

fn ours(subject: &Subject, listener: &Listener, wanted: &Wanted) -> bool {
    if let Some(service) = service(subject, listener) {
        return *service == wanted.whose;
    }
    let program = listener.program.as_deref();
    let of_engine = listener.container.is_some() || program == Some("docker-proxy");
    if of_engine && !matches!(subject.facts.engine, Some(Ok(_))) {
        // Whose container it is only the engine knows; that it is silent is told elsewhere.
        return true;
    }
    // VXLAN's socket is the kernel's own.
    listener.container.is_none()
        && (program == Some(wanted.whose.as_str()) || (wanted.port == VXLAN && program.is_none()))
}

fn holder(subject: &Subject, listener: &Listener) -> String {
    let program = listener.program.as_deref().unwrap_or("the kernel");
    match (service(subject, listener), &listener.container) {
        (Some(service), _) => format!("the service {service}"),
        (None, Some(container)) => {
            format!("{program} in the container {}", &container[..container.len().min(12)])
        }
        (None, None) => program.to_owned(),
    }
}
