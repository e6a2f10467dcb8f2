//! One file for each command: joins what does the work to the user, and turns the outcome into an exit code.

mod build;
mod build_image;
mod cache;
mod cloudflare;
mod cloudflare_try;
mod core;
mod doctor;
mod eval;
mod exit_code;
mod extract;
mod in_image;
mod inputs;
mod lean;
mod options;
pub(crate) mod output;
mod pickle;
mod repl;
mod resume;
mod serve;
mod session;
mod targets;

use std::sync::Arc;

use crate::cli::shared::OutputArgs;
use crate::limits::CancelFlag;
use crate::ui::Ui;

/// What every command runs with.
pub(crate) struct RunContext {
    pub(crate) ui: Arc<Ui>,
    /// Set when the user interrupts.
    pub(crate) interrupt: CancelFlag,
    pub(crate) output: OutputArgs,
}
