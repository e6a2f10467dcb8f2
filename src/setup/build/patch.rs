//! What is changed in the REPL's source before it is built. As little as possible, and only what
//! cannot be worked around while it runs.

use std::fs;
use std::io;
use std::path::Path;

/// The file with the REPL's loop.
const MAIN: &str = "REPL/Main.lean";

/// How every version up to v4.10.0-rc1 ends a reply.
const END_OF_REPLY: &str = "  IO.println \"\"";

/// What is put after it.
const FLUSH: &str = "  (← IO.getStdout).flush";

/// Lets the source be built with `toolchain`, whatever it was made for; says so if it was another one.
pub(crate) fn overwrite_toolchain(source: &Path, toolchain: &str) -> io::Result<Option<String>> {
    let path = source.join("lean-toolchain");
    let old = fs::read_to_string(&path).unwrap_or_default();
    if old.trim() == toolchain {
        return Ok(None);
    }
    fs::write(&path, format!("{toolchain}\n"))?;
    Ok(Some(format!(
        "lean-toolchain: `{}` → `{toolchain}`",
        old.trim()
    )))
}

/// Lets a REPL that keeps its replies in a buffer give them away, as commit 4fc1e6d did for v4.10.
///
/// Done in the source and not while it runs: nothing that a caller sends makes such a REPL flush, and
/// the programs that unbuffer another one's output (`stdbuf`) change the C library's buffers, not
/// Lean's. The source is looked at rather than the tag, so that branches and forks are treated alike.
pub(crate) fn flush_replies(source: &Path) -> io::Result<Option<String>> {
    let path = source.join(MAIN);
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(None);
    };
    let Some(patched) = with_flush(&text) else {
        return Ok(None);
    };
    fs::write(&path, patched)?;
    Ok(Some(format!("{MAIN}: flushes stdout after each reply")))
}

/// The text with a flush after each reply; none if it flushes already or ends replies otherwise.
fn with_flush(text: &str) -> Option<String> {
    if text.contains(".flush") || !text.contains(END_OF_REPLY) {
        return None;
    }
    let mut patched = String::new();
    for line in text.lines() {
        patched.push_str(line);
        patched.push('\n');
        if line.starts_with(END_OF_REPLY) {
            patched.push_str(FLUSH);
            patched.push('\n');
        }
    }
    Some(patched)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of the loop as v4.5.0 to v4.9.0 have it.
    const OLD: &str = "  | .unpickleProofSnapshot r => return toJson (← unpickleProofSnapshot r)\n  \
        IO.println \"\" -- easier to parse the output if there are blank lines\n  loop\n";

    #[test]
    fn an_old_loop_flushes_between_its_reply_and_the_next_round() {
        let patched = with_flush(OLD).unwrap();
        let lines: Vec<&str> = patched.lines().collect();
        assert!(lines[1].starts_with("  IO.println"));
        assert_eq!(lines[2..], ["  (← IO.getStdout).flush", "  loop"]);
        assert_eq!(with_flush(&patched), None);
    }

    #[test]
    fn a_newer_loop_is_left_alone() {
        let new = "  out.flush -- Flush the output\n  IO.println \"\"\n";
        assert_eq!(with_flush(new), None);
        assert_eq!(with_flush("  printFlush \"\\n\"\n"), None);
    }

    #[test]
    fn a_toolchain_is_overwritten_only_if_it_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("lean-toolchain");
        fs::write(&file, "leanprover/lean4:v4.28.0\n").unwrap();
        let again = |toolchain| overwrite_toolchain(dir.path(), toolchain).unwrap();
        assert_eq!(again("leanprover/lean4:v4.28.0"), None);
        assert_eq!(
            again("leanprover/lean4:v4.28.1").as_deref(),
            Some("lean-toolchain: `leanprover/lean4:v4.28.0` → `leanprover/lean4:v4.28.1`")
        );
        assert_eq!(
            fs::read_to_string(file).unwrap(),
            "leanprover/lean4:v4.28.1\n"
        );
    }
}
