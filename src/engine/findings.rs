//! What core Lean's REPL reports in fields beyond the protocol.

use serde_json::Value;

use crate::failure::{Failure, Kind};
use crate::lean::message::Extra;

/// The fields; all that is absent is as it should be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// What this Lean lacks for the source: its errors say nothing about the source then.
    unsupported: Vec<String>,
    /// The declarations of the source that depend on `sorryAx`, if they were looked for.
    pub(crate) sorry_decls: Option<Vec<String>>,
    /// Whether Lean read the source to its end.
    pub(crate) end_reached: bool,
    /// Whether an error was reported, even if it is in no message.
    pub(crate) had_errors: bool,
}

impl Findings {
    /// Reads the fields.
    ///
    /// # Errors
    /// A field that holds something else.
    pub(crate) fn read(extra: &Extra) -> Result<Self, Failure> {
        Ok(Self {
            unsupported: names(extra, "unsupported")?.unwrap_or_default(),
            sorry_decls: names(extra, "sorryDecls")?,
            end_reached: flag(extra, "endReached")? != Some(false),
            had_errors: flag(extra, "hadErrors")? == Some(true),
        })
    }

    /// Why the source is undecided if this Lean lacks a part that it needs.
    pub(crate) fn lack(&self) -> Option<Failure> {
        let what = self.unsupported.join(", ");
        (!what.is_empty()).then(|| {
            Failure::new(
                Kind::Project,
                format!("this Lean lacks {what}"),
                "evaluate it with the whole Lean of a project: `--project DIR` or `--repl PATH`",
            )
        })
    }
}

/// A list of names, if the field is there.
fn names(extra: &Extra, field: &str) -> Result<Option<Vec<String>>, Failure> {
    let Some(value) = extra.get(field) else {
        return Ok(None);
    };
    let names = value.as_array().and_then(|items| {
        let name = |item: &Value| item.as_str().map(str::to_owned);
        items.iter().map(name).collect()
    });
    names.map(Some).ok_or_else(|| unknown_field(field))
}

/// A flag, if the field is there.
fn flag(extra: &Extra, field: &str) -> Result<Option<bool>, Failure> {
    match extra.get(field) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(unknown_field(field)),
    }
}

/// The failure for a field that holds something else.
fn unknown_field(field: &str) -> Failure {
    Failure::new(
        Kind::Session,
        format!("the REPL sent a field `{field}` that cannot be understood"),
        "use a leanrepl that knows this REPL's version",
    )
}
