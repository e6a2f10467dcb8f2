//! Names: of a Worker, and of the containers behind it, each with the class and the binding that
//! wrangler wants for it. Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name of a container, so that the name of its application fits too.
const LONGEST_ROUTE: usize = 40;

/// The longest name of a Worker; it is part of a host name.
const LONGEST_WORKER: usize = 63;

/// A container's name as it stands in the path of a request: `mathlib-4-27-0`.
///
/// It ends in a release, so that its class holds an underscore and its binding a digit: neither can then
/// be a name that the Worker's own code uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct RouteName(String);

impl RouteName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The class of its Durable Object: `Mathlib_4_27_0`. No two names have the same.
    pub(crate) fn class(&self) -> String {
        let mut class = String::new();
        let mut starts_word = true;
        for letter in self.0.chars() {
            match letter {
                '-' => starts_word = true,
                digit if digit.is_ascii_digit() => {
                    if starts_word {
                        class.push('_');
                    }
                    class.push(digit);
                    starts_word = false;
                }
                letter => {
                    class.push(if starts_word {
                        letter.to_ascii_uppercase()
                    } else {
                        letter
                    });
                    starts_word = false;
                }
            }
        }
        class
    }

    /// The binding in the Worker's environment: `MATHLIB_4_27_0`.
    pub(crate) fn binding(&self) -> String {
        self.0.to_ascii_uppercase().replace('-', "_")
    }

    /// What kind of image a name promises.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self.0.split('-').next() {
            Some("core") => Some(Kind::Core),
            Some("lean") => Some(Kind::Lean),
            Some("mathlib") => Some(Kind::Mathlib),
            _ => None,
        }
    }
}

impl FromStr for RouteName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_word = |word: &str| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
        };
        let is_number =
            |word: &str| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_digit());
        let starts_well = text.starts_with(|letter: char| letter.is_ascii_lowercase());
        let ends_well = text.split('-').skip(1).any(is_number);
        if starts_well && ends_well && text.split('-').all(is_word) && text.len() <= LONGEST_ROUTE {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "`{text}` is no name of a container; write its kind and its release in lower case, for example `mathlib-4-27-0`"
        ))
    }
}

impl TryFrom<String> for RouteName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<RouteName> for String {
    fn from(name: RouteName) -> Self {
        name.0
    }
}

impl fmt::Display for RouteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an image holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Core Lean on Node.
    Core,
    /// A toolchain without Mathlib.
    Lean,
    /// A toolchain with Mathlib.
    Mathlib,
}

/// The name of a Worker, which is the first part of its address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct WorkerName(String);

impl WorkerName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WorkerName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_letter =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        let is_good = !text.is_empty()
            && text.len() <= LONGEST_WORKER
            && text.chars().all(is_letter)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if is_good {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "`{text}` is no name of a Worker; write at most {LONGEST_WORKER} of a to z, 0 to 9 and `-` between them"
        ))
    }
}

impl TryFrom<String> for WorkerName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<WorkerName> for String {
    fn from(name: WorkerName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_gives_its_class_and_binding() {
        for (name, class, binding) in [
            ("lean-4-27-0", "Lean_4_27_0", "LEAN_4_27_0"),
            (
                "mathlib-repl-4-27-0",
                "MathlibRepl_4_27_0",
                "MATHLIB_REPL_4_27_0",
            ),
            ("lean-4-28-0-rc1", "Lean_4_28_0Rc1", "LEAN_4_28_0_RC1"),
        ] {
            let name: RouteName = name.parse().unwrap();
            assert_eq!(
                (name.class().as_str(), name.binding().as_str()),
                (class, binding)
            );
        }
    }

    #[test]
    fn different_names_have_different_classes() {
        let names = [
            "lean-4-2",
            "lean4-2",
            "lean-42",
            "le-an-4-2",
            "lean-4-2a-1",
            "lean-4-2-a-1",
        ];
        let classes: BTreeSet<String> = names
            .iter()
            .map(|name| name.parse::<RouteName>().unwrap().class())
            .collect();
        assert_eq!(classes.len(), names.len());
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "lean",
            "Lean-4",
            "4-27",
            "lean-4/",
            "lean--4",
            "-lean-4",
            "lean-4-",
            "lean_4",
            "lean-é-4",
            "lean-4\n",
            "../lean-4",
        ] {
            assert!(text.parse::<RouteName>().is_err(), "{text}");
        }
        assert!(
            format!("lean-{}", "4".repeat(60))
                .parse::<RouteName>()
                .is_err()
        );
        for text in ["", "-a", "a-", "A", "a_b", "a.b", "é"] {
            assert!(text.parse::<WorkerName>().is_err(), "{text}");
        }
        assert!("a".repeat(64).parse::<WorkerName>().is_err());
        assert!("my-lean-2".parse::<WorkerName>().is_ok());
    }
}
