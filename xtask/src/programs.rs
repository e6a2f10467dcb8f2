//! Programs of the machine that tests need.

use std::process::{Command, Stdio};

/// Whether the program is there and says its version.
pub(crate) fn answers(program: &str) -> bool {
    let status = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
