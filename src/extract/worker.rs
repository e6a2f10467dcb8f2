//! One session with our extractors in it, which belongs to one run. Asks for rows, never keeps them and never
//! tries again.

use serde_json::{Value, json};

use crate::extract::extractor::{Extractor, Plugin};
use crate::extract::job::Job;
use crate::extract::literal;
use crate::extract::loading::{self, TACTIC_ROWS};
use crate::extract::reply::{self, ItemRows, Module};
use crate::extract::rows_error::RowsError;
use crate::extract::unit::{Input, Unit};
use crate::failure::{Failure, Kind};
use crate::lean::header;
use crate::lean::message::{EnvId, Extra, Message, Severity};
use crate::lean::options::ModuleOptions;
use crate::limits::Deadline;
use crate::protocol::wire::{Command, CommandReply, Reply, Request};
use crate::session::opening::{EnvError, OpenSession, refused, texts};
use crate::table::schema::Schema;

/// How many requests a worker answers before it is replaced: an environment is kept for each.
const MOST_REQUESTS: u32 = 100;

/// The share of the memory limit, in percent, over which a worker is replaced between requests.
const MEMORY_PERCENT: u64 = 70;

/// A session that extracts.
pub(crate) struct Worker<'a> {
    job: &'a Job,
    open: OpenSession,
    /// The environment with the extractors; none where the REPL makes rows of tactics by itself.
    extractors: Option<EnvId>,
    requests: u32,
}

impl<'a> Worker<'a> {
    /// Starts a session and gives it the extractors; a session that is lost at that is started once more, since
    /// a long extraction starts many. The calling thread must outlive it.
    ///
    /// # Errors
    /// A session that does not start, imports that fail, extractors that this Lean does not compile.
    pub(crate) fn open(job: &'a Job) -> Result<Self, Failure> {
        match Self::start(job) {
            Err(failure) if failure.kind() == Kind::Session && !job.stop().is_set() => {
                Self::start(job)
            }
            started => started,
        }
    }

    fn start(job: &'a Job) -> Result<Self, Failure> {
        let mut open = job.factory.open()?;
        let makes_rows = job.extractor.reads_sources()
            && loading::makes_tactic_rows(&mut open, job).map_err(EnvError::into_failure)?;
        let extractors = if makes_rows {
            None
        } else {
            Some(loading::load(&mut open, job)?)
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
        let extractor = match &self.job.extractor {
            Extractor::Builtin(builtin) => format!("LeanRepl.Extract.{}", builtin.constant()),
            Extractor::Plugin(plugin) => plugin.constant.clone(),
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
            "#eval LeanRepl.Extract.pageWith {extractor} {} {} #[{}] {}",
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
