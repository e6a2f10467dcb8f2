//! Places in a text as Lean counts them. Never LSP units.

use serde_json::Value;

use crate::lean::fields::{DecodeError, Fields, Object, natural};
use crate::lean::message::Extra;

/// A place in a file: line from 1, column from 0 in codepoints (not bytes, not UTF-16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, the first is 1.
    pub line: u64,
    /// Column in codepoints, the first is 0.
    pub column: u64,
}

impl Position {
    /// Takes the line and the column out of the fields of a place.
    pub(crate) fn from_fields(fields: &mut Fields) -> Result<Self, DecodeError> {
        Ok(Self {
            line: fields.required("line", natural)?,
            column: fields.required("column", natural)?,
        })
    }

    /// As the REPL writes it, with unknown fields.
    pub(crate) fn into_value(self, extra: Extra) -> Value {
        Object::with(extra)
            .put("line", self.line)
            .put("column", self.column)
            .into_value()
    }
}
