//! Times in JSON: RFC 3339 in UTC with exactly three decimals, so that texts sort as times do.
//!
//! For `#[serde(with = "milliseconds")]`.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de};

/// Writes a time.
///
/// # Errors
/// Whatever the serializer says.
pub fn serialize<S: Serializer>(time: &Timestamp, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&format_args!("{time:.3}"))
}

/// Reads a time, with any number of decimals.
///
/// # Errors
/// When the text is no time.
pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Timestamp, D::Error> {
    Cow::<'de, str>::deserialize(input)?.parse().map_err(de::Error::custom)
}

/// For `#[serde(serialize_with)]` of a time that may be absent.
///
/// # Errors
/// Whatever the serializer says.
pub fn serialize_option<S: Serializer>(time: &Option<Timestamp>, out: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize(time, out),
        None => out.serialize_none(),
    }
}
