//! What an environment knows.

use serde_json::{Value, json};

/// An environment, as much of it as the played commands can see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    /// Whether Init is there: neither `prelude` nor a failed import kept it out.
    pub(crate) init: bool,
    /// Whether Mathlib is there.
    pub(crate) mathlib: bool,
}

impl Environment {
    /// What `#check NAME` says, or nothing if the name is unknown.
    pub(crate) fn check(&self, name: &str) -> Option<String> {
        let kind = match name {
            "Nat" | "String" | "Bool" if self.init => "Type",
            "True" | "False" if self.init => "Prop",
            "List" if self.init => return Some("List.{u} (α : Type u) : Type u".to_owned()),
            "Lean.versionString" if self.init => "String",
            "Real" | "ℝ" if self.mathlib => return Some("Real : Type".to_owned()),
            _ => return None,
        };
        Some(format!("{name} : {kind}"))
    }

    /// What is written into a pickle of it.
    pub(crate) fn to_pickle(&self) -> String {
        json!({"init": self.init, "mathlib": self.mathlib}).to_string()
    }

    /// Reads a pickle; the error is the reason why it is none.
    pub(crate) fn from_pickle(text: &str) -> Result<Self, String> {
        let fields: Value = serde_json::from_str(text).map_err(|err| err.to_string())?;
        let field = |name| fields.get(name).and_then(Value::as_bool);
        match (field("init"), field("mathlib")) {
            (Some(init), Some(mathlib)) => Ok(Self { init, mathlib }),
            _ => Err("the file is no pickle".to_owned()),
        }
    }
}
