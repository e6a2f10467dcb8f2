//! What the command line says about a REPL binary of the user's.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind};

/// The binary at a path, in a form that is not looked for on `PATH`.
///
/// # Errors
/// A path that names no program.
pub(crate) fn named(path: &Path) -> Result<PathBuf, Failure> {
    let bad = |problem: String, hint: String| Err(Failure::new(Kind::Usage, problem, hint));
    let shown = path.display();
    match path.metadata() {
        Err(_) => bad(
            format!("there is no REPL at `{shown}`"),
            "give the path of a REPL binary with `--repl PATH`, or use `--toolchain core`"
                .to_owned(),
        ),
        Ok(found) if !found.is_file() => bad(
            format!("`{shown}` is no program"),
            "give the path of the REPL binary itself with `--repl PATH`".to_owned(),
        ),
        Ok(found) if found.permissions().mode() & 0o111 == 0 => bad(
            format!("`{shown}` may not be run"),
            format!("make it executable with `chmod +x {shown}`"),
        ),
        Ok(_) if path.components().count() == 1 => Ok(Path::new(".").join(path)),
        Ok(_) => Ok(path.to_owned()),
    }
}
