//! The command line as types; doc comments are the help. Never I/O, never work.

pub(crate) mod build;
pub(crate) mod build_image;
pub(crate) mod cloudflare;
pub(crate) mod core;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod pickle;
pub(crate) mod repl;
pub(crate) mod serve;
pub(crate) mod shared;

use clap::{Parser, Subcommand};

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

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Builds the REPL for a project's toolchain and keeps it in the cache.
    Build(build::BuildArgs),
    /// Evaluates files in a Lean REPL and prints what Lean says.
    Eval(eval::EvalArgs),
    /// Opens a shell in which texts build on each other, and proofs are made tactic by tactic.
    Repl(repl::ReplArgs),
    /// Pickles the environment of some imports, proven in a fresh process.
    Pickle(pickle::PickleArgs),
    /// Evaluates texts over HTTP in a pool of Lean REPLs.
    Serve(Box<serve::ServeArgs>),
    /// Writes, checks and deploys a Cloudflare Worker in front of containers that serve Lean.
    Cloudflare(cloudflare::CloudflareArgs),
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
