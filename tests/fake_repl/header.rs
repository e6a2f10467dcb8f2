//! The header of a command: which modules it imports and where its body begins.

/// What stands before the body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    /// Whether `prelude` keeps Init out.
    pub(crate) prelude: bool,
    /// The imported modules in their order.
    pub(crate) modules: Vec<String>,
    /// The line, from 1, of the first import.
    pub(crate) line: usize,
    /// How many bytes the header takes, the blanks and comments after it included.
    pub(crate) bytes: usize,
}

impl Header {
    /// Reads the header of a text.
    pub(crate) fn read(text: &str) -> Self {
        let mut header = Self {
            line: 1,
            ..Self::default()
        };
        let mut rest = skip(text);
        loop {
            let word = first_word(rest);
            match word {
                "module" | "public" | "meta" | "all" => {}
                "prelude" => header.prelude = true,
                "import" => {
                    if header.modules.is_empty() {
                        let before = text.len() - rest.len();
                        header.line = 1 + newlines(text, before);
                    }
                }
                _ => break,
            }
            rest = skip(rest.strip_prefix(word).unwrap_or_default());
            if word == "import" {
                let all = first_word(rest);
                if all == "all" {
                    rest = skip(rest.strip_prefix(all).unwrap_or_default());
                }
                let name = first_word(rest);
                header.modules.push(name.to_owned());
                rest = skip(rest.strip_prefix(name).unwrap_or_default());
            }
        }
        header.bytes = text.len() - rest.len();
        header
    }
}

/// Counts the line breaks in the first `bytes` bytes.
pub(crate) fn newlines(text: &str, bytes: usize) -> usize {
    let seen = text.as_bytes().iter().take(bytes);
    seen.filter(|byte| **byte == b'\n').count()
}

/// The text up to the first blank.
fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// Skips blanks and comments. Documentation (`/--`, `/-!`) is no comment: it begins the body.
fn skip(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        if let Some(comment) = text.strip_prefix("--") {
            text = comment.split_once('\n').map_or("", |(_, rest)| rest);
        } else if text.starts_with("/-") && !text.starts_with("/--") && !text.starts_with("/-!") {
            text = skip_block(text);
        } else {
            return text;
        }
    }
}

/// Skips one block comment with the comments nested in it.
fn skip_block(text: &str) -> &str {
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
                return rest;
            }
        } else {
            let mut letters = rest.chars();
            if letters.next().is_none() {
                return "";
            }
            rest = letters.as_str();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found_between_comments() {
        let text = "/- a /- b -/ import No -/\n-- import No\nmodule\npublic import A.B\nimport all C -- x\ndef import' := 1";
        let header = Header::read(text);
        assert_eq!(header.modules, ["A.B", "C"]);
        assert_eq!((header.line, header.prelude), (4, false));
        assert_eq!(text.get(header.bytes..), Some("def import' := 1"));
    }

    #[test]
    fn a_text_without_imports_is_all_body() {
        let header = Header::read("theorem t : True := trivial\nimport A");
        assert!(header.modules.is_empty());
        assert_eq!(header.bytes, 0);
    }
}
