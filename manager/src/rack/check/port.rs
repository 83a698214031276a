//! Ports: services of a rack are in their board's own network, so that on a board a port belongs to one of them.
//!
//! What the stacks take is [`stack::ports`]'s to say, and what else a board listens on [`BESIDES`].

use std::collections::BTreeMap;
use std::ops::Range;

use pirack_swarm::spec::Protocol;
use toml::Spanned;

use super::super::code::Code;
use super::super::file::File;
use super::super::{Access, App, Board, Rack, Role};
use super::Checker;
use crate::stack::port::BESIDES;
use crate::stack::{self, Port};

/// A port that somebody has on a board.
struct Taken {
    port: u16,
    protocol: Protocol,
    by: String,
    span: Option<Range<usize>>,
}

impl Checker<'_> {
    pub(super) fn ports(&mut self, rack: &Rack, file: &File) {
        let mut told: Vec<Vec<(u16, String)>> = vec![];
        let mut stacks = stack::ports(rack);
        for (board, section) in rack.boards.iter().zip(&file.board) {
            let of_ssh = section.get_ref().ssh.as_ref().and_then(|ssh| ssh.get_ref().port.as_ref());
            let of_all = file.ssh.as_ref().and_then(|ssh| ssh.get_ref().port.as_ref());
            let ssh = of_ssh.or(of_all).map(Spanned::span);
            let taken =
                taken(rack, file, board, ssh.as_ref(), stacks.remove(&board.name).unwrap_or_default());
            let mut first: BTreeMap<(u16, Protocol), &Taken> = BTreeMap::new();
            for later in &taken {
                let earlier = *first.entry((later.port, later.protocol)).or_insert(later);
                if std::ptr::eq(earlier, later) {
                    continue;
                }
                // Once is enough: a stack's services differ by their boards alone.
                let stem = |taken: &Taken| (taken.port, taken.by.replace(board.name.as_str(), ""));
                let pair = vec![stem(earlier), stem(later)];
                let Some(span) = later.span.clone().or_else(|| earlier.span.clone()) else { continue };
                if earlier.by == later.by || told.contains(&pair) {
                    continue;
                }
                told.push(pair);
                self.say(
                    Code::Port,
                    span,
                    format!(
                        "{} and {} may meet on {}, both on port {}",
                        earlier.by, later.by, board.name, later.port
                    ),
                    "give one of them another port, or other boards",
                );
            }
        }
        self.replicas(rack, file);
    }

    fn replicas(&mut self, rack: &Rack, file: &File) {
        for (app, section) in rack.apps.iter().zip(&file.app) {
            let boards = boards_of(rack, app);
            if !app.ports.is_empty() && app.replicas > u64::try_from(boards).unwrap_or(u64::MAX) {
                let span = section.get_ref().ports.as_ref().map(Spanned::span);
                self.say(
                    Code::ReplicasPort,
                    span,
                    format!("{} tasks on {boards} boards: a port of a board's is for one task", app.replicas),
                    "write no more replicas than boards, or take the port out",
                );
            }
        }
    }
}

/// What has which port of this board, in that order: what is no app's, then the apps.
fn taken(
    rack: &Rack,
    file: &File,
    board: &Board,
    ssh: Option<&Range<usize>>,
    stacks: Vec<Port>,
) -> Vec<Taken> {
    let settings = file.kafka.as_ref().and_then(|kafka| kafka.get_ref().settings.as_ref()).map(Spanned::span);
    let has = |service: &str| match service {
        "agent" => rack.agent.enabled,
        "manager" | "time" => board.roles.contains(&Role::Admin),
        _ => true,
    };
    let besides =
        BESIDES.iter().filter(|(service, ..)| has(service)).map(|(service, port, protocol)| Taken {
            port: match &board.access {
                Access::Ssh(ssh) if *service == "ssh" => ssh.port,
                _ => *port,
            },
            protocol: *protocol,
            by: (*service).to_owned(),
            span: ssh.cloned().filter(|_| *service == "ssh"),
        });
    let is_app = |name: &str| rack.apps.iter().any(|app| app.name.as_str() == name);
    let stacks = stacks.into_iter().filter(|port| !is_app(&port.service)).map(|port| Taken {
        port: port.port,
        protocol: port.protocol,
        // Of the stacks' ports only Kafka's listeners are the file's to say.
        span: settings.clone().filter(|_| port.service.starts_with("kafka-")),
        by: port.service,
    });
    let mut taken: Vec<Taken> = besides.chain(stacks).collect();
    for (app, section) in rack.apps.iter().zip(&file.app).filter(|(app, _)| may_run(app, board)) {
        let items = section.get_ref().ports.iter().flat_map(|list| list.get_ref());
        for (item, port) in items.filter_map(|item| Some((item, super::app::port(item.get_ref())?))) {
            let by = format!("app {}", app.name);
            taken.push(Taken { port: port.published, protocol: port.protocol, by, span: Some(item.span()) });
        }
    }
    taken
}

/// Whether a task of the app may land there.
pub(super) fn may_run(app: &App, board: &Board) -> bool {
    board.roles.contains(&Role::App) && (app.boards.is_empty() || app.boards.contains(&board.name))
}

/// On how many boards the app may run.
pub(super) fn boards_of(rack: &Rack, app: &App) -> usize {
    rack.boards.iter().filter(|board| may_run(app, board)).count()
}
