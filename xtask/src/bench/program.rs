//! The programs that benchmarks start.

use std::process::Command;

/// A one-shot command of the benchmark.
#[expect(
    clippy::disallowed_methods,
    reason = "the bare exchange must not go through our own process code"
)]
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    Command::new(program)
}
