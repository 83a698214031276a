//! Apps: services that are none of the rack's own.

use std::collections::{BTreeMap, BTreeSet};

use pirack_swarm::desired::{EnvKey, ServiceName};
use pirack_swarm::spec::{PortSpec, Protocol};
use toml::Spanned;

use super::super::code::Code;
use super::super::file::{AppSection, File};
use super::super::{App, BoardName, Role};
use super::{Boards, Checker};
use crate::stack::Engine;

impl Checker<'_> {
    pub(super) fn app(&mut self, at: usize, section: &Spanned<AppSection>, boards: &Boards) -> Option<App> {
        let written = section.get_ref();
        let table = ["app", &at.to_string()];
        if written.name.is_none() {
            self.missing(
                (&table, "name"),
                Some(section.span()),
                "the app has no name",
                "add name = \"web\", or the like",
            );
        }
        let name = written.name.as_ref().and_then(|name| self.app_name(name, boards));
        let image = match &written.image {
            Some(_) => self.image(&written.image, ""),
            None => {
                self.missing(
                    (&table, "image"),
                    Some(section.span()),
                    "the app has no image",
                    "add image = \"nginx:1.29.3\", or the like",
                );
                None
            }
        };
        let replicas = self.number(&written.replicas, 0..=1000, "give a number of tasks").unwrap_or(1);
        let chosen = self.app_boards(section, boards);
        let env = self.env(written);
        let ports = self.app_ports(written);
        let texts = |list: &super::super::file::List| -> Vec<Spanned<String>> {
            list.iter().flat_map(|list| list.get_ref().clone()).collect()
        };
        let networks: Vec<_> = texts(&written.networks).iter().map(|network| self.name(network)).collect();
        let limit = self.size(&written.limit);
        let secrets = self.secrets(written);
        Some(App {
            name: name?,
            image: image?,
            command: texts(&written.command).into_iter().map(Spanned::into_inner).collect(),
            replicas,
            boards: chosen,
            env,
            ports,
            networks: networks.into_iter().collect::<Option<_>>()?,
            limit,
            secrets,
        })
    }

    fn app_name(&mut self, written: &Spanned<String>, boards: &Boards) -> Option<ServiceName> {
        let name: ServiceName = self.name(written)?;
        let (engine, board) = name.as_str().split_once('-').unwrap_or_default();
        if Engine::named(engine).is_some() && boards.written(board).is_some() {
            let what = format!("{name} is the name of a service of the rack's own");
            self.say(Code::TwoNames, written.span(), what, "give the app another name");
        }
        Some(name)
    }

    fn app_boards(&mut self, section: &Spanned<AppSection>, boards: &Boards) -> Vec<BoardName> {
        let list = &section.get_ref().boards;
        for item in list.iter().flat_map(|list| list.get_ref()) {
            let named = boards.written(item.get_ref());
            if named.is_some_and(|board| !board.roles.is_empty() && !board.roles.contains(&Role::App)) {
                let what = format!("{} has not the role app", item.get_ref());
                self.say(Code::WrongRole, item.span(), what, "give the board that role, or name another");
            }
        }
        let none = boards.none_is(Role::App);
        match list {
            None if none => {
                let remedy = "give the role app to the boards that it may run on";
                self.say(
                    Code::NoBoards,
                    section.span(),
                    "no board has the role app, and so the app none",
                    remedy,
                );
            }
            Some(list) if list.get_ref().is_empty() => {
                self.say(
                    Code::NoBoards,
                    list.span(),
                    "the app has no board",
                    "name some, or take the key out for any",
                );
            }
            _ => {}
        }
        self.named(list, boards).unwrap_or_default()
    }

    fn env(&mut self, section: &AppSection) -> BTreeMap<EnvKey, String> {
        let mut env = BTreeMap::new();
        for (key, value) in &section.env {
            let Some(name) = self.name::<EnvKey>(key) else { continue };
            let Some(text) = self.scalar(value) else { continue };
            env.insert(name, text);
        }
        env
    }

    fn app_ports(&mut self, section: &AppSection) -> BTreeSet<PortSpec> {
        let mut ports = BTreeSet::new();
        for item in section.ports.iter().flat_map(|list| list.get_ref()) {
            match port(item.get_ref()) {
                Some(port) => {
                    if !ports.insert(port) {
                        let what = format!("\"{}\" is named twice", item.get_ref());
                        self.say(Code::Port, item.span(), what, "name it once");
                    }
                }
                None => self.say(
                    Code::Range,
                    item.span(),
                    format!("\"{}\" is no port", item.get_ref()),
                    "write the board's port and the app's, as \"8000:80\" or \"5353:53/udp\", or one for both",
                ),
            }
        }
        ports
    }

    pub(super) fn app_twins(&mut self, file: &File) {
        let mut names = BTreeSet::new();
        for name in file.app.iter().filter_map(|app| app.get_ref().name.as_ref()) {
            if !names.insert(name.get_ref()) {
                let what = format!("two apps are named \"{}\"", name.get_ref());
                self.say(Code::TwoNames, name.span(), what, "give each a name of its own");
            }
        }
    }
}

/// `PUBLISHED[:TARGET][/PROTOCOL]`.
pub(super) fn port(text: &str) -> Option<PortSpec> {
    let (ports, protocol) = match text.split_once('/') {
        None => (text, Protocol::Tcp),
        Some((ports, "tcp")) => (ports, Protocol::Tcp),
        Some((ports, "udp")) => (ports, Protocol::Udp),
        Some(_) => return None,
    };
    let (published, target) = ports.split_once(':').unwrap_or((ports, ports));
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    Some(PortSpec { published: number(published)?, target: number(target)?, protocol })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_the_boards_and_the_apps() {
        let spec = |published, target, protocol| Some(PortSpec { published, target, protocol });
        assert_eq!(port("8000"), spec(8000, 8000, Protocol::Tcp));
        assert_eq!(port("8000:80"), spec(8000, 80, Protocol::Tcp));
        assert_eq!(port("5353:53/udp"), spec(5353, 53, Protocol::Udp));
        for wrong in ["", "0", "80:", ":80", "80/sctp", "70000", "1:2:3"] {
            assert_eq!(port(wrong), None, "{wrong:?}");
        }
    }
}
