//! Matches on the command and turns its outcome into an exit code. Never prints.

mod build;
mod build_image;
mod cloudflare;
mod cloudflare_try;
mod core;
mod doctor;
mod eval;
mod exit_code;
mod in_image;
mod lean;
mod options;
pub(crate) mod output;
mod pickle;
mod repl;
mod serve;
mod session;

use std::sync::Arc;

use crate::cli::{Args, Command};
use crate::failure::Failure;
use crate::limits::CancelFlag;
use crate::ui::Ui;

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
