//! What was looked at, as one screen and as JSON lines. Never decides what is needed.

use std::fmt::Write as _;

use annotate_snippets::renderer::Style;
use serde::Serialize;

use crate::failure::Failure;
use crate::setup::doctor::fact::{Fact, State};
use crate::ui::json::{self, VERSION};
use crate::ui::paint::{CYAN, DIM, GREEN, PLAIN, Paint, RED};
use crate::ui::visible::visible_line;

/// How many of the facts are in each state.
#[derive(Debug, Clone, Copy)]
struct FactCounts {
    ok: usize,
    missing: usize,
    /// Lacking without harm.
    not_needed: usize,
}

impl FactCounts {
    fn of(facts: &[Fact]) -> Self {
        let count = |state| facts.iter().filter(|fact| fact.state == state).count();
        Self {
            ok: count(State::Ok),
            missing: count(State::Missing),
            not_needed: count(State::NotNeeded),
        }
    }
}

/// One fact as JSON.
#[derive(Debug, Serialize)]
struct FactLine<'a> {
    /// Always `fact`.
    r#type: &'static str,
    version: u32,
    name: &'a str,
    /// `ok`, `missing` or `not_needed`.
    state: &'static str,
    found: &'a str,
    origin: Option<&'a str>,
    hint: Option<&'a str>,
}

/// The end of the JSON.
#[derive(Debug, Serialize)]
struct FactSummaryLine {
    /// Always `summary`.
    r#type: &'static str,
    version: u32,
    /// Facts that are as they should be.
    ok: usize,
    missing: usize,
    /// Facts that lack without harm.
    not_needed: usize,
    /// What the process is about to return.
    exit_code: u8,
}

/// All facts as JSON lines, with the summary.
pub(crate) fn lines(facts: &[Fact], exit_code: u8) -> Result<String, Failure> {
    let mut text = String::new();
    for fact in facts {
        text.push_str(&json::line(&FactLine {
            r#type: "fact",
            version: VERSION,
            name: fact.name,
            state: fact.state.name(),
            found: &fact.found,
            origin: fact.origin.as_deref(),
            hint: fact.hint.as_deref(),
        })?);
    }
    let counts = FactCounts::of(facts);
    text.push_str(&json::line(&FactSummaryLine {
        r#type: "summary",
        version: VERSION,
        ok: counts.ok,
        missing: counts.missing,
        not_needed: counts.not_needed,
        exit_code,
    })?);
    Ok(text)
}

/// The mark of a state and its colour.
fn mark(state: State) -> (&'static str, Style) {
    match state {
        State::Ok => ("✓", GREEN),
        State::Missing => ("✗", RED),
        State::NotNeeded => ("–", DIM),
    }
}

/// One screen: a line for each fact, and below it what to do about it, if anything. Quiet leaves
/// only what is missing.
pub(crate) fn screen(facts: &[Fact], paint: Paint, quiet: bool) -> String {
    let width = facts.iter().map(|fact| fact.name.chars().count()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for fact in facts {
        if quiet && fact.state != State::Missing {
            continue;
        }
        let (mark, style) = mark(fact.state);
        let found = match fact.state {
            State::NotNeeded => paint.with(DIM, &visible_line(&fact.found)),
            State::Ok | State::Missing => visible_line(&fact.found).into_owned(),
        };
        text.push_str(&paint.with(style, mark));
        let _written = write!(text, " {:width$}  {found}", fact.name);
        if let Some(origin) = &fact.origin {
            let origin = format!("({})", visible_line(origin));
            let _written = write!(text, "  {}", paint.with(DIM, &origin));
        }
        text.push('\n');
        if let Some(hint) = &fact.hint {
            let label = match fact.state {
                State::Missing => paint.with(CYAN, "hint:"),
                State::Ok | State::NotNeeded => paint.with(PLAIN, "if wanted:"),
            };
            let indent = width + "✓   ".chars().count();
            let _written = writeln!(text, "{:indent$}{label} {}", "", visible_line(hint));
        }
    }
    text
}

/// The last line for people.
pub(crate) fn summary(facts: &[Fact], paint: Paint) -> String {
    let counts = FactCounts::of(facts);
    let parts: Vec<String> = [
        (counts.ok, "ok", GREEN),
        (counts.missing, "missing", RED),
        (counts.not_needed, "not needed", PLAIN),
    ]
    .into_iter()
    .filter(|(count, _, _)| *count > 0)
    .map(|(count, word, style)| paint.with(style, &format!("{count} {word}")))
    .collect();
    format!("{}\n", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    /// One fact of each kind.
    fn facts() -> Vec<Fact> {
        vec![
            Fact::ok("elan", "elan 4.1.2").from("/usr/bin/elan"),
            Fact::missing(
                "toolchain",
                "`v4\u{1b}[0m` is not installed",
                "elan toolchain install v4",
            ),
            Fact::not_needed("docker", "not found"),
            Fact::not_needed("core Lean", "not installed").with_hint("leanrepl core install"),
        ]
    }

    #[test]
    fn one_screen_is_understood_without_colour() {
        assert_snapshot!(screen(&facts(), Paint::new(false), false), @"
        ✓ elan       elan 4.1.2  (/usr/bin/elan)
        ✗ toolchain  `v4␛[0m` is not installed
                     hint: elan toolchain install v4
        – docker     not found
        – core Lean  not installed
                     if wanted: leanrepl core install
        ");
        assert_snapshot!(screen(&facts(), Paint::new(false), true), @"
        ✗ toolchain  `v4␛[0m` is not installed
                     hint: elan toolchain install v4
        ");
        assert_snapshot!(summary(&facts(), Paint::new(false)), @"
        1 ok, 1 missing, 2 not needed
        ");
    }

    #[test]
    fn colour_changes_no_letter() {
        let coloured = screen(&facts(), Paint::new(true), false);
        assert!(coloured.contains('\u{1b}'));
        let mut plain = String::new();
        for piece in coloured.split('\u{1b}') {
            plain.push_str(piece.split_once('m').map_or(piece, |(code, rest)| {
                if code.starts_with('[') { rest } else { piece }
            }));
        }
        assert_eq!(plain, screen(&facts(), Paint::new(false), false));
    }
}
