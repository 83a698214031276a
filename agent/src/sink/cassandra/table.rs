//! The tables that an agent writes, as `images/cassandra/schema.cql` makes them: a test holds the two together.

use super::row::{Absent, Type};

/// A column's name and type.
pub(super) type Column = (&'static str, Type);

/// One of the agent's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Table {
    Readings,
    HealthByNode,
    HealthByDate,
    Gaps,
    SensorLatest,
    HealthLatest,
}

/// What every record carries besides its key: how to read its time.
const MOMENT: [Column; 3] = [("clock", Type::Text), ("boot", Type::Uuid), ("boottime_seconds", Type::Double)];

/// The record's own place within a partition.
const PLACE: [Column; 3] = [("time", Type::Timestamp), ("queue", Type::Uuid), ("sequence", Type::Bigint)];

const READING: [Column; 4] =
    [("chip", Type::Text), ("unit", Type::Text), ("value", Type::Double), ("quality", Type::Text)];

const GAP: [Column; 6] = [
    ("of_queue", Type::Uuid),
    ("from_sequence", Type::Bigint),
    ("to_sequence", Type::Bigint),
    ("reason", Type::Text),
    ("count", Type::Bigint),
    ("sink", Type::Text),
];

/// The fields of [`Health`](crate::record::Health), in its order.
const HEALTH: [Column; 28] = [
    ("cpu_ratio", Type::Double),
    ("cpu_count", Type::Bigint),
    ("load_1m", Type::Double),
    ("load_5m", Type::Double),
    ("load_15m", Type::Double),
    ("memory_used_bytes", Type::Bigint),
    ("memory_total_bytes", Type::Bigint),
    ("swap_used_bytes", Type::Bigint),
    ("swap_total_bytes", Type::Bigint),
    ("cpu_temperature_celsius", Type::Double),
    ("storage_free_bytes", Type::Bigint),
    ("storage_total_bytes", Type::Bigint),
    ("data_free_bytes", Type::Bigint),
    ("data_total_bytes", Type::Bigint),
    ("network_receive_bytes_total", Type::Bigint),
    ("network_transmit_bytes_total", Type::Bigint),
    ("uptime_seconds", Type::Double),
    ("supply_volts", Type::Double),
    ("supply_amperes", Type::Double),
    ("supply_watts", Type::Double),
    ("under_voltage", Type::Boolean),
    ("throttled", Type::Boolean),
    ("docker", Type::Text),
    ("containers", Type::Bigint),
    ("hostname", Type::Text),
    ("address", Type::Text),
    ("os", Type::Text),
    ("kernel", Type::Text),
];

const NODE: Column = ("node", Type::Text);
const SENSOR: Column = ("sensor", Type::Text);
const QUANTITY: Column = ("quantity", Type::Text);
const DATE: Column = ("date", Type::Date);
const HOUR: Column = ("hour", Type::Int);

impl Table {
    /// All of them.
    pub(super) const ALL: [Self; 6] = [
        Self::Readings,
        Self::HealthByNode,
        Self::HealthByDate,
        Self::Gaps,
        Self::SensorLatest,
        Self::HealthLatest,
    ];

    /// Its name, within the keyspace.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Readings => "readings_by_sensor_date",
            Self::HealthByNode => "node_health_by_node_date",
            Self::HealthByDate => "node_health_by_date",
            Self::Gaps => "gaps_by_node_date",
            Self::SensorLatest => "sensor_latest",
            Self::HealthLatest => "node_health_latest",
        }
    }

    /// How many columns at the front are the partition's key.
    pub(super) fn key(self) -> usize {
        match self {
            Self::Readings => 3,
            Self::HealthByNode | Self::HealthByDate | Self::Gaps => 2,
            Self::SensorLatest | Self::HealthLatest => 1,
        }
    }

    /// Its columns, in the order in which a row is written down: the partition's key first.
    pub(super) fn columns(self) -> Vec<Column> {
        match self {
            Self::Readings => [&[NODE, SENSOR, DATE, QUANTITY][..], &PLACE, &MOMENT, &READING].concat(),
            Self::HealthByNode => [&[NODE, DATE][..], &PLACE, &MOMENT, &HEALTH].concat(),
            Self::HealthByDate => [&[DATE, HOUR][..], &PLACE, &[NODE], &MOMENT, &HEALTH].concat(),
            Self::Gaps => [&[NODE, DATE][..], &PLACE, &MOMENT, &GAP].concat(),
            Self::SensorLatest => [&[NODE, SENSOR, QUANTITY][..], &PLACE, &MOMENT, &READING].concat(),
            Self::HealthLatest => [&[NODE][..], &PLACE, &MOMENT, &HEALTH].concat(),
        }
    }

    /// What becomes of what a record does not say.
    pub(super) fn absent(self) -> Absent {
        match self {
            Self::SensorLatest | Self::HealthLatest => Absent::Null,
            _ => Absent::Unset,
        }
    }

    /// The statement that writes one row.
    pub(super) fn insert(self, keyspace: &str) -> String {
        let columns: Vec<_> = self.columns().into_iter().map(|(name, _)| name).collect();
        let marks = vec!["?"; columns.len()].join(", ");
        format!("INSERT INTO {keyspace}.{} ({}) VALUES ({marks})", self.name(), columns.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of one table in the schema, from its name to its primary key.
    fn lines(table: Table) -> Vec<&'static str> {
        let schema = include_str!("../../../../images/cassandra/schema.cql");
        let begin = format!("CREATE TABLE IF NOT EXISTS rack.{} (", table.name());
        let after = schema.split_once(&begin).unwrap().1;
        after.split_once(") WITH").unwrap().0.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
    }

    #[test]
    fn every_column_of_an_agents_table_is_written_and_of_the_schemas_type() {
        for table in Table::ALL {
            let (key, columns) = lines(table).split_last().map(|(key, rest)| (*key, rest.to_vec())).unwrap();
            let mut told: Vec<_> = columns.iter().map(|line| line.trim_end_matches(',').to_owned()).collect();
            let mut ours: Vec<_> =
                table.columns().iter().map(|(name, of)| format!("{name} {}", of.name())).collect();
            let partition: Vec<_> = table.columns()[..table.key()].iter().map(|(name, _)| *name).collect();
            assert!(key.starts_with(&format!("PRIMARY KEY (({})", partition.join(", "))), "{table:?}: {key}");
            told.sort();
            ours.sort();
            assert_eq!(told, ours, "{table:?}");
        }
    }

    #[test]
    fn what_is_overwritten_leaves_nothing_of_an_older_record_behind() {
        for table in Table::ALL {
            let lines = lines(table);
            let key = lines.last().unwrap();
            let overwritten = !key.contains("time, queue, sequence");
            assert_eq!(table.absent() == Absent::Null, overwritten, "{table:?}");
        }
    }
}
