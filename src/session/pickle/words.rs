//! The words of a source in Lean, without white space and comments. Pure; never knows a command.

/// One word with its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// Whether it is a name, such as `a.b`, or a word of the language.
    pub(super) is_name: bool,
    /// Its line, from 1.
    pub(super) line: usize,
    /// Its column in bytes, from 0.
    pub(super) column: usize,
}

/// Signs that are one word although they begin with a sign that is one by itself.
const LONG_SIGNS: [&str; 4] = ["->", "@[", "#[", ":="];

/// Cuts a source into words. The error is a line and what has no end there.
pub(super) fn words(text: &str) -> Result<Vec<Word<'_>>, (usize, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    let (mut line, mut column) = (1, 0);
    while let Some(first) = rest.chars().next() {
        let unended = |what: &str| (line, format!("a {what} has no end"));
        let piece = piece(rest, first).map_err(unended)?;
        let (length, is_word) = match piece {
            Piece::Blank(length) => (length, false),
            Piece::Word(length) => (length, true),
        };
        let (taken, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        if is_word {
            found.push(Word {
                text: taken,
                is_name: is_part(first) && !first.is_numeric(),
                line,
                column,
            });
        }
        line += taken.matches('\n').count();
        column = match taken.rsplit_once('\n') {
            Some((_, last)) => last.len(),
            None => column + taken.len(),
        };
        rest = after;
    }
    Ok(found)
}

/// What stands at the front of a source, with its length in bytes.
enum Piece {
    /// White space or a comment.
    Blank(usize),
    /// A word.
    Word(usize),
}

/// The piece at the front of a source that begins with `first`. The error is what has no end.
fn piece(text: &str, first: char) -> Result<Piece, &'static str> {
    if first.is_whitespace() {
        return Ok(Piece::Blank(first.len_utf8()));
    }
    if text.starts_with("--") {
        return Ok(Piece::Blank(text.find('\n').unwrap_or(text.len())));
    }
    if text.starts_with("/-") {
        let rest = block_comment(text).ok_or("comment")?;
        return Ok(Piece::Blank(text.len() - rest.len()));
    }
    let length = if first == '"' {
        string(text).ok_or("string")?
    } else if let Some(length) = character(text) {
        length
    } else if is_part(first) {
        name(text).ok_or("name in `«»`")?
    } else {
        let long = LONG_SIGNS.iter().find(|sign| text.starts_with(**sign));
        long.map_or(first.len_utf8(), |sign| sign.len())
    };
    Ok(Piece::Word(length))
}

/// What comes after the block comment at the front, with those nested in it.
fn block_comment(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let mut rest = text;
    loop {
        if let Some(inner) = rest.strip_prefix("/-") {
            depth += 1;
            rest = inner;
        } else if let Some(outer) = rest.strip_prefix("-/") {
            depth -= 1;
            rest = outer;
            if depth == 0 {
                return Some(rest);
            }
        } else {
            let mut chars = rest.chars();
            chars.next()?;
            rest = chars.as_str();
        }
    }
}

/// The length of the string literal at the front.
fn string(text: &str) -> Option<usize> {
    let mut escaped = false;
    let mut chars = text.char_indices().skip(1);
    chars.find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at + 1)
    })
}

/// The length of the character literal at the front, if there is one: `'x'` or `'\n'`.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    let skipped = if inner.starts_with('\\') { 2 } else { 1 };
    let (end, quote) = inner.char_indices().nth(skipped)?;
    (quote == '\'').then_some(end + 2)
}

/// Whether a name or number may go on with it.
fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '\'' | '!' | '?' | '«' | '₀'..='₉')
}

/// The length of the name or number at the front, dots included. None if a `«` has no `»`.
fn name(text: &str) -> Option<usize> {
    let mut length = 0;
    while let Some(rest) = text.get(length..) {
        let mut chars = rest.chars();
        match chars.next() {
            Some('«') => length += rest.find('»')? + '»'.len_utf8(),
            Some('.') if chars.next().is_some_and(is_part) => length += 1,
            Some(c) if is_part(c) => length += c.len_utf8(),
            _ => break,
        }
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The words without their places.
    fn texts(text: &str) -> Vec<&str> {
        words(text)
            .unwrap()
            .into_iter()
            .map(|word| word.text)
            .collect()
    }

    #[test]
    fn words_are_what_lean_sees() {
        assert_eq!(texts("a.b c/- d -/e --f\ng"), ["a.b", "c", "e", "g"]);
        assert_eq!(
            texts("x' 'x' '\\'' \"a\\\"b\" «a b».c"),
            ["x'", "'x'", "'\\''", "\"a\\\"b\"", "«a b».c"]
        );
        assert_eq!(
            texts("(n:=1)->@[x]"),
            ["(", "n", ":=", "1", ")", "->", "@[", "x", "]"]
        );
        assert_eq!(texts("def.x x.def"), ["def.x", "x.def"]);
    }

    #[test]
    fn places_are_lines_from_1_and_columns_from_0() {
        let places: Vec<_> = words("a\n  b")
            .unwrap()
            .iter()
            .map(|word| (word.line, word.column))
            .collect();
        assert_eq!(places, [(1, 0), (2, 2)]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "[-/ \\n\"'«»a.é\\\\@\\[]{0,40}") {
            if let Ok(words) = words(&text) {
                for word in words {
                    prop_assert!(!word.text.is_empty() && text.contains(word.text));
                }
            }
        }
    }
}
