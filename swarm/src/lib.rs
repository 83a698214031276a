//! A Docker swarm brought from what it is to what it should be, with every step known before it is taken.
//!
//! Three pieces of plain data and two verbs:
//!
//! ```text
//! Desired ─┐
//!          ├─ plan (pure) ─▶ Plan ─ apply ─▶ Engine
//! Observed ┘                                   │
//!    ▲                                         │
//!    └───────────────── observe ◀──────────────┘
//! ```
//!
//! - [`desired`]: what should be. Checked where it is made, so that behind that door nothing can be wrong.
//! - [`observed`]: what an engine reports, with the ids and versions that updates need.
//! - [`plan`](mod@plan): the difference, as steps in a safe order, each with its reasons. It asks nobody and changes nothing.
//! - [`apply`](mod@apply): runs a plan. It chooses nothing, and stops at the first refusal.
//! - [`engine`]: the narrow trait over Docker; `testing` has a fake that keeps Docker's rules.
//!
//! There is no journal. Whatever happens between two steps (a conflict, a crash, somebody else's
//! hand) leaves a world that can be observed, and a plan from there ends where the first one would have.
//! What another owns is never touched: labels on each object say whose it is.
//!
//! The crate knows Docker's words alone, and nothing of what runs in the services.
//!
//! # Example
//! ```
//! use std::ops::ControlFlow;
//!
//! use pirack_swarm::desired::{Config, Draft, File, Service};
//! use pirack_swarm::{apply::apply, engine::observe, plan::plan, testing::FakeEngine};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut web = Service::new("web".parse()?, "caddy:2.10".parse()?);
//! web.configs.push(File::new("caddyfile".parse()?, "/etc/caddy/Caddyfile".parse()?));
//! let mut draft = Draft::new("desk".parse()?);
//! draft.configs.push(Config { name: "caddyfile".parse()?, content: b":80 { respond hello }".to_vec() });
//! draft.services.push(web);
//! let desired = draft.check()?;
//!
//! let engine = FakeEngine::new("m1");
//! let first = plan(&desired, &observe(&engine).await?);
//! assert_eq!(
//!     first.to_string(),
//!     "\
//! + add       config caddyfile-8096559b7be3
//!       there is no config caddyfile with this content yet
//! + add       service web
//!       it is not there yet
//! 2 to add, 0 to change, 0 to replace, 0 to remove, 0 forbidden
//! "
//! );
//! apply(&first, &engine, |_| ControlFlow::Continue(())).await?;
//! assert!(plan(&desired, &observe(&engine).await?).is_empty());
//! # Ok(())
//! # }
//! ```

pub mod apply;
pub mod desired;
pub mod engine;
pub mod object;
pub mod observed;
mod owned;
pub mod plan;
pub mod spec;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
