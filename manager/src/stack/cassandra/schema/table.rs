//! A table as plain data, the same for what should be and for what is.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A keyspace and its tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyspace {
    /// Its name.
    pub name: String,
    /// Its replication, as CQL's map.
    pub replication: BTreeMap<String, String>,
    /// Its tables.
    pub tables: Vec<Table>,
}

/// One table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its name, within the keyspace.
    pub name: String,
    /// Every column and its CQL type, in the order of the file.
    pub columns: Vec<(String, String)>,
    /// The columns of the partition's key, in order.
    pub partition: Vec<String>,
    /// The clustering columns, in order.
    pub clustering: Vec<(String, Order)>,
    /// `comment`, `default_time_to_live`, ...
    pub options: BTreeMap<String, Setting>,
}

/// How rows of a partition are sorted by a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

impl Order {
    /// Its word in CQL.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
        }
    }
}

/// One option's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A number of seconds.
    Number(i64),
    /// A text.
    Text(String),
    /// A map, as of compaction.
    Map(BTreeMap<String, String>),
}

/// The option that says how long rows live.
pub const TIME_TO_LIVE: &str = "default_time_to_live";

impl Setting {
    /// As CQL writes it.
    #[must_use]
    pub fn cql(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => quoted(text),
            Self::Map(map) => cql_map(map),
        }
    }

    /// Whether what the cluster says is what is wanted. The cluster fills a map up with defaults and spells
    /// a class with its Java package.
    #[must_use]
    pub fn is_met_by(&self, observed: &Self) -> bool {
        let (Self::Map(wanted), Self::Map(have)) = (self, observed) else { return self == observed };
        wanted.iter().all(|(key, value)| {
            let found = have.get(key).map(String::as_str);
            let found = if key == "class" { found.map(last_of) } else { found };
            found == Some(if key == "class" { last_of(value) } else { value })
        })
    }
}

impl Table {
    /// Whether a column is a part of the primary key.
    #[must_use]
    pub fn is_key(&self, column: &str) -> bool {
        self.partition.iter().any(|name| name == column)
            || self.clustering.iter().any(|(name, _)| name == column)
    }

    /// The type of a column.
    #[must_use]
    pub fn type_of(&self, column: &str) -> Option<&str> {
        self.columns.iter().find(|(name, _)| name == column).map(|(_, kind)| kind.as_str())
    }

    /// The primary key and its order, as CQL writes it: two tables of one key are the same here.
    #[must_use]
    pub fn key(&self) -> String {
        let clustering: Vec<_> =
            self.clustering.iter().map(|(name, order)| format!("{name} {}", order.word())).collect();
        format!("(({}), {})", self.partition.join(", "), clustering.join(", "))
    }

    /// The statement that makes it.
    #[must_use]
    pub fn create(&self, keyspace: &str) -> String {
        let mut text = format!("CREATE TABLE IF NOT EXISTS {keyspace}.{} (", self.name);
        for (name, kind) in &self.columns {
            // Writing to a String cannot fail.
            let _ = write!(text, "{name} {kind}, ");
        }
        let names: Vec<_> = self.clustering.iter().map(|(name, _)| format!(", {name}")).collect();
        let _ = write!(text, "PRIMARY KEY (({}){}))", self.partition.join(", "), names.concat());
        let mut clauses = Vec::new();
        if !self.clustering.is_empty() {
            let orders: Vec<_> =
                self.clustering.iter().map(|(name, order)| format!("{name} {}", order.word())).collect();
            clauses.push(format!("CLUSTERING ORDER BY ({})", orders.join(", ")));
        }
        clauses.extend(self.options.iter().map(|(name, value)| format!("{name} = {}", value.cql())));
        if !clauses.is_empty() {
            let _ = write!(text, " WITH {}", clauses.join(" AND "));
        }
        text
    }
}

/// A CQL text.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A CQL map of texts.
#[must_use]
pub fn cql_map(map: &BTreeMap<String, String>) -> String {
    let pairs: Vec<_> =
        map.iter().map(|(key, value)| format!("{}: {}", quoted(key), quoted(value))).collect();
    format!("{{{}}}", pairs.join(", "))
}

/// A class without its package.
pub(super) fn last_of(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}
