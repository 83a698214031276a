//! Stargate: a node of Cassandra's ring that answers GraphQL; so it depends on which Cassandra that is.

use toml::Spanned;

use super::super::code::Code;
use super::super::file::StargateSection;
use super::super::{BoardName, Cassandra, CassandraVersion, Role, Stargate};
use super::value::tag;
use super::{Boards, Checker, Known};
use pirack_agent::config::Written;
use pirack_swarm::desired::Image;

pub(in super::super) const COORDINATOR: &str = "stargateio/coordinator-4_0:v2.0.52";
pub(in super::super) const GRAPHQL: &str = "stargateio/graphqlapi:v2.0.52";

impl Checker<'_> {
    /// `cassandra` is nothing where the file has none, and nothing inside where it is wrong.
    pub(super) fn stargate(
        &mut self,
        section: &Spanned<StargateSection>,
        boards: &Boards,
        cassandra: Option<&Option<Cassandra>>,
    ) -> Option<Stargate> {
        let written = section.get_ref();
        let coordinator = self.image(&written.coordinator, COORDINATOR);
        let graphql = self.image(&written.graphql, GRAPHQL);
        self.of_section(&written.coordinator, "coordinator");
        self.of_section(&written.graphql, "graphqlapi");
        if let (Some(coordinator), Some(graphql)) = (&coordinator, &graphql) {
            self.companions(written, coordinator, graphql);
        }
        let lost = |key| self.lost.key(&["cassandra"], key);
        let (version_lost, nodes_lost) = (lost("version") || lost("image"), lost("nodes"));
        match cassandra {
            None if !self.lost.key(&[], "cassandra") => self.say(
                Code::StargateVersion,
                section.span(),
                "Stargate without Cassandra: it stores nothing itself",
                "add [cassandra] with version = \"4.0\", or take [stargate] out",
            ),
            Some(Some(cassandra)) if cassandra.version != CassandraVersion::V4_0 && !version_lost => self.say(
                Code::StargateVersion,
                section.span(),
                "Stargate 2 joins the ring as a node of Cassandra 3.11 or 4.0, and cannot join one of 4.1 or 5.0",
                "write version = \"4.0\" in [cassandra] while the rack is new, for data of a newer version cannot go \
                 back; or take [stargate] out",
            ),
            _ => {}
        }
        let ring = cassandra.and_then(Option::as_ref).filter(|_| !nodes_lost);
        let nodes = ring.map(|cassandra| cassandra.nodes.as_slice());
        let chosen = self.stargate_boards(section, boards, nodes);
        Some(Stargate { coordinator: coordinator?, graphql: graphql?, boards: chosen })
    }

    /// A coordinator is built for one Cassandra, and the GraphQL door for one coordinator.
    fn companions(&mut self, written: &StargateSection, coordinator: &Image, graphql: &Image) {
        let said = |written: &Written<String>| written.as_ref().map(Spanned::span);
        let other = coordinator.as_str().split("coordinator-").nth(1).filter(|rest| !rest.starts_with("4_0"));
        if other.is_some() {
            self.say(
                Code::StargateVersion,
                said(&written.coordinator),
                format!("{coordinator} is built for another Cassandra than 4.0"),
                format!("write the one for 4.0, for example \"{COORDINATOR}\""),
            );
        }
        let is_release = |tag: &&str| tag.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit());
        let releases = [tag(coordinator).filter(is_release), tag(graphql).filter(is_release)];
        if let [Some(one), Some(two)] = releases
            && one != two
        {
            self.say(
                Code::OtherImage,
                said(&written.graphql).or_else(|| said(&written.coordinator)),
                format!("the coordinator is of {one}, and the GraphQL door of {two}"),
                "write both of one version",
            );
        }
    }

    fn stargate_boards(
        &mut self,
        section: &Spanned<StargateSection>,
        boards: &Boards,
        nodes: Option<&[BoardName]>,
    ) -> Vec<BoardName> {
        let list = &section.get_ref().boards;
        let has_node = |board: &Known| {
            board.name.as_ref().is_some_and(|name| nodes.is_some_and(|nodes| nodes.contains(name)))
        };
        let Some(named) = self.named(list, boards) else {
            let free = || boards.all.iter().filter(|board| !has_node(board));
            let with = |role| free().find(|board| board.roles.contains(&role));
            let first = with(Role::App).or_else(|| with(Role::Worker));
            let known = boards.have_roles() && nodes.is_some() && !self.lost.key(&["stargate"], "boards");
            if first.is_none() && known {
                self.say(
                    Code::NoBoards,
                    section.span(),
                    "no board is left for Stargate: it cannot share one with Cassandra, for both are nodes of the ring",
                    "leave a worker out of cassandra.nodes, or give a board without Cassandra the role app",
                );
            }
            return first.and_then(|board| board.name.clone()).into_iter().collect();
        };
        for item in list.iter().flat_map(|list| list.get_ref()) {
            let Some(board) = boards.written(item.get_ref()) else { continue };
            if has_node(board) {
                self.say(
                    Code::StargateBeside,
                    item.span(),
                    format!(
                        "{} has a node of Cassandra: two nodes of one ring cannot share its ports",
                        item.get_ref()
                    ),
                    "name a board that does not stand in cassandra.nodes",
                );
            } else if board.roles.iter().all(|role| !matches!(role, Role::App | Role::Worker))
                && !board.roles.is_empty()
            {
                let what = format!("{} has neither the role app nor worker", item.get_ref());
                self.say(Code::WrongRole, item.span(), what, "give it one of them, or name another board");
            }
        }
        if let Some(list) = list.as_ref().filter(|list| list.get_ref().is_empty()) {
            self.say(
                Code::NoBoards,
                list.span(),
                "Stargate has no board",
                "name one, or take [stargate] out",
            );
        }
        named
    }
}
