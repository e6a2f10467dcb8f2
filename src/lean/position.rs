//! Places in a text as Lean counts them. Never LSP units.

use serde_json::Value;

use crate::lean::fields::{DecodeError, Extra, Fields, Object, natural};

/// A place in a file: line from 1, column from 0 in codepoints (not bytes, not UTF-16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, the first is 1.
    pub line: u64,
    /// Column in codepoints, the first is 0.
    pub column: u64,
}

impl Position {
    /// Reads a place, with its unknown fields.
    fn from_value(value: Value) -> Result<(Self, Extra), DecodeError> {
        let mut fields = Fields::of(value, "a place with `line` and `column`")?;
        let position = Self {
            line: fields.required("line", natural)?,
            column: fields.required("column", natural)?,
        };
        Ok((position, fields.rest()))
    }

    /// As the REPL writes it, with unknown fields.
    fn into_value(self, extra: Extra) -> Value {
        Object::with(extra)
            .put("line", self.line)
            .put("column", self.column)
            .into_value()
    }
}

impl Fields {
    /// Takes a place that may be absent. Unknown fields of the place stay behind.
    pub(crate) fn position(&mut self, key: &'static str) -> Result<Option<Position>, DecodeError> {
        let Some((position, rest)) = self.optional(key, Position::from_value)? else {
            return Ok(None);
        };
        self.leave(key, rest);
        Ok(Some(position))
    }

    /// Takes a place that must be there. Unknown fields of the place stay behind.
    pub(crate) fn required_position(&mut self, key: &'static str) -> Result<Position, DecodeError> {
        match self.position(key)? {
            Some(position) => Ok(position),
            None => self.required(key, |value| Err(DecodeError::new("a place", &value))),
        }
    }
}

impl Object {
    /// Adds a place if it is there, keeping unknown fields of it.
    pub(crate) fn put_position(mut self, key: &str, position: Option<Position>) -> Self {
        let Some(position) = position else {
            return self;
        };
        let rest = self.take(key);
        self.put(key, position.into_value(rest))
    }
}
