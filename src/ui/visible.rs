//! Text of others, made safe for a terminal. Never colours.

use std::borrow::Cow;

/// Stands for a character that a terminal would obey or that would reorder a line.
const REPLACEMENT: char = '\u{fffd}';

/// What is shown for `c`; itself if it is harmless. Always one character for one character, so
/// that columns counted in codepoints stay right.
fn shown(c: char) -> char {
    match c {
        '\u{7f}' => '\u{2421}',
        // The control pictures (`␛` for an escape) have the order of the controls.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(REPLACEMENT),
        // C1 controls work like an escape and a letter; embeddings and isolates reorder text.
        '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => REPLACEMENT,
        _ => c,
    }
}

/// Text of one or more lines: keeps line ends and tabs, shows every other control character.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let harmless = |c: char| c == '\n' || c == '\t' || shown(c) == c;
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    Cow::Owned(
        text.chars()
            .map(|c| if harmless(c) { c } else { shown(c) })
            .collect(),
    )
}

/// Text that must stay on one line, such as a file name: shows line ends and tabs too.
pub(crate) fn visible_line(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| shown(c) == c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(shown).collect())
}

/// The start of `text`, at most `max_bytes` long, and how many bytes were left out.
pub(crate) fn shortened(text: &str, max_bytes: usize) -> (&str, usize) {
    let mut end = max_bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let (start, rest) = text.split_at(end);
    (start, rest.len())
}

/// The start of `text`, at most `max_bytes` long, with a mark if anything was left out.
pub(crate) fn clipped(text: &str, max_bytes: usize) -> Cow<'_, str> {
    match shortened(text, max_bytes) {
        (_, 0) => Cow::Borrowed(text),
        (start, _) => Cow::Owned(format!("{start}…")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(visible("a\u{1b}[31mb\u{7}\0"), "a␛[31mb␇␀");
        assert_eq!(
            visible("\u{9b}31m \u{7f} \u{202e}"),
            "\u{fffd}31m ␡ \u{fffd}"
        );
        assert_eq!(visible("one\r\n\ttwo\rthree"), "one\n\ttwo␍three");
        assert_eq!(visible_line("a\nb\tc"), "a␊b␉c");
    }

    #[test]
    fn harmless_text_stays_as_it_is() {
        let text = "∀ α, 数 → 👩\u{200d}💻\n\tend";
        assert!(matches!(visible(text), Cow::Borrowed(same) if same == text));
    }

    #[test]
    fn shortening_never_splits_a_character() {
        assert_eq!(shortened("aé", 2), ("a", 2));
        assert_eq!(shortened("aé", 3), ("aé", 0));
        assert_eq!(shortened("", 3), ("", 0));
        assert_eq!(clipped("aé", 2), "a…");
        assert_eq!(clipped("aé", 3), "aé");
    }
}
