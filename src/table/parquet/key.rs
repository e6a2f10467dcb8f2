//! Finds the value that chooses the shard of a row, without reading the rest of it into memory.

use std::fmt;
use std::num::NonZeroU32;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::table::shard::shard_of;

/// The shard of a row, from 0.
///
/// # Errors
/// The line is not a JSON object.
pub(super) fn shard_of_line(
    line: &str,
    key: &str,
    shards: NonZeroU32,
) -> Result<u32, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(line);
    let value = Finder { key }.deserialize(&mut json)?;
    Ok(shard_of(value.as_ref(), shards))
}

/// Reads an object for the value of one key.
struct Finder<'a> {
    key: &'a str,
}

impl<'de> DeserializeSeed<'de> for Finder<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Finder<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_key) = entries.next_key_seed(IsKey(self.key))? {
            if is_key {
                found = Some(entries.next_value()?);
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Compares a key.
struct IsKey<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for IsKey<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for IsKey<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_is_in_the_shard_of_its_key_wherever_that_stands() {
        let shards = NonZeroU32::new(128).unwrap();
        let of = |line: &str| shard_of_line(line, "k", shards).ok();
        let expected = |key: Value| Some(shard_of(Some(&key), shards));
        assert_eq!(
            of(r#"{"k": "\u00e9", "x": {"k": 1}}"#),
            expected(json!("é"))
        );
        assert_eq!(
            of(r#"{"x": [{"k": 1}], "k": {"b": 1, "a": 2}}"#),
            expected(json!({"a": 2, "b": 1}))
        );
        assert_eq!(of(r#"{"x": 1}"#), expected(Value::Null));
        for broken in ["", "[]", "{\"k\"", "{\"k\": 1"] {
            assert_eq!(of(broken), None, "{broken}");
        }
    }
}
