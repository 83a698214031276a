//! Records to Cassandra.

use uuid::Uuid;

use super::login::Login;
use crate::record::BoardName;

/// Where and as whom records are stored.
#[derive(Clone, Debug)]
pub struct CassandraSettings {
    /// Nodes to begin with, each `host:port`.
    pub contact_points: Vec<String>,
    /// The keyspace.
    pub keyspace: String,
    /// The datacenter whose nodes are talked to; any where it is absent.
    pub datacenter: Option<String>,
    /// As whom.
    pub login: Option<Login>,
    /// The board.
    pub board: BoardName,
    /// The queues on the board's disk.
    pub queues: Vec<Uuid>,
}
