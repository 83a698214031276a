//! The difference between what should be and what is, as statements. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::SchemaError;
use super::table::{Keyspace, Setting, Table, cql_map, last_of};

/// What becomes of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is not there, and is made.
    Create,
    /// It is there, and is changed.
    Alter,
    /// It is there as it should be.
    Leave,
}

/// One thing, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What becomes of it.
    pub action: Action,
    /// Which keyspace or table.
    pub object: String,
    /// What differs, for people.
    pub what: String,
    /// What is executed; nothing where it is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
}

/// What a cluster was, and what became of its schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Where it was asked.
    pub cassandra: String,
    /// Its release.
    pub version: String,
    /// Nodes of each datacenter.
    pub datacenters: BTreeMap<String, usize>,
    /// Everything in the schema, in order.
    pub changes: Vec<Change>,
    /// How many things were created or altered.
    pub changed: usize,
}

/// What brings `observed` to `desired`, in the order in which it is to be done.
///
/// # Errors
/// [`SchemaError::OtherType`] and [`SchemaError::OtherKey`], which no statement can mend. Nothing is planned then.
pub fn plan(desired: &Keyspace, observed: Option<&Keyspace>) -> Result<Vec<Change>, SchemaError> {
    let mut changes = vec![keyspace(desired, observed)];
    for table in &desired.tables {
        let there = observed.and_then(|keyspace| keyspace.tables.iter().find(|have| have.name == table.name));
        changes.extend(match there {
            Some(there) => altered(&desired.name, table, there)?,
            None => vec![change(
                Action::Create,
                format!("table {}.{}", desired.name, table.name),
                format!("key {}", table.key()),
                Some(table.create(&desired.name)),
            )],
        });
    }
    Ok(changes)
}

fn keyspace(desired: &Keyspace, observed: Option<&Keyspace>) -> Change {
    let object = format!("keyspace {}", desired.name);
    let wanted = cql_map(&desired.replication);
    let Some(there) = observed else {
        let statement = format!(
            "CREATE KEYSPACE IF NOT EXISTS {} WITH replication = {wanted} AND durable_writes = true",
            desired.name
        );
        return change(Action::Create, object, format!("replication {wanted}"), Some(statement));
    };
    let short = |map: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        map.iter().map(|(key, value)| (key.clone(), last_of(value).to_owned())).collect()
    };
    if short(&there.replication) == short(&desired.replication) {
        return change(Action::Leave, object, String::new(), None);
    }
    let what = format!(
        "replication {wanted}, was {}; run nodetool repair -full {} on every node afterwards",
        cql_map(&there.replication),
        desired.name
    );
    change(
        Action::Alter,
        object,
        what,
        Some(format!("ALTER KEYSPACE {} WITH replication = {wanted}", desired.name)),
    )
}

fn altered(keyspace: &str, table: &Table, there: &Table) -> Result<Vec<Change>, SchemaError> {
    let name = format!("{keyspace}.{}", table.name);
    let missing = missing(&name, table, there)?;
    let options: Vec<_> =
        table.options.iter().filter(|(option, wanted)| !is_met(wanted, there.options.get(*option))).collect();
    let object = format!("table {name}");
    let mut changes = Vec::new();
    if !missing.is_empty() {
        let columns: Vec<_> = missing.iter().map(|(column, kind)| format!("{column} {kind}")).collect();
        let columns = columns.join(", ");
        let statement = format!("ALTER TABLE {name} ADD ({columns})");
        changes.push(change(Action::Alter, object.clone(), format!("add {columns}"), Some(statement)));
    }
    if !options.is_empty() {
        let clauses: Vec<_> =
            options.iter().map(|(option, value)| format!("{option} = {}", value.cql())).collect();
        let told: Vec<_> = options.iter().map(|(option, value)| told(option, value, there)).collect();
        let statement = format!("ALTER TABLE {name} WITH {}", clauses.join(" AND "));
        changes.push(change(Action::Alter, object.clone(), told.join(", "), Some(statement)));
    }
    if changes.is_empty() {
        changes.push(change(Action::Leave, object, String::new(), None));
    }
    Ok(changes)
}

/// The columns that are not there. Columns that we do not know stay as they are.
fn missing<'a>(
    name: &str,
    table: &'a Table,
    there: &Table,
) -> Result<Vec<&'a (String, String)>, SchemaError> {
    let mut missing = Vec::new();
    for wanted @ (column, needed) in &table.columns {
        match there.type_of(column) {
            Some(found) if found != needed => {
                return Err(SchemaError::OtherType {
                    table: name.to_owned(),
                    column: column.clone(),
                    found: found.to_owned(),
                    needed: needed.clone(),
                });
            }
            Some(_) => {}
            None => missing.push(wanted),
        }
    }
    if table.key() != there.key() {
        let (found, needed) = (there.key(), table.key());
        return Err(SchemaError::OtherKey { table: name.to_owned(), found, needed });
    }
    Ok(missing)
}

fn is_met(wanted: &Setting, have: Option<&Setting>) -> bool {
    have.is_some_and(|have| wanted.is_met_by(have))
}

fn told(option: &str, wanted: &Setting, there: &Table) -> String {
    let was = there.options.get(option).map_or("unset".to_owned(), Setting::cql);
    format!("{option} {}, was {was}", wanted.cql())
}

fn change(action: Action, object: String, what: String, statement: Option<String>) -> Change {
    Change { action, object, what, statement }
}

#[cfg(test)]
mod tests;
