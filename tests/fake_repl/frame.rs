//! Blocks in and frames out, as `getLines` and `printFlush` in REPL/Main.lean do it (v4.22 on).

use std::io::{self, BufRead, Write};

/// How a reply goes out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Manner {
    /// In one write.
    #[default]
    Whole,
    /// Byte by byte, each flushed.
    SlowBytes,
    /// Whole, and then once more.
    Twice,
}

/// Reads one block: lines up to the first blank one or the end of the input, each trimmed at its
/// right and joined with nothing. Nothing is left at the end of the input; a block of one blank
/// line is `"\n"`, which is no JSON and so the death of a REPL.
pub(crate) fn read(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut block = String::new();
    let mut line = String::new();
    loop {
        line.clear();
        input.read_line(&mut line)?;
        if line.trim().is_empty() {
            block.push_str(&line);
            return Ok((!block.is_empty()).then_some(block));
        }
        block.push_str(line.trim_end());
    }
}

/// Whether the REPL drops the block without a reply.
pub(crate) fn is_dropped(block: &str) -> bool {
    block.starts_with('#') || block.starts_with("--")
}

/// Writes a reply and its blank line on stdout.
pub(crate) fn write(reply: &str, manner: Manner) -> io::Result<()> {
    let frame = format!("{reply}\n\n");
    match manner {
        Manner::Whole => write_raw(frame.as_bytes()),
        Manner::Twice => write_raw(frame.repeat(2).as_bytes()),
        Manner::SlowBytes => frame
            .as_bytes()
            .iter()
            .try_for_each(|byte| write_raw(&[*byte])),
    }
}

/// Writes bytes on stdout as they are.
pub(crate) fn write_raw(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All blocks of an input.
    fn blocks(mut input: &[u8]) -> Vec<String> {
        std::iter::from_fn(|| read(&mut input).unwrap()).collect()
    }

    #[test]
    fn a_block_ends_at_a_blank_line_or_at_the_end() {
        assert_eq!(
            blocks(b"{}\n\n{\n}\r\n\r\nlast"),
            ["{}\n", "{}\r\n", "last"]
        );
    }

    #[test]
    fn a_second_blank_line_is_a_block_of_its_own() {
        assert_eq!(blocks(b"{}\n\n\n{}\n\n"), ["{}\n", "\n", "{}\n"]);
    }

    #[test]
    fn a_raw_line_break_inside_a_string_is_lost() {
        assert_eq!(
            blocks(b"{\"cmd\": \"by\nsorry\"}\n\n"),
            ["{\"cmd\": \"bysorry\"}\n"]
        );
    }
}
