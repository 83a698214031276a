//! Times in JSON: RFC 3339 in UTC with exactly three decimals, so that texts sort as times do.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de};

pub(super) fn serialize<S: Serializer>(time: &Timestamp, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&format_args!("{time:.3}"))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Timestamp, D::Error> {
    Cow::<'de, str>::deserialize(input)?.parse().map_err(de::Error::custom)
}
