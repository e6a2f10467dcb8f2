//! The library behind the `leanrepl` binary. It is internal: its only users are the binary, the
//! tests, `xtask` and the fuzz target, and nothing in it is a stable interface.

mod cli;
mod commands;
mod data_dir;
mod deploy;
mod digest;
mod elan;
mod engine;
mod env_vars;
mod event;
mod extract;
mod failure;
mod http;
mod isolation;
mod lean;
mod limits;
mod line_log;
mod machine;
mod names;
mod probe;
mod process;
mod project;
mod protocol;
mod redis;
mod reference;
mod service;
mod session;
mod settings;
mod setup;
mod shell;
mod table;
mod template;
mod ui;
mod work;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use crate::cli::RunCommand as _;
use crate::commands::RunContext;
use crate::failure::Kind;
use crate::process::signals::Patience;

/// Runs the command line `args` (with the program's name first) and returns the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = args.into_iter().collect();
    let args = match cli::Args::try_parse_from(&words) {
        Ok(args) => args,
        Err(err) => {
            // Help and version go to stdout and are no failure; clap knows which is which.
            let code = if err.use_stderr() {
                Kind::Usage.exit_code()
            } else {
                0
            };
            // A closed pipe is no failure here.
            err.print().ok();
            return ExitCode::from(code);
        }
    };
    let ui = Arc::new(ui::Ui::new(commands::output::mode(&args)));
    // A shell outlives the Ctrl-C that stops what it runs.
    let patience = match &args.command {
        cli::Command::Repl(_) => Patience::Lasting,
        _ => Patience::Once,
    };
    let outcome = if process::init::is_first() {
        process::init::run(&words)
    } else {
        process::signals::watch(patience).and_then(|interrupt| {
            args.command.run(&RunContext {
                ui: Arc::clone(&ui),
                interrupt,
                output: args.output,
            })
        })
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            ui.failure(&failure);
            ExitCode::from(failure.kind().exit_code())
        }
    }
}

/// What `xtask`, the tests and the fuzz target reach inside for. Not an interface.
#[doc(hidden)]
pub mod internals {
    pub use crate::data_dir::{DataDir, Lock, Stage};
    pub use crate::engine::pool::{
        Lease, Pool, PoolSettings, PoolState, QueueLimits, RecycleReason, Restarts, Sessions,
        WearLimits,
    };
    pub use crate::engine::undecided::UndecidedReason;
    pub use crate::engine::{evaluate, judge, record, request};
    pub use crate::event::{Event, Observer, Unobserved};
    pub use crate::failure::{Failure, KINDS, Kind};
    pub use crate::isolation::Isolation;
    pub use crate::lean::{
        abbreviations, header, infotree, message, module_name, olean, options, position, release,
        repl_tag, toolchain,
    };
    pub use crate::limits::{Bytes, CancelFlag, Deadline, TICK, Wait};
    pub use crate::process::child::{Child, Turn};
    pub use crate::process::ending::{Ending, How};
    pub use crate::process::launch::Launch;
    pub use crate::process::{launch, run, sandbox};
    pub use crate::project::{Project, manifest::Manifest};
    pub use crate::protocol::{compare, frame, wire};
    pub use crate::session::error::SessionError;
    pub use crate::session::exchange::{Session, SessionLimits};
    pub use crate::session::{base, identity, spec};
    pub use crate::setup::core_lean::{CoreLean, Installed};
    pub use crate::ui::{Ui, Written, mode, streams};

    /// The command line as clap has it, for completions and the manual.
    pub fn command() -> clap::Command {
        <crate::cli::Args as clap::CommandFactory>::command()
    }

    /// Pickles: loading and making them.
    pub mod pickle {
        pub use crate::session::pickle::*;
        pub use crate::setup::pickle::{compare, write};
    }

    /// Kept records.
    pub mod cache {
        pub use crate::engine::cache::cached::{CacheParts, Cached};
        pub use crate::engine::cache::counters::Counted;
        pub use crate::engine::cache::environments::Environments;
        pub use crate::engine::cache::key::{Environment, Key};
        pub use crate::engine::cache::lookup::Audience;
        pub use crate::engine::cache::redis_store::{PREFIX, RedisSettings, RedisStore};
        pub use crate::engine::cache::seal::SealKey;
        pub use crate::engine::cache::sqlite::{Bounds, CannotUse, SqliteStore};
        pub use crate::engine::cache::store::{
            Entry, Holdings, MAX_VALUE, Store, StoreError, Turn, Which,
        };
        pub use crate::redis::secret::Secret;
        pub use crate::redis::{OpenError, RedisUrl};

        /// The key of these bytes.
        pub fn key(bytes: &[u8]) -> Key {
            crate::engine::cache::key::KeyMaker::new().with(bytes).key()
        }
    }

    /// Reading compiled modules ahead.
    pub mod prefault {
        pub use crate::setup::prefault::search_path::SearchPath;
        pub use crate::setup::prefault::{
            Closure, Stopped, before_import, closure, imported, read_ahead,
        };
    }

    /// Schemas, rows and shards of tables.
    pub mod table {
        pub use crate::table::*;
    }

    /// Memory of this machine.
    pub mod machine {
        pub use crate::machine::{Memory, memory};
    }

    /// Digests of files and bytes.
    pub mod digest {
        pub use crate::digest::*;
    }

    /// Variables of the environment.
    pub mod env_vars {
        pub use crate::env_vars::*;
    }
}
