#![doc = include_str!("../README.md")]
//!
//! # The rooms
//! - [`desired`]: what should be. Checked where it is made, so that behind that door nothing can be wrong.
//! - [`observed`]: what an engine reports, with the ids and versions that updates need.
//! - [`plan`](mod@plan): the difference, as steps in a safe order, each with its reasons. It asks nobody and changes nothing.
//! - [`apply`](mod@apply): runs a plan. It chooses nothing, and stops at the first refusal.
//! - [`engine`]: the narrow trait over a swarm, through one of its managers; [`member`] is one engine as a member
//!   of a swarm (begin, join, leave), [`host`] one engine as a host of containers (what it is, its images).
//! - [`docker`]: a real engine behind all three; `testing` has a fake that keeps Docker's rules, tasks and
//!   membership among them. The same scenarios are told on both.
//! - [`wait`]: waits for a swarm to follow, each with a condition, a deadline and a reason in Docker's own words.
//!
//! # A service on real engines
//! ```no_run
//! use std::ops::ControlFlow;
//! use std::path::Path;
//! use std::time::Duration;
//!
//! use pirack_swarm::desired::{Draft, Service};
//! use pirack_swarm::docker::{Deadlines, DockerEngine};
//! use pirack_swarm::member::{Birth, Entry, Member, Membership, PORT};
//! use pirack_swarm::spec::Role;
//! use pirack_swarm::wait::{self, Patience, node_ready, service_settled};
//! use pirack_swarm::{apply::apply, engine::observe, plan::plan};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Each engine through a socket of its own, forwarded here by whatever means.
//! let m1 = DockerEngine::on_socket("m1", Path::new("/run/rack/m1.sock"), Deadlines::default()).await?;
//! let w1 = DockerEngine::on_socket("w1", Path::new("/run/rack/w1.sock"), Deadlines::default()).await?;
//!
//! // Two boards form a swarm.
//! let address = "10.0.0.11".parse()?;
//! if m1.membership().await? == Membership::Inactive {
//!     m1.init(&Birth::new(address)).await?;
//! }
//! let token = m1.join_token(Role::Worker).await?;
//! w1.join(&Entry::new(vec![(address, PORT).into()], token, "10.0.0.12".parse()?)).await?;
//! wait::until(&m1, node_ready("w1"), Patience::seconds(30)).await?;
//!
//! // What should be, against what is: shown first, then done, then awaited.
//! let mut draft = Draft::new("desk".parse()?);
//! draft.services.push(Service::new("web".parse()?, "caddy:2.10".parse()?));
//! let steps = plan(&draft.check()?, &observe(&m1).await?);
//! print!("{steps}");
//! apply(&steps, &m1, |step| {
//!     println!("{step}");
//!     ControlFlow::Continue(())
//! })
//! .await?;
//! wait::until(&m1, service_settled("web", Duration::from_secs(5)), Patience::seconds(120)).await?;
//! # Ok(())
//! # }
//! ```

pub mod apply;
pub mod desired;
pub mod docker;
pub mod engine;
pub mod host;
pub mod member;
pub mod object;
pub mod observed;
mod owned;
pub mod plan;
pub mod spec;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod wait;

pub use owned::owner;
