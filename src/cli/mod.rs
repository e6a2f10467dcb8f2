//! The command line as types; doc comments are the help. Never I/O, never work.

pub(crate) mod build;
pub(crate) mod build_image;
pub(crate) mod cache;
pub(crate) mod cloudflare;
pub(crate) mod core;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod extract;
pub(crate) mod pickle;
pub(crate) mod repl;
pub(crate) mod serve;
pub(crate) mod shared;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// Runs Lean 4 as a service: drives the Lean REPL without its traps.
///
/// Exit codes: 0 accepted, 1 Lean said no, 2 usage, 3 project or toolchain, 4 building or pickling,
/// 5 session (time, memory, death, nonsense), 6 remote side, 70 a bug of leanrepl, 130 interrupted.
/// Of several files the largest code counts.
#[derive(Debug, Parser)]
#[command(name = "leanrepl", version, propagate_version = true)]
pub(crate) struct Args {
    /// How leanrepl itself talks.
    #[command(flatten)]
    pub(crate) output: shared::OutputArgs,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// A command, as its file in `commands` runs it. `C` is what it runs with: a module of the command line knows
/// no terminal.
pub(crate) trait RunCommand<C> {
    /// Runs it; the exit code is zero if all went well.
    ///
    /// # Errors
    /// What keeps the whole command from doing its work.
    fn run(self, context: &C) -> Result<u8, Failure>;

    /// The form of its data on stdout.
    fn format(&self) -> DataFormat {
        DataFormat::Human
    }
}

/// The form of data on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
    /// Annotations of a GitHub workflow.
    Github,
}

impl DataFormat {
    /// The form for a command whose only choice is `--json`.
    pub(crate) fn json_if(is_json: bool) -> Self {
        if is_json { Self::Json } else { Self::Human }
    }
}

impl<C, T: RunCommand<C>> RunCommand<C> for Box<T> {
    fn run(self, context: &C) -> Result<u8, Failure> {
        (*self).run(context)
    }

    fn format(&self) -> DataFormat {
        (**self).format()
    }
}

/// Makes the commands and what leads to each of them from one table.
macro_rules! commands {
    ($($(#[$about:meta])* $name:ident($args:ty),)*) => {
        /// The commands.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $($(#[$about])* $name($args),)*
        }

        impl<C> RunCommand<C> for Command
        where
            $($args: RunCommand<C>,)*
        {
            fn run(self, context: &C) -> Result<u8, Failure> {
                match self {
                    $(Self::$name(args) => args.run(context),)*
                }
            }

            fn format(&self) -> DataFormat {
                match self {
                    $(Self::$name(args) => RunCommand::<C>::format(args),)*
                }
            }
        }
    };
}

// One line for each command; its comment is what `--help` says.
commands! {
    /// Builds the REPL for a project's toolchain and keeps it in the cache.
    Build(build::BuildArgs),
    /// Evaluates files in a Lean REPL and prints what Lean says.
    Eval(eval::EvalArgs),
    /// Opens a shell in which texts build on each other, and proofs are made tactic by tactic.
    Repl(repl::ReplArgs),
    /// Pickles the environment of some imports, proven in a fresh process.
    Pickle(pickle::PickleArgs),
    /// Extracts declarations, what they use and tactic steps as Parquet or JSON lines.
    Extract(Box<extract::ExtractArgs>),
    /// Evaluates texts over HTTP in a pool of Lean REPLs.
    Serve(Box<serve::ServeArgs>),
    /// Writes, checks and deploys a Cloudflare Worker in front of containers that serve Lean.
    Cloudflare(cloudflare::CloudflareArgs),
    /// Looks at the results that `--cache` keeps, and forgets some.
    Cache(cache::CacheCommandArgs),
    /// Installs or removes core Lean: a real Lean from the npm registry.
    Core(core::CoreArgs),
    /// Looks at all that an evaluation depends on, and says how to fix each problem.
    Doctor(doctor::DoctorArgs),
    /// Builds an image that serves Lean, tries it and names it.
    BuildImage(build_image::BuildImageArgs),
    /// Asks the server on this machine, as the health check of an image does.
    Probe(build_image::ProbeArgs),
    /// Puts the REPL of a project and all that a running Lean reads into one folder.
    #[command(hide = true)]
    Gather(build_image::GatherArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Args::command().debug_assert();
    }
}
