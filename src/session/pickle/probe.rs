//! Commands that prove an environment to be the one that was asked for. A failed import leaves an
//! empty environment without a word, and an unpickle may leave one whose tactics die, so that only
//! what was probed counts. Never unpickles.

use std::fmt::Write as _;
use std::time::Duration;

use crate::failure::{Failure, Kind};
use crate::lean::message::{EnvId, Message, Severity};
use crate::session::opening::{EnvError, OpenSession, has_errors, texts};
use crate::session::pickle::imports::checked_header;

/// What every environment that imports anything passes.
const ALWAYS: [&str; 2] = ["#check Nat", "example (n : Nat) : n + 0 = n := by simp"];

/// Constants of libraries whose root module holds none, or whose Lean cannot tell.
const KNOWN: [(&str, &str); 4] = [
    ("Init", "Nat.add_comm"),
    ("Std", "Std.HashMap"),
    ("Lean", "Lean.Name"),
    ("Mathlib", "Real"),
];

/// A tactic of Mathlib that looks into an extension which an `initialize` of Mathlib made.
const MATHLIB_TACTIC: &str = "example : (2 : ℝ) + 2 = 4 := by norm_num";

/// What looks for constants.
const QUESTION: &str = include_str!("constants.lean");

/// Marks the lines that it writes.
const MARK: &str = "leanrepl-probe";

/// The probes for the environment of these imports: what every environment passes, a constant of
/// each import, and for Mathlib a tactic that needs an `initialize`d extension. Also the imports of
/// which no constant could be found.
pub(crate) fn find(
    open: &mut OpenSession,
    env: EnvId,
    imports: &[String],
    wait: Duration,
) -> Result<(Vec<String>, Vec<String>), EnvError> {
    let mut probes: Vec<String> = ALWAYS.map(str::to_owned).to_vec();
    let mut unknown = Vec::new();
    let known = |module: &String| KNOWN.iter().find(|(name, _)| name == module);
    let asked: Vec<String> = imports
        .iter()
        .filter(|module| known(module).is_none())
        .cloned()
        .collect();
    let found = ask(open, env, &asked, wait)?;
    for module in imports {
        let index = asked.iter().position(|name| name == module);
        let told = found.iter().find(|(at, _)| Some(*at) == index);
        match (known(module), told) {
            (Some((_, constant)), _) => probes.push(format!("#check {constant}")),
            (None, Some((_, constant))) => probes.push(format!("#check {constant}")),
            (None, None) => unknown.push(module.clone()),
        }
    }
    if imports.iter().any(|module| module == "Mathlib") {
        probes.push(MATHLIB_TACTIC.to_owned());
    }
    Ok((probes, unknown))
}

/// A constant of each module, by the number of the module, as far as Lean can tell. An error in its
/// answer says nothing about the imports.
fn ask(
    open: &mut OpenSession,
    env: EnvId,
    modules: &[String],
    wait: Duration,
) -> Result<Vec<(usize, String)>, EnvError> {
    if modules.is_empty() {
        return Ok(Vec::new());
    }
    let question = question(modules);
    let found = constants(&open.run(&question, env, wait)?.messages);
    if found.len() == modules.len() {
        return Ok(found);
    }
    // A library that does not import `Lean` cannot look into itself, but beside it that works.
    let lean = std::iter::once("Lean".to_owned());
    let header = checked_header(&lean.chain(modules.iter().cloned()).collect::<Vec<_>>());
    match open.environment(&header.map_err(EnvError::Refused)?, wait) {
        Ok(env) => Ok(constants(&open.run(&question, env, wait)?.messages)),
        Err(EnvError::Refused(_)) => Ok(found),
        Err(trouble) => Err(trouble),
    }
}

/// Runs the probes on an environment.
///
/// # Errors
/// The first probe that Lean reports an error for, or that ends the session.
pub(crate) fn check(
    open: &mut OpenSession,
    env: EnvId,
    probes: &[String],
    wait: Duration,
) -> Result<(), EnvError> {
    for probe in probes {
        let reply = open.run(probe, env, wait)?;
        if has_errors(&reply.messages) {
            return Err(EnvError::Refused(
                Failure::new(
                    Kind::Build,
                    format!("the probe `{probe}` fails"),
                    "check that the imports were built with the Lean of this REPL, and that your own `--probe` holds",
                )
                .caused_by(texts(&reply.messages)),
            ));
        }
    }
    Ok(())
}

/// A source that names a public constant of each module, or of a module that it imports.
fn question(modules: &[String]) -> String {
    let mut text = QUESTION.to_owned();
    for (number, module) in modules.iter().enumerate() {
        // Writing to a string cannot fail.
        let _written = write!(
            text,
            "\n#eval show Lean.Elab.Command.CommandElabM Unit from do leanreplTell (← Lean.getEnv) \"{number}\" `{module}"
        );
    }
    text
}

/// The constants that it told, by the number of the module.
fn constants(messages: &[Message]) -> Vec<(usize, String)> {
    messages
        .iter()
        .filter(|message| message.severity == Severity::Info)
        .filter_map(|message| {
            let (number, constant) = message
                .data
                .trim()
                .strip_prefix(MARK)?
                .trim()
                .split_once(' ')?;
            Some((number.parse().ok()?, constant.trim().to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::wire::Reply;

    #[test]
    fn the_question_names_every_module_once() {
        let text = question(&["A.B".to_owned(), "«c d».E".to_owned()]);
        assert!(QUESTION.contains(MARK));
        assert!(text.contains("\"0\" `A.B\n"), "{text}");
        assert!(text.ends_with("\"1\" `«c d».E"), "{text}");
    }

    #[test]
    fn only_our_own_lines_are_answers() {
        let say = |severity: &str, data: &str| json!({"severity": severity, "pos": {"line": 1, "column": 0}, "data": data});
        let reply = json!({"env": 0, "messages": [
            say("info", "leanrepl-probe 1 Foo.«a b»"),
            say("info", "something else"),
            say("error", "leanrepl-probe 0 Bar"),
            say("info", "leanrepl-probe x Baz"),
        ]});
        let Ok(Reply::Command(reply)) = Reply::from_object(reply.as_object().unwrap().clone())
        else {
            panic!("no reply");
        };
        assert_eq!(constants(&reply.messages), [(1, "Foo.«a b»".to_owned())]);
    }
}
