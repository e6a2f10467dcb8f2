//! What came of one file, and of many. Never renders: `ui` does.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::engine::undecided::UndecidedReason;
use crate::failure::Failure;
use crate::lean::message::{Message, Sorry, Tactic};
use crate::lean::options::ModuleOptions;

/// What Lean's answer means for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Lean had no objection, nor had a flag such as `--fail-on-sorry`.
    Accepted,
    /// Lean said no, or a flag turned something it said into a no.
    Rejected,
    /// Nothing is known; [`UndecidedReason`] says why.
    Undecided,
}

impl Verdict {
    /// The word for it, in text and in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Undecided => "undecided",
        }
    }
}

/// How long the two parts of a file took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// The imports; zero if a session had run them already.
    pub header: Duration,
    /// Everything after the imports; for an undecided file all of its time.
    pub body: Duration,
}

/// Which proven environment a file was evaluated on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// That of its imports.
    Import,
    /// That of a pickle.
    Pickle,
}

impl Ground {
    /// The word for it, in text and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Pickle => "pickle",
        }
    }
}

/// One file with everything that is known about it.
#[derive(Debug)]
pub struct Evaluated {
    /// The path as the user wrote it, `<stdin>` for `-`.
    pub name: String,
    /// The original text, empty if it could not be read.
    pub text: Arc<str>,
    /// What Lean's answer means.
    pub verdict: Verdict,
    /// What Lean said, placed in `text`.
    pub messages: Vec<Message>,
    /// The sorries that Lean found.
    pub sorries: Vec<Sorry>,
    /// Whether anything is known to depend on a `sorry`, in the list or not.
    pub has_sorry: bool,
    /// The tactics, if they were asked for.
    pub tactics: Vec<Tactic>,
    /// The infotree, if it was asked for, in the REPL's shape.
    pub infotree: Option<Value>,
    /// Why the file is undecided, in a word.
    pub reason: Option<UndecidedReason>,
    /// Why the file is undecided, in full.
    pub failure: Option<Failure>,
    /// Why the file is rejected beyond Lean's errors, one phrase each.
    pub reasons: Vec<String>,
    /// What it was evaluated on; nothing if it did not come to that.
    pub ground: Option<Ground>,
    /// What helps with what Lean said, one sentence each.
    pub hints: Vec<&'static str>,
    /// The options of Lean that held for it; nothing if no Lake file says.
    pub lean_options: Option<Arc<ModuleOptions>>,
    /// How long it took.
    pub times: Times,
}

impl Evaluated {
    /// An undecided file, and why.
    pub(crate) fn undecided(
        name: &str,
        text: Arc<str>,
        reason: UndecidedReason,
        failure: Failure,
    ) -> Self {
        Self {
            name: name.to_owned(),
            text,
            verdict: Verdict::Undecided,
            messages: Vec::new(),
            sorries: Vec::new(),
            has_sorry: false,
            tactics: Vec::new(),
            infotree: None,
            reason: Some(reason),
            failure: Some(failure),
            reasons: Vec::new(),
            ground: None,
            hints: Vec::new(),
            lean_options: None,
            times: Times::default(),
        }
    }
}

/// How many files had which verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Files that Lean accepted.
    pub accepted: usize,
    /// Files that were rejected.
    pub rejected: usize,
    /// Files that are undecided.
    pub undecided: usize,
    /// Of the accepted, those that Lean says leave a sorry.
    pub with_sorry: usize,
    /// Files that were not evaluated, since the user stopped the run; in no other count.
    pub unfinished: usize,
}

impl Counts {
    /// Counts one more file.
    pub fn add(&mut self, evaluated: &Evaluated) {
        match evaluated.verdict {
            Verdict::Accepted => {
                self.accepted += 1;
                self.with_sorry += usize::from(evaluated.has_sorry);
            }
            Verdict::Rejected => self.rejected += 1,
            Verdict::Undecided => self.undecided += 1,
        }
    }

    /// All files with a verdict so far.
    pub fn total(&self) -> usize {
        self.accepted + self.rejected + self.undecided
    }
}
