//! The output of a one-shot command as it comes: lines for the observer, a bounded start of it for
//! the caller, the last lines for a failure. Never waits for more.

use std::collections::VecDeque;

use crate::event::{Event, Observer};

/// How many of the last lines a failure shows.
pub(crate) const TAIL_LINES: usize = 20;

/// The longest part of a line that is kept.
const MAX_LINE_BYTES: usize = 2048;

/// The last lines of both outputs of a command.
#[derive(Debug, Default)]
pub(crate) struct Tail(VecDeque<String>);

impl Tail {
    /// Adds a line and forgets the oldest beyond [`TAIL_LINES`].
    fn push(&mut self, line: String) {
        if self.0.len() == TAIL_LINES {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    /// The lines, oldest first.
    pub(crate) fn into_lines(self) -> Vec<String> {
        self.0.into()
    }
}

/// Cuts one output into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The line that has not ended yet.
    open: Vec<u8>,
    /// Whether part of the open line was left out.
    is_cut: bool,
}

impl Lines {
    /// Takes the next bytes; tells and keeps each line that ends among them.
    pub(crate) fn take(&mut self, bytes: &[u8], tail: &mut Tail, observer: &dyn Observer) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, has_end) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            let room = MAX_LINE_BYTES.saturating_sub(self.open.len());
            self.is_cut |= text.len() > room;
            self.open.extend(text.iter().take(room));
            if has_end {
                self.close(tail, observer);
            }
        }
    }

    /// Ends with what is left of a last line that has no line end.
    pub(crate) fn finish(&mut self, tail: &mut Tail, observer: &dyn Observer) {
        if !self.open.is_empty() {
            self.close(tail, observer);
        }
    }

    /// Tells and keeps the open line.
    fn close(&mut self, tail: &mut Tail, observer: &dyn Observer) {
        let mut line = String::from_utf8_lossy(&self.open).trim_end().to_owned();
        if self.is_cut {
            line.push('…');
        }
        observer.tell(Event::CommandOutput { line: &line });
        tail.push(line);
        self.open.clear();
        self.is_cut = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Unobserved;

    #[test]
    fn lines_are_the_same_wherever_the_output_is_cut() {
        let text = "one\r\ntwo\n\nλ four".as_bytes();
        for cut in 0..=text.len() {
            let (start, rest) = text.split_at(cut);
            let (mut lines, mut tail) = (Lines::default(), Tail::default());
            lines.take(start, &mut tail, &Unobserved);
            lines.take(rest, &mut tail, &Unobserved);
            lines.finish(&mut tail, &Unobserved);
            assert_eq!(tail.into_lines(), ["one", "two", "", "λ four"]);
        }
    }

    #[test]
    fn a_flood_costs_no_more_than_its_last_lines() {
        let (mut lines, mut tail) = (Lines::default(), Tail::default());
        for _ in 0..1000 {
            lines.take(&[b'x'; 10_000], &mut tail, &Unobserved);
        }
        lines.take(b"\n", &mut tail, &Unobserved);
        for number in 0..100 {
            lines.take(format!("{number}\n").as_bytes(), &mut tail, &Unobserved);
        }
        lines.take(&[b'y'; 5000], &mut tail, &Unobserved);
        lines.finish(&mut tail, &Unobserved);
        let kept = tail.into_lines();
        assert_eq!(kept.len(), TAIL_LINES);
        assert_eq!(kept.first().unwrap(), "81");
        assert_eq!(kept.last().unwrap().len(), MAX_LINE_BYTES + '…'.len_utf8());
    }
}
