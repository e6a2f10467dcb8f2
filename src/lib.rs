//! The library behind the `leanrepl` binary. It is internal: its only users are the binary, the
//! tests, `xtask` and the fuzz target, and nothing in it is a stable interface.

mod cache;
mod core_lean;
mod env_vars;
mod event;
mod failure;
mod lean;
mod limits;
mod process;
mod repl;
mod ui;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command line `args` (with the program's name first) and returns the exit code.
pub fn run(_args: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::SUCCESS
}

/// What `xtask`, the tests and the fuzz target reach inside for. Not an interface.
#[doc(hidden)]
pub mod internals {
    pub use crate::cache::{Cache, Lock, Stage};
    pub use crate::core_lean::{CoreLean, Installed};
    pub use crate::event::{Event, Observer, Unobserved};
    pub use crate::failure::{Failure, KINDS, Kind};
    pub use crate::lean::{header, infotree, message, position};
    pub use crate::limits::{Bytes, Deadline, Interrupt, TICK, Wait};
    pub use crate::process::child::{Child, Turn};
    pub use crate::process::ending::{Ending, How};
    pub use crate::process::launch::Launch;
    pub use crate::process::{launch, run};
    pub use crate::repl::frame;

    /// Variables of the environment.
    pub mod env_vars {
        pub use crate::env_vars::*;
    }
    pub use crate::repl::evaluated;
    pub use crate::ui::{Ui, Written, mode, streams};
    pub use crate::repl::{frame, wire};
}
