//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    leanrepl::run(std::env::args_os())
}
