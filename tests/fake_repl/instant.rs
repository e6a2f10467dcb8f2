//! Answers at once, with as little work as possible: what a benchmark measures is then the other
//! side.

use std::io::{self, BufRead};

use crate::frame::write_raw;

/// A reply of exactly `bytes` bytes with its closing blank line, or the shortest there is.
pub(crate) fn reply(bytes: usize) -> Vec<u8> {
    const HEAD: &str =
        r#"{"messages":[{"severity":"info","pos":{"line":1,"column":0},"endPos":null,"data":""#;
    const TAIL: &str = "\"}],\"env\":0}\n\n";
    const BARE: &str = "{\"env\":0}\n\n";
    let text = match bytes.checked_sub(HEAD.len() + TAIL.len()) {
        Some(room) => format!("{HEAD}{}{TAIL}", "x".repeat(room)),
        None => format!("{}{BARE}", " ".repeat(bytes.saturating_sub(BARE.len()))),
    };
    text.into_bytes()
}

/// Writes `reply` for each blank line of the input until its end. Requests are not read.
pub(crate) fn play(input: &mut impl BufRead, reply: &[u8]) -> io::Result<()> {
    let mut at_line_start = false;
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        let mut blank_lines = 0;
        for byte in chunk {
            let newline = *byte == b'\n';
            blank_lines += usize::from(newline && at_line_start);
            // A second blank line in a row is no request either.
            at_line_start = newline && !at_line_start;
        }
        let taken = chunk.len();
        input.consume(taken);
        for _ in 0..blank_lines {
            write_raw(reply)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_has_the_size_asked_for_and_is_json() {
        for bytes in [11, 60, 99, 100, 101, 1_000_000] {
            let reply = reply(bytes);
            assert_eq!(reply.len(), bytes);
            serde_json::from_slice::<serde_json::Value>(&reply).unwrap();
            assert!(reply.ends_with(b"}\n\n"));
        }
    }
}
