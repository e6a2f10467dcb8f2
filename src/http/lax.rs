//! Numbers, truth values and names as Kimina's server takes them, which is as pydantic reads JSON in its
//! lax mode. A number that is too large for a limit is the largest one.

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::{Number, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::http::numbers::LARGEST;

/// How a whole number may be written in a string, for the description.
const DIGITS: &str = r"^[ \t\r\n]*(\+?[0-9]+(_[0-9]+)*|-0+(_0+)*)(\.0+)?[ \t\r\n]*$";

/// Strings that stand for a truth value, in lower case.
const WORDS: [(&str, bool); 12] = [
    ("0", false),
    ("off", false),
    ("f", false),
    ("false", false),
    ("n", false),
    ("no", false),
    ("1", true),
    ("on", true),
    ("t", true),
    ("true", true),
    ("y", true),
    ("yes", true),
];

/// A whole number of seconds: a number without a fraction, a string of digits, or a truth value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LaxSeconds(pub(crate) u64);

impl<'de> Deserialize<'de> for LaxSeconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let seconds = match &value {
            Value::Number(number) => of_number(number),
            Value::String(text) => of_text(text),
            Value::Bool(flag) => Some(u64::from(*flag)),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        let unfit =
            || D::Error::custom(format!("expected a whole number of seconds, found {value}"));
        seconds.map(Self).ok_or_else(unfit)
    }
}

/// A number without a sign and a fraction.
fn of_number(number: &Number) -> Option<u64> {
    if let Some(whole) = number.as_u64() {
        return Some(whole.min(LARGEST));
    }
    let value = number.as_f64()?;
    if value < 0.0 || value.fract() != 0.0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it has no sign and no fraction, and one that is too large becomes the largest"
    )]
    let whole = value as u64;
    Some(whole.min(LARGEST))
}

/// Digits as Python's `int` takes them, with an empty fraction if any.
fn of_text(text: &str) -> Option<u64> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || fraction.bytes().any(|digit| digit != b'0') {
        return None;
    }
    let is_negative = whole.starts_with('-');
    let digits = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits.split('_').all(is_number) {
        return None;
    }
    let digits = digits.replace('_', "");
    // Nothing but digits is left, so that what does not parse is too large.
    let whole = digits.parse().unwrap_or(u64::MAX).min(LARGEST);
    (!is_negative || whole == 0).then_some(whole)
}

impl PartialSchema for LaxSeconds {
    fn schema() -> RefOr<Schema> {
        let kind = |kind| ObjectBuilder::new().schema_type(kind);
        let any = AnyOfBuilder::new()
            .item(kind(Type::Integer).minimum(Some(0)))
            .item(kind(Type::String).pattern(Some(DIGITS)))
            .item(kind(Type::Boolean));
        RefOr::T(Schema::AnyOf(any.build()))
    }
}

impl ToSchema for LaxSeconds {}

/// A truth value: true or false, 1 or 0, or a word for one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LaxBool(pub(crate) bool);

impl<'de> Deserialize<'de> for LaxBool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let flag = match &value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => match of_number(number) {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            Value::String(text) => {
                let word = WORDS
                    .iter()
                    .find(|(word, _)| text.eq_ignore_ascii_case(word));
                word.map(|(_, flag)| *flag)
            }
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        let unfit = || D::Error::custom(format!("expected true or false, found {value}"));
        flag.map(Self).ok_or_else(unfit)
    }
}

impl PartialSchema for LaxBool {
    fn schema() -> RefOr<Schema> {
        let kind = |kind| ObjectBuilder::new().schema_type(kind);
        let words = WORDS.map(|(word, _)| word).join("|");
        let any = AnyOfBuilder::new()
            .item(kind(Type::Boolean))
            .item(kind(Type::Integer).minimum(Some(0)).maximum(Some(1)))
            .item(kind(Type::String).pattern(Some(format!("^(?i:{words})$"))));
        RefOr::T(Schema::AnyOf(any.build()))
    }
}

impl ToSchema for LaxBool {}

/// A client's name for a source: a string as it is, or a whole number, which becomes the string of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomId(pub(crate) String);

impl<'de> Deserialize<'de> for CustomId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let unfit =
            || D::Error::custom("`custom_id` must be a string or an integer of at most 64 bits");
        match Value::deserialize(deserializer)? {
            Value::String(id) => Ok(Self(id)),
            Value::Number(number) => whole(&number).map(Self).ok_or_else(unfit),
            Value::Bool(flag) => Ok(Self(u8::from(flag).to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => Err(unfit()),
        }
    }
}

/// A number without a fraction, as it is written without one. A number of JSON with more digits is not
/// kept exactly, and another name than the client's own would be worse than none.
fn whole(number: &Number) -> Option<String> {
    /// Whole numbers up to here are exact as floating-point numbers: 2^53.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.is_i64() {
        return Some(number.to_string());
    }
    let value = number.as_f64()?;
    // Adding 0 takes the sign off a zero.
    (value.fract() == 0.0 && value.abs() <= EXACT).then(|| format!("{:.0}", value + 0.0))
}

impl PartialSchema for CustomId {
    fn schema() -> RefOr<Schema> {
        let kind = |kind| ObjectBuilder::new().schema_type(kind);
        let either = OneOfBuilder::new()
            .item(kind(Type::String))
            .item(
                kind(Type::Integer)
                    .minimum(Some(i64::MIN))
                    .maximum(Some(i64::MAX)),
            )
            .item(kind(Type::Boolean));
        RefOr::T(Schema::OneOf(either.build()))
    }
}

impl ToSchema for CustomId {}

#[cfg(test)]
mod tests {
    use super::*;

    /// What JSON stands for, if anything.
    fn read<'de, T: Deserialize<'de>>(json: &'de str) -> Option<T> {
        serde_json::from_str(json).ok()
    }

    // The same values are tried with pydantic itself in `tests/clients/lax.py`.
    #[test]
    fn seconds_are_taken_however_they_are_written() {
        for (json, expected) in [
            ("30", 30),
            ("30.0", 30),
            ("1e3", 1000),
            ("-0.0", 0),
            ("true", 1),
            ("false", 0),
            (r#""30""#, 30),
            (r#"" 30\n""#, 30),
            (r#""\u00a030""#, 30),
            (r#""+30.00""#, 30),
            (r#""-0""#, 0),
            (r#""1_000""#, 1000),
            (r#""007""#, 7),
            (r#""10000000000000000000000""#, LARGEST),
            ("10000000000000000000000", LARGEST),
        ] {
            assert_eq!(read(json), Some(LaxSeconds(expected)), "{json}");
        }
        for json in [
            "-1",
            "30.5",
            "null",
            "[]",
            "{}",
            r#""""#,
            r#"" ""#,
            r#""-1""#,
            r#""- 1""#,
            r#""_1""#,
            r#""1_""#,
            r#""1__0""#,
            r#""30.""#,
            r#"".0""#,
            r#""30.5""#,
            r#""1e3""#,
            r#""0x10""#,
            r#""٣""#,
            r#""+""#,
            r#""++1""#,
            r#""1.0_0""#,
            r#""inf""#,
            r#""true""#,
            r#""1 0""#,
        ] {
            assert_eq!(read::<LaxSeconds>(json), None, "{json}");
        }
    }

    #[test]
    fn truth_values_are_taken_however_they_are_written() {
        for (json, expected) in [
            ("true", true),
            ("0", false),
            ("1.0", true),
            (r#""TRUE""#, true),
            (r#""yEs""#, true),
            (r#""off""#, false),
            (r#""0""#, false),
        ] {
            assert_eq!(read(json), Some(LaxBool(expected)), "{json}");
        }
        for json in [
            "2",
            "-1",
            "0.5",
            "null",
            "[]",
            r#""""#,
            r#""2""#,
            r#"" true ""#,
            r#""1.0""#,
        ] {
            assert_eq!(read::<LaxBool>(json), None, "{json}");
        }
    }

    #[test]
    fn a_name_is_a_string_or_a_whole_number() {
        for (json, expected) in [
            (r#""7.0""#, "7.0"),
            ("7", "7"),
            ("-7", "-7"),
            ("7.0", "7"),
            ("-0.0", "0"),
            ("1e3", "1000"),
            ("true", "1"),
            ("9223372036854775807", "9223372036854775807"),
        ] {
            let expected = CustomId(expected.to_owned());
            assert_eq!(read(json), Some(expected), "{json}");
        }
        for json in [
            "1.5",
            "null",
            "[]",
            "1e20",
            "123456789012345678901234567890",
        ] {
            assert_eq!(read::<CustomId>(json), None, "{json}");
        }
    }
}
