//! The commands that are run after the imports and kept in a pickle. Only those are let through
//! whose whole effect a pickle keeps; what it would lose is refused with the reason. Never runs
//! anything: whether the commands make sense is for Lean to say.
//!
//! A pickle keeps the scopes (`Scope` in Lean/Elab/Command.lean: open declarations, options,
//! universes, variables) and loses every entry of an environment extension (REPL/Snapshots.lean).

use std::path::Path;

use crate::failure::{Failure, Kind};
use crate::session::pickle::words::{Word, words};

/// The commands, as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prelude {
    text: String,
}

/// The commands that a pickle keeps.
const KEPT: [&str; 4] = ["open", "set_option", "universe", "variable"];

/// Words that begin a command, by what a pickle does with it.
const LOST: [(&[&str], &str); 8] = [
    (
        &[
            "notation",
            "notation3",
            "infix",
            "infixl",
            "infixr",
            "prefix",
            "postfix",
            "macro",
            "macro_rules",
            "syntax",
            "elab",
            "elab_rules",
            "declare_syntax_cat",
            "binder_predicate",
        ],
        "a pickle does not keep notation and syntax",
    ),
    (
        &[
            "attribute",
            "@[",
            "instance",
            "initialize",
            "builtin_initialize",
            "deriving",
            "register_simp_attr",
            "register_option",
            "run_cmd",
            "run_elab",
            "run_meta",
            "simproc",
            "dsimproc",
            "simproc_decl",
            "export",
            "add_decl_doc",
            "initialize_simps_projections",
            "unif_hint",
            "suppress_compilation",
            "noncomputable",
        ],
        "a pickle does not keep what a command registers, such as attributes, instances and simp lemmas",
    ),
    (
        &[
            "def",
            "abbrev",
            "theorem",
            "lemma",
            "example",
            "structure",
            "class",
            "inductive",
            "coinductive",
            "axiom",
            "opaque",
            "mutual",
            "alias",
            "irreducible_def",
            "proof_wanted",
        ],
        "a pickle keeps only the bare statement of a declaration, without its compiled code, attributes and documentation",
    ),
    (
        &[
            "local",
            "scoped",
            "private",
            "protected",
            "public",
            "meta",
            "partial",
            "unsafe",
            "nonrec",
        ],
        "a pickle does not keep what a modified command adds",
    ),
    (
        &["namespace", "section", "end"],
        "every text would begin in the middle of a namespace or section",
    ),
    (
        &["import", "module", "prelude"],
        "imports stand before everything else",
    ),
    (
        &[
            "include",
            "omit",
            "unset_option",
            "open_locale",
            "assert_not_exists",
        ],
        "a pickle is only known to keep `open`, `set_option`, `universe` and `variable`",
    ),
    (
        &["in"],
        "what stands before `in` holds for one command only",
    ),
];

/// What to do about a command that is lost.
const MOVE: &str = "put it into a module of the project and name that with `--import`, or into the files themselves";

impl Prelude {
    /// Checks a text; none if there is no command in it. `path` is for messages.
    ///
    /// # Errors
    /// The first command that a pickle would not keep, with its line.
    pub fn parse(path: &Path, text: &str) -> Result<Option<Self>, Failure> {
        let text = text.replace("\r\n", "\n");
        let words =
            words(&text).map_err(|(line, problem)| at(path, line, &problem, "fix the file"))?;
        let mut command = Command::None;
        for word in &words {
            command = command
                .next(word)
                .map_err(|(problem, hint)| at(path, word.line, &problem, hint))?;
        }
        command.end().map_err(|problem| {
            let line = words.last().map_or(1, |word| word.line);
            at(path, line, &problem, "complete the command")
        })?;
        Ok((!words.is_empty()).then_some(Self { text }))
    }

    /// The commands, as they are sent.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The options that the text of a prelude sets.
pub(super) fn options_set_in(text: &str) -> Vec<String> {
    let words = words(text).unwrap_or_default();
    let mut depth = 0_usize;
    let mut names = Vec::new();
    for pair in words.windows(2) {
        let [word, next] = pair else { continue };
        match bracket(word.text) {
            Some(Bracket::Opens) => depth += 1,
            Some(Bracket::Closes) => depth = depth.saturating_sub(1),
            // Inside brackets stands a term, for which alone an option holds there.
            None if depth == 0 && word.text == "set_option" => names.push(next.text.to_owned()),
            None => {}
        }
    }
    names
}

/// The failure for something in line `line`.
fn at(path: &Path, line: usize, problem: &str, hint: &str) -> Failure {
    Failure::new(
        Kind::Usage,
        format!("`{}` line {line}: {problem}", path.display()),
        hint,
    )
}

/// The command that a word belongs to, and how far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    /// There was none yet.
    None,
    /// `open`, after so many words.
    Open(usize),
    /// `universe`, after so many words.
    Universe(usize),
    /// `set_option`, after so many words.
    SetOption(usize),
    /// `variable`, inside so many brackets, and whether there was any.
    Variable(usize, bool),
}

impl Command {
    /// Takes the next word. The error is the problem and the next step.
    fn next(self, word: &Word<'_>) -> Result<Self, (String, &'static str)> {
        // Inside brackets stands a term, in which no command can begin.
        if let Self::Variable(depth @ 1.., any) = self {
            return Ok(match bracket(word.text) {
                Some(Bracket::Opens) => Self::Variable(depth + 1, any),
                Some(Bracket::Closes) => Self::Variable(depth - 1, any),
                None => self,
            });
        }
        if self == Self::Open(0) && word.text == "scoped" {
            return Err((
                "`open scoped` is not kept: a pickle remembers opened namespaces, and this opens none".to_owned(),
                "write `open` without `scoped`, or put the line into the files themselves",
            ));
        }
        if let Some(reason) = lost(word.text) {
            return Err((format!("`{}` is not kept: {reason}", word.text), MOVE));
        }
        if KEPT.contains(&word.text) {
            self.end()
                .map_err(|problem| (problem, "complete the command"))?;
            return Ok(Self::begin(word.text));
        }
        let unknown = || {
            (
                format!(
                    "`{}` begins no command that a pickle keeps; it keeps `open`, `set_option`, `universe` and `variable`",
                    word.text
                ),
                MOVE,
            )
        };
        // A command may begin anywhere, but the next one is distinguished from a further word of this one
        // only by a word that is known. So a command that is not begins a line.
        if word.column == 0 {
            return Err(unknown());
        }
        match self {
            Self::Open(count) if is_in_open(word.text) => Ok(Self::Open(count + 1)),
            Self::Universe(count) if word.is_name => Ok(Self::Universe(count + 1)),
            Self::SetOption(count) if count < 2 => Ok(Self::SetOption(count + 1)),
            Self::Variable(..) if bracket(word.text) == Some(Bracket::Opens) => {
                Ok(Self::Variable(1, true))
            }
            _ => Err(unknown()),
        }
    }

    /// A command that begins with one of the words that are kept.
    fn begin(word: &str) -> Self {
        match word {
            "open" => Self::Open(0),
            "universe" => Self::Universe(0),
            "set_option" => Self::SetOption(0),
            _ => Self::Variable(0, false),
        }
    }

    /// Ends it; the error says what it lacks.
    fn end(self) -> Result<(), String> {
        match self {
            Self::None
            | Self::Open(1..)
            | Self::Universe(1..)
            | Self::SetOption(2)
            | Self::Variable(0, true) => Ok(()),
            Self::Open(0) => Err("`open` names no namespace".to_owned()),
            Self::Universe(0) => Err("`universe` names no universe".to_owned()),
            Self::SetOption(_) => Err("`set_option` needs a name and a value".to_owned()),
            Self::Variable(0, false) => Err("`variable` declares nothing".to_owned()),
            Self::Variable(..) => Err("a bracket of `variable` is not closed".to_owned()),
        }
    }
}

/// Why a pickle does not keep the command that a word begins; none for other words.
fn lost(word: &str) -> Option<&'static str> {
    let (_, reason) = LOST.iter().find(|(words, _)| words.contains(&word))?;
    Some(reason)
}

/// Which way a bracket turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bracket {
    /// One more is open.
    Opens,
    /// One less is open.
    Closes,
}

/// The bracket that a word is.
fn bracket(word: &str) -> Option<Bracket> {
    match word {
        "(" | "{" | "[" | "⦃" | "⟨" | "#[" | "@[" => Some(Bracket::Opens),
        ")" | "}" | "]" | "⦄" | "⟩" => Some(Bracket::Closes),
        _ => None,
    }
}

/// Whether a word may stand in `open`: names, and the few signs of its forms.
fn is_in_open(word: &str) -> bool {
    let first = word.chars().next();
    matches!(word, "(" | ")" | "→" | "->" | "," | "hiding" | "renaming")
        || first.is_some_and(|c| c.is_alphabetic() || c == '_' || c == '«')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The problem and the hint of a text, or the text that is sent.
    fn parse(text: &str) -> Result<Option<String>, String> {
        Prelude::parse(Path::new("p.lean"), text)
            .map(|prelude| prelude.map(|prelude| prelude.text))
            .map_err(|failure| failure.problem().to_owned())
    }

    #[test]
    fn what_a_pickle_keeps_is_let_through_as_it_is() {
        for text in [
            "open Nat\n",
            "-- def in a comment\n/- notation /- nested -/ -/\nopen Nat Real\n  Foo.«b c» set_option maxHeartbeats 400000\n",
            "open Nat (succ add)\nopen Nat hiding zero\nopen Nat renaming zero → null, succ -> next\n",
            "set_option pp.all true\nset_option x.y \"a -- def \\\" b\"\nuniverse u v\nuniverse w₁\n",
            "variable {α : Type u} [Inhabited α] (f : α → α := fun x => x)\n  ⦃s : String⦄ (c : Char := ')') (t : String := \"(\")\nvariable (n : Nat) open Nat\n",
            "variable (h : ∑ x in s, f x = open Nat in\nsucc 1) (a' : Foo.def.open)\n",
        ] {
            assert_eq!(parse(text), Ok(Some(text.to_owned())), "{text}");
        }
        assert_eq!(parse("-- nothing\n\n"), Ok(None));
        assert_eq!(
            parse("open A\r\nopen B"),
            Ok(Some("open A\nopen B".to_owned()))
        );
    }

    #[test]
    fn what_a_pickle_loses_is_refused_with_line_and_reason() {
        for (text, line, reason) in [
            ("open A\n\nnotation \"x\" => 1", 3, "notation and syntax"),
            ("open A local notation \"x\" => 1", 1, "modified command"),
            ("open scoped Real", 1, "this opens none"),
            (
                "/- a\n-/ attribute [simp] foo",
                2,
                "what a command registers",
            ),
            ("@[simp] theorem x : 1 = 1 := rfl", 1, "attributes"),
            ("def x := 1", 1, "bare statement"),
            ("open A\nalias x := y", 2, "bare statement"),
            ("open A\nmy_own_command x", 2, "begins no command"),
            ("open A 7", 1, "begins no command"),
            ("universe u 3", 1, "begins no command"),
            (
                "open A in theorem x : True := trivial",
                1,
                "one command only",
            ),
            ("import A", 1, "imports stand before"),
            ("namespace A", 1, "middle of a namespace"),
            ("#eval 1", 1, "begins no command"),
            ("  x", 1, "begins no command"),
            ("set_option a true my_command", 1, "begins no command"),
            ("variable (a : Nat) my_command", 1, "begins no command"),
            ("variable (a : Nat) def x := 1", 1, "bare statement"),
            ("variable [i : A] instance : B := x", 1, "registers"),
            ("variable (a : Nat", 1, "not closed"),
            ("open\nset_option a true", 2, "names no namespace"),
            ("set_option a", 1, "name and a value"),
            ("universe", 1, "names no universe"),
            ("/- no end", 1, "comment"),
            ("set_option a \"no end", 1, "string"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(
                problem.starts_with(&format!("`p.lean` line {line}: ")),
                "{text}: {problem}"
            );
            assert!(problem.contains(reason), "{text}: {problem}");
        }
    }
}
