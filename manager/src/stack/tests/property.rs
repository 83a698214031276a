//! Over racks that nobody thought of.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::racks::{app, bare, board, cassandra, kafka, nothing, remembered};
use crate::rack::{Bytes, Rack, Role, Secrets};
use crate::stack::{StackError, desired, ports};
use pirack_swarm::spec::{PortSpec, Protocol};

/// So many boards of so much memory, each with Kafka, with Cassandra, or both; and an app with a port.
fn rack() -> impl Strategy<Value = Rack> {
    let sizes =
        prop::sample::select(vec![512, 900, 1024, 1800, 2048, 3700, 4096, 6100, 8192, 16_384, 40_000]);
    let boards = prop::collection::vec((sizes, any::<bool>(), any::<bool>()), 1..14);
    let port = prop_oneof![Just(80), Just(8080), Just(9042), 1024_u16..10_000];
    (boards, port).prop_map(|(boards, published)| {
        let names: Vec<String> = (1..=boards.len()).map(|number| format!("b{number}")).collect();
        let chosen = |which: &dyn Fn(&(u64, bool, bool)) -> bool| -> Vec<&str> {
            names
                .iter()
                .zip(&boards)
                .filter(|(_, board)| which(board))
                .map(|(name, _)| name.as_str())
                .collect()
        };
        let (brokers, nodes) = (chosen(&|board| board.1), chosen(&|board| board.2));
        let made = names.iter().zip(&boards).zip(11..);
        let mut rack = bare(
            made.map(|((name, size), number)| {
                let mut one = board(name, number, &[Role::Manager, Role::Worker, Role::App]);
                one.memory = Some(Bytes::mebibytes(size.0));
                one
            })
            .collect(),
        );
        rack.kafka = (!brokers.is_empty()).then(|| kafka(&brokers));
        rack.cassandra = (!nodes.is_empty()).then(|| cassandra(&nodes));
        let mut page = app("page");
        page.ports.insert(PortSpec { published, target: 80, protocol: Protocol::Tcp });
        rack.apps = vec![page];
        rack
    })
}

proptest! {
    #[test]
    fn what_is_desired_has_room_on_its_board_and_a_port_one_owner(rack in rack()) {
        let wanted = desired(&rack, &remembered(None, &rack), &nothing(), &Secrets::new());
        let mut owners: BTreeMap<(String, u16, Protocol), String> = BTreeMap::new();
        let mut clash = false;
        for (board, ports) in ports(&rack) {
            for port in ports {
                let before = owners.insert((board.to_string(), port.port, port.protocol), port.service.clone());
                clash |= before.is_some_and(|before| before != port.service);
            }
        }
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(StackError::Port { .. }) => { prop_assert!(clash); return Ok(()) }
            Err(StackError::TooSmall { .. } | StackError::Full { .. }) => return Ok(()),
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        };
        prop_assert!(!clash);
        let mut limits: BTreeMap<&str, u64> = BTreeMap::new();
        for service in wanted.services().filter(|service| service.name.as_str() != "page") {
            let (_, board) = service.name.as_str().split_once('-').unwrap();
            *limits.entry(board).or_default() += service.limits.memory_bytes.unwrap();
        }
        for board in &rack.boards {
            let limit = limits.get(board.name.as_str()).copied().unwrap_or(0);
            prop_assert!(limit < board.memory.unwrap().0, "{} of {:?}", limit, board.memory);
        }
    }
}
