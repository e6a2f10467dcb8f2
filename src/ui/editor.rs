//! The line editor of a shell: texts of several lines, abbreviations, completion and a history.
//! Never knows what is done with a text.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{
    Cmd, ConditionalEventHandler, Config, Context, Event, EventContext, EventHandler, Helper,
    KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use crate::failure::{Failure, Kind};
use crate::lean::abbreviations::{beginning_with, begun, replaced};
use crate::shell::Expects;
use crate::shell::command::COMMANDS;
use crate::shell::complete::{ends_in_prose, is_complete, next_indent};
use crate::ui::line::Line;
use crate::ui::paint::{CYAN, GREEN, Paint};

/// How many texts are remembered.
const REMEMBERED: usize = 2000;

/// The longest text that is remembered, in bytes: more is a file that was pasted.
const REMEMBERED_BYTES: usize = 64 * 1024;

/// How many completions are shown before the user is asked.
const SHOWN_COMPLETIONS: usize = 200;

/// What Tab writes where there is nothing to complete.
const STEP: &str = "  ";

/// A terminal that texts are typed at.
pub(crate) struct Editor {
    inner: rustyline::Editor<Assistant, FileHistory>,
    /// Where the history is kept, if anywhere.
    history: Option<PathBuf>,
    paint: Paint,
}

impl Editor {
    /// An editor with the history of earlier shells.
    ///
    /// # Errors
    /// A terminal that cannot be set up.
    pub(crate) fn new(history: Option<PathBuf>, colored: bool) -> Result<Self, Failure> {
        let config = Config::builder()
            .max_history_size(REMEMBERED)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(broken)?
            .completion_type(rustyline::CompletionType::List)
            .completion_prompt_limit(SHOWN_COMPLETIONS)
            .completion_show_all_if_ambiguous(true)
            .tab_stop(2)
            .build();
        let mut inner = rustyline::Editor::with_config(config).map_err(broken)?;
        let keys = Keys::default();
        inner.set_helper(Some(Assistant {
            files: FilenameCompleter::new(),
            written: Arc::clone(&keys.written),
        }));
        inner.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(keys)));
        if let Some(path) = &history {
            // The first shell has no history, and one that cannot be read keeps nobody from working.
            let _none = inner.load_history(path);
        }
        Ok(Self {
            inner,
            history,
            paint: Paint::new(colored),
        })
    }

    /// What is typed next.
    ///
    /// # Errors
    /// A terminal that fails.
    pub(crate) fn next(&mut self, expects: Expects) -> Result<Line, Failure> {
        let (prompt, style) = match expects {
            Expects::Text => ("lean> ", GREEN),
            Expects::Tactic => ("tactic> ", CYAN),
        };
        let prompt = (prompt, self.paint.with(style, prompt));
        match self.inner.readline(&prompt) {
            Ok(text) => {
                let text = finished(&text);
                self.remember(text.trim_end());
                Ok(Line::Typed(text))
            }
            Err(ReadlineError::Interrupted) => Ok(Line::Cleared),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(err) => Err(broken(err)),
        }
    }

    /// Adds a text to the history. What cannot be kept is forgotten: it is no reason to stop.
    fn remember(&mut self, text: &str) {
        let is_short = text.len() <= REMEMBERED_BYTES;
        if !is_short || !matches!(self.inner.add_history_entry(text), Ok(true)) {
            return;
        }
        let Some(path) = &self.history else {
            return;
        };
        let kept = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .map_err(ReadlineError::from)
            .and_then(|()| self.inner.append_history(path));
        if kept.is_err() {
            self.history = None;
        }
    }
}

fn broken(err: ReadlineError) -> Failure {
    Failure::new(
        Kind::Usage,
        "cannot read from this terminal",
        "give the texts as a script on stdin: `leanrepl repl < FILE`",
    )
    .caused_by(err)
}

/// The text with the abbreviation at its end replaced, after which no key came.
fn finished(text: &str) -> String {
    match begun(text).and_then(|begun| Some((begun.start, begun.symbol()?))) {
        Some((start, symbol)) if !ends_in_prose(text) => {
            let (kept, _name) = text.split_at_checked(start).unwrap_or((text, ""));
            format!("{kept}{symbol}")
        }
        _ => text.to_owned(),
    }
}

/// What a key does besides what it usually does.
#[derive(Debug, PartialEq, Eq)]
enum Reaction {
    /// Writes at the cursor.
    Insert(String),
    /// Replaces what stands between this byte and the cursor.
    Replace(usize, String),
    /// Sends the text.
    Send,
}

/// What a key does with `text`, whose part before the cursor is `before`; none if only what it
/// usually does.
fn reaction(key: KeyEvent, text: &str, before: &str) -> Option<Reaction> {
    let after_name = |next: char| {
        if ends_in_prose(before) || before.trim_start().starts_with(':') {
            return None;
        }
        replaced(before, next)
    };
    match (key.0, key.1) {
        (KeyCode::Char(letter), Modifiers::NONE | Modifiers::SHIFT) => {
            let (start, symbol) = after_name(letter)?;
            Some(Reaction::Replace(start, format!("{symbol}{letter}")))
        }
        (KeyCode::Enter, Modifiers::NONE) if is_complete(text) => Some(Reaction::Send),
        (KeyCode::Enter, Modifiers::NONE | Modifiers::ALT) => {
            let indent = " ".repeat(next_indent(before));
            Some(match after_name('\n') {
                Some((start, symbol)) => Reaction::Replace(start, format!("{symbol}\n{indent}")),
                None => Reaction::Insert(format!("\n{indent}")),
            })
        }
        (KeyCode::Tab, Modifiers::NONE) => {
            let line = before.rsplit('\n').next().unwrap_or_default();
            if line.trim().is_empty() {
                return Some(Reaction::Insert(STEP.to_owned()));
            }
            let name = begun(before).filter(|_| !ends_in_prose(before))?;
            let symbol = name.symbol()?;
            Some(Reaction::Replace(name.start, symbol.to_owned()))
        }
        _ => None,
    }
}

/// What a key writes, and from which byte on it replaces what stands before the cursor.
type Written = Arc<Mutex<Option<(usize, String)>>>;

/// Looks at every key.
#[derive(Default)]
struct Keys {
    /// What the last key writes. The editor's own command to replace text leaves the cursor before
    /// it, so that it is handed to the completer, which moves the cursor behind it.
    written: Written,
}

impl ConditionalEventHandler for Keys {
    fn handle(
        &self,
        event: &Event,
        _count: RepeatCount,
        _positive: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        let key = event.get(0)?;
        let before = context.line().get(..context.pos())?;
        Some(match reaction(*key, context.line(), before)? {
            Reaction::Send => Cmd::AcceptLine,
            Reaction::Insert(text) => Cmd::Insert(1, text),
            Reaction::Replace(start, text) => {
                *locked(&self.written) = Some((start, text));
                Cmd::Complete
            }
        })
    }
}

/// What a key writes; a thread's panic must not silence the others.
fn locked(written: &Written) -> MutexGuard<'_, Option<(usize, String)>> {
    written.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Completes commands, files and abbreviations.
struct Assistant {
    /// What a key has written, to be put in before anything is completed.
    written: Written,
    files: FilenameCompleter,
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        if let Some((start, text)) = locked(&self.written).take() {
            let pair = Pair {
                display: text.clone(),
                replacement: text,
            };
            return Ok((start, vec![pair]));
        }
        let before = line.get(..at).unwrap_or_default();
        if let Some(begun) = begun(before).filter(|_| !ends_in_prose(before)) {
            let names = beginning_with(begun.name).iter();
            let pairs = names.map(|(name, symbol)| Pair {
                display: format!("{symbol} {name}"),
                replacement: (*symbol).to_owned(),
            });
            return Ok((begun.start, pairs.collect()));
        }
        if !before.starts_with(':') {
            return Ok((at, Vec::new()));
        }
        if before.contains(' ') {
            return self.files.complete(line, at, context);
        }
        let words = COMMANDS
            .iter()
            .filter_map(|(written, _)| written.split(' ').next());
        let fitting = words
            .filter(|word| word.starts_with(before))
            .map(|word| Pair {
                display: word.to_owned(),
                replacement: word.to_owned(),
            });
        Ok((0, fitting.collect()))
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {}
impl Validator for Assistant {}
impl Helper for Assistant {}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a key does at the end of a text.
    fn at_end(key: KeyEvent, text: &str) -> Option<Reaction> {
        reaction(key, text, text)
    }

    /// The reaction that writes this in the place of what stands behind a byte.
    fn replace(start: usize, text: &str) -> Reaction {
        Reaction::Replace(start, text.to_owned())
    }

    /// The reaction that writes this.
    fn insert(text: &str) -> Reaction {
        Reaction::Insert(text.to_owned())
    }

    const ENTER: KeyEvent = KeyEvent(KeyCode::Enter, Modifiers::NONE);
    const ALT_ENTER: KeyEvent = KeyEvent(KeyCode::Enter, Modifiers::ALT);
    const TAB: KeyEvent = KeyEvent(KeyCode::Tab, Modifiers::NONE);

    #[test]
    fn a_key_behind_a_name_writes_its_symbol() {
        assert_eq!(
            at_end(KeyEvent::from(' '), r"p \to"),
            Some(replace(2, "→ "))
        );
        assert_eq!(at_end(KeyEvent::from('o'), r"p \t"), None);
        assert_eq!(at_end(KeyEvent::from(' '), "p"), None);
        // Where a backslash means itself.
        assert_eq!(at_end(KeyEvent::from(' '), r#"#eval "\to"#), None);
        assert_eq!(at_end(KeyEvent::from(' '), r"-- \to"), None);
        assert_eq!(at_end(KeyEvent::from(' '), r":load C:\to"), None);
        assert_eq!(finished(r"#check \N"), "#check ℕ");
        assert_eq!(finished(r"-- \N"), r"-- \N");
    }

    #[test]
    fn enter_sends_what_is_complete_and_sets_in_what_is_not() {
        assert_eq!(at_end(ENTER, "#eval 1"), Some(Reaction::Send));
        assert_eq!(at_end(ENTER, "theorem t : p := by"), Some(insert("\n  ")));
        assert_eq!(
            at_end(ENTER, "theorem t : p := by\n  "),
            Some(Reaction::Send)
        );
        assert_eq!(at_end(ALT_ENTER, "#eval 1"), Some(insert("\n")));
        assert_eq!(
            at_end(ENTER, r"theorem t : p \to"),
            Some(replace(14, "→\n  "))
        );
        // In the middle of a whole text it sends all of it.
        assert_eq!(reaction(ENTER, "#eval 1", "#ev"), Some(Reaction::Send));
    }

    #[test]
    fn tab_sets_in_or_completes() {
        assert_eq!(at_end(TAB, ""), Some(insert("  ")));
        assert_eq!(at_end(TAB, "a\n  "), Some(insert("  ")));
        assert_eq!(at_end(TAB, r"p \to"), Some(replace(2, "→")));
        assert_eq!(at_end(TAB, r"p \bigve"), None);
        assert_eq!(at_end(TAB, ":lo"), None);
    }
}
