//! The shapes of a request, tried in the order of `parse` in REPL/Main.lean.

use serde_json::{Map, Value};

/// A request that the real REPL would understand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// `{"tactic": …, "proofState": …}`
    Tactic {
        /// The text of the tactic.
        tactic: String,
        /// The state to go on from.
        proof_state: u64,
    },
    /// `{"pickleTo": …, "env": …}`
    Pickle {
        /// The file to write.
        path: String,
        /// The environment to keep.
        env: u64,
    },
    /// `{"unpickleEnvFrom": …}`
    Unpickle {
        /// The file to read.
        path: String,
    },
    /// A pickle or unpickle of a proof state, which this REPL does not play.
    ProofStatePickle,
    /// `{"cmd": …}`
    Command {
        /// The text of the command.
        text: String,
        /// What the rest of the request asks for.
        options: Options,
    },
    /// `{"path": …}`
    File {
        /// The file whose text is the command.
        path: String,
        /// What the rest of the request asks for.
        options: Options,
    },
}

/// What a command or file request may add.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// The environment to build on.
    pub(crate) env: Option<u64>,
    /// Whether to list the tactics.
    pub(crate) all_tactics: bool,
    /// Whether to show the info trees.
    pub(crate) infotree: bool,
    /// What to do about a state, with `--restore`.
    pub(crate) about_state: Option<AboutState>,
}

/// What a request may ask about a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AboutState {
    /// `"takeSnapshot": true`, in a command
    Take,
    /// `"restoreSnapshot": N`, in a file request
    Restore(u64),
    /// `"dropSnapshot": N`, in a file request
    Drop(u64),
}

impl Request {
    /// Reads a block; the error is what the real REPL throws out of its loop with.
    pub(crate) fn parse(block: &str) -> Result<Self, String> {
        let fields: Map<String, Value> = serde_json::from_str(block)
            .map_err(|err| format!(r#"{{"message": "Could not parse JSON:\n{err}"}}"#))?;
        let shapes = [tactic, pickle, unpickle, proof_state_pickle, command, file];
        shapes
            .iter()
            .find_map(|shape| shape(&fields))
            .ok_or_else(|| r#"{"message": "Could not parse as a valid JSON command"}"#.to_owned())
    }
}

/// The shape of a proof step.
fn tactic(fields: &Map<String, Value>) -> Option<Request> {
    Some(Request::Tactic {
        tactic: text(fields, "tactic")?,
        proof_state: fields.get("proofState")?.as_u64()?,
    })
}

/// The shape of a pickle of an environment.
fn pickle(fields: &Map<String, Value>) -> Option<Request> {
    Some(Request::Pickle {
        path: text(fields, "pickleTo")?,
        env: fields.get("env")?.as_u64()?,
    })
}

/// The shape of an unpickle of an environment.
fn unpickle(fields: &Map<String, Value>) -> Option<Request> {
    Some(Request::Unpickle {
        path: text(fields, "unpickleEnvFrom")?,
    })
}

/// The shape of a pickle or unpickle of a proof state.
fn proof_state_pickle(fields: &Map<String, Value>) -> Option<Request> {
    if text(fields, "unpickleProofStateFrom").is_none() {
        text(fields, "pickleTo")?;
        fields.get("proofState")?.as_u64()?;
    }
    Some(Request::ProofStatePickle)
}

/// The shape of a command.
fn command(fields: &Map<String, Value>) -> Option<Request> {
    Some(Request::Command {
        text: text(fields, "cmd")?,
        options: options(fields)?,
    })
}

/// The shape of a file.
fn file(fields: &Map<String, Value>) -> Option<Request> {
    Some(Request::File {
        path: text(fields, "path")?,
        options: options(fields)?,
    })
}

/// The options; nothing if one has the wrong type.
fn options(fields: &Map<String, Value>) -> Option<Options> {
    let mut options = Options::default();
    // A null field is an absent one.
    let present = |name| fields.get(name).filter(|value| !value.is_null());
    if let Some(env) = present("env") {
        options.env = Some(env.as_u64()?);
    }
    if let Some(all_tactics) = present("allTactics") {
        options.all_tactics = all_tactics.as_bool()?;
    }
    if let Some(root_goals) = present("rootGoals") {
        root_goals.as_bool()?;
    }
    if let Some(infotree) = present("infotree") {
        options.infotree =
            ["full", "tactics", "original", "substantive"].contains(&infotree.as_str()?);
    }
    // A REPL without states does not read these, so that no type is wrong.
    let number = |name| present(name).and_then(Value::as_u64);
    let is_taken = present("takeSnapshot").and_then(Value::as_bool) == Some(true);
    options.about_state = is_taken
        .then_some(AboutState::Take)
        .or_else(|| number("restoreSnapshot").map(AboutState::Restore))
        .or_else(|| number("dropSnapshot").map(AboutState::Drop));
    Some(options)
}

/// A field that must be a text.
fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    Some(fields.get(name)?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_strict_about_types() {
        for block in [
            "\n",
            "{",
            "[]",
            "{}",
            r#"{"cmd": 1}"#,
            r#"{"cmd": "", "env": -1}"#,
            r#"{"cmd": "", "env": 1.0}"#,
            r#"{"cmd": "", "infotree": 3}"#,
            "{\"cmd\": \"a\tb\"}",
            r#"{"pickleTo": "x"}"#,
        ] {
            assert!(Request::parse(block).is_err(), "{block}");
        }
    }

    #[test]
    fn unknown_fields_and_nulls_are_no_harm() {
        let request = Request::parse(r#"{"cmd": "x", "env": null, "new": [], "path": 7}"#);
        let expected = Request::Command {
            text: "x".to_owned(),
            options: Options::default(),
        };
        assert_eq!(request.unwrap(), expected);
    }
}
