//! Gives a session the extractors. Asks for no rows.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use crate::extract::extractor::{Builtin, Extractor, Plugin};
use crate::extract::job::Job;
use crate::failure::{Failure, Kind};
use crate::lean::header::{self, Split};
use crate::lean::message::{EnvId, Extra, Severity};
use crate::limits::Deadline;
use crate::protocol::wire::{Command, Reply, Request};
use crate::session::opening::{EnvError, OpenSession, has_errors, texts};

/// The extractors, in Lean.
const PREAMBLE: &str = include_str!("preamble.lean");

/// What some of them need besides; others would wait for it to be compiled.
const DECLS: &str = include_str!("decls.lean");
const TACTICS: &str = include_str!("tactics.lean");

/// The field that asks core Lean's REPL for rows of tactics, in requests and replies.
pub(crate) const TACTIC_ROWS: &str = "tacticRows";

/// Whether the REPL makes rows of tactics by itself: others do not know the field.
pub(crate) fn makes_tactic_rows(open: &mut OpenSession, job: &Job) -> Result<bool, EnvError> {
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
pub(crate) fn load(open: &mut OpenSession, job: &Job) -> Result<EnvId, Failure> {
    let wait = job.factory.spec.import_timeout.get();
    let env = open
        .environment(&header_of(job)?, wait)
        .map_err(EnvError::into_failure)?;
    let env = load_part(open, PREAMBLE, env, wait)?;
    match &job.extractor {
        Extractor::Builtin(Builtin::Types | Builtin::ConstDep) => Ok(env),
        Extractor::Builtin(Builtin::Decls) => load_part(open, DECLS, env, wait),
        Extractor::Builtin(Builtin::Tactics) => load_part(open, TACTICS, env, wait),
        Extractor::Plugin(plugin) => load_plugin(open, plugin, env, job),
    }
}

/// Adds a part of the extractors.
fn load_part(
    open: &mut OpenSession,
    part: &str,
    env: EnvId,
    wait: Duration,
) -> Result<EnvId, Failure> {
    let reply = open.run(part, env, wait).map_err(EnvError::into_failure)?;
    if has_errors(&reply.messages) {
        return Err(Failure::new(
            Kind::Project,
            format!("the extractors do not compile on Lean {}", open.lean_version),
            "please report it with this version of Lean; core Lean extracts with `--toolchain core`",
        )
        .caused_by(texts(&reply.messages)));
    }
    Ok(reply.env)
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

/// SHA-256 of the extractors.
pub(crate) fn preamble_digest() -> String {
    crate::digest::of_bytes([PREAMBLE, DECLS, TACTICS].concat().as_bytes())
}
