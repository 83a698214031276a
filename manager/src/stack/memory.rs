//! How much of a board each service gets.
//!
//! Invariant: a share follows from the board's size and from nothing else that runs on it, so that a service
//! that comes or goes changes no other's. A size is a class (what the shop calls the board), never what its
//! kernel happens to leave over: a kernel update moves that by some megabytes, and a moved limit would restart
//! every service of the rack.

use std::collections::BTreeMap;

use super::Engine;
use crate::rack::{BoardName, Bytes, Rack};

/// What each board has, as its engine reports it. What the rack file says wins.
pub type Memory = BTreeMap<BoardName, Bytes>;

/// A heap, its young part, and the limit of the whole container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The JVM's heap.
    pub heap: Bytes,
    /// The most that the container may use: the heap, what the JVM needs beside it, buffers, page cache.
    pub limit: Bytes,
}

/// The shares of a board of one class; `None` where that service has no room there, even alone.
struct Class {
    memory: Bytes,
    cassandra: Option<Share>,
    kafka: Option<Share>,
}

const fn mib(count: u64) -> Bytes {
    Bytes::mebibytes(count)
}

const fn share(heap: u64, limit: u64) -> Option<Share> {
    Some(Share { heap: mib(heap), limit: mib(limit) })
}

/// The classes, smallest first. Why these numbers:
/// - Both limits together stay below five eighths of a board from 4 GiB on, and three quarters of one of 2 or 3:
///   the rest is Linux's, Docker's, the agent's and an app's. Below 2 GiB only one of the two fits.
/// - Cassandra: outside its heap it needs about 300 MB for the JVM, and more the more it holds (buffers, Bloom
///   filters, its chunk cache), so its limit is about 2.3 heaps. Beyond 8 GiB a heap makes longer pauses only.
/// - Kafka: a broker of a desk needs little heap and lives from the page cache, which counts against its limit:
///   two and a half heaps; beyond 1 GiB of heap only the cache grows.
const CLASSES: [Class; 10] = [
    Class { memory: mib(512), cassandra: None, kafka: None },
    Class { memory: mib(1 << 10), cassandra: share(256, 640), kafka: share(192, 448) },
    Class { memory: mib(2 << 10), cassandra: share(448, 1024), kafka: share(192, 448) },
    Class { memory: mib(3 << 10), cassandra: share(640, 1536), kafka: share(256, 640) },
    Class { memory: mib(4 << 10), cassandra: share(768, 1792), kafka: share(320, 768) },
    Class { memory: mib(6 << 10), cassandra: share(1152, 2688), kafka: share(448, 1024) },
    Class { memory: mib(8 << 10), cassandra: share(1536, 3584), kafka: share(512, 1280) },
    Class { memory: mib(12 << 10), cassandra: share(2560, 5632), kafka: share(768, 1920) },
    Class { memory: mib(16 << 10), cassandra: share(4096, 7680), kafka: share(1024, 2560) },
    Class { memory: mib(32 << 10), cassandra: share(8192, 15360), kafka: share(1024, 4096) },
];

/// A controller that is no broker keeps the cluster's description, nothing else: the same on every board.
const CONTROLLER: Share = Share { heap: mib(160), limit: mib(384) };
/// Stargate's coordinator, as its contract has it.
pub(super) const COORDINATOR: Share = Share { heap: mib(768), limit: mib(1536) };
/// Stargate's GraphQL door: 0.2 GB seen.
pub(super) const GRAPHQL: Share = Share { heap: mib(192), limit: mib(448) };
/// What a board needs for itself: Linux, sshd, dockerd with containerd, the agent.
pub(crate) const OWN: Bytes = mib(128);
/// The least that a JVM takes beside its heap.
pub(crate) const BESIDE: Bytes = mib(192);
/// The least heap with which any of the engines starts.
pub(crate) const LEAST: Bytes = mib(64);

/// The class of a board that reports so much. Boards keep some for their GPU and their kernel, and never a
/// fifth; a board between two classes is the smaller.
#[must_use]
pub fn class_of(reported: Bytes) -> Bytes {
    let fits = |class: &&Class| reported.0 >= class.memory.0 / 5 * 4;
    CLASSES.iter().rev().find(fits).map_or(reported, |class| class.memory)
}

/// What a board counts as: what the file says, to the letter, else the class of what its engine reports.
#[must_use]
pub fn of(rack: &Rack, memory: &Memory, board: &BoardName) -> Option<Bytes> {
    let said = rack.board(board).and_then(|board| board.memory);
    said.or_else(|| memory.get(board).map(|reported| class_of(*reported)))
}

/// The largest class that is not above this.
fn class(memory: Bytes) -> Option<&'static Class> {
    CLASSES.iter().rev().find(|class| class.memory <= memory)
}

/// Cassandra's share of a board.
#[must_use]
pub fn cassandra(memory: Bytes) -> Option<Share> {
    class(memory)?.cassandra
}

/// A broker's share.
#[must_use]
pub fn kafka(memory: Bytes) -> Option<Share> {
    class(memory)?.kafka
}

/// The share of a controller that is no broker.
#[must_use]
pub fn controller(memory: Bytes) -> Option<Share> {
    (memory >= CONTROLLER.limit).then_some(CONTROLLER)
}

/// What the file says of heap and limit, and what the table gives for the rest: a heap that is said takes its
/// limit with it, and a limit its heap.
#[must_use]
pub fn settled(table: Option<Share>, heap: Option<Bytes>, limit: Option<Bytes>) -> Option<Share> {
    match (heap, limit, table) {
        (Some(heap), Some(limit), _) => Some(Share { heap, limit }),
        (None, None, table) => table,
        (Some(heap), None, table) => {
            let least = Bytes(heap.0.saturating_add((heap.0 / 2).max(BESIDE.0)));
            Some(Share { heap, limit: table.map_or(least, |table| table.limit.max(least)) })
        }
        // Two fifths, as the images themselves reckon.
        (None, Some(limit), table) => {
            let most = mib(Bytes(limit.0 / 5 * 2).as_mebibytes());
            Some(Share { heap: table.map_or(most, |table| table.heap.min(most)), limit })
        }
    }
}

/// The shares of the rack's own services on a board with so much memory, by service; nothing for one that has no
/// room there even alone.
#[must_use]
pub fn shares(rack: &Rack, memory: Bytes, board: &BoardName) -> Vec<(String, Option<Share>)> {
    let mut all = vec![];
    let mut take = |engine: Engine, share: Option<Share>| all.push((engine.on(board.as_str()), share));
    if let Some(kafka) = &rack.kafka
        && (kafka.brokers.contains(board) || kafka.voters.contains(board))
    {
        take(Engine::Kafka, super::kafka::service::share(kafka, memory, board));
    }
    if let Some(cassandra) = rack.cassandra.as_ref().filter(|ring| ring.nodes.contains(board)) {
        take(Engine::Cassandra, super::cassandra::service::share(cassandra, memory));
    }
    if rack.stargate.as_ref().is_some_and(|stargate| stargate.boards.contains(board)) {
        take(Engine::Stargate, Some(COORDINATOR));
        take(Engine::Graphql, Some(GRAPHQL));
    }
    all
}

impl Share {
    /// Whether the JVM fits into its container, and starts at all.
    #[must_use]
    pub(crate) fn fits(self) -> bool {
        self.heap >= LEAST && self.limit.0 >= self.heap.0.saturating_add(BESIDE.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_of_eight_gibibytes_gets_what_such_boards_have_run_with() {
        let board = mib(8 << 10);
        assert_eq!(cassandra(board), share(1536, 3584));
        assert_eq!(kafka(board), share(512, 1280));
    }

    #[test]
    fn what_a_kernel_leaves_over_decides_nothing() {
        // As Pi 4 and 5, Orange Pi Zero 2 and 5, Pi Zero 2 W and a plain VM report.
        for (reported, class) in [
            (7811, 8),
            (8059, 8),
            (8192, 8),
            (3794, 4),
            (3884, 4),
            (909, 1),
            (981, 1),
            (15_990, 16),
            (32_020, 32),
        ] {
            assert_eq!(class_of(mib(reported)), mib(class << 10), "{reported} MiB");
        }
        assert_eq!(class_of(mib(426)), mib(512));
        // Between two classes the smaller one; above all, the largest.
        assert_eq!(class_of(mib(1200)), mib(1024));
        assert_eq!(class_of(mib(24_000)), mib(16 << 10));
        assert_eq!(class_of(mib(64 << 10)), mib(32 << 10));
    }

    #[test]
    fn every_share_grows_with_the_board_and_both_leave_it_room() {
        let mut before = (Bytes(0), Bytes(0));
        for Class { memory, cassandra, kafka } in &CLASSES {
            for share in [cassandra, kafka].into_iter().flatten() {
                assert!(share.fits(), "{share:?} on {memory}");
                assert!(share.limit.0 + OWN.0 <= memory.0, "{share:?} on {memory}");
            }
            let limits = (cassandra.map_or(Bytes(0), |s| s.limit), kafka.map_or(Bytes(0), |s| s.limit));
            assert!(limits.0 >= before.0 && limits.1 >= before.1, "{memory}");
            before = limits;
            if memory.as_mebibytes() >= 2048 {
                let both = limits.0.0 + limits.1.0;
                let most = if memory.as_mebibytes() >= 4096 { memory.0 / 8 * 5 } else { memory.0 / 4 * 3 };
                assert!(both <= most, "{memory}: {}", Bytes(both));
                // The class's least board, too, has room for both.
                assert!(both + OWN.0 <= memory.0 / 5 * 4, "{memory}");
            }
        }
    }

    #[test]
    fn what_the_file_says_is_kept_and_takes_the_rest_with_it() {
        let table = share(512, 1280);
        assert_eq!(settled(table, None, None), table);
        assert_eq!(settled(table, Some(mib(256)), None), share(256, 1280));
        assert_eq!(settled(table, Some(mib(2048)), None), share(2048, 3072));
        assert_eq!(settled(table, None, Some(mib(640))), share(256, 640));
        assert_eq!(settled(table, None, Some(mib(4096))), share(512, 4096));
        assert_eq!(settled(None, Some(mib(128)), Some(mib(384))), share(128, 384));
    }
}
