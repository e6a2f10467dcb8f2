//! A text → [`Evaluated`]: what Lean says about it, on a proven environment, with a verdict.
//! Never renders.

mod once;

use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::lean::header;
use crate::lean::infotree::InfoTree;
use crate::lean::message::{Message, Severity, Sorry};
use crate::limits::{Deadline, Interrupt, Wait};
use crate::process::launch::Launch;
use crate::repl::evaluated::{Evaluated, Times, Verdict, leaves_hole};
use crate::repl::opening::{OpenSession, Trouble, has_errors, refused};
use crate::repl::session::{Session, SessionLimits};
use crate::repl::wire::{Command, CommandReply, Options, Reply, Request};

/// Everything that an evaluation depends on besides the text.
#[derive(Debug, Clone)]
pub(crate) struct EvalSettings {
    /// How a REPL is started.
    pub(crate) launch: Launch,
    /// The Lean version that the project asks for, such as `4.27.0`; any if absent.
    pub(crate) expected_lean: Option<String>,
    /// What a session may use.
    pub(crate) limits: SessionLimits,
    /// The longest wait for the answer to a text.
    pub(crate) timeout: Wait,
    /// The longest wait for a start or an import.
    pub(crate) import_timeout: Wait,
    /// What is asked for besides messages and sorries.
    pub(crate) options: Options,
    /// Whether a sorry makes a text rejected.
    pub(crate) fail_on_sorry: bool,
    /// Whether a warning makes a text rejected.
    pub(crate) fail_on_warning: bool,
}

/// Evaluates texts one after the other in a session that it starts when needed and replaces after
/// a failure.
pub(crate) struct Evaluator {
    /// What holds for every text.
    settings: EvalSettings,
    /// The user's wish to stop.
    interrupt: Interrupt,
    /// Hears what happens.
    observer: Arc<dyn Observer>,
    /// The session, once there is one.
    open: Option<OpenSession>,
}

/// The times and the reply of one attempt.
struct Attempt {
    /// How long header and body took.
    times: Times,
    /// What Lean said.
    reply: CommandReply,
}

impl Evaluator {
    /// An evaluator without a session yet.
    pub(crate) fn new(
        settings: EvalSettings,
        interrupt: Interrupt,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self {
            settings,
            interrupt,
            observer,
            open: None,
        }
    }

    /// Starts and proves a session if there is none, and returns its Lean's version.
    ///
    /// # Errors
    /// A failure that tells why no text can be evaluated.
    pub(crate) fn open(&mut self) -> Result<&str, Failure> {
        if self.open.is_none() {
            self.open = Some(self.start()?);
        }
        match &self.open {
            Some(open) => Ok(&open.lean_version),
            None => Err(Failure::bug("a session that was just opened is gone")),
        }
    }

    /// Starts and proves a session.
    fn start(&self) -> Result<OpenSession, Failure> {
        let settings = &self.settings;
        let session = Session::start(
            &settings.launch,
            settings.limits,
            &self.interrupt,
            &self.observer,
        )
        .map_err(crate::repl::session_error::SessionError::into_failure)?;
        let open = OpenSession::open(session, settings.import_timeout.get())
            .map_err(|trouble| self.no_opening(trouble))?;
        match &settings.expected_lean {
            Some(expected) if *expected != open.lean_version => Err(Failure::new(
                Kind::Project,
                format!(
                    "the REPL `{}` runs Lean {}, but the project's `lean-toolchain` asks for Lean {expected}",
                    settings.launch.program.display(),
                    open.lean_version
                ),
                "name a REPL that was built with the project's toolchain with `--repl PATH`",
            )),
            _ => Ok(open),
        }
    }

    /// A REPL that did not come up: says so, with what happened as the cause.
    fn no_opening(&self, trouble: Trouble) -> Failure {
        let failure = trouble.into_failure();
        if failure.kind() != Kind::Session {
            return failure;
        }
        Failure::new(
            Kind::Session,
            format!("`{}` did not start up as a Lean REPL", self.settings.launch.program.display()),
            "check that it is the `repl` binary of leanprover-community/repl, built for this machine, \
             and that LEAN_SYSROOT and LEAN_PATH fit it",
        )
        .caused_by(failure)
    }

    /// Evaluates one text. A text that could not be decided carries the failure.
    pub(crate) fn evaluate(&mut self, name: &str, text: &Arc<str>) -> Evaluated {
        let worn = self.open.as_ref().is_some_and(|open| open.evaluated > 0);
        let attempt = match self.attempt(text) {
            // What earlier texts left behind must not decide about this one.
            Err(Trouble::Session(error)) if worn && error.may_be_wear() => {
                self.observer.tell(Event::Noted {
                    text: "the session ended; trying once more in a fresh one",
                });
                self.attempt(text)
            }
            other => other,
        };
        match attempt {
            Ok(attempt) => self.judge(name, text, attempt),
            Err(trouble) => Evaluated::undecided(name, Arc::clone(text), trouble.into_failure()),
        }
    }

    /// One attempt. After a session error the session is gone, so that the next one starts anew.
    fn attempt(&mut self, text: &str) -> Result<Attempt, Trouble> {
        self.open().map_err(Trouble::Refused)?;
        let Some(open) = &mut self.open else {
            return Err(Trouble::Refused(Failure::bug(
                "no session after opening one",
            )));
        };
        let attempt = ask(open, text, &self.settings, self.observer.as_ref());
        if open.session.is_over() {
            self.open = None;
        }
        attempt
    }

    /// The verdict on what Lean said.
    fn judge(&self, name: &str, text: &Arc<str>, attempt: Attempt) -> Evaluated {
        let Attempt { times, reply } = attempt;
        let unknown = reply
            .messages
            .iter()
            .find_map(|message| match &message.severity {
                Severity::Other(word) => Some(word.clone()),
                _ => None,
            });
        if let Some(word) = unknown {
            let failure = Failure::new(
                Kind::Session,
                format!("the REPL sent a message of the unknown severity `{word}`"),
                "use a leanrepl that knows this REPL's version",
            );
            return Evaluated::undecided(name, Arc::clone(text), failure);
        }
        let failure = lacking(&reply);
        let reasons = self.reasons(&reply.messages, &reply.sorries);
        let verdict = if failure.is_some() {
            Verdict::Undecided
        } else if has_errors(&reply.messages) || !reasons.is_empty() {
            Verdict::Rejected
        } else {
            Verdict::Accepted
        };
        Evaluated {
            name: name.to_owned(),
            text: Arc::clone(text),
            verdict,
            messages: reply.messages,
            sorries: reply.sorries,
            tactics: reply.tactics,
            infotree: reply
                .infotree
                .map(|trees| trees.into_iter().map(InfoTree::into_value).collect()),
            failure,
            reasons,
            times,
        }
    }

    /// Why the user's own rules reject what Lean let pass.
    fn reasons(&self, messages: &[Message], sorries: &[Sorry]) -> Vec<String> {
        let mut reasons = Vec::new();
        let warned = |message: &Message| message.severity == Severity::Warning;
        if self.settings.fail_on_warning && messages.iter().any(warned) {
            reasons.push("Lean warned (`--fail-on-warning`)".to_owned());
        }
        if self.settings.fail_on_sorry && leaves_hole(messages, sorries) {
            reasons.push("a hole was left (`--fail-on-sorry`)".to_owned());
        }
        reasons
    }
}

/// What the REPL says that it lacks for the text. Then Lean's errors are not about the text: a Lean
/// that has all its parts may accept it. Only core Lean's REPL sends this field.
fn lacking(reply: &CommandReply) -> Option<Failure> {
    let what = reply.extra.get("lacks")?;
    let listed = what.as_array().into_iter().flatten();
    let names: Vec<&str> = listed.filter_map(Value::as_str).collect();
    Some(Failure::new(
        Kind::Project,
        format!("this Lean lacks {}", names.join(", ")),
        "evaluate it with the whole Lean of a project: `--project DIR` or `--repl PATH`",
    ))
}

/// Runs header and body in an open session, and makes sure that the answer is the text's own.
fn ask(
    open: &mut OpenSession,
    text: &str,
    settings: &EvalSettings,
    observer: &dyn Observer,
) -> Result<Attempt, Trouble> {
    let split = header::split(text);
    let start = Instant::now();
    let env = open.environment(&split, settings.import_timeout.get())?;
    let header = start.elapsed();
    open.evaluated += 1;
    let request = Request::Command(Command {
        cmd: split.padded_body(text),
        env: Some(env),
        options: settings.options.clone(),
        ..Command::default()
    });
    let start = Instant::now();
    let reply = open
        .session
        .ask(&request, Deadline::after(settings.timeout.get()))?;
    let body = start.elapsed();
    let left = open.session.sweep();
    if left > 0 {
        observer.tell(Event::Noted {
            text: "a process that the text had started was still running and was killed",
        });
    }
    open.fence()?;
    match reply {
        Reply::Command(reply) => Ok(Attempt {
            times: Times { header, body },
            reply,
        }),
        Reply::Error { message, .. } => Err(Trouble::Refused(refused(&message))),
        Reply::ProofStep(_) => Err(Trouble::Session(open.session.out_of_step())),
    }
}
