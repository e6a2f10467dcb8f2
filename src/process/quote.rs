//! Command lines in a form that can be pasted into a shell. Never runs one.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The command line with its folder and the variables that were set for it.
pub(crate) fn command_line(
    dir: Option<&Path>,
    vars: &[(OsString, OsString)],
    program: &OsStr,
    args: &[OsString],
) -> String {
    let mut line = String::new();
    if let Some(dir) = dir {
        line.push_str("cd ");
        line.push_str(&word(dir.as_os_str()));
        line.push_str(" && ");
    }
    for (name, value) in vars {
        line.push_str(&name.to_string_lossy());
        line.push('=');
        line.push_str(&word(value));
        line.push(' ');
    }
    line.push_str(&word(program));
    for arg in args {
        line.push(' ');
        line.push_str(&word(arg));
    }
    line
}

/// One word of a shell's language that stands for `text`.
fn word(text: &OsStr) -> Cow<'_, str> {
    let text = text.to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    // Nothing but the single quote itself means anything between single quotes.
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_command_can_be_pasted_into_a_shell() {
        let line = command_line(
            Some(Path::new("/tmp/my project")),
            &[("A".into(), "$HOME".into())],
            OsStr::new("echo"),
            &["it's".into(), String::new().into(), "--x=1".into()],
        );
        assert_eq!(
            line,
            r"cd '/tmp/my project' && A='$HOME' echo 'it'\''s' '' --x=1"
        );
    }
}
