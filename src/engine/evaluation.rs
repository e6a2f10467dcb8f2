//! One source, one attempt, on a session that is there: the proven environment of its header, its body, and
//! the record of both. Never starts a session, never tries again and never judges.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::Value;

use crate::engine::findings::Findings;
use crate::engine::record::{BaseKind, EvalRecord, Times};
use crate::engine::request::EvalRequest;
use crate::engine::undecided::{Undecided, UndecidedReason};
use crate::event::{Event, Observer};
use crate::failure::Failure;
use crate::lean::header::{self, Split};
use crate::lean::message::{EnvId, Extra};
use crate::lean::options::ModuleOptions;
use crate::limits::Deadline;
use crate::protocol::wire::{Command, CommandReply, Reply, Request};
use crate::session::axioms;
use crate::session::error::SessionError;
use crate::session::opening::{EnvError, OpenSession, has_errors, refused};
use crate::session::pickle::load::{UnpickleError, Verified};
use crate::session::spec::SessionSpec;
use crate::session::states::StateKey;

/// Why an attempt gave no reply of Lean's to the source.
#[derive(Debug)]
pub(crate) enum EvalError {
    /// The session failed; it is over.
    Session(SessionError),
    /// The session ended when it loaded a pickle. Later sessions do without.
    Pickle(Failure),
    /// The environment of the header is not to be had.
    Import(Failure),
    /// The REPL refuses the request, or lacks a part.
    Refused(Failure),
}

impl From<SessionError> for EvalError {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<EnvError> for EvalError {
    fn from(error: EnvError) -> Self {
        match error {
            EnvError::Session(error) => Self::Session(error),
            EnvError::Refused(failure) => Self::Import(failure),
        }
    }
}

impl EvalError {
    /// Why the source is undecided.
    pub(crate) fn into_undecided(self) -> Undecided {
        match self {
            Self::Session(error) => Undecided {
                reason: UndecidedReason::from(&error),
                failure: error.into_failure(),
            },
            Self::Import(failure) | Self::Pickle(failure) => Undecided {
                reason: UndecidedReason::Import,
                failure,
            },
            Self::Refused(failure) => Undecided {
                reason: UndecidedReason::Unsupported,
                failure,
            },
        }
    }
}

/// A session at work on one source.
pub(crate) struct Evaluation<'a> {
    pub(crate) number: u64,
    pub(crate) open: &'a mut OpenSession,
    pub(crate) spec: &'a SessionSpec,
    /// Set once the pickle has turned out not to load.
    pub(crate) without_pickle: &'a AtomicBool,
    /// Whether the session has evaluated another source.
    pub(crate) is_worn: bool,
    pub(crate) observer: &'a dyn Observer,
    /// Whether the environment of the header is there and proven.
    pub(crate) is_header_proven: bool,
}

impl<'a> Evaluation<'a> {
    /// Evaluates a source.
    ///
    /// # Errors
    /// Why Lean said nothing about it. After a session error the session is over.
    pub(crate) fn run(&mut self, request: &EvalRequest) -> Result<EvalRecord, EvalError> {
        let split = header::split(&request.source);
        let start = Instant::now();
        self.open.session.forget();
        self.open.answered = false;
        let no_options = ModuleOptions::default();
        let options = request.lean_options.as_deref().unwrap_or(&no_options);
        let (env, base) = self.environment(&split, options)?;
        self.is_header_proven = true;
        let header = start.elapsed();
        let start = Instant::now();
        let deadline = Deadline::after(request.run_timeout);
        self.open.touch();
        let reply = self.body(request, &split, env, deadline)?;
        let body = start.elapsed();
        let sorry_decls = self.sorry_decls(request, &split, &reply, deadline)?;
        let mut record = EvalRecord::from_reply(&request.source, reply, sorry_decls);
        record.base = Some(base);
        record.times = Times {
            header,
            body,
            ..Times::default()
        };
        Ok(record)
    }

    /// Whether the reply to the source had begun to come when the attempt ended.
    pub(crate) fn has_begun(&self) -> bool {
        self.is_header_proven && (self.open.answered || self.open.session.has_begun())
    }

    /// The proven environment that a source with this header starts from, with the options that hold for it.
    pub(crate) fn environment(
        &mut self,
        split: &Split,
        options: &ModuleOptions,
    ) -> Result<(EnvId, BaseKind), EvalError> {
        let pickle = self.pickle(split)?;
        let key = |is_pickled| StateKey {
            header: split.canonical(),
            options: options.clone(),
            is_pickled,
        };
        if let Some(env) = self.open.enter(&key(pickle.is_some()))? {
            let base = pickle.map_or(BaseKind::Import, |_| BaseKind::Pickle);
            return Ok((env, base));
        }
        let (env, base) = self.make_environment(split, options, pickle)?;
        let env = self.open.keep_state(key(base == BaseKind::Pickle), env)?;
        Ok((env, base))
    }

    /// The same, in the session as it is.
    fn make_environment(
        &mut self,
        split: &Split,
        options: &ModuleOptions,
        pickle: Option<&Verified>,
    ) -> Result<(EnvId, BaseKind), EvalError> {
        let wait = self.spec.import_timeout.get();
        if let Some(pickle) = pickle
            && let Some(env) = self.unpickled(pickle)?
        {
            // What the prelude of a pickle sets comes later than the Lake file.
            let options = options.without(&pickle.sidecar.options_of_prelude());
            let env = self.open.with_options(env, &options, wait)?;
            return Ok((env, BaseKind::Pickle));
        }
        let env = self.open.environment(split, wait)?;
        let env = self.open.with_options(env, options, wait)?;
        Ok((env, BaseKind::Import))
    }

    /// The pickle that stands for a header, if one does.
    fn pickle(&self, split: &Split) -> Result<Option<&'a Verified>, EvalError> {
        if self.without_pickle.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let spec: &'a SessionSpec = self.spec;
        let pickle = spec.base.serving(split).map_err(EvalError::Import)?;
        Ok(pickle.map(AsRef::as_ref))
    }

    /// The proven environment of a pickle; none if it does not load, and then never again.
    fn unpickled(&mut self, pickle: &Verified) -> Result<Option<EnvId>, EvalError> {
        let error = match pickle.unpickle(self.open, self.spec.import_timeout.get()) {
            Ok(env) => return Ok(Some(env)),
            Err(UnpickleError::Load(EnvError::Session(error)))
                if self.is_worn || matches!(error, SessionError::Interrupted) =>
            {
                return Err(EvalError::Session(error));
            }
            // What earlier sources left behind must not decide about the pickle.
            Err(UnpickleError::Load(EnvError::Refused(_))) if self.is_worn => {
                return Err(EvalError::Session(self.open.session.out_of_step()));
            }
            Err(error) => error,
        };
        self.without_pickle.store(true, Ordering::Relaxed);
        let failure = pickle.unusable(error);
        self.note_pickle(&failure);
        if self.open.session.is_over() {
            Err(EvalError::Pickle(failure))
        } else {
            Ok(None)
        }
    }

    /// Notes that a pickle does not load.
    fn note_pickle(&self, failure: &Failure) {
        let causes = failure.causes().join("; ");
        let text = format!("{} ({causes}); importing instead", failure.problem());
        self.observer.tell(Event::Noted { text: &text });
    }

    /// The reply to the body of a source, which is made sure to be its own.
    fn body(
        &mut self,
        request: &EvalRequest,
        split: &Split,
        env: EnvId,
        deadline: Deadline,
    ) -> Result<CommandReply, EvalError> {
        let command = Request::Command(Command {
            cmd: split.command(&request.source),
            env: Some(env),
            options: request.options.clone(),
            extra: findings_wanted(request),
        });
        let reply = self.open.session.ask(&command, deadline)?;
        if self.open.session.sweep() {
            let session = self.number;
            self.observer.tell(Event::StrayKilled { session });
        }
        self.open.fence()?;
        match reply {
            Reply::Command(reply) => Ok(reply),
            Reply::Error { message, extra } => {
                let lack = Findings::read(&extra).ok().and_then(|found| found.lack());
                Err(EvalError::Refused(
                    lack.unwrap_or_else(|| refused(&message)),
                ))
            }
            Reply::ProofStep(_) => Err(EvalError::Session(self.open.session.out_of_step())),
        }
    }

    /// The declarations of a source that depend on `sorryAx`, if core Lean has not reported them with its
    /// reply: by a question to the environment, if they are asked for and the imports may hold what the
    /// question needs.
    fn sorry_decls(
        &mut self,
        request: &EvalRequest,
        split: &Split,
        reply: &CommandReply,
        deadline: Deadline,
    ) -> Result<Option<Vec<String>>, EvalError> {
        let is_decided = reply.extra.contains_key("sorryDecls") || has_errors(&reply.messages);
        if is_decided || !request.find_sorry_decls || split.imports.is_empty() {
            return Ok(None);
        }
        let found = axioms::sorry_decls(&mut self.open.session, reply.env, deadline)?;
        self.open.fence()?;
        Ok(found)
    }
}

/// The field by which core Lean is asked for more than the protocol has; other REPLs do not read it.
fn findings_wanted(request: &EvalRequest) -> Extra {
    let mut extra = Extra::new();
    if request.find_sorry_decls {
        extra.insert("sorryDecls".to_owned(), Value::Bool(true));
    }
    extra
}
