//! Which shard a row belongs to, by the rule of Lean Scout: a hash of one column. Pure.

use std::fmt::Write as _;
use std::num::NonZeroU32;

use blake2::digest::consts::U8;
use blake2::{Blake2b, Digest as _};
use serde_json::{Number, Value};

/// The shard, from 0, of a row whose key column holds `key`; a missing value counts as `null`.
///
/// It is the `BLAKE2b` digest of 8 bytes, read as a big-endian number, modulo `shards`. A string is hashed as it
/// is, anything else as Python's `json.dumps(…, sort_keys=True)` writes it.
pub fn shard_of(key: Option<&Value>, shards: NonZeroU32) -> u32 {
    match key {
        Some(Value::String(key)) => shard_of_string(key, shards),
        Some(key) => {
            let mut text = String::new();
            write_value(&mut text, key);
            shard_of_string(&text, shards)
        }
        None => shard_of_string("null", shards),
    }
}

/// The shard, from 0, of a row whose key column holds this string.
pub fn shard_of_string(key: &str, shards: NonZeroU32) -> u32 {
    let digest: [u8; 8] = Blake2b::<U8>::digest(key.as_bytes()).into();
    let shard = u64::from_be_bytes(digest) % u64::from(shards.get());
    // A remainder of a number of 32 bits has 32 bits.
    u32::try_from(shard).unwrap_or_default()
}

/// Appends a value as `json.dumps(…, sort_keys=True)` writes it.
fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => write_number(text, number),
        Value::String(string) => write_string(text, string),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                write_value(text, item);
            }
            text.push(']');
        }
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            // Python compares code points, which have the order of their UTF-8.
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                write_string(text, key);
                text.push_str(": ");
                write_value(text, value);
            }
            text.push('}');
        }
    }
}

/// Appends a string with all but ASCII escaped.
fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for char in string.chars() {
        match char {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(char),
            _ => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _written = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text.push('"');
}

/// Appends a number: an integer as it is, any other as Python's `repr`.
fn write_number(text: &mut String, number: &Number) {
    match number.as_f64() {
        Some(float) if number.is_f64() => write_float(text, float),
        _ => {
            let _written = write!(text, "{number}");
        }
    }
}

/// Appends the shortest digits that are read back as the same number, with an exponent where Python's `repr`
/// has one: below 1e-4 and from 1e16 on (`float_repr_style` "short").
fn write_float(text: &mut String, float: f64) {
    let scientific = format!("{float:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return text.push_str(&scientific);
    };
    let Ok(exponent) = exponent.parse::<i32>() else {
        return text.push_str(&scientific);
    };
    let _written = if (-4..=15).contains(&exponent) {
        write!(text, "{float:?}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(text, "{digits}e{sign}{:02}", exponent.unsigned_abs())
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Keys with Lean Scout's own hashes.
    const PUBLISHED: &str = include_str!("../../tests/extract_golden/shards.json");

    /// A value as Python writes it.
    fn dumps(value: &Value) -> String {
        let mut text = String::new();
        write_value(&mut text, value);
        text
    }

    #[test]
    fn published_keys_have_their_published_shards() {
        let vectors: Vec<Value> = serde_json::from_str(PUBLISHED).unwrap();
        assert_eq!(vectors.len(), 11);
        for vector in vectors {
            for (count, shard) in [(128, "mod128"), (4, "mod4")] {
                let shards = NonZeroU32::new(count).unwrap();
                let found = shard_of(Some(&vector["key"]), shards);
                assert_eq!(
                    u64::from(found),
                    vector[shard].as_u64().unwrap(),
                    "{vector}"
                );
            }
            if !vector["key"].is_string() {
                assert_eq!(dumps(&vector["key"]), vector["text"]);
            }
        }
        let four = NonZeroU32::new(4).unwrap();
        assert_eq!(shard_of(None, four), shard_of(Some(&Value::Null), four));
    }

    #[test]
    fn a_value_is_written_as_python_writes_it() {
        // Written by CPython 3.11.
        for (value, text) in [
            (
                json!({"b": [], "a": {}, "é": null}),
                r#"{"a": {}, "b": [], "\u00e9": null}"#,
            ),
            (
                json!("𝔸\u{7f}\u{1}\t\u{8}\u{c}\"\\/"),
                "\"\\ud835\\udd38\\u007f\\u0001\\t\\b\\f\\\"\\\\/\"",
            ),
            (json!([1.0, -0.0, 1.5, 0.1]), "[1.0, -0.0, 1.5, 0.1]"),
            (
                json!([0.0001, 0.000_01, 1.25e-7]),
                "[0.0001, 1e-05, 1.25e-07]",
            ),
            (
                json!([1e15, 1e16, 1.5e16, 1e100, 5e-324]),
                "[1000000000000000.0, 1e+16, 1.5e+16, 1e+100, 5e-324]",
            ),
            (
                json!([123_456_789_012_345_680.0, u64::MAX, i64::MIN]),
                "[1.2345678901234568e+17, 18446744073709551615, -9223372036854775808]",
            ),
        ] {
            assert_eq!(dumps(&value), text);
        }
    }

    proptest! {
        #[test]
        fn a_shard_is_below_their_number(key in ".*", count in 1_u32..) {
            let shards = NonZeroU32::new(count).unwrap();
            prop_assert!(shard_of(Some(&Value::from(key)), shards) < count);
        }

        #[test]
        fn any_float_is_read_back_as_itself(float in any::<f64>().prop_filter("finite", |float| float.is_finite())) {
            let text = dumps(&json!(float));
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), float.to_bits());
        }
    }
}
