//! A text → [`Evaluated`]: what Lean says about it, on a proven environment, with a verdict.
//! Never renders.

mod once;

use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use crate::engine::evaluated::{Evaluated, Ground, Times};
use crate::engine::judge::{Answered, Findings, Policy, judge};
use crate::engine::undecided::UndecidedReason;
use crate::event::Event;
use crate::failure::{Failure, Kind};
use crate::lean::header;
use crate::lean::message::{EnvId, Extra};
use crate::lean::options::ModuleOptions;
use crate::limits::{Deadline, Wait};
use crate::protocol::wire::{Command, CommandReply, Options, Reply, Request};
use crate::session::axioms;
use crate::session::base::BaseEnv;
use crate::session::error::SessionError;
use crate::session::opening::{OpenSession, SessionFactory, Trouble, has_errors, refused};
use crate::session::pickle::load::Verified;

/// Everything that an evaluation depends on besides the text and the sessions.
#[derive(Debug, Clone)]
pub(crate) struct EvalSettings {
    /// What texts start from.
    pub(crate) base: BaseEnv,
    /// The longest wait for the answer to a text.
    pub(crate) timeout: Wait,
    /// The options of Lean that hold for the text; nothing if no Lake file says.
    pub(crate) lean_options: Option<Arc<ModuleOptions>>,
    /// What is asked for besides messages and sorries.
    pub(crate) options: Options,
    /// What rejects a source that Lean accepts.
    pub(crate) policy: Policy,
}

/// Evaluates texts one after the other in a session that it starts when needed and replaces after
/// a failure.
pub(crate) struct Evaluator {
    /// What holds for every text.
    settings: EvalSettings,
    /// Starts sessions.
    opener: SessionFactory,
    /// The session, once there is one.
    open: Option<OpenSession>,
    /// How far the last text got.
    stage: Stage,
}

/// How far a source got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It waits for a session to start.
    Opening,
    /// Its session makes the environment that it starts from.
    Header,
    /// That environment is there and proven.
    Body,
}

/// What came of one attempt.
struct Attempt {
    /// What the text started from.
    ground: Ground,
    /// How long header and body took.
    times: Times,
    /// What Lean said.
    reply: CommandReply,
    /// The declarations that depend on `sorryAx`, if that was asked.
    sorry_decls: Option<Vec<String>>,
}

impl Evaluator {
    /// An evaluator without a session yet.
    pub(crate) fn new(settings: EvalSettings, opener: SessionFactory) -> Self {
        Self {
            settings,
            opener,
            open: None,
            stage: Stage::Opening,
        }
    }

    /// Starts and proves a session if there is none, and returns its Lean's version.
    ///
    /// # Errors
    /// A failure that tells why no text can be evaluated.
    pub(crate) fn open(&mut self) -> Result<&str, Failure> {
        self.session().map(|open| open.lean_version.as_str())
    }

    /// The session; started and proven if there is none.
    fn session(&mut self) -> Result<&mut OpenSession, Failure> {
        if self.open.is_none() {
            let stage = std::mem::replace(&mut self.stage, Stage::Opening);
            self.open = Some(self.start()?);
            self.stage = stage;
        }
        self.open
            .as_mut()
            .ok_or_else(|| Failure::bug("a session that was just opened is gone"))
    }

    /// Starts and proves a session. A pickle that the user asked for is loaded at once: if it does
    /// not load, no text can be evaluated.
    fn start(&self) -> Result<OpenSession, Failure> {
        let mut open = self.opener.open()?;
        if let BaseEnv::Pickle {
            pickle,
            strict: true,
        } = &self.settings.base
        {
            pickle.unpickle(&mut open, self.opener.import_timeout.get())?;
        }
        Ok(open)
    }

    /// The proven environment that a text with this header starts from, with the options that hold for it.
    fn environment(&mut self, split: &header::Split) -> Result<(EnvId, Ground), Trouble> {
        let options = self.settings.lean_options.clone().unwrap_or_default();
        let (env, ground) = self.environment_without_options(split)?;
        let options = match (&self.settings.base, ground) {
            // What the prelude of a pickle sets comes later than the Lake file.
            (BaseEnv::Pickle { pickle, .. }, Ground::Pickle) => {
                options.without(&pickle.sidecar.options_of_prelude())
            }
            _ => ModuleOptions::clone(&options),
        };
        let wait = self.opener.import_timeout.get();
        let open = self.session().map_err(Trouble::Refused)?;
        Ok((open.with_options(env, &options, wait)?, ground))
    }

    /// The proven environment of a header's imports, or of the pickle that stands for them.
    fn environment_without_options(
        &mut self,
        split: &header::Split,
    ) -> Result<(EnvId, Ground), Trouble> {
        let base = &self.settings.base;
        let pickle = base.serving(split).map_err(Trouble::Refused)?.cloned();
        if let Some(pickle) = pickle
            && let Some(env) = self.unpickled(&pickle)?
        {
            return Ok((env, Ground::Pickle));
        }
        let wait = self.opener.import_timeout.get();
        let open = self.session().map_err(Trouble::Refused)?;
        Ok((open.environment(split, wait)?, Ground::Import))
    }

    /// The proven environment of a pickle; none if it does not load, and then never again.
    fn unpickled(&mut self, pickle: &Verified) -> Result<Option<EnvId>, Trouble> {
        let wait = self.opener.import_timeout.get();
        loop {
            let open = self.session().map_err(Trouble::Refused)?;
            let worn = open.evaluated > 0;
            match pickle.unpickle(open, wait) {
                Ok(env) => return Ok(Some(env)),
                Err(failure) if failure.kind() == Kind::Interrupted => {
                    return Err(Trouble::Refused(failure));
                }
                // What earlier texts left behind must not decide about the pickle.
                Err(_) if worn => self.open = None,
                Err(failure) => {
                    let causes = failure.causes().join("; ");
                    let text = format!("{} ({causes}); importing instead", failure.problem());
                    self.opener.observer.tell(Event::Noted { text: &text });
                    self.settings.base = BaseEnv::Import;
                    self.drop_if_over();
                    return Ok(None);
                }
            }
        }
    }

    /// Lets go of a session that has ended.
    fn drop_if_over(&mut self) {
        let is_over = |open: &OpenSession| open.session.is_over();
        if self.open.as_ref().is_some_and(is_over) {
            self.open = None;
        }
    }

    /// Evaluates one source, with the options that hold for it. An undecided one carries the
    /// failure.
    pub(crate) fn evaluate(
        &mut self,
        name: &str,
        text: &Arc<str>,
        lean_options: Option<Arc<ModuleOptions>>,
    ) -> Evaluated {
        self.settings.lean_options = lean_options;
        let mut evaluated = self.evaluate_with_options(name, text);
        let held = &self.settings.lean_options;
        evaluated.lean_options.clone_from(held);
        evaluated
    }

    /// Evaluates one text with the options of the settings.
    fn evaluate_with_options(&mut self, name: &str, text: &Arc<str>) -> Evaluated {
        let start = Instant::now();
        let worn = self.open.as_ref().is_some_and(|open| open.evaluated > 0);
        let attempt = match self.attempt(text) {
            // What earlier texts left behind must not decide about this one.
            Err(Trouble::Session(error)) if worn && error.may_be_wear() => {
                self.opener.observer.tell(Event::Noted {
                    text: "the session ended; trying once more in a fresh one",
                });
                self.attempt(text)
            }
            other => other,
        };
        match attempt {
            Ok(attempt) => self.judge(name, text, attempt),
            Err(trouble) => {
                let reason = self.reason(&trouble);
                let failure = trouble.into_failure();
                let mut evaluated = Evaluated::undecided(name, Arc::clone(text), reason, failure);
                evaluated.times.body = start.elapsed();
                evaluated
            }
        }
    }

    /// Why the last source is undecided.
    pub(crate) fn reason(&self, trouble: &Trouble) -> UndecidedReason {
        match trouble {
            Trouble::Session(error) => UndecidedReason::from(error),
            Trouble::Refused(failure) => match (failure.kind(), self.stage) {
                (Kind::Interrupted, _) => UndecidedReason::Cancelled,
                (_, Stage::Opening) => UndecidedReason::Unavailable,
                (_, Stage::Header) => UndecidedReason::Import,
                (Kind::Bug, Stage::Body) => UndecidedReason::ProtocolError,
                // The REPL said in due form that it cannot do what was asked of it.
                (_, Stage::Body) => UndecidedReason::Unsupported,
            },
        }
    }

    /// One attempt. After a session error the session is gone, so that the next one starts anew.
    fn attempt(&mut self, text: &str) -> Result<Attempt, Trouble> {
        self.session().map_err(Trouble::Refused)?;
        let attempt = self.ask(text);
        self.drop_if_over();
        attempt
    }

    /// Runs header and body in the session, and makes sure that the answer is the text's own.
    fn ask(&mut self, text: &str) -> Result<Attempt, Trouble> {
        let split = header::split(text);
        let start = Instant::now();
        self.stage = Stage::Header;
        if let Some(open) = &mut self.open {
            open.session.forget();
        }
        let (env, ground) = self.environment(&split)?;
        self.stage = Stage::Body;
        let header = start.elapsed();
        let settings = &self.settings;
        let open = self.open.as_mut().ok_or_else(no_session)?;
        open.evaluated += 1;
        let request = Request::Command(Command {
            cmd: split.command(text),
            env: Some(env),
            options: settings.options.clone(),
            extra: findings_wanted(settings.policy),
        });
        let start = Instant::now();
        let deadline = Deadline::after(settings.timeout.get());
        let reply = open.session.ask(&request, deadline)?;
        let body = start.elapsed();
        if open.session.sweep() {
            self.opener.observer.tell(Event::Noted {
                text: "a process that the text had started was still running and was killed",
            });
        }
        open.fence()?;
        match reply {
            Reply::Command(reply) => Ok(Attempt {
                ground,
                times: Times { header, body },
                sorry_decls: sorry_decls(open, &split, &reply, settings.policy, deadline)?,
                reply,
            }),
            Reply::Error { message, extra } => {
                let lack = Findings::read(&extra).ok().and_then(|found| found.lack());
                Err(Trouble::Refused(lack.unwrap_or_else(|| refused(&message))))
            }
            Reply::ProofStep(_) => Err(Trouble::Session(open.session.out_of_step())),
        }
    }

    /// The verdict on what Lean said.
    fn judge(&self, name: &str, source: &Arc<str>, attempt: Attempt) -> Evaluated {
        let Attempt {
            ground,
            times,
            reply,
            sorry_decls,
        } = attempt;
        let answered = Answered {
            name,
            source,
            reply,
            sorry_decls,
            ground: Some(ground),
            times,
        };
        judge(answered, self.settings.policy)
    }
}

/// The field by which core Lean is asked for more than the protocol has; other REPLs do not read it.
fn findings_wanted(policy: Policy) -> Extra {
    let mut extra = Extra::new();
    if policy.fail_on_sorry {
        extra.insert("sorryDecls".to_owned(), Value::Bool(true));
    }
    extra
}

/// The declarations of a source that depend on `sorryAx`: as core Lean reports them, else by a question
/// to the environment, if the policy wants to know and the imports may hold what the question needs.
fn sorry_decls(
    open: &mut OpenSession,
    split: &header::Split,
    reply: &CommandReply,
    policy: Policy,
    deadline: Deadline,
) -> Result<Option<Vec<String>>, SessionError> {
    let reported = Findings::read(&reply.extra).unwrap_or_default().sorry_decls;
    let is_decided = reported.is_some() || has_errors(&reply.messages);
    if is_decided || !policy.fail_on_sorry || split.imports.is_empty() {
        return Ok(reported);
    }
    let found = axioms::sorry_decls(&mut open.session, reply.env, deadline)?;
    open.fence()?;
    Ok(found)
}

/// A session that is gone where there must be one.
fn no_session() -> Trouble {
    Trouble::Refused(Failure::bug("no session after opening one"))
}
