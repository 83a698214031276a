//! Objects as they pass between this crate and an engine, in either direction: plain data, nothing checked.
//!
//! What is desired is rendered to these; what an engine reports comes back as these. Where Docker
//! has a default, the field is an `Option` and `None` means "not said"; `filled` puts Docker's own
//! default there, so that a default that the engine filled in never looks like a change. Other objects are named by
//! name, never by id: an engine translates. Maps and sets stand where Docker keeps lists whose order means nothing.

mod container;
mod file;
mod network;
mod node;
mod policy;
mod service;

pub use container::{HealthCheck, LogSpec, Probe, ProbeTest, Ulimit};
pub(crate) use file::rotated_name;
pub use file::{ConfigSpec, Content, SecretSpec, SecretValue};
pub use network::NetworkSpec;
pub use node::{Availability, NodeSpec, Role};
pub use policy::{FailureAction, Restart, RestartCondition, Span, Update, UpdateOrder};
pub use service::{
    EndpointMode, FileUse, MountKind, MountSpec, PortSpec, Protocol, Resources, Scale, ServiceSpec,
};
