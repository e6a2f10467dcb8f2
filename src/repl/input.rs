//! Reads the texts to evaluate. Never changes them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use crate::failure::{Failure, Kind};
use crate::limits::Bytes;

/// The longest text that is read: far more than Lean can elaborate in one file.
const LONGEST: Bytes = Bytes::mib(64);

/// The name under which stdin is shown.
pub(crate) const STDIN: &str = "<stdin>";

/// Reads a file, or stdin for `-`.
///
/// # Errors
/// A failure of kind usage that names the file and what is wrong with it.
pub(crate) fn read(path: &Path) -> Result<Arc<str>, Failure> {
    let is_stdin = path.as_os_str() == "-";
    let name = display_name(path);
    if !is_stdin && path.is_dir() {
        return Err(Failure::new(
            Kind::Usage,
            format!("`{name}` is a folder, not a file"),
            format!("name the files in it, for example `{name}/*.lean`"),
        ));
    }
    let bytes = if is_stdin {
        read_all(io::stdin().lock())
    } else {
        File::open(path).and_then(read_all)
    };
    let bytes = bytes.map_err(|err| {
        Failure::new(
            Kind::Usage,
            format!("cannot read `{name}`"),
            "check the path and its permissions",
        )
        .caused_by(err)
    })?;
    if bytes.len() as u64 > LONGEST.get() {
        return Err(Failure::new(
            Kind::Usage,
            format!("`{name}` is longer than {LONGEST}"),
            "split it: Lean elaborates a file as a whole",
        ));
    }
    String::from_utf8(bytes).map(Arc::from).map_err(|err| {
        Failure::new(
            Kind::Usage,
            format!(
                "`{name}` is not UTF-8: the byte at offset {} fits no character",
                err.utf8_error().valid_up_to()
            ),
            "save the file as UTF-8, the only encoding that Lean reads",
        )
    })
}

/// Reads to the end, one byte past the limit at most.
fn read_all(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(LONGEST.get() + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How the user sees the name of an input.
pub(crate) fn display_name(path: &Path) -> String {
    if path.as_os_str() == "-" {
        STDIN.to_owned()
    } else {
        path.display().to_string()
    }
}
