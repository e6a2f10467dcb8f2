//! Finds the one JSON object in a frame that may hold stray output too. Pure.
//!
//! A reader of our own builds the value, for three reasons: serde's bound of 128 levels is less
//! than real infotrees have, twice the same key must not pass silently, and what is too deep must
//! be said as such.

use std::cell::Cell;
use std::fmt;
use std::ops::Range;

use memchr::{memchr, memchr_iter};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Deserializer, Map, Number, Value};

/// The deepest nesting of arrays and objects that is read, in levels. An infotree has two levels
/// per node, so this is one of about 500 nodes from root to leaf. Deeper ones would need more
/// stack than a thread of 2 MiB has: encoding and dropping a value go level by level, at up to
/// 1 KiB each in a debug build (measured).
pub const MAX_DEPTH: usize = 1024;

/// The depth that is read on the caller's own stack, in levels; the same as serde's own bound.
const SHALLOW: usize = 128;

/// The stack for deeper texts in bytes: reading takes 2 KiB a level in a debug build (measured).
const DEEP_STACK: usize = 16 * 1024 * 1024;

/// What a frame holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded {
    /// One JSON object.
    Object {
        /// The object.
        object: Map<String, Value>,
        /// The stray text around it, empty as a rule; cut after 4 KiB.
        noise: String,
    },
    /// No JSON object at all; the text, cut after 4 KiB.
    Noise(String),
    /// Something that may have been a reply, but it is not known which.
    Garbled {
        /// What is wrong: lower-case, no full stop.
        problem: String,
        /// The text, cut after 4 KiB.
        text: String,
    },
}

/// What the search ended with.
pub(crate) enum Found {
    /// One object and where it stands.
    One {
        /// The object.
        object: Map<String, Value>,
        /// Its place in the text, in bytes.
        range: Range<usize>,
    },
    /// No object.
    None,
    /// Two objects, or one that is broken; says what is wrong.
    Garbled(String),
}

/// Searches `text` for exactly one object that has any fields.
///
/// Every brace that no earlier object covers is tried, so that a second object is never
/// overlooked. The tries together may read the text a few times over, which bounds the time.
pub(crate) fn find_object(text: &[u8]) -> Found {
    let mut budget = text.len().saturating_mul(4).saturating_add(64 * 1024);
    let mut found: Option<(Map<String, Value>, Range<usize>)> = None;
    let mut from = 0;
    while let Some(rest) = text.get(from..)
        && let Some(brace) = memchr(b'{', rest)
    {
        let start = from + brace;
        let candidate = text.get(start..).unwrap_or_default();
        let cost = match read_object(candidate) {
            ParseAttempt::Object { object, length } => {
                from = start + length;
                // `{}` is how Lean prints some values, and never a reply.
                if object.is_empty() {
                    length
                } else if found.is_some() {
                    return Found::Garbled("two JSON objects between two blank lines".to_owned());
                } else {
                    found = Some((object, start..from));
                    0
                }
            }
            ParseAttempt::NotJson { length } => {
                from = start + 1;
                length
            }
            ParseAttempt::Broken(problem) => return Found::Garbled(problem),
        };
        // A try has a price of its own, else a million lone braces would be a million free ones.
        let Some(left) = budget.checked_sub(cost.saturating_add(64)) else {
            return Found::Garbled("more broken JSON than a reply can be found in".to_owned());
        };
        budget = left;
    }
    match found {
        Some((object, range)) => Found::One { object, range },
        None => Found::None,
    }
}

/// What the bytes from a brace on are.
enum ParseAttempt {
    /// An object of so many bytes.
    Object {
        /// The object.
        object: Map<String, Value>,
        /// Its length.
        length: usize,
    },
    /// No JSON, as was seen after so many bytes.
    NotJson {
        /// How much was read.
        length: usize,
    },
    /// JSON, but cut off, too deep or ambiguous; says which.
    Broken(String),
}

/// Reads one object from the front of `text`, on a larger stack if it is nested deep.
fn read_object(text: &[u8]) -> ParseAttempt {
    if let Some(attempt) = read_to_depth(text, SHALLOW) {
        return attempt;
    }
    let deep = std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .name("deep-json".to_owned())
            .stack_size(DEEP_STACK)
            .spawn_scoped(scope, || read_to_depth(text, MAX_DEPTH));
        reader.ok().and_then(|reader| reader.join().ok())
    });
    match deep {
        Some(Some(attempt)) => attempt,
        Some(None) => ParseAttempt::Broken(format!("JSON nested deeper than {MAX_DEPTH} levels")),
        None => ParseAttempt::Broken("deeply nested JSON, and no thread to read it".to_owned()),
    }
}

/// Reads one object from the front of `text`; none if it is nested deeper than `levels`.
fn read_to_depth(text: &[u8], levels: usize) -> Option<ParseAttempt> {
    let mut deserializer = Deserializer::from_slice(text);
    deserializer.disable_recursion_limit();
    let too_deep = Cell::new(false);
    let reader = Reader {
        levels,
        too_deep: &too_deep,
    };
    let attempt = match reader.deserialize(&mut deserializer) {
        Err(_) if too_deep.get() => return None,
        Ok(Value::Object(object)) => ParseAttempt::Object {
            object,
            length: deserializer.into_iter::<Value>().byte_offset(),
        },
        Ok(_) => ParseAttempt::NotJson { length: 1 },
        Err(err) => match err.classify() {
            Category::Eof => ParseAttempt::Broken("a JSON object that is cut off".to_owned()),
            Category::Data => ParseAttempt::Broken(err.to_string()),
            Category::Syntax | Category::Io => ParseAttempt::NotJson {
                length: offset_of(text, err.line(), err.column()),
            },
        },
    };
    Some(attempt)
}

/// The offset in bytes of a place that serde names by line (from 1) and column in bytes.
fn offset_of(text: &[u8], line: usize, column: usize) -> usize {
    let line_start = match line.checked_sub(2) {
        Some(nth) => memchr_iter(b'\n', text).nth(nth).map_or(0, |end| end + 1),
        None => 0,
    };
    line_start.saturating_add(column).min(text.len())
}

/// Builds a value with a bound on its depth and without repeated keys.
#[derive(Clone, Copy)]
struct Reader<'a> {
    /// How many levels of nesting are still allowed.
    levels: usize,
    /// Set when that was not enough.
    too_deep: &'a Cell<bool>,
}

impl Reader<'_> {
    /// The reader for what is inside an array or object.
    fn inner<E: Error>(self) -> Result<Self, E> {
        let Some(levels) = self.levels.checked_sub(1) else {
            self.too_deep.set(true);
            return Err(E::custom("nested too deep"));
        };
        Ok(Self { levels, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let value = fields.next_value_seed(inner)?;
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a JSON object with the same field twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Runs with less stack than Rust gives a thread, to leave the caller room.
    fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
        std::thread::Builder::new()
            .stack_size(1536 * 1024)
            .spawn(work)
            .unwrap()
            .join()
            .unwrap();
    }

    /// JSON nested so many levels deep.
    fn nested(levels: usize) -> String {
        let pairs = levels / 2;
        format!("{}1{}", r#"{"a":["#.repeat(pairs), "]}".repeat(pairs))
    }

    #[test]
    fn the_deepest_reply_is_read_written_and_dropped_on_a_small_stack() {
        on_a_small_stack(|| {
            let text = nested(MAX_DEPTH);
            let Found::One { object, .. } = find_object(text.as_bytes()) else {
                panic!("not read");
            };
            assert_eq!(serde_json::to_string(&object).unwrap(), text);
        });
    }

    #[test]
    fn a_reply_that_is_too_deep_is_said_to_be_so() {
        for levels in [MAX_DEPTH + 2, 1_000_000] {
            let Found::Garbled(problem) = find_object(nested(levels).as_bytes()) else {
                panic!("read at {levels} levels");
            };
            assert!(problem.contains("deeper than 1024 levels"), "{problem}");
        }
    }

    #[test]
    fn what_may_be_a_reply_is_never_guessed_at() {
        for (text, expected) in [
            (r#"{"env":0}{"env":1}"#, "two JSON objects"),
            (r#"{"env":0} and {"env":1}"#, "two JSON objects"),
            ("{\"env\":0}\n[{\"env\":1}]", "two JSON objects"),
            (r#"{"env":0,"env":1}"#, "the same field twice"),
            (r#"{"env":0,"messages":[{"data":"x"}"#, "cut off"),
            (r#"{"env":"#, "cut off"),
        ] {
            match find_object(text.as_bytes()) {
                Found::Garbled(problem) => assert!(problem.contains(expected), "{problem}"),
                Found::One { object, .. } => panic!("{text} gave {object:?}"),
                Found::None => panic!("{text} gave nothing"),
            }
        }
    }

    #[test]
    fn empty_objects_and_broken_ones_are_noise() {
        for text in [
            r#"{} {"env":0}"#,
            r#"{ x := 1 } {"env":0} {}"#,
            "{\n{\"env\":0}",
        ] {
            let Found::One { object, .. } = find_object(text.as_bytes()) else {
                panic!("nothing in {text}");
            };
            assert_eq!(Value::Object(object), json!({"env": 0}));
        }
    }

    #[test]
    fn ten_megabytes_of_braces_end_the_search() {
        for unit in ["{", "{\"a\":[}", "{\"a\":", "{}", "{x}\n"] {
            let text = unit.repeat(10_000_000 / unit.len());
            assert!(matches!(find_object(text.as_bytes()), Found::Garbled(_)));
        }
    }

    #[test]
    fn a_place_named_by_line_and_column_is_found() {
        for (line, column, offset) in [(1, 0, 0), (1, 2, 2), (2, 1, 4), (3, 9, 8)] {
            assert_eq!(offset_of(b"ab\ncd\nef", line, column), offset);
        }
    }
}
