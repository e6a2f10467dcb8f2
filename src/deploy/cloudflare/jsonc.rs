//! JSON with comments, each value with the line where it begins. Never writes.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde::{Serialize, Serializer};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Value {
    /// The line, from 1.
    pub(crate) line: usize,
    pub(crate) what: What,
}

/// The kinds of values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// Keys and their values, in the order of the text.
    Object(Vec<(String, Value)>),
    /// Values.
    Array(Vec<Value>),
    /// A string.
    Text(String),
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Flag(bool),
    /// `null`.
    Null,
}

impl Value {
    /// Reads a text; one without any value is an empty object.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let parsed = parse_to_ast(text, &CollectOptions::default(), &options())
            .map_err(|err| err.to_string())?;
        let lines = Lines::of(text);
        Ok(parsed.value.map_or(
            Self {
                line: 1,
                what: What::Object(Vec::new()),
            },
            |value| lines.convert(&value),
        ))
    }

    /// What stands under a key; the last one if it stands there twice.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let mut pairs = self.pairs().iter().rev();
        pairs.find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Keys and values of an object; none if it is something else.
    pub(crate) fn pairs(&self) -> &[(String, Self)] {
        match &self.what {
            What::Object(pairs) => pairs,
            _ => &[],
        }
    }

    /// The values of an array; none if it is something else.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.what {
            What::Array(items) => items,
            _ => &[],
        }
    }

    /// The array under a key; an empty one if there is none.
    pub(crate) fn list(&self, key: &str) -> &[Self] {
        self.get(key).map_or(&[], Self::items)
    }

    /// The string, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.what {
            What::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub(crate) fn number(&self) -> Option<f64> {
        match self.what {
            What::Number(number) => Some(number),
            _ => None,
        }
    }
}

impl Serialize for Value {
    /// The same without lines and comments, its keys in their order.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.what {
            What::Object(pairs) => {
                serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
            }
            What::Array(items) => serializer.collect_seq(items),
            What::Text(text) => serializer.serialize_str(text),
            What::Number(number) => match whole(*number) {
                Some(whole) => serializer.serialize_i64(whole),
                None => serializer.serialize_f64(*number),
            },
            What::Flag(flag) => serializer.serialize_bool(*flag),
            What::Null => serializer.serialize_none(),
        }
    }
}

/// The whole number that a float stands for, if it does.
fn whole(number: f64) -> Option<i64> {
    // Beyond this not every whole number has a float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is whole and small enough"
    )]
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

/// What wrangler takes: comments and commas before a closing bracket.
fn options() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_missing_commas: false,
        allow_loose_object_property_names: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        ..ParseOptions::default()
    }
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(ends.map(|(at, _)| at).collect())
    }

    /// The line, from 1, of a place in bytes.
    fn at(&self, byte: usize) -> usize {
        self.0.partition_point(|end| *end < byte) + 1
    }

    /// A value of the parser as ours.
    fn convert(&self, value: &ast::Value<'_>) -> Value {
        let what = match value {
            ast::Value::StringLit(text) => What::Text(text.value.clone().into_owned()),
            ast::Value::NumberLit(number) => number.value.parse().map_or(What::Null, What::Number),
            ast::Value::BooleanLit(flag) => What::Flag(flag.value),
            ast::Value::NullKeyword(_) => What::Null,
            ast::Value::Array(array) => What::Array(
                array
                    .elements
                    .iter()
                    .map(|value| self.convert(value))
                    .collect(),
            ),
            ast::Value::Object(object) => What::Object(
                object
                    .properties
                    .iter()
                    .map(|pair| (pair.name.as_str().to_owned(), self.convert(&pair.value)))
                    .collect(),
            ),
        };
        Value {
            line: self.at(value.start()),
            what,
        }
    }
}

#[cfg(test)]
impl Value {
    /// The same without lines.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn comments_and_last_commas_are_no_obstacle_and_lines_are_right() {
        let text = "// a\n{\n  /* b\n */ \"a\": [1, // c\n    \"x\",\n  ],\n  \"b\": { \"c\": null, },\n}\n";
        let value = Value::read(text).unwrap();
        assert_eq!(value.to_json(), json!({"a": [1, "x"], "b": {"c": null}}));
        let lines: Vec<usize> = value.list("a").iter().map(|item| item.line).collect();
        assert_eq!((value.line, lines), (2, vec![4, 5]));
        assert_eq!(value.get("b").unwrap().get("c").unwrap().line, 7);
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        for text in ["{", "{\"a\" 1}", "{'a': 1}", "{a: 1}", "[1 2]", "{} {}"] {
            assert!(Value::read(text).is_err(), "{text}");
        }
        let problem = Value::read("{\n  \"a\": 1\n  \"b\": 2\n}").unwrap_err();
        assert!(
            problem.contains("line 2") || problem.contains("line 3"),
            "{problem}"
        );
        assert_eq!(Value::read(" // nothing\n").unwrap().to_json(), json!({}));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[{}\\[\\]\",:a1 \n/*]*|.*") {
            let _either = Value::read(&text);
        }
    }
}
