//! Cuts the lines around a place out of a text, ready to be drawn. Never renders.
//!
//! A cut is small whatever the text: thousands of messages about one large file cost no more
//! than their own lines.

use std::fmt::Write as _;
use std::ops::Range;

use crate::lean::position::Position;
use crate::ui::visible::visible;

/// Ranges of more lines than this are marked on their first line only.
const MAX_LINES: usize = 100;

/// Ranges whose lines have more bytes than this in all are marked on their first line only.
const MAX_RANGE_BYTES: usize = 16 * 1024;

/// Lines of more bytes than this are cut around the range.
const MAX_LINE_BYTES: usize = 2000;

/// Codepoints from one waymark of a long line to the next.
const WAYMARK_STEP: usize = 1024;

/// Bytes kept on either side of a range in a line that is cut.
const MARGIN_BYTES: usize = 300;

/// A text as lines, indexed once.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    lines: Vec<Line<'a>>,
}

/// One line.
#[derive(Debug, Clone, Default)]
struct Line<'a> {
    /// Its text without its end.
    text: &'a str,
    /// Where every [`WAYMARK_STEP`]th codepoint of a long line begins, so that thousands of
    /// messages about one long line do not each count from its start; empty for other lines.
    waymarks: Vec<usize>,
}

/// A few lines with a marked range.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Number of the first line, from 1.
    pub(crate) first_line: usize,
    /// Number of the last line, from 1.
    pub(crate) last_line: usize,
    /// The lines, with control characters shown.
    pub(crate) text: String,
    /// The marked bytes of `text`; may be empty.
    pub(crate) span: Range<usize>,
    pub(crate) label: Option<String>,
}

impl<'a> Source<'a> {
    /// Indexes `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        let lines = text
            .split('\n')
            .map(|line| Line::new(line.strip_suffix('\r').unwrap_or(line)))
            .collect();
        Self { lines }
    }

    /// The text of the line with the index `at`, from 0.
    fn line(&self, at: usize) -> &'a str {
        self.lines.get(at).map(|line| line.text).unwrap_or_default()
    }

    /// The lines from `pos` to `end`, or the one character at `pos`; nothing if `pos` lies behind
    /// the text.
    pub(crate) fn cut(&self, pos: Position, end: Option<Position>) -> Option<Cut> {
        let first = usize::try_from(pos.line).ok()?.checked_sub(1)?;
        let start = self.lines.get(first)?.byte_at(pos.column);
        let Some(end) = end.filter(|end| *end > pos) else {
            let line = self.line(first);
            let width = line.get(start..).and_then(|rest| rest.chars().next());
            return Some(self.one_line(first, start..start + width.map_or(0, char::len_utf8)));
        };
        let (last, last_byte) = self.end(first, end);
        let lines = self.lines.get(first..=last)?;
        if first == last {
            return Some(self.one_line(first, start..last_byte.max(start)));
        }
        let bytes = |lines: &[Line<'_>]| lines.iter().map(|line| line.text.len()).sum::<usize>();
        if lines.len() > MAX_LINES || bytes(lines) > MAX_RANGE_BYTES {
            let mut cut = self.one_line(first, start..self.line(first).len());
            let mut label = String::new();
            // Writing to a string cannot fail.
            let _ = write!(
                label,
                "and on to {}:{}",
                end.line,
                end.column.saturating_add(1)
            );
            cut.label = Some(label);
            return Some(cut);
        }
        Some(Self::many_lines(first, lines, start, last_byte))
    }

    /// Where a range from line index `first` to `end` really ends: line index and byte in it.
    fn end(&self, first: usize, end: Position) -> (usize, usize) {
        let at = usize::try_from(end.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let last = at.min(self.lines.len().saturating_sub(1));
        if last < at {
            return (last, self.line(last).len());
        }
        if end.column == 0 && last > first {
            // The range takes in the line end before, and nothing of this line.
            let before = last - 1;
            return (before, self.line(before).len());
        }
        (
            last,
            self.lines
                .get(last)
                .map_or(0, |line| line.byte_at(end.column)),
        )
    }

    /// One line, cut around `marked` if it is long.
    fn one_line(&self, at: usize, marked: Range<usize>) -> Cut {
        let line = self.line(at);
        let mut from = 0;
        let mut to = line.len();
        let mut until = marked.end;
        if line.len() > MAX_LINE_BYTES {
            until = boundary(
                line,
                marked.end.min(marked.start.saturating_add(MAX_LINE_BYTES)),
            );
            from = boundary(line, marked.start.saturating_sub(MARGIN_BYTES));
            to = boundary(line, until.saturating_add(MARGIN_BYTES));
        }
        let part = |range: Range<usize>| visible(line.get(range).unwrap_or_default());
        let before = if from > 0 { "…" } else { "" };
        let after = if to < line.len() { "…" } else { "" };
        let mut text = format!("{before}{}", part(from..marked.start));
        let start = text.len();
        text.push_str(&part(marked.start..until));
        let span = start..text.len();
        text.push_str(&part(until..to));
        text.push_str(after);
        Cut {
            first_line: at + 1,
            last_line: at + 1,
            text,
            span,
            label: None,
        }
    }

    /// Several lines whose first begins with the line index `first`.
    fn many_lines(first: usize, lines: &[Line<'_>], start: usize, last_byte: usize) -> Cut {
        let mut text = String::new();
        let mut span = 0..0;
        for (index, line) in lines.iter().map(|line| line.text).enumerate() {
            if index == 0 {
                text.push_str(&visible(line.get(..start).unwrap_or_default()));
                span.start = text.len();
                text.push_str(&visible(line.get(start..).unwrap_or_default()));
            } else if index + 1 == lines.len() {
                text.push_str(&visible(line.get(..last_byte).unwrap_or_default()));
                span.end = text.len();
                text.push_str(&visible(line.get(last_byte..).unwrap_or_default()));
            } else {
                text.push_str(&visible(line));
            }
            if index + 1 < lines.len() {
                text.push('\n');
            }
        }
        Cut {
            first_line: first + 1,
            last_line: first + lines.len(),
            text,
            span,
            label: None,
        }
    }
}

impl<'a> Line<'a> {
    /// Indexes `text`.
    fn new(text: &'a str) -> Self {
        let waymarks = if text.len() > MAX_LINE_BYTES {
            let starts = text.char_indices().map(|(byte, _)| byte);
            starts.step_by(WAYMARK_STEP).collect()
        } else {
            Vec::new()
        };
        Self { text, waymarks }
    }

    /// The byte at which the codepoint number `column` begins; the line's end if it has fewer.
    fn byte_at(&self, column: u64) -> usize {
        let Ok(column) = usize::try_from(column) else {
            return self.text.len();
        };
        let (from, ahead) = match self.waymarks.get(column / WAYMARK_STEP) {
            Some(byte) => (*byte, column % WAYMARK_STEP),
            None if self.waymarks.is_empty() => (0, column),
            None => return self.text.len(),
        };
        let rest = self.text.get(from..).unwrap_or_default();
        rest.char_indices()
            .nth(ahead)
            .map_or(self.text.len(), |(byte, _)| from + byte)
    }
}

/// The last start of a character at or before `byte`.
fn boundary(line: &str, byte: usize) -> usize {
    let mut byte = byte.min(line.len());
    while !line.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place as Lean counts it.
    fn at(line: u64, column: u64) -> Position {
        Position { line, column }
    }

    /// What is marked from `pos` to `end` in `text`.
    fn marked(text: &str, pos: Position, end: Option<Position>) -> Option<String> {
        let cut = Source::new(text).cut(pos, end)?;
        Some(cut.text.get(cut.span).unwrap().to_owned())
    }

    #[test]
    fn columns_are_codepoints() {
        let text = "def 数 := \"👩‍💻é\"\n";
        assert_eq!(marked(text, at(1, 4), Some(at(1, 5))).unwrap(), "数");
        assert_eq!(marked(text, at(1, 9), Some(at(1, 15))).unwrap(), "\"👩‍💻é\"");
        assert_eq!(marked(text, at(1, 4), None).unwrap(), "数");
    }

    #[test]
    fn places_outside_the_text_are_clamped_or_absent() {
        assert_eq!(marked("ab", at(1, 9), Some(at(1, 12))).unwrap(), "");
        assert_eq!(marked("ab", at(1, 1), Some(at(1, 12))).unwrap(), "b");
        assert_eq!(marked("ab\ncd", at(1, 1), Some(at(9, 0))).unwrap(), "b\ncd");
        assert_eq!(marked("ab\n", at(2, 0), None).unwrap(), "");
        assert_eq!(marked("", at(1, 0), None).unwrap(), "");
        assert_eq!(marked("ab", at(3, 0), None), None);
        assert_eq!(marked("ab", at(0, 0), None), None);
        assert_eq!(marked("ab", at(u64::MAX, u64::MAX), None), None);
        assert_eq!(
            marked("ab", at(1, u64::MAX), Some(at(1, u64::MAX))).unwrap(),
            ""
        );
        assert_eq!(marked("abc", at(1, 2), Some(at(1, 1))).unwrap(), "c");
    }

    #[test]
    fn line_ends_are_not_marked() {
        assert_eq!(
            marked("ab\r\ncd\r\n", at(1, 0), Some(at(2, 0))).unwrap(),
            "ab"
        );
        assert_eq!(
            marked("ab\r\ncd\r\n", at(1, 1), Some(at(2, 2))).unwrap(),
            "b\ncd"
        );
    }

    #[test]
    fn a_huge_line_is_cut_around_the_range() {
        let text = format!("{}目標{}", "α".repeat(500_000), "β".repeat(500_000));
        let cut = Source::new(&text)
            .cut(at(1, 500_000), Some(at(1, 500_002)))
            .unwrap();
        assert_eq!(cut.text.get(cut.span).unwrap(), "目標");
        assert!(cut.text.starts_with("…α") && cut.text.ends_with("β…"));
        assert!(cut.text.len() < MAX_LINE_BYTES);
        for column in [0, 1023, 1024, 1025, 999_999, 1_000_001, 1_000_002, u64::MAX] {
            let byte = usize::try_from(column)
                .ok()
                .and_then(|column| text.char_indices().nth(column).map(|(byte, _)| byte));
            let line = Line::new(&text);
            assert_eq!(line.byte_at(column), byte.unwrap_or(text.len()), "{column}");
        }
    }

    #[test]
    fn a_huge_range_is_marked_on_its_first_line() {
        let text = "by simp\n".repeat(50_000);
        let cut = Source::new(&text)
            .cut(at(3, 3), Some(at(40_000, 2)))
            .unwrap();
        assert_eq!((cut.first_line, cut.last_line), (3, 3));
        assert_eq!(cut.text.get(cut.span).unwrap(), "simp");
        assert_eq!(cut.label.as_deref(), Some("and on to 40000:3"));
    }
}
