//! What is: the cluster's own word, out of `system` and `system_schema`.

use std::collections::{BTreeMap, HashMap};

use scylla::client::session::Session;
use scylla::deserialize::row::DeserializeRow;

use super::SchemaError;
use super::table::{Keyspace, Order, Setting, TIME_TO_LIVE, Table};

/// A cluster, as far as its schema is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The release of the node that was asked.
    pub version: String,
    /// Nodes of each datacenter, those that are down too.
    pub datacenters: BTreeMap<String, usize>,
    /// The keyspace, if it is there.
    pub keyspace: Option<Keyspace>,
}

type TableRow = (
    String,
    Option<String>,
    Option<i32>,
    Option<i32>,
    Option<HashMap<String, String>>,
    Option<HashMap<String, String>>,
);
type ColumnRow = (String, String, String, i32, String, String);

/// Reads a cluster's description.
///
/// # Errors
/// [`SchemaError::Unread`] when an answer does not come, or is not of the expected shape.
pub async fn observe(session: &Session, address: &str, keyspace: &str) -> Result<Observed, SchemaError> {
    let asking = Asking { session, address };
    let (what, text) = ("the datacenters", "SELECT data_center, release_version FROM system.local");
    let local: Vec<(Option<String>, Option<String>)> = asking.rows(what, text, &[]).await?;
    let peers: Vec<(Option<String>,)> =
        asking.rows(what, "SELECT data_center FROM system.peers", &[]).await?;
    let version = local.iter().find_map(|(_, version)| version.clone()).unwrap_or_default();
    let mut datacenters = BTreeMap::new();
    for name in local.into_iter().map(|(name, _)| name).chain(peers.into_iter().map(|(name,)| name)).flatten()
    {
        *datacenters.entry(name).or_default() += 1;
    }
    let keyspace = asking.keyspace(keyspace).await?;
    Ok(Observed { version, datacenters, keyspace })
}

struct Asking<'a> {
    session: &'a Session,
    address: &'a str,
}

impl Asking<'_> {
    async fn keyspace(&self, name: &str) -> Result<Option<Keyspace>, SchemaError> {
        let text = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?";
        let found: Vec<(HashMap<String, String>,)> = self.rows("the keyspace", text, &[name]).await?;
        let Some((replication,)) = found.into_iter().next() else { return Ok(None) };
        let text = "SELECT table_name, comment, default_time_to_live, gc_grace_seconds, compaction, compression \
                    FROM system_schema.tables WHERE keyspace_name = ?";
        let tables: Vec<TableRow> = self.rows("the tables", text, &[name]).await?;
        let text = "SELECT table_name, column_name, kind, position, type, clustering_order \
                    FROM system_schema.columns WHERE keyspace_name = ?";
        let columns: Vec<ColumnRow> = self.rows("the columns", text, &[name]).await?;
        let tables = tables.into_iter().map(|row| table(row, &columns)).collect();
        Ok(Some(Keyspace { name: name.to_owned(), replication: replication.into_iter().collect(), tables }))
    }

    async fn rows<T>(&self, what: &'static str, text: &str, values: &[&str]) -> Result<Vec<T>, SchemaError>
    where
        T: for<'a, 'b> DeserializeRow<'a, 'b>,
    {
        let unread = |source: Box<dyn std::error::Error + Send + Sync>| SchemaError::Unread {
            what,
            address: self.address.to_owned(),
            source,
        };
        let result = self.session.query_unpaged(text, values).await.map_err(|error| unread(error.into()))?;
        let rows = result.into_rows_result().map_err(|error| unread(error.into()))?;
        let rows = rows.rows::<T>().map_err(|error| unread(error.into()))?;
        rows.collect::<Result<_, _>>().map_err(|error| unread(error.into()))
    }
}

fn table((name, comment, keep, grace, compaction, compression): TableRow, columns: &[ColumnRow]) -> Table {
    let number = |value: Option<i32>| value.map(|value| Setting::Number(value.into()));
    let map =
        |value: Option<HashMap<String, String>>| value.map(|value| Setting::Map(value.into_iter().collect()));
    let options = [
        ("comment", comment.map(Setting::Text)),
        (TIME_TO_LIVE, number(keep)),
        ("gc_grace_seconds", number(grace)),
        ("compaction", map(compaction)),
        ("compression", map(compression)),
    ];
    let ours: Vec<_> = columns.iter().filter(|(table, ..)| *table == name).collect();
    let of_kind = |wanted: &str| {
        let mut found: Vec<_> = ours.iter().filter(|(_, _, kind, ..)| kind == wanted).collect();
        found.sort_by_key(|(_, _, _, position, ..)| *position);
        found
    };
    let order = |text: &str| if text == "desc" { Order::Descending } else { Order::Ascending };
    Table {
        columns: ours.iter().map(|(_, column, _, _, kind, _)| (column.clone(), kind.clone())).collect(),
        partition: of_kind("partition_key").iter().map(|(_, column, ..)| column.clone()).collect(),
        clustering: of_kind("clustering")
            .iter()
            .map(|(_, column, _, _, _, sorted)| (column.clone(), order(sorted)))
            .collect(),
        options: options.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
        name,
    }
}
