//! From a started process to a proven session: the base environment, Lean's version, and the
//! environments of headers. Never evaluates a user's source.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use crate::failure::{Failure, Kind};
use crate::lean::header::Split;
use crate::lean::message::{EnvId, Extra, Message, Severity};
use crate::lean::options::ModuleOptions;
use crate::limits::Deadline;
use crate::protocol::wire::{Command, CommandReply, File, Reply, Request};
use crate::session::error::SessionError;
use crate::session::exchange::Session;
use crate::session::import;
use crate::session::states::Snapshots;

/// Why there is no proven environment.
#[derive(Debug)]
pub(crate) enum EnvError {
    /// The session failed; it is over.
    Session(SessionError),
    /// The session lives, but the environment is not to be had.
    Refused(Failure),
}

impl From<SessionError> for EnvError {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl EnvError {
    /// What the user reads about it.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Session(error) => error.into_failure(),
            Self::Refused(failure) => failure,
        }
    }
}

/// A session whose base environment was proven to hold Lean's `Init`.
pub(crate) struct OpenSession {
    pub(crate) session: Session,
    /// What `Lean.versionString` says.
    pub(crate) lean_version: String,
    /// The environment of a source without imports.
    base: EnvId,
    /// Proven environments by the header that made them.
    headers: HashMap<String, EnvId>,
    /// Environments with options, by what they were made from.
    pub(super) optioned: HashMap<(EnvId, ModuleOptions), EnvId>,
    /// The proven environment of a pickle, once it was loaded.
    pub(crate) pickled: Option<EnvId>,
    /// Whether a whole reply to the last source has come. The sender of the source resets it.
    pub(crate) answered: bool,
    /// The states to which it goes back, if it can.
    pub(super) snapshots: Option<Snapshots>,
}

/// How long a request that does next to nothing may take on a busy machine.
pub(crate) const SHORT: Duration = Duration::from_secs(60);

impl OpenSession {
    /// Makes and proves the base environment.
    pub(crate) fn open(mut session: Session, wait: Duration) -> Result<Self, EnvError> {
        let base = run(&mut session, "", None, Deadline::after(wait))?.env;
        let reply = run(
            &mut session,
            "#eval Lean.versionString",
            Some(base),
            Deadline::after(wait),
        )?;
        let lean_version = reply
            .messages
            .iter()
            .find(|message| message.severity == Severity::Info)
            // Some builds add the commit: `4.28.0, commit 38f3c0c…`.
            .and_then(|message| {
                message
                    .data
                    .trim()
                    .trim_matches('"')
                    .split(',')
                    .next()
                    .map(str::to_owned)
            });
        let Some(lean_version) = lean_version.filter(|_| !has_errors(&reply.messages)) else {
            return Err(EnvError::Refused(
                Failure::new(
                    Kind::Project,
                    "the REPL starts, but its environment is empty: Lean could not load `Init`",
                    "check LEAN_SYSROOT and LEAN_PATH, and that the REPL was built with the same Lean as these `.olean` files",
                )
                .caused_by(texts(&reply.messages)),
            ));
        };
        let mut open = Self {
            session,
            lean_version,
            base,
            headers: HashMap::new(),
            optioned: HashMap::new(),
            pickled: None,
            answered: false,
            snapshots: None,
        };
        open.fence()?;
        Ok(open)
    }

    /// Forgets which environments there are, but for the base environment.
    pub(super) fn forget_environments(&mut self) {
        self.headers.clear();
        self.optioned.clear();
        self.pickled = None;
    }

    /// The environment of a source without imports.
    pub(crate) fn base(&self) -> EnvId {
        self.base
    }

    /// Runs a command of ours on an environment of this session.
    pub(crate) fn run(
        &mut self,
        cmd: &str,
        env: EnvId,
        wait: Duration,
    ) -> Result<CommandReply, EnvError> {
        run(&mut self.session, cmd, Some(env), Deadline::after(wait))
    }

    /// Sends a request that is answered with an environment.
    pub(crate) fn ask_for_environment(
        &mut self,
        request: &Request,
        wait: Duration,
    ) -> Result<EnvId, EnvError> {
        match self.session.ask_at_import(request, Deadline::after(wait))? {
            Reply::Command(reply) => Ok(reply.env),
            Reply::Error { message, .. } => Err(EnvError::Refused(refused(&message))),
            Reply::ProofStep(_) => Err(EnvError::Session(self.session.out_of_step())),
        }
    }

    /// The proven environment of a header; run on first use and kept.
    pub(crate) fn environment(&mut self, split: &Split, wait: Duration) -> Result<EnvId, EnvError> {
        let text = split.canonical();
        if text.is_empty() {
            return Ok(self.base);
        }
        if let Some(env) = self.headers.get(&text) {
            return Ok(*env);
        }
        let reply = run(&mut self.session, &text, None, Deadline::after(wait))?;
        // An import that fails gives an empty environment and, on the community REPL, no message
        // at all (leanprover-community/repl, pull request 73): only a probe tells.
        if has_errors(&reply.messages) || !self.holds_nat(split, reply.env)? {
            return Err(self.diagnose(split, &reply.messages, wait));
        }
        self.headers.insert(text, reply.env);
        Ok(reply.env)
    }

    /// Whether the environment knows `Nat`, as every one does that has imported anything.
    fn holds_nat(&mut self, split: &Split, env: EnvId) -> Result<bool, EnvError> {
        if split.prelude && split.imports.is_empty() {
            // Nothing was to be imported: the environment is empty as the user asked.
            return Ok(true);
        }
        let reply = run(
            &mut self.session,
            "#check Nat",
            Some(env),
            Deadline::after(SHORT),
        )?;
        Ok(!has_errors(&reply.messages))
    }

    /// Finds the import that failed: by its missing file, else by trying each alone.
    fn diagnose(&mut self, split: &Split, messages: &[Message], wait: Duration) -> EnvError {
        let launch = self.session.launch();
        let path = launch.var("LEAN_PATH").cloned();
        let hint = launch.import_hint;
        let mut bad = import::missing(&split.imports, path.as_deref());
        if bad.is_empty() {
            match self.try_each(split, wait) {
                Ok(found) => bad = found,
                Err(trouble) => return trouble,
            }
        }
        EnvError::Refused(import::failure(split, &bad, hint, &texts(messages)))
    }

    /// Imports each module alone, and names those whose environment is empty.
    fn try_each(&mut self, split: &Split, wait: Duration) -> Result<Vec<String>, EnvError> {
        let deadline = Deadline::after(wait);
        let mut bad = Vec::new();
        for import in split.imports.iter().take(import::TRIED) {
            let text = format!("import {}", import.module);
            let reply = run(&mut self.session, &text, None, deadline)?;
            let alone = run(&mut self.session, "#check Nat", Some(reply.env), deadline)?;
            if has_errors(&reply.messages) || has_errors(&alone.messages) {
                bad.push(import.module.clone());
            }
        }
        Ok(bad)
    }

    /// Proves that requests and replies are in step, by a request whose answer cannot be known
    /// beforehand: reading a file that does not exist, whose name comes back in the error. A source
    /// that writes a reply of its own to stdout is found out by this.
    pub(crate) fn fence(&mut self) -> Result<(), SessionError> {
        self.answered = true;
        self.fence_with(Extra::new()).map(|_| ())
    }

    /// A fence with further fields; gives what the reply says besides.
    pub(super) fn fence_with(&mut self, extra: Extra) -> Result<Extra, SessionError> {
        let nonce = format!(
            "leanrepl-fence-{:016x}",
            RandomState::new().build_hasher().finish()
        );
        let request = Request::File(File {
            path: nonce.clone(),
            extra,
            ..File::default()
        });
        match self.session.ask_in_step(&request, Deadline::after(SHORT))? {
            Reply::Error { message, extra } if message.contains(&nonce) => Ok(extra),
            _ => Err(self.session.out_of_step()),
        }
    }
}

/// Runs a command of ours; an error reply to it means that the environment is not to be had.
fn run(
    session: &mut Session,
    cmd: &str,
    env: Option<EnvId>,
    deadline: Deadline,
) -> Result<CommandReply, EnvError> {
    let request = Request::Command(Command {
        cmd: cmd.to_owned(),
        env,
        ..Command::default()
    });
    match session.ask_at_import(&request, deadline)? {
        Reply::Command(reply) => Ok(reply),
        Reply::Error { message, .. } => Err(EnvError::Refused(refused(&message))),
        Reply::ProofStep(_) => Err(EnvError::Session(session.out_of_step())),
    }
}

/// The failure for a request that the REPL answers with an error of its own.
pub(crate) fn refused(message: &str) -> Failure {
    Failure::new(
        Kind::Session,
        "the REPL refused the request",
        "run again with `-v` to see the request, or without the option that it names",
    )
    .caused_by(message.to_owned())
}

/// Whether Lean reported an error.
pub(crate) fn has_errors(messages: &[Message]) -> bool {
    messages
        .iter()
        .any(|message| message.severity == Severity::Error)
}

/// The texts of all errors, one a line.
pub(crate) fn texts(messages: &[Message]) -> String {
    let errors = messages
        .iter()
        .filter(|message| message.severity == Severity::Error);
    errors
        .map(|message| message.data.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}
