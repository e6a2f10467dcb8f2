//! What helps with errors of Lean that say little about their cause. A hint changes no verdict and no
//! message, and goes by what stands where Lean reports the error, never by Lean's words.

use crate::lean::message::{Message, Severity};
use crate::lean::position::Position;

/// A byte order mark.
const MARK: char = '\u{feff}';

/// For a byte order mark, which Lean does not skip.
const BYTE_ORDER_MARK: &str = "the source begins with a byte order mark, which Lean takes for an error; \
    save it as UTF-8 without one";

/// For an import after something else.
const LATE_IMPORT: &str = "imports stand before everything else: move this `import` to the beginning, where \
    only comments, `module` and `prelude` may stand before it";

/// For `module` or `prelude` after something else.
const LATE_HEADER: &str = "`module` and `prelude` stand in this order at the very beginning, before the \
    imports";

/// The hints for the errors that Lean reports about a source, each once.
pub(crate) fn hints(source: &str, messages: &[Message]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for message in messages {
        if message.severity != Severity::Error {
            continue;
        }
        if let Some(hint) = hint(source, message.pos)
            && !found.iter().any(|known| known == hint)
        {
            found.push(hint.to_owned());
        }
    }
    found
}

/// The hint for an error at a place.
fn hint(source: &str, place: Position) -> Option<&'static str> {
    let line = usize::try_from(place.line.checked_sub(1)?).ok()?;
    let line = source.split('\n').nth(line)?;
    let column = usize::try_from(place.column).ok()?;
    let at = line.char_indices().nth(column).map(|(at, _)| at)?;
    let (before, after) = line.split_at_checked(at)?;
    if after.starts_with(MARK) {
        return Some(BYTE_ORDER_MARK);
    }
    // Lean places an error about an unexpected word behind the word before it.
    let word = after.trim_start();
    let is = |known: &str| {
        let rest = word.strip_prefix(known);
        rest.is_some_and(|rest| {
            !rest.starts_with(|c: char| c.is_alphanumeric() || "_.'!?".contains(c))
        })
    };
    let stands_first = before.trim().is_empty();
    let is_import_line = stands_first || matches!(before.trim(), "public" | "meta" | "public meta");
    if is("import") && is_import_line {
        Some(LATE_IMPORT)
    } else if (is("module") || is("prelude")) && stands_first {
        Some(LATE_HEADER)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hints for errors at these places, lines from 1 and columns from 0.
    fn at(source: &str, places: &[(u64, u64)]) -> Vec<String> {
        let messages: Vec<Message> = places
            .iter()
            .map(|(line, column)| Message {
                severity: Severity::Error,
                pos: Position {
                    line: *line,
                    column: *column,
                },
                end_pos: None,
                data: String::new(),
                extra: serde_json::Map::new(),
            })
            .collect();
        hints(source, &messages)
    }

    #[test]
    fn an_error_at_a_word_of_the_header_has_a_hint() {
        for (source, places, expected) in [
            (
                "\u{feff}import A\n",
                [(1, 0)].as_slice(),
                [BYTE_ORDER_MARK].as_slice(),
            ),
            // Imports that a server puts in front.
            ("import A\n\u{feff}#eval 1", &[(2, 0)], &[BYTE_ORDER_MARK]),
            (
                "def f := 1\nimport A\nimport B",
                &[(2, 0), (3, 0)],
                &[LATE_IMPORT],
            ),
            (
                "def f := 1\n  public import A",
                &[(2, 8), (2, 9)],
                &[LATE_IMPORT],
            ),
            ("def f := 1\nmeta import A\r\n", &[(2, 4)], &[LATE_IMPORT]),
            ("import A\nprelude\n", &[(2, 0)], &[LATE_HEADER]),
            (
                "import A\nmodule\nimport B",
                &[(2, 0), (3, 0)],
                &[LATE_HEADER, LATE_IMPORT],
            ),
        ] {
            assert_eq!(at(source, places), expected, "{source}");
        }
    }

    #[test]
    fn other_errors_have_none() {
        for (source, place) in [
            ("#check importer", (1, 7)),
            ("importx A", (1, 0)),
            ("#check import", (1, 7)),
            ("#check prelude", (1, 7)),
            ("module.x", (1, 0)),
            ("/-\nimport A\n-/ x", (3, 3)),
            ("import A", (9, 0)),
            ("import A", (1, 99)),
            ("import A", (0, 0)),
        ] {
            assert!(at(source, &[place]).is_empty(), "{source}");
        }
    }

    #[test]
    fn a_warning_has_none() {
        let warning = Message {
            severity: Severity::Warning,
            pos: Position { line: 1, column: 0 },
            end_pos: None,
            data: String::new(),
            extra: serde_json::Map::new(),
        };
        assert!(hints("import A", &[warning]).is_empty());
    }
}
