//! What the system around the process says, in Lean's words.

use std::io;

/// All variables of this process, sorted, one a line.
pub(crate) fn variables() -> String {
    let mut lines: Vec<String> = std::env::vars_os()
        .map(|(name, value)| format!("{}={}", name.display(), value.display()))
        .collect();
    lines.sort();
    lines.join("\n")
}

/// Lean's text for a file that cannot be read.
pub(crate) fn read_error(path: &str, err: &io::Error) -> String {
    let what = match err.kind() {
        io::ErrorKind::InvalidData => {
            return format!("Tried to read file '{path}' containing non UTF-8 data.");
        }
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => err.to_string(),
    };
    let code = err.raw_os_error().unwrap_or_default();
    format!("{what} (error code: {code})\n  file: {path}")
}
