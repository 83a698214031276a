//! Reads `schema.cql`: as much of CQL as that file uses, and a clear word about anything else.
//!
//! ```text
//! file     = { keyspace | table }
//! keyspace = CREATE KEYSPACE IF NOT EXISTS name WITH option { AND option } ;
//! table    = CREATE TABLE IF NOT EXISTS name . name ( { column type , }
//!            PRIMARY KEY ( ( name { , name } ) { , name } ) ) WITH clause { AND clause } ;
//! clause   = CLUSTERING ORDER BY ( name ASC|DESC { , ... } ) | option
//! option   = name = number | 'text' | { 'key' : 'text' , ... } | true | false
//! ```

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::vec::IntoIter;

use super::SchemaError;
use super::table::{Keyspace, Order, Setting, Table};

/// The schema as pirack carries it.
pub const SCHEMA: &str = include_str!("../../../../../images/cassandra/schema.cql");

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

/// Reads a whole file.
///
/// # Errors
/// With the line that is not understood.
pub fn read(text: &str) -> Result<Keyspace, SchemaError> {
    let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable(), line: 1 };
    let mut keyspace = Keyspace::default();
    while parser.tokens.peek().is_some() {
        parser.words(&["CREATE"])?;
        if parser.word()?.eq_ignore_ascii_case("KEYSPACE") {
            parser.words(&["IF", "NOT", "EXISTS"])?;
            keyspace.name = parser.word()?;
            let (_, options) = parser.clauses()?;
            if let Some(Setting::Map(map)) = options.get("replication") {
                keyspace.replication = map.clone();
            }
        } else {
            keyspace.tables.push(parser.table(&keyspace.name)?);
        }
        parser.mark(';')?;
    }
    Ok(keyspace)
}

struct Parser {
    tokens: Peekable<IntoIter<(usize, Token)>>,
    line: usize,
}

type Clauses = (Vec<(String, Order)>, BTreeMap<String, Setting>);

impl Parser {
    fn table(&mut self, keyspace: &str) -> Result<Table, SchemaError> {
        self.words(&["IF", "NOT", "EXISTS", keyspace])?;
        self.mark('.')?;
        let mut table = Table { name: self.word()?, ..Table::default() };
        self.mark('(')?;
        let mut sorted = Vec::new();
        loop {
            let name = self.word()?;
            if name == "PRIMARY" {
                self.words(&["KEY"])?;
                self.mark('(')?;
                table.partition = self.names()?;
                while self.takes(',') {
                    sorted.push(self.word()?);
                }
                self.mark(')')?;
                break;
            }
            table.columns.push((name, self.word()?));
            self.mark(',')?;
        }
        self.mark(')')?;
        let (orders, options) = self.clauses()?;
        table.options = options;
        let order = |name: &String| orders.iter().find(|(column, _)| column == name).map(|(_, order)| *order);
        table.clustering =
            sorted.into_iter().map(|name| (name.clone(), order(&name).unwrap_or(Order::Ascending))).collect();
        Ok(table)
    }

    fn clauses(&mut self) -> Result<Clauses, SchemaError> {
        let (mut orders, mut options) = Clauses::default();
        self.words(&["WITH"])?;
        loop {
            let name = self.word()?;
            if name == "CLUSTERING" {
                self.words(&["ORDER", "BY"])?;
                self.mark('(')?;
                loop {
                    let column = self.word()?;
                    let order = match self.word()?.as_str() {
                        "ASC" => Order::Ascending,
                        "DESC" => Order::Descending,
                        other => return self.confused(format!("{other} is neither ASC nor DESC")),
                    };
                    orders.push((column, order));
                    if !self.takes(',') {
                        break;
                    }
                }
                self.mark(')')?;
            } else {
                self.mark('=')?;
                options.insert(name, self.setting()?);
            }
            if !self.takes_word("AND") {
                return Ok((orders, options));
            }
        }
    }

    fn setting(&mut self) -> Result<Setting, SchemaError> {
        match self.next()? {
            Token::Text(text) => Ok(Setting::Text(text)),
            Token::Word(word) => Ok(word.parse().map_or(Setting::Text(word), Setting::Number)),
            Token::Mark('{') => {
                let mut map = BTreeMap::new();
                loop {
                    let key = self.value()?;
                    self.mark(':')?;
                    map.insert(key, self.value()?);
                    if !self.takes(',') {
                        break;
                    }
                }
                self.mark('}')?;
                Ok(Setting::Map(map))
            }
            Token::Mark(mark) => self.confused(format!("{mark} is no option's value")),
        }
    }

    fn names(&mut self) -> Result<Vec<String>, SchemaError> {
        self.mark('(')?;
        let mut names = vec![self.word()?];
        while self.takes(',') {
            names.push(self.word()?);
        }
        self.mark(')')?;
        Ok(names)
    }

    fn next(&mut self) -> Result<Token, SchemaError> {
        match self.tokens.next() {
            Some((line, token)) => {
                self.line = line;
                Ok(token)
            }
            None => self.confused("it ends too soon".to_owned()),
        }
    }

    fn word(&mut self) -> Result<String, SchemaError> {
        match self.next()? {
            Token::Word(word) => Ok(word),
            token => self.confused(format!("{token:?} where a name belongs")),
        }
    }

    /// A text, or a number that stands for one, as in a map.
    fn value(&mut self) -> Result<String, SchemaError> {
        match self.next()? {
            Token::Word(text) | Token::Text(text) => Ok(text),
            token @ Token::Mark(_) => self.confused(format!("{token:?} where a text belongs")),
        }
    }

    fn words(&mut self, expected: &[&str]) -> Result<(), SchemaError> {
        for expected in expected {
            let word = self.word()?;
            if word != *expected {
                return self.confused(format!("{word} where {expected} belongs"));
            }
        }
        Ok(())
    }

    fn mark(&mut self, expected: char) -> Result<(), SchemaError> {
        match self.next()? {
            Token::Mark(mark) if mark == expected => Ok(()),
            token => self.confused(format!("{token:?} where {expected} belongs")),
        }
    }

    fn takes(&mut self, mark: char) -> bool {
        self.tokens.next_if(|(_, token)| *token == Token::Mark(mark)).is_some()
    }

    fn takes_word(&mut self, expected: &str) -> bool {
        self.tokens.next_if(|(_, token)| *token == Token::Word(expected.to_owned())).is_some()
    }

    fn confused<T>(&self, what: String) -> Result<T, SchemaError> {
        Err(SchemaError::NotUnderstood { line: self.line, what })
    }
}

/// Words, quoted texts and marks, each with its line.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, SchemaError> {
    let mut tokens = Vec::new();
    for (line, content) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        let mut rest = content.trim_start();
        while !rest.is_empty() && !rest.starts_with("--") {
            let (token, after) = token(rest).ok_or_else(|| SchemaError::NotUnderstood {
                line,
                what: format!("a text without an end: {rest}"),
            })?;
            tokens.push((line, token));
            rest = after.trim_start();
        }
    }
    Ok(tokens)
}

fn token(text: &str) -> Option<(Token, &str)> {
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '<' | '>' | '-');
    if let Some(after) = text.strip_prefix('\'') {
        let (content, after) = after.split_once('\'')?;
        return Some((Token::Text(content.to_owned()), after));
    }
    let end = text.find(|c| !part_of_word(c)).unwrap_or(text.len());
    if end > 0 {
        return Some((Token::Word(text[..end].to_owned()), &text[end..]));
    }
    let mut characters = text.chars();
    Some((Token::Mark(characters.next()?), characters.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_that_pirack_carries_is_read_to_its_end() {
        let keyspace = read(SCHEMA).unwrap();
        assert_eq!(keyspace.name, "rack");
        let names: Vec<_> = keyspace.tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "readings_by_sensor_date",
                "sensor_latest",
                "node_health_by_node_date",
                "node_health_by_date",
                "node_health_latest",
                "gaps_by_node_date",
                "cluster_health_by_date"
            ]
        );
        let readings = &keyspace.tables[0];
        assert_eq!(
            readings.key(),
            "((node, sensor, date), quantity ASC, time DESC, queue DESC, sequence DESC)"
        );
        assert_eq!(readings.type_of("value"), Some("double"));
        assert_eq!(readings.options["default_time_to_live"], Setting::Number(2_592_000));
        assert!(matches!(&readings.options["comment"], Setting::Text(text) if text.contains("newest first")));
    }

    #[test]
    fn every_history_ends_in_time_queue_and_sequence() {
        for table in read(SCHEMA).unwrap().tables.iter().filter(|table| !table.name.ends_with("_latest")) {
            let names: Vec<_> = table.clustering.iter().map(|(name, _)| name.as_str()).collect();
            assert!(names.ends_with(&["time", "queue", "sequence"]), "{}: {names:?}", table.name);
        }
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_line() {
        let told = |text: &str| read(text).unwrap_err().to_string();
        assert!(told("\nDROP KEYSPACE rack;").contains("line 2"), "{}", told("\nDROP KEYSPACE rack;"));
        assert!(told("CREATE KEYSPACE IF NOT EXISTS k WITH comment = 'x").contains("without an end"));
        assert!(told("CREATE KEYSPACE IF NOT EXISTS").contains("too soon"));
    }
}
