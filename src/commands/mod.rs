//! Matches on the command and turns its outcome into an exit code. Never prints.

mod build;
mod build_image;
mod cloudflare;
mod cloudflare_try;
mod core;
mod doctor;
mod eval;
mod in_image;
mod lean;
mod options;
pub(crate) mod output;
mod pickle;
mod repl;
mod serve;

use std::sync::Arc;

use crate::cli::{Args, Command};
use crate::engine::evaluated::{Evaluated, Verdict};
use crate::failure::{Failure, Kind};
use crate::limits::CancelFlag;
use crate::ui::Ui;

/// The exit code of a text or run that Lean accepted, or of a command that did what it should.
const DONE: u8 = 0;
/// The exit code of a run in which Lean answered no.
const REJECTED: u8 = 1;

/// Runs a command; the exit code is zero if all went well.
///
/// # Errors
/// What keeps the whole command from doing its work.
pub(crate) fn run(args: Args, ui: &Arc<Ui>, interrupt: &CancelFlag) -> Result<u8, Failure> {
    match args.command {
        Command::Build(build) => build::run(&build, ui, interrupt),
        Command::Eval(eval) => eval::run(&eval, ui, interrupt),
        Command::Repl(repl) => repl::run(&repl, ui, interrupt),
        Command::Pickle(pickle) => pickle::run(&pickle, ui, interrupt),
        Command::Serve(serve) => serve::run(*serve, &args.output, ui, interrupt),
        Command::Cloudflare(cloudflare) => cloudflare::run(&cloudflare.action, ui, interrupt),
        Command::Core(core) => core::run(core.action, ui, interrupt),
        Command::Doctor(doctor) => doctor::run(&doctor, ui, interrupt),
        Command::BuildImage(args) => build_image::run(&args, ui, interrupt),
        Command::Probe(probe) => in_image::probe(&probe, ui, interrupt),
        Command::Gather(gather) => in_image::gather(&gather, ui, interrupt),
    }
}

/// The exit code for one text: an undecided one has that of its failure, which outranks
/// a rejection.
fn exit_code(evaluated: &Evaluated) -> u8 {
    match (&evaluated.failure, &evaluated.verdict) {
        (Some(failure), _) => failure.kind().exit_code(),
        (None, Verdict::Accepted) => DONE,
        (None, Verdict::Rejected) => REJECTED,
        (None, Verdict::Undecided) => Kind::Bug.exit_code(),
    }
}
