//! Keeps a session in which the record has been run, and replaces one that has ended. Never decides
//! what is in the record.

use std::mem;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::judge::Verdict;
use crate::event::Event;
use crate::failure::{Failure, Kind};
use crate::lean::message::{EnvId, Sorry};
use crate::lean::options::ModuleOptions;
use crate::limits::{Bytes, Deadline, Wait};
use crate::project::input;
use crate::protocol::wire::{Command, CommandReply, ProofStepReply, Reply, Request, TacticStep};
use crate::session::error::SessionError;
use crate::session::factory::SessionFactory;
use crate::session::opening::{EnvError, OpenSession, refused, texts};
use crate::shell::judged::judged;
use crate::shell::proof::{Proof, State};
use crate::shell::record::{Kept, Record};

/// One session at a time, with the environments of a record.
pub(crate) struct Keeper {
    factory: SessionFactory,
    /// The longest wait for the answer to a source or tactic.
    timeout: Wait,
    /// The options of Lean that hold for all sources.
    options: ModuleOptions,
    open: Option<OpenSession>,
    /// The environment of the record's header in the session.
    base: Option<EnvId>,
    /// The results of the record's sources in the session, as many as were run.
    outcomes: Vec<Outcome>,
}

/// The result of a source that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// The environment after it.
    pub(crate) env: EnvId,
    pub(crate) holes: Vec<Sorry>,
}

impl From<&CommandReply> for Outcome {
    fn from(reply: &CommandReply) -> Self {
        Self {
            env: reply.env,
            holes: reply.sorries.clone(),
        }
    }
}

/// The result of a tactic.
#[derive(Debug)]
pub(crate) enum Step {
    /// A new proof state.
    Done(ProofStepReply),
    /// Lean's objection; the proof state is the one before.
    Refused(String),
}

impl Keeper {
    /// A keeper without a session yet.
    pub(crate) fn new(factory: SessionFactory, timeout: Wait, options: ModuleOptions) -> Self {
        Self {
            factory,
            timeout,
            options,
            open: None,
            base: None,
            outcomes: Vec::new(),
        }
    }

    /// Lean's version, once a session has told it.
    pub(crate) fn lean_version(&self) -> Option<&str> {
        self.open.as_ref().map(|open| open.lean_version.as_str())
    }

    /// What the session holds in memory, if there is one and the system tells.
    pub(crate) fn resident(&mut self) -> Option<Bytes> {
        let open = self.open.as_mut()?;
        open.session.resident_bytes().map(Bytes::new)
    }

    /// The results of the sources, as many as were run in the session.
    pub(crate) fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The user has stopped something, which is over now.
    pub(crate) fn forget_interrupt(&self) {
        self.factory.cancel.clear();
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`input::read`].
    pub(crate) fn read(&self, path: &Path) -> Result<Arc<str>, Failure> {
        input::read(path, self.factory.observer.as_ref(), &self.factory.cancel)
    }

    /// Makes sure that there is a session in which all of the record was run; gives how many sources
    /// had to be run for it.
    ///
    /// # Errors
    /// What keeps the session or one of the sources from coming back. What was run until then stays.
    pub(crate) fn ready(&mut self, record: &Record) -> Result<usize, Failure> {
        let wait = self.factory.spec.import_timeout.get();
        if self.open.is_none() {
            self.let_go();
            self.step_started("starting Lean");
            let open = self.factory.open();
            self.step_finished();
            self.open = Some(open?);
        }
        if self.base.is_none() {
            let imports = record.header.canonical().replace('\n', ", ");
            if !imports.is_empty() {
                self.step_started(&format!("running {imports}"));
            }
            let open = self.open.as_mut().ok_or_else(no_session)?;
            let base = open
                .environment(&record.header, wait)
                .and_then(|base| open.with_options(base, &self.options, wait));
            self.step_finished();
            self.base = Some(self.settled(base)?);
        }
        self.outcomes.truncate(record.texts.len());
        let missing = record.texts.len() - self.outcomes.len();
        for (index, kept) in record.texts.iter().enumerate().skip(self.outcomes.len()) {
            self.step_started(&format!(
                "running text {} of {} again: {}",
                index + 1,
                record.texts.len(),
                kept.shown()
            ));
            let outcome = self.again(kept);
            self.step_finished();
            self.outcomes.push(outcome?);
        }
        Ok(missing)
    }

    /// Runs a source of the record again.
    fn again(&mut self, kept: &Kept) -> Result<Outcome, Failure> {
        let count = self.outcomes.len();
        let reply = self.run_after(count, &kept.text)?;
        let outcome = Outcome::from(&reply);
        let judged = judged(&kept.name, &kept.text, reply, Duration::ZERO);
        if let Some(failure) = judged.judgement.failure() {
            return Err(failure.clone());
        }
        if judged.judgement.verdict == Verdict::Rejected {
            return Err(Failure::new(
                Kind::Session,
                format!(
                    "Lean does not accept `{}` of the history again",
                    kept.shown()
                ),
                "take it back with `:undo`, or keep the history with `:save FILE`",
            )
            .caused_by(texts(&judged.record.messages)));
        }
        Ok(outcome)
    }

    /// Runs the record on another header. Where that fails and the session lives, all is as before.
    ///
    /// # Errors
    /// What keeps the header or a source from being run.
    pub(crate) fn rebase(&mut self, record: &Record) -> Result<usize, Failure> {
        let before = (self.base.take(), mem::take(&mut self.outcomes));
        let replayed = self.ready(record);
        if replayed.is_err() && self.open.is_some() {
            (self.base, self.outcomes) = before;
        }
        replayed
    }

    /// Forgets the results of the sources from that number on.
    pub(crate) fn truncate(&mut self, count: usize) {
        self.outcomes.truncate(count);
    }

    /// Keeps the result of one more source.
    pub(crate) fn push(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    /// The environment after the first `count` sources.
    fn before(&self, count: usize) -> Option<EnvId> {
        match count.checked_sub(1) {
            None => self.base,
            Some(last) => self.outcomes.get(last).map(|outcome| outcome.env),
        }
    }

    /// Runs a source on the environment after the first `count` sources of the record.
    ///
    /// # Errors
    /// A session that failed, and is gone; or a request that it refused.
    pub(crate) fn run_after(&mut self, count: usize, text: &str) -> Result<CommandReply, Failure> {
        let env = self.before(count).ok_or_else(no_session)?;
        let request = Request::Command(Command {
            cmd: text.to_owned(),
            env: Some(env),
            ..Command::default()
        });
        match self.ask(&request)? {
            Reply::Command(reply) => Ok(reply),
            Reply::Error { message, .. } => Err(refused(&message)),
            Reply::ProofStep(_) => Err(self.out_of_step()),
        }
    }

    /// Runs a tactic.
    ///
    /// # Errors
    /// A session that failed, and is gone.
    pub(crate) fn step(&mut self, state: &State, tactic: &str) -> Result<Step, Failure> {
        let request = Request::Tactic(TacticStep {
            tactic: tactic.to_owned(),
            proof_state: state.id,
            extra: serde_json::Map::new(),
        });
        match self.ask(&request)? {
            Reply::ProofStep(reply) => Ok(Step::Done(reply)),
            Reply::Error { message, .. } => Ok(Step::Refused(message)),
            Reply::Command(_) => Err(self.out_of_step()),
        }
    }

    /// Runs the tactics of a proof again, in the session that there is now.
    ///
    /// # Errors
    /// A goal or tactic that does not come back.
    pub(crate) fn prove_again(&mut self, proof: &Proof) -> Result<Proof, Failure> {
        let lost = || {
            Failure::new(
                Kind::Session,
                "the proof could not be run again",
                "begin it again with `:prove`",
            )
        };
        let hole = self
            .outcomes
            .get(proof.text)
            .and_then(|it| it.holes.get(proof.hole));
        let mut again = hole
            .and_then(|hole| Proof::begin(proof.text, proof.hole, hole))
            .ok_or_else(lost)?;
        for tactic in proof.tactics() {
            let state = again.now().ok_or_else(lost)?.clone();
            match self.step(&state, tactic)? {
                Step::Done(reply) => again.step(tactic, State::from(reply)),
                Step::Refused(message) => return Err(lost().caused_by(message)),
            }
        }
        Ok(again)
    }

    /// Sends a request, and makes sure that the reply is its own.
    fn ask(&mut self, request: &Request) -> Result<Reply, Failure> {
        let deadline = Deadline::after(self.timeout.get());
        let open = self.open.as_mut().ok_or_else(no_session)?;
        let reply = open.session.ask(request, deadline).and_then(|reply| {
            if open.session.sweep() {
                self.factory.observer.tell(Event::Noted {
                    text: "a process that the text had started was still running and was killed",
                });
            }
            open.fence().map(|()| reply)
        });
        self.settled(reply)
    }

    /// Lets go of a session that has ended, and says in the user's words why.
    fn settled<T, E: Into<EnvError>>(&mut self, outcome: Result<T, E>) -> Result<T, Failure> {
        outcome.map_err(|error| {
            if self
                .open
                .as_ref()
                .is_some_and(|open| open.session.is_over())
            {
                self.let_go();
            }
            error.into().into_failure()
        })
    }

    /// Whether there is a session.
    pub(crate) fn is_alive(&self) -> bool {
        self.open.is_some()
    }

    /// Ends the session because a reply came that answers something else.
    fn out_of_step(&mut self) -> Failure {
        let error = self.open.as_mut().map(|open| open.session.out_of_step());
        self.let_go();
        error.map_or_else(no_session, SessionError::into_failure)
    }

    /// Forgets the session and all that is valid in it alone.
    fn let_go(&mut self) {
        self.open = None;
        self.base = None;
        self.outcomes.clear();
    }

    /// Tells that something long begins.
    fn step_started(&self, label: &str) {
        self.factory.observer.tell(Event::StepStarted {
            label,
            total_bytes: None,
        });
    }

    /// Tells that it is over.
    fn step_finished(&self) {
        self.factory.observer.tell(Event::StepFinished);
    }
}

impl From<ProofStepReply> for State {
    fn from(reply: ProofStepReply) -> Self {
        Self {
            id: reply.proof_state,
            goals: reply.goals,
            status: reply.proof_status,
        }
    }
}

/// A session that is gone where there must be one.
fn no_session() -> Failure {
    Failure::bug("no session after opening one")
}
