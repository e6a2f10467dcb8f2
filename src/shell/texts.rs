//! Sources of Lean that are typed or loaded, and the imports that they stand below.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::judge::Verdict;
use crate::failure::{Failure, Kind};
use crate::lean::header::{self, Split};
use crate::shell::judged::judged;
use crate::shell::keeper::Outcome;
use crate::shell::proof::is_provable;
use crate::shell::record::{Kept, only_looks, plain_imports};
use crate::shell::{Hear, REJECTED, Said, Shell, counted};

impl Shell {
    /// Evaluates a source, keeps it if Lean accepts it, and says whether that is so.
    pub(super) fn evaluate(
        &mut self,
        name: &str,
        text: &str,
        hear: &mut Hear<'_>,
    ) -> Result<bool, Failure> {
        let split = header::split(text);
        self.keeper.ready(&self.record)?;
        if split.body_offset > 0 {
            self.add_header(&split, hear)?;
        }
        let body = split.command(text);
        if body.trim().is_empty() {
            return Ok(true);
        }
        let start = Instant::now();
        let count = self.record.texts.len();
        let reply = self.keeper.run_after(count, &body)?;
        let outcome = Outcome::from(&reply);
        let holes = outcome
            .holes
            .iter()
            .filter(|hole| is_provable(hole))
            .count();
        let mut judged = judged(name, text, reply, start.elapsed());
        let undecided = judged.judgement.undecided.take();
        hear(Said::Lean(&judged));
        if let Some(undecided) = undecided {
            return Err(undecided.failure);
        }
        if judged.judgement.verdict == Verdict::Rejected {
            self.worst = self.worst.max(REJECTED);
            if has_many_commands(&body) {
                hear(Said::Note(
                    "none of this text is kept, since Lean reports an error in it",
                ));
            }
            return Ok(false);
        }
        if only_looks(&body) {
            return Ok(true);
        }
        self.keeper.push(outcome);
        self.record.texts.push(Kept {
            name: name.to_owned(),
            text: Arc::from(body),
        });
        if holes > 0 {
            let goals = counted(holes, "goal");
            hear(Said::Note(&format!(
                "{goals} left open; `:prove` to go on from there"
            )));
        }
        Ok(true)
    }

    /// Adds the imports of a source, and runs the history on them.
    fn add_header(&mut self, added: &Split, hear: &mut Hear<'_>) -> Result<(), Failure> {
        let header = self.record.header_with(added);
        if header.canonical() == self.record.header.canonical() {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.record.header, header);
        match self.keeper.rebase(&self.record) {
            Ok(0) => Ok(()),
            Ok(count) => {
                let texts = counted(count, "text");
                hear(Said::Note(&format!(
                    "ran the history again on these imports ({texts})"
                )));
                Ok(())
            }
            Err(failure) => {
                self.record.header = before;
                Err(failure)
            }
        }
    }

    /// Adds imports by name, or tells which there are.
    pub(super) fn import(
        &mut self,
        modules: &[String],
        hear: &mut Hear<'_>,
    ) -> Result<(), Failure> {
        if modules.is_empty() {
            let header = self.record.header.canonical();
            let shown = if header.is_empty() {
                "no imports"
            } else {
                &header
            };
            hear(Said::Shown(&format!("{shown}\n")));
            return Ok(());
        }
        if let Some(bad) = modules.iter().find(|module| !is_module(module)) {
            return Err(Failure::new(
                Kind::Usage,
                format!("`{bad}` is no name of a module"),
                "write for example `:import Lean.Elab Std`",
            ));
        }
        self.leave_proof(hear);
        self.keeper.ready(&self.record)?;
        self.add_header(&plain_imports(modules), hear)
    }
}

/// Whether several lines of a source begin without a space, as commands do.
fn has_many_commands(text: &str) -> bool {
    let begins =
        |line: &&str| line.starts_with(|letter: char| letter.is_alphabetic() || letter == '#');
    text.lines().filter(begins).count() > 1
}

/// Whether a word can be the name of a module.
fn is_module(word: &str) -> bool {
    let split = header::split(&format!("import {word}"));
    split.imports.len() == 1 && split.imports.iter().all(|import| import.module == word)
}
