//! Counts the rows of the rack's tables, so that a sink's figures can be held against what a node really has.
//!
//! `count_rows HOST:PORT TABLE...`: prints the sum, as one number.

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session_builder::SessionBuilder;

/// The longest wait for one table's count.
const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [node, tables @ ..] = arguments.as_slice() else {
        anyhow::bail!("count_rows HOST:PORT TABLE...");
    };
    let profile = ExecutionProfile::builder().request_timeout(Some(DEADLINE)).build();
    let session = SessionBuilder::new()
        .known_node(node)
        .default_execution_profile_handle(profile.into_handle())
        .build()
        .await?;
    let mut rows = 0;
    for table in tables {
        let counted = session.query_unpaged(format!("SELECT count(*) FROM rack.{table}"), ()).await?;
        let (count,) = counted.into_rows_result()?.single_row::<(i64,)>().context("no count")?;
        rows += count;
    }
    writeln!(std::io::stdout(), "{rows}")?;
    Ok(())
}
