//! The ports of a board that no service of the swarm's takes: what the engine, the agent, the manager and the
//! system listen at. What the stacks take is [`super::ports`]'s to say; images/PORTS.md lists both, and a test
//! holds the three together.

use pirack_swarm::spec::Protocol;

/// Between the swarm's managers and their nodes.
pub const SWARM: u16 = 2377;
/// The swarm's gossip, by TCP and UDP.
pub const GOSSIP: u16 = 7946;
/// Packets of overlay networks.
pub const VXLAN: u16 = 4789;
/// An agent's metrics.
pub const AGENT: u16 = 9477;
/// The dashboard and the API.
pub const MANAGER: u16 = 8088;
/// The rack's time server, on the admin.
pub const TIME: u16 = 123;

/// Each of them by whose it is; ssh's is its default.
pub const BESIDES: [(&str, u16, Protocol); 8] = [
    ("ssh", 22, Protocol::Tcp),
    ("docker", SWARM, Protocol::Tcp),
    ("docker", GOSSIP, Protocol::Tcp),
    ("docker", GOSSIP, Protocol::Udp),
    ("docker", VXLAN, Protocol::Udp),
    ("agent", AGENT, Protocol::Tcp),
    ("manager", MANAGER, Protocol::Tcp),
    ("time", TIME, Protocol::Udp),
];
