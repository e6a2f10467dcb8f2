//! One session with our extractors in it, which belongs to one run. Asks for rows, never keeps them and never
//! tries again.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::extract::extractor::{Extractor, Plugin};
use crate::extract::job::Job;
use crate::extract::literal;
use crate::extract::reply::{self, ItemRows, Module};
use crate::extract::unit::{Input, Unit};
use crate::failure::{Failure, Kind};
use crate::lean::header::{self, Split};
use crate::lean::message::{EnvId, Extra, Message, Severity};
use crate::lean::options::ModuleOptions;
use crate::limits::Deadline;
use crate::protocol::wire::{Command, CommandReply, Reply, Request};
use crate::session::error::SessionError;
use crate::session::opening::{EnvError, OpenSession, has_errors, refused, texts};
use crate::table::schema::Schema;

/// The extractors, in Lean.
const PREAMBLE: &str = include_str!("preamble.lean");

/// What those of tactics need besides.
const TACTICS: &str = include_str!("tactics.lean");

/// The field that asks core Lean's REPL for rows of tactics, in requests and replies.
const TACTIC_ROWS: &str = "tacticRows";

/// How many requests a worker answers before it is replaced: an environment is kept for each.
const MOST_REQUESTS: u32 = 100;

/// The share of the memory limit, in percent, over which a worker is replaced between requests.
const MEMORY_PERCENT: u64 = 70;

/// Why there are no rows.
#[derive(Debug)]
pub(crate) enum RowsError {
    /// The session failed, and is over.
    Session(SessionError),
    /// Lean refuses: a source with an error, an import that fails, an extractor that throws.
    Lean {
        /// Line from 1 and column from 0, if Lean says where.
        position: Option<(u64, u64)>,
        problem: String,
    },
    /// What came does not fit; the session lives.
    Reply(String),
}

impl From<SessionError> for RowsError {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<EnvError> for RowsError {
    fn from(error: EnvError) -> Self {
        match error {
            EnvError::Session(error) => Self::Session(error),
            EnvError::Refused(failure) => {
                let causes = failure.causes().join("; ");
                let problem = [failure.problem(), &causes].map(str::trim);
                let parts: Vec<&str> = problem
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect();
                Self::Lean {
                    position: None,
                    problem: parts.join(": "),
                }
            }
        }
    }
}

/// A session that extracts.
pub(crate) struct Worker<'a> {
    job: &'a Job,
    open: OpenSession,
    /// The environment with the extractors; none where the REPL makes rows of tactics by itself.
    extractors: Option<EnvId>,
    requests: u32,
}

impl<'a> Worker<'a> {
    /// Starts a session and gives it the extractors. The calling thread must outlive it.
    ///
    /// # Errors
    /// A session that does not start, imports that fail, extractors that this Lean does not compile.
    pub(crate) fn open(job: &'a Job) -> Result<Self, Failure> {
        let mut open = job.factory.open()?;
        let makes_rows = job.extractor.reads_sources()
            && makes_tactic_rows(&mut open, job).map_err(EnvError::into_failure)?;
        let extractors = if makes_rows {
            None
        } else {
            Some(load(&mut open, job)?)
        };
        Ok(Self {
            job,
            open,
            extractors,
            requests: 0,
        })
    }

    /// Lean's version.
    pub(crate) fn lean_version(&self) -> &str {
        &self.open.lean_version
    }

    /// Whether it has answered nothing yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.requests == 0
    }

    /// Whether an error has ended it.
    pub(crate) fn is_over(&self) -> bool {
        self.open.session.is_over()
    }

    /// Whether it is to be replaced before the next unit.
    pub(crate) fn is_worn(&mut self) -> bool {
        let limit = self.job.factory.spec.limits.memory;
        let most = limit.map(|limit| limit.get() / 100 * MEMORY_PERCENT);
        let held = self.open.session.resident_bytes();
        self.requests >= MOST_REQUESTS || held.zip(most).is_some_and(|(held, most)| held > most)
    }

    /// The modules of the closure of what was asked for, in Lean's order.
    ///
    /// # Errors
    /// What Lean says.
    pub(crate) fn modules(&mut self) -> Result<Vec<Module>, RowsError> {
        let roots = literal::names(&self.job.roots);
        let output = self.print(&format!("#eval LeanRepl.Extract.modules {roots}"))?;
        reply::modules(&output).map_err(RowsError::Reply)
    }

    /// The schema and key of a plugin.
    ///
    /// # Errors
    /// A constant that is not there or is no extractor; a schema that is none.
    pub(crate) fn schema(&mut self, plugin: &Plugin) -> Result<(Schema, String), RowsError> {
        let command = format!("#eval LeanRepl.Extract.schemaOf {}", plugin.constant);
        let output = self.print(&command)?;
        reply::schema(&output).map_err(RowsError::Reply)
    }

    /// Rows of constants: for each item a module with the number of its first constant and how many.
    ///
    /// # Errors
    /// Why there are none, of any item.
    pub(crate) fn constants(
        &mut self,
        items: &[(&Unit, u64, u64)],
    ) -> Result<Vec<ItemRows>, RowsError> {
        let call = match &self.job.extractor {
            Extractor::Builtin(builtin) => format!("page {}", literal::string(builtin.name())),
            Extractor::Plugin(plugin) => format!("pageWith {}", plugin.constant),
        };
        let listed = items
            .iter()
            .filter_map(|(unit, first, count)| match &unit.input {
                Input::Module { parts, .. } => {
                    Some(format!("({}, {first}, {count})", literal::strings(parts)))
                }
                Input::Source { .. } => None,
            });
        let command = format!(
            "#eval LeanRepl.Extract.{call} {} {} #[{}] {}",
            literal::names(&self.job.roots),
            literal::string(&self.job.config.to_string()),
            listed.collect::<Vec<_>>().join(", "),
            self.job.page_bytes
        );
        let output = self.print(&command)?;
        let names: Vec<Option<&str>> = items
            .iter()
            .map(|(unit, ..)| Some(unit.name.as_str()))
            .collect();
        reply::items(&output, &names).map_err(RowsError::Reply)
    }

    /// Rows of the tactics of a source, from number `first` on.
    ///
    /// # Errors
    /// A source that Lean does not accept, and what else keeps its rows from being made.
    pub(crate) fn tactics(&mut self, unit: &Unit, first: u64) -> Result<ItemRows, RowsError> {
        let Input::Source {
            path,
            text,
            module,
            options,
        } = &unit.input
        else {
            return Err(RowsError::Reply(
                "a compiled module has no tactics".to_owned(),
            ));
        };
        if self.extractors.is_none() {
            return self.tactics_of_core(text, module.as_deref(), options, first);
        }
        let options = options.iter().filter_map(|option| {
            let option = option.to_string();
            let (name, value) = option.split_once('=')?;
            Some(format!(
                "({}, {})",
                literal::string(name),
                literal::string(value)
            ))
        });
        let command = format!(
            "#eval LeanRepl.Extract.tactics {} {} {} #[{}] {first} {} {}",
            literal::string(text),
            literal::string(&path.display().to_string()),
            module.as_ref().map_or_else(
                || "none".to_owned(),
                |name| format!("(some {})", literal::string(name))
            ),
            options.collect::<Vec<_>>().join(", "),
            self.job.page_rows,
            self.job.page_bytes
        );
        let output = self.print(&command)?;
        let mut items = reply::items(&output, &[module.as_deref()]).map_err(RowsError::Reply)?;
        items
            .pop()
            .ok_or_else(|| RowsError::Reply("no rows came".to_owned()))
    }

    /// The same from core Lean's REPL, which elaborates the source as it does any other.
    fn tactics_of_core(
        &mut self,
        text: &str,
        module: Option<&str>,
        options: &ModuleOptions,
        first: u64,
    ) -> Result<ItemRows, RowsError> {
        let split = header::split(text);
        let wait = self.job.factory.spec.import_timeout.get();
        let env = self.open.environment(&split, wait)?;
        let env = self.open.with_options(env, options, wait)?;
        let wanted = json!({"module": module, "first": first, "maxRows": self.job.page_rows,
            "maxBytes": self.job.page_bytes});
        let reply = self.ask(Command {
            cmd: split.command(text),
            env: Some(env),
            extra: Extra::from_iter([(TACTIC_ROWS.to_owned(), wanted)]),
            ..Command::default()
        })?;
        let misfit = || RowsError::Reply("the rows of tactics cannot be understood".to_owned());
        let found = reply.extra.get(TACTIC_ROWS).ok_or_else(misfit)?;
        let rows = found
            .get("rows")
            .and_then(Value::as_array)
            .ok_or_else(misfit)?;
        Ok(ItemRows {
            rows: rows.iter().map(Value::to_string).collect(),
            next: match found.get("next") {
                None | Some(Value::Null) => None,
                Some(next) => Some(next.as_u64().ok_or_else(misfit)?),
            },
        })
    }

    /// Runs a command in the environment of the extractors, and gives what it prints.
    fn print(&mut self, command: &str) -> Result<String, RowsError> {
        let reply = self.ask(Command {
            cmd: command.to_owned(),
            env: self.extractors,
            ..Command::default()
        })?;
        let printed: Vec<Message> = reply
            .messages
            .into_iter()
            .filter(|it| it.severity == Severity::Info)
            .collect();
        match <[Message; 1]>::try_from(printed) {
            Ok([message]) => Ok(message.data),
            Err(printed) if printed.is_empty() => Ok(String::new()),
            Err(printed) => Err(RowsError::Reply(format!(
                "{} messages came in the place of one",
                printed.len()
            ))),
        }
    }

    /// Sends a command; an error of Lean is one here.
    fn ask(&mut self, command: Command) -> Result<CommandReply, RowsError> {
        self.requests = self.requests.saturating_add(1);
        let deadline = Deadline::after(self.job.timeout.get());
        let reply = self
            .open
            .session
            .ask(&Request::Command(command), deadline)?;
        let reply = match reply {
            Reply::Command(reply) => reply,
            Reply::Error { message, .. } => return Err(EnvError::Refused(refused(&message)).into()),
            Reply::ProofStep(_) => return Err(self.open.session.out_of_step().into()),
        };
        if let Some(error) = reply
            .messages
            .iter()
            .find(|it| it.severity == Severity::Error)
        {
            return Err(RowsError::Lean {
                position: Some((error.pos.line, error.pos.column)),
                problem: texts(&reply.messages),
            });
        }
        // Errors that were taken out of the messages, and a source that was not read to its end.
        let says = |field: &str, value: bool| reply.extra.get(field) == Some(&Value::Bool(value));
        if says("hadErrors", true) || says("endReached", false) {
            let problem = "Lean reports an error that is in none of its messages".to_owned();
            return Err(RowsError::Lean {
                position: None,
                problem,
            });
        }
        Ok(reply)
    }
}

/// Whether the REPL makes rows of tactics by itself: others do not know the field.
fn makes_tactic_rows(open: &mut OpenSession, job: &Job) -> Result<bool, EnvError> {
    let probe = json!({"module": null, "first": 0, "maxRows": 1, "maxBytes": 1024});
    let request = Request::Command(Command {
        cmd: String::new(),
        env: Some(open.base()),
        extra: Extra::from_iter([(TACTIC_ROWS.to_owned(), probe)]),
        ..Command::default()
    });
    match open.session.ask(
        &request,
        Deadline::after(job.factory.spec.import_timeout.get()),
    )? {
        Reply::Command(reply) => Ok(reply.extra.contains_key(TACTIC_ROWS)),
        Reply::Error { .. } => Ok(false),
        Reply::ProofStep(_) => Err(EnvError::Session(open.session.out_of_step())),
    }
}

/// Makes the environment of the extractors.
fn load(open: &mut OpenSession, job: &Job) -> Result<EnvId, Failure> {
    let wait = job.factory.spec.import_timeout.get();
    let env = open
        .environment(&header_of(job)?, wait)
        .map_err(EnvError::into_failure)?;
    let reply = open
        .run(PREAMBLE, env, wait)
        .map_err(EnvError::into_failure)?;
    if has_errors(&reply.messages) {
        return Err(Failure::new(
            Kind::Project,
            format!("the extractors do not compile on Lean {}", open.lean_version),
            "please report it with this version of Lean; core Lean extracts with `--toolchain core`",
        )
        .caused_by(texts(&reply.messages)));
    }
    match &job.extractor {
        Extractor::Builtin(_) => Ok(reply.env),
        Extractor::Plugin(plugin) => load_plugin(open, plugin, reply.env, job),
    }
}

/// Adds a plugin.
fn load_plugin(
    open: &mut OpenSession,
    plugin: &Plugin,
    env: EnvId,
    job: &Job,
) -> Result<EnvId, Failure> {
    let wait = job.factory.spec.import_timeout.get();
    let split = header::split(&plugin.source);
    let reply = open
        .run(&split.command(&plugin.source), env, wait)
        .map_err(EnvError::into_failure)?;
    let Some(error) = reply
        .messages
        .iter()
        .find(|it| it.severity == Severity::Error)
    else {
        return Ok(reply.env);
    };
    Err(Failure::new(
        Kind::Usage,
        format!(
            "the plugin does not compile: `{}`:{}:{}",
            plugin.file.display(),
            error.pos.line,
            error.pos.column
        ),
        "correct it; it sees the names of `LeanRepl.Extract` and what its own imports bring",
    )
    .caused_by(texts(&reply.messages)))
}

/// What a worker imports: Lean for the extractors, what was asked for, and what a plugin wants.
fn header_of(job: &Job) -> Result<Split, Failure> {
    let mut text = "import Lean\n".to_owned();
    if !job.extractor.reads_sources() {
        for root in &job.roots {
            // Writing to a string cannot fail.
            let _written = writeln!(text, "import {root}");
        }
    }
    if let Extractor::Plugin(plugin) = &job.extractor {
        let split = header::split(&plugin.source);
        if split.module || split.prelude {
            return Err(Failure::new(
                Kind::Usage,
                format!(
                    "the plugin `{}` begins with `module` or `prelude`",
                    plugin.file.display()
                ),
                "leave that out: a plugin runs in the environment of the extractors",
            ));
        }
        for import in &split.imports {
            let _written = writeln!(text, "import {}", import.module);
        }
    }
    Ok(header::split(&text))
}

impl RowsError {
    /// What a user reads about a unit without rows.
    pub(crate) fn into_failure(self, unit: &str) -> Failure {
        match self {
            Self::Session(error) => {
                let inner = error.into_failure();
                if inner.kind() == Kind::Interrupted {
                    return inner;
                }
                let problem = format!("`{unit}` gave no rows: {}", inner.problem());
                let hint = inner.hint().to_owned();
                let outer = Failure::new(inner.kind(), problem, hint);
                match inner.causes().as_slice() {
                    [] => outer,
                    causes => outer.caused_by(causes.join("\n")),
                }
            }
            Self::Lean { position, problem } => {
                let place =
                    position.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
                let hint = "correct it, or go on without it with `--keep-going`";
                Failure::new(Kind::Project, format!("Lean refuses `{unit}`{place}"), hint)
                    .caused_by(problem)
            }
            Self::Reply(problem) => Failure::new(
                Kind::Session,
                format!("the rows of `{unit}` cannot be used"),
                "run again with `-v` to see what was asked; a plugin prints nothing but its rows",
            )
            .caused_by(problem),
        }
    }

    /// Whether Lean itself refuses, so that trying again changes nothing.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Lean { .. })
    }
}

/// SHA-256 of the extractors.
pub(crate) fn preamble_digest() -> String {
    crate::digest::of_bytes([PREAMBLE, TACTICS].concat().as_bytes())
}
