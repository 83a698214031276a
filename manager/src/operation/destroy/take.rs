//! What shall go, as somebody asks for it: in a command's options, or in the JSON of an order.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Parts, Scope};
use crate::rack::BoardName;
use crate::stack::Engine;

/// The stacks that can be named, each with the engines whose services it is made of.
const STACKS: [(&str, &[Engine]); 3] = [
    ("kafka", &[Engine::Kafka]),
    ("cassandra", &[Engine::Cassandra]),
    ("stargate", &[Engine::Stargate, Engine::Graphql]),
];

/// What shall go: everything, where no part is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Take {
    /// All services of these stacks: `kafka`, `cassandra`, `stargate`.
    pub stacks: BTreeSet<String>,
    /// These services.
    pub services: BTreeSet<String>,
    /// These boards' services and nodes.
    pub boards: BTreeSet<String>,
    /// The agents' packages, with their queues: of the boards that go, or of all.
    pub agents: bool,
    /// Everything, although only agents are named.
    pub all: bool,
    /// The data of what goes, too.
    pub volumes: bool,
}

/// Why that cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TakeError {
    /// No such stack.
    #[error("there is no stack {0}: say kafka, cassandra or stargate")]
    Stack(String),
    /// No board can have that name.
    #[error("no board is called {0}: say its name as the rack's file does")]
    Board(String),
    /// Everything, and a part.
    #[error("all of the rack and a part of it cannot both be meant: leave out one of them")]
    Both,
}

impl Take {
    /// What is meant.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn scope(&self) -> Result<Scope, TakeError> {
        let Self { stacks, services, boards, agents, all, volumes } = self;
        let parts = !(stacks.is_empty() && services.is_empty() && boards.is_empty());
        if *all && parts {
            return Err(TakeError::Both);
        }
        let parts = if parts || (*agents && !all) {
            let mut engines = BTreeSet::new();
            for name in stacks {
                let found = STACKS.iter().find(|(stack, _)| stack == name);
                engines.extend(found.ok_or_else(|| TakeError::Stack(name.clone()))?.1);
            }
            let board = |name: &String| name.parse().map_err(|_| TakeError::Board(name.clone()));
            let boards: BTreeSet<BoardName> = boards.iter().map(board).collect::<Result<_, _>>()?;
            Parts::Some { stacks: engines, services: services.clone(), boards }
        } else {
            Parts::Whole
        };
        Ok(Scope { parts, agents: *agents, volumes: *volumes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str) -> BTreeSet<String> {
        [name.to_owned()].into()
    }

    #[test]
    fn everything_goes_unless_a_part_or_agents_alone_are_named() {
        assert_eq!(Take::default().scope().unwrap().parts, Parts::Whole);
        let agents = Take { agents: true, ..Take::default() };
        let Parts::Some { stacks, services, boards } = agents.scope().unwrap().parts else { panic!() };
        assert!(stacks.is_empty() && services.is_empty() && boards.is_empty());
        let all = Take { all: true, ..agents };
        assert_eq!(all.scope().unwrap(), Scope { parts: Parts::Whole, agents: true, volumes: false });
        let stargate = Take { stacks: one("stargate"), ..Take::default() };
        let Parts::Some { stacks, .. } = stargate.scope().unwrap().parts else { panic!() };
        assert_eq!(stacks, [Engine::Stargate, Engine::Graphql].into());
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_its_name() {
        let of = |take: Take| take.scope().unwrap_err();
        assert_eq!(of(Take { stacks: one("redis"), ..Take::default() }), TakeError::Stack("redis".into()));
        assert_eq!(of(Take { boards: one("b 1"), ..Take::default() }), TakeError::Board("b 1".into()));
        assert_eq!(of(Take { all: true, services: one("page"), ..Take::default() }), TakeError::Both);
    }

    #[test]
    fn an_order_names_its_parts_in_the_same_words_and_no_others() {
        let take: Take = serde_json::from_str(r#"{"stacks":["kafka"],"volumes":true}"#).unwrap();
        assert_eq!(take, Take { stacks: one("kafka"), volumes: true, ..Take::default() });
        assert!(serde_json::from_str::<Take>(r#"{"stack":["kafka"]}"#).is_err());
    }
}
