//! An interactive shell on a REPL: what is typed goes in, what is to be said comes out. Sources build
//! on each other; what Lean accepted is kept, and outlives the session it ran in. Never reads a
//! terminal and never writes to one.

pub(crate) mod command;
pub(crate) mod complete;
mod files;
mod judged;
mod keeper;
mod proof;
mod record;
mod tactics;
mod texts;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::engine::judge::Judged;
use crate::failure::{Failure, Kind};
use crate::lean::message::{Message, Sorry};
use crate::lean::options::ModuleOptions;
use crate::limits::Wait;
use crate::session::factory::SessionFactory;
use crate::shell::command::{COMMANDS, Command};
use crate::shell::keeper::Keeper;
use crate::shell::proof::{Proof, is_provable};
use crate::shell::record::Record;

/// The exit code of a source that Lean rejected.
const REJECTED: u8 = 1;

/// How messages call what was typed.
const TYPED: &str = "input";

/// Something to tell the user.
#[derive(Debug)]
pub(crate) enum Said<'a> {
    /// What Lean says about a source.
    Lean(&'a Judged),
    /// What Lean says about a tactic.
    Tactic(&'a [Message]),
    /// Lean refused a tactic; why.
    Refused(&'a str),
    /// The goals that a proof has left.
    Goals(&'a [String]),
    /// Something that the user asked to see.
    Shown(&'a str),
    /// Something that the user should know.
    Note(&'a str),
    /// The user has stopped what ran.
    Stopped,
    /// Something did not work; the shell goes on.
    Failed(&'a Failure),
    /// How long it took.
    Took(Duration),
}

/// Hears what is said.
pub(crate) type Hear<'a> = dyn FnMut(Said<'_>) + 'a;

/// What is typed next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expects {
    /// Sources and commands.
    Text,
    /// Tactics and commands.
    Tactic,
}

/// Whether the shell goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It does.
    Goes,
    /// The user has had enough.
    Ends,
}

/// The state of a shell.
pub(crate) struct Shell {
    record: Record,
    keeper: Keeper,
    /// The proof that is in the making.
    proof: Option<Proof>,
    why: String,
    /// Whether each source's time is shown.
    timed: bool,
    /// The files that this shell has written or read, which it may replace.
    own_files: BTreeSet<PathBuf>,
    /// Whether the record and the proof have yet to be run in a session again.
    stale: bool,
    /// The largest exit code of all that happened.
    worst: u8,
}

impl Shell {
    /// A shell without a session yet.
    pub(crate) fn new(
        factory: SessionFactory,
        timeout: Wait,
        options: ModuleOptions,
        why: String,
    ) -> Self {
        Self {
            record: Record::default(),
            keeper: Keeper::new(factory, timeout, options),
            proof: None,
            why,
            timed: false,
            own_files: BTreeSet::new(),
            stale: false,
            worst: 0,
        }
    }

    /// Starts the session, and gives Lean's version.
    ///
    /// # Errors
    /// What keeps it from starting.
    pub(crate) fn start(&mut self) -> Result<String, Failure> {
        self.keeper.ready(&self.record)?;
        Ok(self.keeper.lean_version().unwrap_or_default().to_owned())
    }

    pub(crate) fn expects(&self) -> Expects {
        match self.proof {
            Some(_) => Expects::Tactic,
            None => Expects::Text,
        }
    }

    /// The exit code of all that happened until now.
    pub(crate) fn exit_code(&self) -> u8 {
        self.worst
    }

    pub(crate) fn take(&mut self, typed: &str, hear: &mut Hear<'_>) -> Flow {
        if typed.trim().is_empty() {
            return Flow::Goes;
        }
        if typed.trim_start().starts_with(':') {
            return match Command::parse(typed) {
                Ok(Command::Quit) => Flow::Ends,
                Ok(command) => {
                    let done = self.obey(command, hear);
                    self.settle(done, hear);
                    Flow::Goes
                }
                Err(failure) => {
                    self.fail(&failure, hear);
                    Flow::Goes
                }
            };
        }
        let start = Instant::now();
        let done = self.refresh(hear).and_then(|()| match self.expects() {
            Expects::Text => self.evaluate(TYPED, typed, hear).map(|_accepted| ()),
            Expects::Tactic => self.tactic(typed, hear),
        });
        let took = start.elapsed();
        self.settle(done, hear);
        if self.timed {
            hear(Said::Took(took));
        }
        Flow::Goes
    }

    fn obey(&mut self, command: Command, hear: &mut Hear<'_>) -> Result<(), Failure> {
        if command.needs_session() {
            self.refresh(hear)?;
        }
        match command {
            Command::Undo(count) => return self.undo(count, hear),
            Command::Env => hear(Said::Shown(&self.described())),
            Command::Save { path, replace } => return self.save(&path, replace, hear),
            Command::Load(path) => return self.load(&path, hear),
            Command::Import(modules) => return self.import(&modules, hear),
            Command::Time => {
                self.timed = !self.timed;
                let what = if self.timed { "told" } else { "no longer told" };
                hear(Said::Note(&format!("the time of each text is {what}")));
            }
            Command::Goals => self.show_goals(hear),
            Command::Prove(number) => return self.prove(number, hear),
            Command::Qed => return self.qed(hear),
            Command::Abort => return self.abort(hear),
            Command::Help => {
                let lines = COMMANDS.map(|(written, what)| format!("{written:<12}  {what}\n"));
                hear(Said::Shown(&lines.concat()));
            }
            // The caller ends on it.
            Command::Quit => {}
        }
        Ok(())
    }

    /// Tells of a failure; if it took the session along, puts a new one in its place.
    fn settle(&mut self, done: Result<(), Failure>, hear: &mut Hear<'_>) {
        let Err(failure) = done else {
            return;
        };
        self.fail(&failure, hear);
        self.keeper.forget_interrupt();
        if self.keeper.is_alive() {
            return;
        }
        // If it cannot be had just now, the next source is not tried on it either.
        let tried_already = self.stale;
        self.stale = true;
        if tried_already {
            return;
        }
        if let Err(failure) = self.recover(hear) {
            self.fail(&failure, hear);
            self.keeper.forget_interrupt();
            let kept = counted(self.record.texts.len(), "text");
            hear(Said::Note(&format!(
                "the history ({kept}) is kept, and is run again before the next text"
            )));
        }
    }

    /// Makes sure that a session holds what it should, after an attempt at that has failed.
    fn refresh(&mut self, hear: &mut Hear<'_>) -> Result<(), Failure> {
        if self.stale {
            self.recover(hear)
        } else {
            Ok(())
        }
    }

    /// Puts a new session in the place of one that has ended.
    fn recover(&mut self, hear: &mut Hear<'_>) -> Result<(), Failure> {
        let texts = self.keeper.ready(&self.record)?;
        let mut parts = Vec::new();
        if texts > 0 {
            parts.push(counted(texts, "text"));
        }
        if let Some(proof) = &self.proof {
            if !proof.tactics().is_empty() {
                parts.push(counted(proof.tactics().len(), "tactic"));
            }
            match self.keeper.prove_again(proof) {
                Ok(proof) => self.proof = Some(proof),
                Err(failure) => {
                    self.leave_proof(hear);
                    return Err(failure);
                }
            }
        }
        self.stale = false;
        let again = match parts.join(" and ") {
            nothing if nothing.is_empty() => nothing,
            parts => format!(" and ran the history again ({parts})"),
        };
        hear(Said::Note(&format!("a new session took its place{again}")));
        Ok(())
    }

    /// Tells of a failure and takes note of its exit code.
    fn fail(&mut self, failure: &Failure, hear: &mut Hear<'_>) {
        self.worst = self.worst.max(failure.kind().exit_code());
        if failure.kind() == Kind::Interrupted {
            hear(Said::Stopped);
        } else {
            hear(Said::Failed(failure));
        }
    }

    /// Takes back sources, or tactics while there is a proof.
    ///
    /// # Errors
    /// A count above that of the sources or tactics: then none is taken back.
    fn undo(&mut self, count: usize, hear: &mut Hear<'_>) -> Result<(), Failure> {
        if self.proof.is_some() {
            return self.undo_tactics(count, hear);
        }
        let left = left_after(count, self.record.texts.len(), "text")?;
        let gone = self.record.texts.split_off(left);
        self.keeper.truncate(left);
        if gone.is_empty() {
            hear(Said::Note("there is no text to take back"));
        }
        for kept in gone.iter().rev() {
            hear(Said::Note(&format!("took back `{}`", kept.shown())));
        }
        Ok(())
    }

    /// What sources are evaluated on.
    fn described(&mut self) -> String {
        let header = self.record.header.canonical();
        let header = header.replace("import ", "").replace('\n', ", ");
        let rows = [
            (
                "Lean",
                self.keeper
                    .lean_version()
                    .unwrap_or("not running")
                    .to_owned(),
            ),
            ("why", self.why.clone()),
            (
                "imports",
                if header.is_empty() {
                    "none".to_owned()
                } else {
                    header
                },
            ),
            ("history", counted(self.record.texts.len(), "text")),
            (
                "memory",
                self.keeper
                    .resident()
                    .map_or("unknown".to_owned(), |bytes| bytes.to_string()),
            ),
        ];
        let lines = rows.map(|(name, value)| format!("{name:<8} {value}\n"));
        lines.concat()
    }

    /// The goals that the history has left open: the number of the source, that of the hole in it,
    /// and the hole.
    fn holes(&self) -> Vec<(usize, usize, &Sorry)> {
        let texts = self.keeper.outcomes().iter().enumerate();
        let holes = texts.flat_map(|(text, outcome)| {
            let holes = outcome.holes.iter().enumerate();
            holes.map(move |(index, hole)| (text, index, hole))
        });
        holes.filter(|(_, _, hole)| is_provable(hole)).collect()
    }
}

/// How many of the things that are there stay when the last `count` are taken back; where there are none,
/// none.
///
/// # Errors
/// Fewer than that are there.
fn left_after(count: usize, there: usize, what: &str) -> Result<usize, Failure> {
    match there.checked_sub(count) {
        Some(left) => Ok(left),
        None if there == 0 => Ok(0),
        None => Err(Failure::new(
            Kind::Usage,
            format!(
                "cannot take back {}: there {} only {}",
                counted(count, what),
                if there == 1 { "is" } else { "are" },
                counted(there, what)
            ),
            format!("write `:undo {there}` to take all of them back"),
        )),
    }
}

/// A number of things in words.
fn counted(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}
