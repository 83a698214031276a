//! One row, written down once in CQL's own bytes, so that its size is known before it is sent and nothing
//! is serialised twice.
//!
//! A row is its table's cells in the order of [`Table::columns`](super::table::Table::columns), each as the
//! native protocol frames a value (native_protocol_v4.spec, section 3, `[value]`): four bytes of length and
//! the content, -1 for null, -2 for "leave it as it is". The columns of the partition key come first.

use scylla::cluster::metadata::{ColumnType, NativeType};
use scylla::errors::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use uuid::Uuid;

/// The types that the schema uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Uuid,
    Bigint,
    Int,
    Double,
    Boolean,
    Timestamp,
    Date,
}

impl Type {
    /// Its name in CQL.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Uuid => "uuid",
            Self::Bigint => "bigint",
            Self::Int => "int",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
        }
    }

    /// Whether the cluster means the same.
    pub(super) fn is(self, other: &ColumnType<'_>) -> bool {
        let ColumnType::Native(native) = other else { return false };
        matches!(
            (self, native),
            (Self::Text, NativeType::Text)
                | (Self::Uuid, NativeType::Uuid)
                | (Self::Bigint, NativeType::BigInt)
                | (Self::Int, NativeType::Int)
                | (Self::Double, NativeType::Double)
                | (Self::Boolean, NativeType::Boolean)
                | (Self::Timestamp, NativeType::Timestamp)
                | (Self::Date, NativeType::Date)
        )
    }
}

/// One value on its way into a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Text(&'a str),
    Uuid(Uuid),
    Bigint(i64),
    Int(i32),
    Double(f64),
    Boolean(bool),
    /// Milliseconds since 1970 in UTC.
    Timestamp(i64),
    /// Days since 1970.
    Date(i32),
    /// What the record does not say.
    Absent,
}

/// What becomes of a cell that the record does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// Nothing is written: a new row then has null there, and no tombstone.
    Unset,
    /// Null is written: the row is overwritten, and what an older record said must not stay.
    Null,
}

impl Absent {
    fn length(self) -> i32 {
        match self {
            Self::Null => -1,
            Self::Unset => -2,
        }
    }
}

/// A row's cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    bytes: Vec<u8>,
    cells: usize,
    absent: Absent,
}

impl Row {
    /// An empty row with room for `bytes`.
    pub(super) fn with_capacity(absent: Absent, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), cells: 0, absent }
    }

    /// Adds the next column's value.
    pub(super) fn push(&mut self, cell: Cell<'_>) {
        self.cells += 1;
        match cell {
            Cell::Text(text) => self.value(text.as_bytes()),
            Cell::Uuid(uuid) => self.value(uuid.as_bytes()),
            Cell::Bigint(number) | Cell::Timestamp(number) => self.value(&number.to_be_bytes()),
            Cell::Int(number) => self.value(&number.to_be_bytes()),
            Cell::Double(number) => self.value(&number.to_be_bytes()),
            Cell::Boolean(truth) => self.value(&[u8::from(truth)]),
            // A date counts from 2^31 days before 1970 (native_protocol_v4.spec, section 6.5).
            Cell::Date(days) => self.value(&(days.cast_unsigned() ^ (1 << 31)).to_be_bytes()),
            Cell::Absent => self.bytes.extend_from_slice(&self.absent.length().to_be_bytes()),
        }
    }

    fn value(&mut self, content: &[u8]) {
        // A record has at most 1 MiB, so a length fits; were it not so, the cell would be null, not torn.
        let (length, content) = match i32::try_from(content.len()) {
            Ok(length) => (length, content),
            Err(_) => (-1, &[][..]),
        };
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(content);
    }

    /// Bytes in all.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of the first `cells` cells.
    pub(super) fn prefix(&self, cells: usize) -> &[u8] {
        let mut rest = self.bytes.as_slice();
        for _ in 0..cells {
            rest = split(rest).map_or(&[], |(_, rest)| rest);
        }
        &self.bytes[..self.bytes.len() - rest.len()]
    }
}

/// The first cell, as its length and its content, and what follows it.
type Split<'a> = ((i32, &'a [u8]), &'a [u8]);

fn split(bytes: &[u8]) -> Option<Split<'_>> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = i32::from_be_bytes(*length);
    let (content, rest) = rest.split_at_checked(usize::try_from(length).unwrap_or(0))?;
    Some(((length, content), rest))
}

impl SerializeRow for Row {
    /// The cells as they are: that the columns are of these types was checked when the statement was prepared.
    fn serialize(
        &self,
        _: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        let mut rest = self.bytes.as_slice();
        while let Some(((length, content), next)) = split(rest) {
            let cell = writer.make_cell_writer();
            // What comes back only proves that the cell was written.
            let _proof = match length {
                -2 => cell.set_unset(),
                -1 => cell.set_null(),
                _ => cell.set_value(content).map_err(SerializationError::new)?,
            };
            rest = next;
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.cells == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(absent: Absent, cells: &[Cell<'_>]) -> Row {
        let mut row = Row::with_capacity(absent, 0);
        cells.iter().for_each(|cell| row.push(*cell));
        row
    }

    #[test]
    fn a_row_is_its_cells_in_the_native_protocols_own_bytes() {
        let cells = [Cell::Text("w3"), Cell::Date(0), Cell::Bigint(-1), Cell::Boolean(true), Cell::Absent];
        let expected = [
            &[0, 0, 0, 2, b'w', b'3'][..],
            &[0, 0, 0, 4, 0x80, 0, 0, 0],
            &[0, 0, 0, 8, 255, 255, 255, 255, 255, 255, 255, 255],
            &[0, 0, 0, 1, 1],
        ]
        .concat();
        let unset = row(Absent::Unset, &cells);
        assert_eq!(unset.bytes, [expected.as_slice(), &[255, 255, 255, 254]].concat());
        let null = row(Absent::Null, &cells);
        assert_eq!(null.bytes, [expected.as_slice(), &[255, 255, 255, 255]].concat());
        assert_eq!(unset.prefix(2), &expected[..14]);
    }

    #[test]
    fn days_before_1970_and_after_it_lie_on_either_side_of_two_to_the_31() {
        let day = |days| row(Absent::Null, &[Cell::Date(days)]).bytes[4..].to_vec();
        assert_eq!(day(-1), 0x7fff_ffff_u32.to_be_bytes());
        assert_eq!(day(1), 0x8000_0001_u32.to_be_bytes());
    }

    #[test]
    fn what_is_serialised_is_what_was_pushed() {
        let cells = [Cell::Text("inlet"), Cell::Absent, Cell::Double(21.44), Cell::Uuid(Uuid::from_u128(7))];
        for absent in [Absent::Unset, Absent::Null] {
            let row = row(absent, &cells);
            let mut sent = Vec::new();
            let mut writer = RowWriter::new(&mut sent);
            row.serialize(&RowSerializationContext::empty(), &mut writer).unwrap();
            assert_eq!(writer.value_count(), cells.len());
            assert_eq!(sent, row.bytes);
        }
    }
}
