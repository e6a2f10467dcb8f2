//! How a child ended, in words. Never decides what that means for a verdict.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// What is known about the end of a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The way it ended.
    pub how: How,
    /// The last lines of its stderr.
    pub stderr: String,
}

/// The ways in which a child ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It returned this code.
    Exit(i32),
    /// A signal that was not ours ended it.
    Signal(i32),
    /// Its stack overflowed.
    StackOverflow,
    /// It found no more memory, and said so.
    OutOfMemory,
    /// It closed its stdout but had not ended a moment later; it was killed.
    ClosedStdout,
}

impl Ending {
    /// Reads an exit status together with the last words.
    pub(crate) fn new(status: ExitStatus, stderr: String) -> Self {
        let how = match (status.code(), status.signal()) {
            // Lean's runtime (`stack_overflow.cpp`) says so and aborts. The text only chooses
            // the words of an error: every ending gives the same verdict.
            _ if stderr.contains("Stack overflow detected") => How::StackOverflow,
            _ if mentions_memory(&stderr) => How::OutOfMemory,
            (Some(code), _) => How::Exit(code),
            // SIGKILL is what the kernel sends where memory ends, but an operator may too.
            (None, signal) => How::Signal(signal.unwrap_or_default()),
        };
        Self { how, stderr }
    }
}

/// Whether the last words of a program name exhausted memory: Lean's runtime writes
/// `INTERNAL PANIC: out of memory`, C++ `std::bad_alloc`, Node `JavaScript heap out of memory`.
fn mentions_memory(stderr: &str) -> bool {
    stderr.contains("out of memory") || stderr.contains("bad_alloc")
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => match signal_hook::low_level::signal_name(*number) {
                Some(name) => write!(f, "killed by {name}"),
                None => write!(f, "killed by signal {number}"),
            },
            Self::StackOverflow => f.write_str("stack overflow"),
            Self::OutOfMemory => f.write_str("out of memory"),
            Self::ClosedStdout => f.write_str("it closed its stdout"),
        }
    }
}

/// The last bytes of a stream, cut at a line if it was longer.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    kept: Vec<u8>,
    /// Whether something before it was dropped.
    cut: bool,
}

impl Tail {
    /// How much is kept at most.
    const BYTES: usize = 8 * 1024;
    /// How many lines [`Tail::text`] gives at most.
    const LINES: usize = 20;

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
        if self.kept.len() > 2 * Self::BYTES {
            self.kept.drain(..self.kept.len() - Self::BYTES);
            self.cut = true;
        }
    }

    /// The last lines; bytes that are no UTF-8 are replaced.
    pub(crate) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.kept);
        let lines: Vec<&str> = text.lines().collect();
        let skip = lines.len().saturating_sub(Self::LINES);
        let mut shown: Vec<&str> = Vec::new();
        if self.cut || skip > 0 {
            shown.push("…");
        }
        shown.extend(lines.iter().skip(skip));
        shown.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_bounded_and_keeps_the_last_lines() {
        let mut tail = Tail::default();
        for number in 0..100_000 {
            tail.push(format!("line {number}\n").as_bytes());
        }
        assert!(tail.kept.len() <= 2 * Tail::BYTES);
        let text = tail.text();
        assert_eq!(text.lines().count(), 21);
        assert!(text.starts_with('…') && text.ends_with("line 99999"));
    }

    #[test]
    fn endings_are_told_apart() {
        let status = |raw| ExitStatus::from_raw(raw);
        let how = |raw, stderr: &str| Ending::new(status(raw), stderr.to_owned()).how;
        assert_eq!(how(7 << 8, ""), How::Exit(7));
        assert_eq!(
            how(6, "Stack overflow detected. Aborting."),
            How::StackOverflow
        );
        assert_eq!(how(9, ""), How::Signal(9));
        assert_eq!(
            how(1 << 8, "INTERNAL PANIC: out of memory"),
            How::OutOfMemory
        );
        assert_eq!(how(11, "").to_string(), "killed by SIGSEGV");
    }
}
