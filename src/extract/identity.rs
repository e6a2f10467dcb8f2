//! What all rows of an extraction depend on besides their unit, as run files and manifests keep it. Pure.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest;
use crate::failure::Failure;

/// Two runs of the same identity make the same rows of the same unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunIdentity {
    pub(crate) extractor: String,
    /// In Lean Scout's schema language.
    pub(crate) schema: Value,
    /// The column whose value chooses the shard of a row, unless the user names another.
    pub(crate) key: String,
    /// What the plugin was given, as JSON; null without.
    pub(crate) config: Value,
    /// What was asked for: `imports` with the modules, `read`, or `library` with its name.
    pub(crate) target: Value,
    /// Lean's version, such as `4.28.0`.
    pub(crate) lean: String,
    /// The toolchain, as [`crate::session::identity::Identity`] has it.
    pub(crate) toolchain: String,
    /// The REPL, as [`crate::session::identity::Identity`] has it.
    pub(crate) repl: String,
    /// SHA-256 of the extractors that a worker is given.
    pub(crate) preamble: String,
    /// SHA-256 of the plugin's file; null without.
    pub(crate) plugin: Option<String>,
}

impl RunIdentity {
    /// Its digest.
    ///
    /// # Errors
    /// A bug.
    pub(crate) fn digest(&self) -> Result<String, Failure> {
        let text = serde_json::to_string(self)
            .map_err(|err| Failure::bug(format!("an identity cannot be written: {err}")))?;
        Ok(digest::of_bytes(text.as_bytes()))
    }

    /// The first thing in which the other one differs: what it is, and both values. None if nothing does.
    pub(crate) fn difference(&self, other: &Self) -> Option<(&'static str, String, String)> {
        let text = |value: &Value| value.to_string();
        let plugin = |it: &Self| it.plugin.clone().unwrap_or_else(|| "none".to_owned());
        let pairs = [
            ("extractor", self.extractor.clone(), other.extractor.clone()),
            ("target", text(&self.target), text(&other.target)),
            ("toolchain", self.toolchain.clone(), other.toolchain.clone()),
            ("version of Lean", self.lean.clone(), other.lean.clone()),
            ("REPL", self.repl.clone(), other.repl.clone()),
            ("plugin", plugin(self), plugin(other)),
            ("config", text(&self.config), text(&other.config)),
            ("schema", text(&self.schema), text(&other.schema)),
            ("key", self.key.clone(), other.key.clone()),
            (
                "set of extractors",
                self.preamble.clone(),
                other.preamble.clone(),
            ),
        ];
        pairs.into_iter().find(|(_, ours, theirs)| ours != theirs)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// An identity for tests.
    pub(crate) fn identity() -> RunIdentity {
        RunIdentity {
            extractor: "types".to_owned(),
            schema: json!({"fields": [{"name": "name", "type": {"datatype": "string"}, "nullable": false}]}),
            key: "name".to_owned(),
            config: Value::Null,
            target: json!({"imports": ["Init"]}),
            lean: "4.28.0".to_owned(),
            toolchain: "core".to_owned(),
            repl: "r".to_owned(),
            preamble: "p".to_owned(),
            plugin: None,
        }
    }

    #[test]
    fn a_difference_is_named_with_both_values() {
        let one = identity();
        assert_eq!(one.difference(&one.clone()), None);
        let other = RunIdentity {
            lean: "4.29.0".to_owned(),
            ..one.clone()
        };
        let expected = ("version of Lean", "4.28.0".to_owned(), "4.29.0".to_owned());
        assert_eq!(one.difference(&other), Some(expected));
        assert_ne!(one.digest().unwrap(), other.digest().unwrap());
    }

    #[test]
    fn every_part_counts() {
        // A run that differs in a field which `difference` forgets could not be resumed, without a
        // reason.
        let one = identity();
        let value = serde_json::to_value(&one).unwrap();
        for (name, _) in value.as_object().unwrap() {
            let mut changed = value.clone();
            changed[name] = match changed[name] {
                Value::String(_) => json!("other"),
                _ if name == "plugin" => json!("other"),
                _ => json!({"other": 1}),
            };
            let changed: RunIdentity = serde_json::from_value(changed).unwrap();
            assert!(one.difference(&changed).is_some(), "{name}");
            assert_ne!(one.digest().unwrap(), changed.digest().unwrap(), "{name}");
        }
    }
}
