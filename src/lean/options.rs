//! Options of Lean as a Lake file sets them for a module. Never reads a file and never asks Lean which
//! options there are.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The option that turns warnings into errors.
const WARNING_AS_ERROR: &str = "warningAsError";

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OptionValue {
    /// Yes or no.
    Bool(bool),
    /// A natural number.
    Nat(u64),
    /// A string, which stands for a value of another type if the option is of that type (`reparseOptions` in
    /// Lean/Elab/Frontend.lean).
    Text(String),
}

/// An option with its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LeanOption {
    /// Its name, without the mark of a weak one.
    name: String,
    value: OptionValue,
    /// Whether it is set only where Lean knows it: `weak.` stands before the name then.
    is_weak: bool,
}

/// The options that hold for a module, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct ModuleOptions(Vec<LeanOption>);

impl ModuleOptions {
    /// Sets the option whose name has these parts. A later value takes the place of an earlier one. False,
    /// and nothing is set, if they are no name that Lean can read.
    pub fn set(&mut self, parts: &[&str], value: OptionValue) -> bool {
        let strong = parts.strip_prefix(&["weak"]);
        let Some(name) = written(strong.unwrap_or(parts)) else {
            return false;
        };
        let option = LeanOption {
            name,
            value,
            is_weak: strong.is_some(),
        };
        self.0.retain(|other| other.name != option.name);
        self.0.push(option);
        // Lean may warn about the setting of an option, which `-D` does not do: such a warning must not
        // become an error, so this option comes last.
        self.0.sort_by_key(|option| option.name == WARNING_AS_ERROR);
        true
    }

    /// Sets the option of an argument `-D name=value`, given without the `-D`. False if it is none.
    pub fn set_argument(&mut self, text: &str) -> bool {
        let Some((name, value)) = text.split_once('=') else {
            return false;
        };
        let parts: Vec<&str> = name.trim().split('.').collect();
        self.set(&parts, OptionValue::Text(value.to_owned()))
    }

    /// All but those of these names.
    #[must_use]
    pub fn without(&self, names: &[String]) -> Self {
        let kept = self.0.iter().filter(|option| !names.contains(&option.name));
        Self(kept.cloned().collect())
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &LeanOption> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a JSON object of names and values.
    pub fn to_json(&self) -> Value {
        Value::Object(self.clone().into())
    }
}

impl From<ModuleOptions> for Map<String, Value> {
    fn from(options: ModuleOptions) -> Self {
        let pairs = options.0.iter().map(|option| {
            let value = match &option.value {
                OptionValue::Bool(value) => Value::from(*value),
                OptionValue::Nat(value) => Value::from(*value),
                OptionValue::Text(value) => Value::from(value.as_str()),
            };
            (option.full_name(), value)
        });
        pairs.collect()
    }
}

impl TryFrom<Map<String, Value>> for ModuleOptions {
    type Error = String;

    fn try_from(pairs: Map<String, Value>) -> Result<Self, String> {
        let option = |(full_name, value): (String, Value)| {
            let value = match value {
                Value::Bool(value) => OptionValue::Bool(value),
                Value::String(value) => OptionValue::Text(value),
                value => OptionValue::Nat(
                    value
                        .as_u64()
                        .ok_or_else(|| format!("`{full_name}` has no value of an option"))?,
                ),
            };
            let strong = full_name.strip_prefix("weak.");
            Ok(LeanOption {
                is_weak: strong.is_some(),
                name: strong.unwrap_or(&full_name).to_owned(),
                value,
            })
        };
        let options: Result<Vec<_>, String> = pairs.into_iter().map(option).collect();
        let mut options = options?;
        options.sort_by_key(|option| option.name == WARNING_AS_ERROR);
        Ok(Self(options))
    }
}

impl fmt::Display for ModuleOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, option) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}`{option}`")?;
        }
        Ok(())
    }
}

impl fmt::Display for LeanOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.full_name();
        match &self.value {
            OptionValue::Bool(value) => write!(f, "{name}={value}"),
            OptionValue::Nat(value) => write!(f, "{name}={value}"),
            OptionValue::Text(value) => write!(f, "{name}={value}"),
        }
    }
}

impl LeanOption {
    /// Whether it is set only where Lean knows it.
    pub fn is_weak(&self) -> bool {
        self.is_weak
    }

    /// Its name as the Lake file has it.
    fn full_name(&self) -> String {
        let weak = if self.is_weak { "weak." } else { "" };
        format!("{weak}{}", self.name)
    }

    /// The commands that set it, each on one line: the first is right unless Lean refuses it, which depends
    /// on the type of the option.
    pub fn commands(&self) -> Vec<String> {
        let set = |value: &str| format!("set_option {} {value}", self.name);
        match &self.value {
            OptionValue::Bool(value) => vec![set(&value.to_string())],
            OptionValue::Nat(value) => vec![set(&value.to_string())],
            OptionValue::Text(text) => {
                let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let bare = is_number || text == "true" || text == "false";
                let bare = bare.then(|| set(text));
                bare.into_iter().chain([set(&quoted(text))]).collect()
            }
        }
    }

    /// Commands of which Lean lets one pass if it knows the option, whatever its type is.
    pub fn probes(&self) -> [String; 3] {
        ["true", "0", "\"\""].map(|value| format!("set_option {} {value}", self.name))
    }
}

/// The name with these parts as Lean reads it, on one line. None if there is no way to write it.
fn written(parts: &[&str]) -> Option<String> {
    let part = |part: &&str| {
        let is_plain = part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let is_writable =
            !part.is_empty() && !part.contains(|c: char| c.is_control() || c == '«' || c == '»');
        match (is_plain, is_writable) {
            (true, _) => Some((*part).to_owned()),
            (false, true) => Some(format!("«{part}»")),
            (false, false) => None,
        }
    };
    let parts = parts.iter().map(part).collect::<Option<Vec<_>>>()?;
    (!parts.is_empty()).then(|| parts.join("."))
}

/// A string literal of Lean, on one line.
fn quoted(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            _ => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands of all options, the first for each.
    fn first_commands(options: &ModuleOptions) -> Vec<String> {
        options
            .iter()
            .map(|option| option.commands().remove(0))
            .collect()
    }

    #[test]
    fn the_later_value_holds_and_warnings_become_errors_last() {
        let mut options = ModuleOptions::default();
        for (parts, value) in [
            (["warningAsError"].as_slice(), OptionValue::Bool(true)),
            (&["weak", "a", "b"], OptionValue::Nat(1)),
            (&["c"], OptionValue::Text("x\"\\\n".to_owned())),
            (&["a", "b"], OptionValue::Nat(2)),
        ] {
            assert!(options.set(parts, value), "{parts:?}");
        }
        assert_eq!(
            first_commands(&options),
            [
                "set_option c \"x\\\"\\\\\\n\"",
                "set_option a.b 2",
                "set_option warningAsError true"
            ]
        );
        assert_eq!(
            first_commands(&options.without(&["a.b".to_owned(), "c".to_owned()])),
            ["set_option warningAsError true"]
        );
    }

    #[test]
    fn an_argument_stands_for_a_value_of_the_options_own_type() {
        for (argument, commands) in [
            (
                "maxRecDepth=99",
                ["set_option maxRecDepth 99", "set_option maxRecDepth \"99\""].as_slice(),
            ),
            (
                "weak.x=true",
                ["set_option x true", "set_option x \"true\""].as_slice(),
            ),
            ("x=", ["set_option x \"\""].as_slice()),
            ("x=a=b", ["set_option x \"a=b\""].as_slice()),
        ] {
            let mut options = ModuleOptions::default();
            assert!(options.set_argument(argument), "{argument}");
            assert_eq!(options.0[0].commands(), commands, "{argument}");
        }
        assert!(!ModuleOptions::default().set_argument("x"));
    }

    #[test]
    fn a_name_cannot_smuggle_in_a_command() {
        let mut options = ModuleOptions::default();
        for parts in [
            ["a", "b true\n#eval 1"].as_slice(),
            &["a»", "b"],
            &["a", ""],
            &["weak"],
            &[],
        ] {
            let value = OptionValue::Bool(true);
            assert!(!options.set(parts, value), "{parts:?}");
        }
        assert!(options.is_empty());
        assert!(options.set(&["a b", "c.d"], OptionValue::Bool(true)));
        assert_eq!(first_commands(&options), ["set_option «a b».«c.d» true"]);
    }

    #[test]
    fn what_is_shown_is_what_the_lake_file_says() {
        let mut options = ModuleOptions::default();
        options.set(&["autoImplicit"], OptionValue::Bool(false));
        options.set(&["weak", "linter", "x"], OptionValue::Text("7".to_owned()));
        assert_eq!(
            options.to_string(),
            "`autoImplicit=false`, `weak.linter.x=7`"
        );
        assert_eq!(
            options.to_json(),
            serde_json::json!({ "autoImplicit": false, "weak.linter.x": "7" })
        );
    }
}
