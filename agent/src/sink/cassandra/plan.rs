//! A batch of records laid out as writes. Pure: bytes in, chunks out.
//!
//! A chunk is what goes to the cluster in one request: rows of one partition, so that one replica set takes
//! them as one mutation, in the order of the records they come from.

use std::collections::HashMap;

use super::record::history;
use super::row::Row;
use super::table::Table;
use crate::record::{Entry, Record};
use crate::sink::Refusal;

/// The most rows in one request, and the bytes after which it is full.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

/// Rows of one partition, written together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) table: Table,
    pub(super) rows: Vec<Row>,
    /// The record of each row, by its place in the batch.
    pub(super) records: Vec<usize>,
    bytes: usize,
}

impl Chunk {
    fn empty(table: Table) -> Self {
        Self { table, rows: Vec::new(), records: Vec::new(), bytes: 0 }
    }

    /// One row alone.
    pub(super) fn alone(table: Table, row: Row, record: usize) -> Self {
        let mut chunk = Self::empty(table);
        chunk.push(row, record);
        chunk
    }

    /// Adds a row of the same partition.
    pub(super) fn push(&mut self, row: Row, record: usize) {
        self.bytes += row.len();
        self.rows.push(row);
        self.records.push(record);
    }

    /// Whether a row belongs to the chunk's partition, and there is room for it.
    pub(super) fn has_room(&self, table: Table, row: &Row, bounds: Bounds) -> bool {
        let key = table.key();
        let same = self.rows.first().is_some_and(|first| first.prefix(key) == row.prefix(key));
        self.table == table && same && !self.is_full(bounds)
    }

    fn is_full(&self, bounds: Bounds) -> bool {
        self.rows.len() >= bounds.rows || self.bytes >= bounds.bytes
    }

    /// Its rows one by one.
    pub(super) fn split(self) -> impl Iterator<Item = Self> {
        let table = self.table;
        self.rows.into_iter().zip(self.records).map(move |(row, record)| Self::alone(table, row, record))
    }
}

/// A batch, laid out.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The records that could be read, by their place in the batch.
    pub(super) records: Vec<Option<Record>>,
    /// What can never be written.
    pub(super) refused: Vec<Refusal>,
    open: HashMap<(Table, Vec<u8>), Chunk>,
    full: Vec<Chunk>,
}

impl Plan {
    /// Adds the next record.
    pub(super) fn add(&mut self, entry: &Entry, bounds: Bounds) {
        let index = self.records.len();
        let read = Record::decode(&entry.payload).map_err(|error| crate::letter::chain(&error));
        match read.and_then(|record| Ok((history(&record)?, record))) {
            Ok((rows, record)) => {
                self.records.push(Some(record));
                rows.into_iter().for_each(|(table, row)| self.put(table, row, index, bounds));
            }
            Err(reason) => {
                self.records.push(None);
                self.refused.push(Refusal { index, reason });
            }
        }
    }

    fn put(&mut self, table: Table, row: Row, record: usize, bounds: Bounds) {
        let key = (table, row.prefix(table.key()).to_vec());
        let chunk = self.open.entry(key).or_insert_with(|| Chunk::empty(table));
        chunk.push(row, record);
        if chunk.is_full(bounds) {
            self.full.push(std::mem::replace(chunk, Chunk::empty(table)));
        }
    }

    /// The chunks, those with the oldest records first.
    pub(super) fn chunks(&mut self) -> Vec<Chunk> {
        let mut chunks = std::mem::take(&mut self.full);
        chunks.extend(self.open.drain().map(|(_, chunk)| chunk).filter(|chunk| !chunk.rows.is_empty()));
        chunks.sort_by_key(|chunk| (chunk.records.first().copied(), chunk.table));
        chunks
    }
}

#[cfg(test)]
mod tests;
