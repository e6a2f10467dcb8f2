//! What an environment knows.

use serde_json::{Value, json};

/// An environment, as much of it as the played commands can see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    /// Whether Init is there: neither `prelude` nor a failed import kept it out.
    pub(crate) init: bool,
    /// Whether Mathlib is there.
    pub(crate) mathlib: bool,
    /// Whether the extensions that an `initialize` makes are missing, as after an unpickle of a REPL
    /// up to v4.29 that ran with initializers off.
    pub(crate) uninitialized: bool,
    /// What was defined by `def NAME`; a pickle loses it.
    pub(crate) names: Vec<String>,
}

/// The tactics that look into an extension which an `initialize` made.
const NEEDS_EXTENSION: [&str; 2] = ["norm_num", "ring"];

impl Environment {
    /// What `#check NAME` says, or nothing if the name is unknown.
    pub(crate) fn check(&self, name: &str) -> Option<String> {
        if self.names.iter().any(|known| known == name) {
            return Some(format!("{name} : Nat"));
        }
        let kind = match name {
            "Nat" | "String" | "Bool" | "Lean.Name" | "Std.HashMap" if self.init => "Type",
            "True" | "False" | "Nat.add_comm" if self.init => "Prop",
            "List" if self.init => return Some("List.{u} (α : Type u) : Type u".to_owned()),
            "Lean.versionString" if self.init => "String",
            "Real" | "ℝ" if self.mathlib => return Some("Real : Type".to_owned()),
            _ => return None,
        };
        Some(format!("{name} : {kind}"))
    }

    /// Takes note of a definition in a line of a body.
    pub(crate) fn define(&mut self, line: &str) {
        let name = line
            .strip_prefix("def ")
            .and_then(|rest| rest.split(' ').next());
        self.names.extend(name.map(str::to_owned));
    }

    /// Why a text ends the process, if it does.
    pub(crate) fn death(&self, text: &str) -> Option<String> {
        let dies = self.uninitialized && NEEDS_EXTENSION.iter().any(|tactic| text.contains(tactic));
        dies.then(|| "cannot evaluate `[init]` declaration 'ext' in the same module".to_owned())
    }

    /// What is written into a pickle of it by a Lean of that version.
    pub(crate) fn to_pickle(&self, lean_version: &str) -> String {
        json!({"init": self.init, "mathlib": self.mathlib, "lean": lean_version}).to_string()
    }

    /// Reads a pickle of a Lean of that version; the error is the reason why it is none.
    pub(crate) fn from_pickle(text: &str, lean_version: &str) -> Result<Self, String> {
        let fields: Value = serde_json::from_str(text).map_err(|err| err.to_string())?;
        let field = |name| fields.get(name).and_then(Value::as_bool);
        if fields.get("lean").and_then(Value::as_str) != Some(lean_version) {
            return Err("incompatible header".to_owned());
        }
        match (field("init"), field("mathlib")) {
            (Some(init), Some(mathlib)) => Ok(Self {
                init,
                mathlib,
                uninitialized: false,
                names: Vec::new(),
            }),
            _ => Err("the file is no pickle".to_owned()),
        }
    }
}
