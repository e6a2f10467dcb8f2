//! Whether a source that is being typed is complete, so that Enter sends it. Pure; knows how Lean's
//! sources are laid out, not what they mean.
//!
//! | the text | is complete |
//! |---|---|
//! | begins with `:` | at the end of its line |
//! | ends inside a string or a block comment | never |
//! | has an open bracket, or a `mutual` without its `end` | after two empty lines |
//! | has only an attribute, a doc comment or a modifier so far | after two empty lines |
//! | has a line that something must follow: it ends in `by`, `:=`, `where`, `=>`, `,` or the like | after an empty line |
//! | begins a declaration and has no `:=`, `\|`, `where` or `by` in that line | after an empty line |
//! | anything else | at the end of its line |

/// Words at the end of a line that something must follow.
const OPENING_WORDS: [&str; 17] = [
    "by", "where", "do", "then", "else", "with", "fun", "from", "calc", "in", "have", "show",
    "let", "if", "match", "exact", "λ",
];

/// Symbols at the end of a line that something must follow. No `*`, as in `simp at *`.
const OPENING_SYMBOLS: [&str; 32] = [
    ":=", "=>", "↦", ",", ":", "|", "→", "->", "←", "<-", "+", "-", "/", "=", "≠", "<", ">", "≤",
    "≥", "∧", "∨", "↔", "∘", "<;>", ";", "·", "▸", "<|", "|>", "++", "&&", "||",
];

/// Declarations that have a body.
const DECLARATIONS: [&str; 10] = [
    "theorem",
    "lemma",
    "def",
    "abbrev",
    "instance",
    "example",
    "structure",
    "inductive",
    "class",
    "coinductive",
];

/// Words before a declaration.
const MODIFIERS: [&str; 10] = [
    "private",
    "protected",
    "noncomputable",
    "partial",
    "unsafe",
    "scoped",
    "local",
    "nonrec",
    "public",
    "meta",
];

/// What the end of a source stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Neither of the others.
    Code,
    /// A comment up to the end of the line.
    LineComment,
    /// Block comments, so many in each other.
    BlockComment(usize),
    /// A string.
    Text,
}

/// What was seen of a source.
struct Scan<'a> {
    inside: Inside,
    brackets: usize,
    /// The tokens outside of brackets, comments and strings, each with the number of its line.
    tokens: Vec<(usize, &'a str)>,
    line: usize,
}

/// Whether Enter at the end of `text` sends it.
pub(crate) fn is_complete(text: &str) -> bool {
    if text.trim_start().starts_with(':') {
        return true;
    }
    let scan = Scan::of(text);
    if matches!(scan.inside, Inside::Text | Inside::BlockComment(_)) {
        return false;
    }
    let empty_lines = text
        .rsplit('\n')
        .take_while(|line| line.trim().is_empty())
        .count();
    if empty_lines >= 2 {
        return true;
    }
    if scan.brackets > 0 || scan.is_mutual() || scan.is_only_modifiers() {
        return false;
    }
    empty_lines > 0 || !(scan.has_opening_line() || scan.lacks_body())
}

/// Whether the end of `text` stands in a string or a comment, where a backslash means itself.
pub(crate) fn ends_in_prose(text: &str) -> bool {
    Scan::of(text).inside != Inside::Code
}

/// The spaces with which the line after `text` begins.
pub(crate) fn next_indent(text: &str) -> usize {
    let last = text.rsplit('\n').next().unwrap_or_default();
    let indent = last.chars().take_while(|letter| *letter == ' ').count();
    let scan = Scan::of(text);
    let begins_block = |token: &str| {
        [":=", "=>", "↦", "<|"].contains(&token)
            || (OPENING_WORDS.contains(&token) && token != "in")
    };
    let last_token = scan.tokens.last();
    let opens = last_token.is_some_and(|(line, token)| *line == scan.line && begins_block(token));
    let begins = scan.line == 0 && scan.lacks_body();
    if opens || begins { indent + 2 } else { indent }
}

/// Whether something must follow the token.
fn is_opening(token: &str) -> bool {
    OPENING_WORDS.contains(&token) || OPENING_SYMBOLS.contains(&token)
}

impl<'a> Scan<'a> {
    /// Reads all of a source.
    fn of(text: &'a str) -> Self {
        let mut scan = Self {
            inside: Inside::Code,
            brackets: 0,
            tokens: Vec::new(),
            line: 0,
        };
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let taken = scan.take(rest).max(next.len_utf8());
            let (piece, after) = rest.split_at_checked(taken).unwrap_or((rest, ""));
            scan.line += piece.matches('\n').count();
            rest = after;
        }
        scan
    }

    /// Takes what comes next off the front of `rest`; gives its bytes.
    fn take(&mut self, rest: &'a str) -> usize {
        match self.inside {
            Inside::Code => self.take_code(rest),
            Inside::LineComment => {
                if rest.starts_with('\n') {
                    self.inside = Inside::Code;
                }
                1
            }
            Inside::BlockComment(depth) => {
                if rest.starts_with("-/") {
                    self.inside = match depth {
                        0 | 1 => Inside::Code,
                        more => Inside::BlockComment(more - 1),
                    };
                    2
                } else if rest.starts_with("/-") {
                    self.inside = Inside::BlockComment(depth + 1);
                    2
                } else {
                    1
                }
            }
            Inside::Text => {
                if rest.starts_with('\\') {
                    return 1 + rest.chars().nth(1).map_or(0, char::len_utf8);
                }
                if rest.starts_with('"') {
                    self.inside = Inside::Code;
                }
                1
            }
        }
    }

    /// Takes a token of code.
    fn take_code(&mut self, rest: &'a str) -> usize {
        if rest.starts_with("--") {
            self.inside = Inside::LineComment;
            return 2;
        }
        if rest.starts_with("/-") {
            self.inside = Inside::BlockComment(1);
            return 2;
        }
        let Some(first) = rest.chars().next() else {
            return 0;
        };
        match first {
            '"' => {
                self.inside = Inside::Text;
                self.token("\"");
                1
            }
            '(' | '[' | '{' | '⟨' | '⦃' | '⟦' | '«' => {
                self.token("(");
                self.brackets += 1;
                first.len_utf8()
            }
            ')' | ']' | '}' | '⟩' | '⦄' | '⟧' | '»' => {
                self.brackets = self.brackets.saturating_sub(1);
                self.token(")");
                first.len_utf8()
            }
            '\'' => character(rest),
            letter if letter.is_whitespace() => letter.len_utf8(),
            letter => self.take_word(rest, is_word(letter)),
        }
    }

    /// Takes a word, or a row of symbols.
    fn take_word(&mut self, rest: &'a str, word: bool) -> usize {
        let belongs = |letter: char| {
            let is_end = letter.is_whitespace() || "()[]{}⟨⟩⦃⦄⟦⟧«»\"".contains(letter);
            !is_end && is_word(letter) == word
        };
        let mut end = rest.find(|letter| !belongs(letter)).unwrap_or(rest.len());
        // `@[` is an attribute, `+--` an end with a comment behind it.
        for comment in ["--", "/-"] {
            if let Some(at) = rest.get(..end).and_then(|token| token.find(comment)) {
                end = at.max(1);
            }
        }
        self.token(rest.get(..end).unwrap_or(rest));
        end
    }

    /// Keeps a token, unless it stands in brackets.
    fn token(&mut self, token: &'a str) {
        if self.brackets == 0 {
            self.tokens.push((self.line, token));
        }
    }

    /// The tokens of the command itself: attributes and modifiers before it are left out.
    fn command(&self) -> impl Iterator<Item = (usize, &'a str)> {
        let tokens = self.tokens.iter().copied();
        tokens.skip_while(|(_, token)| MODIFIERS.contains(token) || ["@", "(", ")"].contains(token))
    }

    /// Whether a `mutual` has no line `end` yet.
    fn is_mutual(&self) -> bool {
        self.command()
            .next()
            .is_some_and(|(_, word)| word == "mutual")
            && self.tokens.last().is_none_or(|(_, token)| *token != "end")
    }

    /// Whether the source is not empty and has nothing that Lean could run.
    fn is_only_modifiers(&self) -> bool {
        !self.tokens.is_empty()
            && self.command().next().is_none()
            && self
                .tokens
                .iter()
                .any(|(_, token)| *token != "(" && *token != ")")
    }

    /// Whether a line ends in a token that something must follow.
    fn has_opening_line(&self) -> bool {
        let next_lines = self.tokens.iter().skip(1).map(|(line, _)| Some(*line));
        self.tokens
            .iter()
            .zip(next_lines.chain([None]))
            .any(|((line, token), next)| next != Some(*line) && is_opening(token))
    }

    /// Whether a declaration is begun and has no body in the same line.
    fn lacks_body(&self) -> bool {
        let mut command = self.command();
        let Some((first, word)) = command.next() else {
            return false;
        };
        let begins_body = |token: &str| [":=", "|", "where", "by"].contains(&token);
        DECLARATIONS.contains(&word)
            && !command.any(|(line, token)| line == first && begins_body(token))
    }
}

/// Whether the letter belongs to a word rather than to a symbol.
fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || "_'!?.#".contains(letter)
}

/// The bytes of a character literal, or of the quote if it is none.
fn character(rest: &str) -> usize {
    let mut letters = rest.char_indices().skip(1);
    let escaped = match letters.next() {
        Some((_, '\\')) => true,
        Some(_) => false,
        None => return 1,
    };
    let closing = letters.nth(usize::from(escaped));
    match closing {
        Some((at, '\'')) => at + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_that_lean_would_take_is_complete() {
        for text in [
            "",
            "#eval 1 + 1",
            "theorem t : 1 = 1 := rfl",
            "theorem t : 1 = 1 := by simp at *",
            "example : p := by simp [a, b]",
            "def f : Nat → Nat | 0 => 1 | n + 1 => f n",
            "@[simp] theorem t : 1 = 1 := rfl",
            "private noncomputable def x := 1",
            "open Nat",
            "variable (p q : Prop)",
            "namespace A",
            "#check \"by\"",
            "#eval '\"'",
            "#eval 1 -- by",
            "#check h'",
            ":load a b",
            "simp at *",
            "exact ⟨h.2, h.1⟩",
            "end A",
            "#print axioms t",
            "instance : Inhabited Nat := ⟨0⟩",
        ] {
            assert!(is_complete(text), "{text}");
        }
    }

    #[test]
    fn what_must_go_on_waits_for_an_empty_line() {
        for text in [
            "theorem t : 1 = 1 := by",
            "theorem t : 1 = 1 := by\n  rfl",
            "theorem t :",
            "theorem t : 1 = 1",
            "def f : Nat → Nat\n  | 0 => 1",
            "inductive T where\n  | a",
            "structure P where -- the fields\n  x : Nat",
            "open Classical in",
            "constructor <;>",
            "·",
            "have h : p := by",
            "calc a = b := h\n  _ =",
            "/-- doc -/\ntheorem t : 1 = 1 := by\n  rfl",
        ] {
            assert!(!is_complete(text), "{text}");
            assert!(is_complete(&format!("{text}\n")), "{text}");
            assert!(is_complete(&format!("{text}\n   ")), "{text}");
        }
    }

    #[test]
    fn an_open_bracket_waits_for_two_empty_lines() {
        for text in [
            "#eval [1,",
            "#check (a",
            "#check ⟨a",
            "@[simp]",
            "private",
            "mutual\ndef a := 1",
        ] {
            assert!(!is_complete(text), "{text}");
            assert!(!is_complete(&format!("{text}\n")), "{text}");
            assert!(is_complete(&format!("{text}\n\n")), "{text}");
        }
        assert!(is_complete("#eval [1,\n2]"));
        assert!(is_complete("mutual\ndef a := 1\nend"));
    }

    #[test]
    fn a_string_or_comment_has_to_be_closed() {
        for text in ["#eval \"a", "/- a /- b -/ c", "/-- doc"] {
            assert!(!is_complete(&format!("{text}\n\n\n")), "{text}");
            assert!(ends_in_prose(text));
        }
        assert!(is_complete("/- a /- b -/ c -/"));
        assert!(ends_in_prose("#eval 1 -- a"));
        assert!(!ends_in_prose("#eval \"a\\\"b\" "));
    }

    #[test]
    fn a_block_is_set_in() {
        for (text, expected) in [
            ("theorem t : p := by", 2),
            ("  have h : p := by", 4),
            ("theorem t : p := by\n  simp", 2),
            ("def f : Nat → Nat", 2),
            ("open Classical in", 0),
            ("  n +", 2),
            ("#eval [1,", 0),
        ] {
            assert_eq!(next_indent(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_scanned_to_its_end(text in "\\PC{0,40}") {
            let _ = is_complete(&text);
            let _ = next_indent(&text);
        }
    }
}
