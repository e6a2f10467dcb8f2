//! Splits a text into its header (`module`, `prelude` and imports) and its body. Never resolves an
//! import and never reports an error: where the header stops making sense the body begins, so that
//! Lean itself says what is wrong.
//!
//! The grammar is that of Lean/Parser/Module.lean of v4.9 up to v4.33, and what counts as white
//! space is `whitespace` in Lean/Parser/Basic.lean: a tab and a carriage return of its own do not,
//! nor do `/--` and `/-!`, nor a byte order mark, which begins the body.

use memchr::{memchr, memchr2};

/// A text's header and where its body begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// Whether the text begins with `module`.
    pub module: bool,
    /// Whether the text does not import `Init` by itself.
    pub prelude: bool,
    /// The imports in their order.
    pub imports: Vec<Import>,
    /// Where the body begins, in bytes: right behind the last word of the header, so that white
    /// space and comments that follow belong to the body. 0 without a header.
    pub body_offset: usize,
}

/// One import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The module, as it is written.
    pub module: String,
    /// Whether importers of this module see it too.
    pub public: bool,
    /// Whether it is for code that runs at compile time.
    pub meta: bool,
    /// Whether private declarations are imported too.
    pub all: bool,
    /// Whether it is a `runtime` import of older toolchains.
    pub runtime: bool,
}

/// Splits a text into header and body, in time linear in its length.
pub fn split(text: &str) -> Split {
    let mut scanner = Scanner { text, at: 0 };
    let mut split = Split::default();
    if !scanner.skip_space() {
        return split;
    }
    split.module = scanner.word("module");
    if split.module {
        split.body_offset = scanner.at;
        if !scanner.skip_space() {
            return split;
        }
    }
    split.prelude = scanner.word("prelude");
    if split.prelude {
        split.body_offset = scanner.at;
        if !scanner.skip_space() {
            return split;
        }
    }
    while let Some(import) = scanner.import() {
        split.imports.push(import);
        split.body_offset = scanner.at;
        if !scanner.skip_space() {
            break;
        }
    }
    split
}

impl Split {
    /// The header without comments, one import a line and no line end at the end; empty without a
    /// header. Texts whose headers differ only in comments and white space have the same.
    pub fn canonical(&self) -> String {
        let mut lines = Vec::new();
        if self.module {
            lines.push("module".to_owned());
        }
        if self.prelude {
            lines.push("prelude".to_owned());
        }
        lines.extend(self.imports.iter().map(Import::canonical));
        lines.join("\n")
    }

    /// Whether nothing but white space and comments comes behind the header.
    pub fn is_all(&self, text: &str) -> bool {
        let body = text.get(self.body_offset..).unwrap_or_default();
        let mut scanner = Scanner { text: body, at: 0 };
        scanner.skip_space() && scanner.rest().is_empty()
    }

    /// The body as a command for the REPL, in its places. The REPL runs it on an environment, without
    /// the parser of headers that would skip the white space in front: Lean then misses a command in
    /// a body that has none, so nothing is sent for white space, and an empty section behind comments.
    pub fn command(&self, text: &str) -> String {
        if !self.is_all(text) {
            return self.padded_body(text);
        }
        let body = text.get(self.body_offset..).unwrap_or_default();
        if body.trim().is_empty() {
            return String::new();
        }
        self.padded_body(text) + "\nsection end"
    }

    /// The body of `text` at the same lines and columns as in the whole text, by blank lines and
    /// spaces in the place of the header. Line ends become `\n` as in a file that Lean reads.
    pub fn padded_body(&self, text: &str) -> String {
        let (header, body) = text
            .split_at_checked(self.body_offset)
            .unwrap_or(("", text));
        let last_line = header.rsplit('\n').next().unwrap_or_default();
        let lines = header.split('\n').count() - 1;
        let columns = last_line.chars().count();
        let mut padded = String::with_capacity(lines + columns + body.len());
        padded.extend(std::iter::repeat_n('\n', lines));
        padded.extend(std::iter::repeat_n(' ', columns));
        for (index, piece) in body.split("\r\n").enumerate() {
            if index > 0 {
                padded.push('\n');
            }
            padded.push_str(piece);
        }
        padded
    }
}

impl Import {
    /// The import as one line without comments.
    fn canonical(&self) -> String {
        let mut line = String::new();
        for (flag, word) in [
            (self.public, "public "),
            (self.meta, "meta "),
            (true, "import "),
            (self.all, "all "),
            (self.runtime, "runtime "),
            (true, self.module.as_str()),
        ] {
            if flag {
                line.push_str(word);
            }
        }
        line
    }
}

/// Reads a text from front to back.
struct Scanner<'a> {
    text: &'a str,
    /// How far it was read, in bytes.
    at: usize,
}

impl<'a> Scanner<'a> {
    /// What was not read.
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Skips white space and comments. False at something that is neither text nor white space to
    /// Lean, such as a tab or a comment without end.
    fn skip_space(&mut self) -> bool {
        loop {
            let rest = self.rest();
            let mut bytes = rest.bytes();
            let length = match (bytes.next(), bytes.next(), bytes.next()) {
                (Some(b' ' | b'\n'), ..) => 1,
                (Some(b'\r'), Some(b'\n'), _) => 2,
                (Some(b'\t' | b'\r'), ..) => return false,
                (Some(b'-'), Some(b'-'), _) => memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len()),
                (Some(b'/'), Some(b'-'), third) if !matches!(third, Some(b'-' | b'!')) => {
                    match block_comment(rest) {
                        Some(length) => length,
                        None => return false,
                    }
                }
                _ => return true,
            };
            self.at += length;
        }
    }

    /// The identifier that comes next: names with dots between, each bare or in `«»`.
    fn peek_name(&self) -> Option<&'a str> {
        let rest = self.rest();
        let mut length = component(rest)?;
        while let Some(after) = rest.get(length..).and_then(|rest| rest.strip_prefix('.'))
            && let Some(next) = component(after)
        {
            length += 1 + next;
        }
        rest.get(..length)
    }

    /// Reads `word` if it comes next and does not merely begin a longer name.
    fn word(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word) && self.peek_name() == Some(word);
        if found {
            self.at += word.len();
        }
        found
    }

    /// Reads `word` and the space behind it.
    fn word_and_space(&mut self, word: &str) -> bool {
        self.word(word) && self.skip_space()
    }

    /// Reads one whole import; none at anything else.
    fn import(&mut self) -> Option<Import> {
        let public = self.word_and_space("public");
        let meta = self.word_and_space("meta");
        if !self.word_and_space("import") {
            return None;
        }
        let all = self.word_and_space("all");
        let runtime = !all && self.runtime();
        let module = self.peek_name().filter(|name| !is_reserved(name))?;
        self.at += module.len();
        Some(Import {
            module: module.to_owned(),
            public,
            meta,
            all,
            runtime,
        })
    }

    /// Reads `runtime` if a module follows on the same line. To later toolchains `runtime` is the
    /// name of a module, and what follows on the next line is not part of the import.
    fn runtime(&mut self) -> bool {
        let start = self.at;
        if self.word("runtime") {
            self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
            if self.peek_name().is_some_and(|name| !is_reserved(name)) {
                return true;
            }
        }
        self.at = start;
        false
    }
}

/// The length of the block comment at the front of `text`, with those nested in it. None if it
/// has no end.
fn block_comment(text: &str) -> Option<usize> {
    let opener = text.char_indices().nth(2);
    // Lean looks at the third character for `/--` and `/-!` and then goes on behind it, so that
    // `/-/` does not end and `/-/-` does not nest.
    let mut at = opener.map(|(index, third)| index + third.len_utf8())?;
    let bytes = text.as_bytes();
    let mut depth = 1_usize;
    loop {
        at += memchr2(b'-', b'/', bytes.get(at..)?)?;
        match (bytes.get(at)?, bytes.get(at + 1)?) {
            (b'-', b'/') => {
                at += 2;
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            (b'/', b'-') => {
                at += 2;
                depth += 1;
            }
            _ => at += 1,
        }
    }
}

/// The length of the part of a name at the front of `text`.
fn component(text: &str) -> Option<usize> {
    if let Some(escaped) = text.strip_prefix('«') {
        let end = escaped.find(['»', '\n'])?;
        let closed = escaped.get(end..)?.starts_with('»');
        return closed.then_some('«'.len_utf8() + end + '»'.len_utf8());
    }
    if !text.starts_with(is_first) {
        return None;
    }
    Some(text.find(|c| !is_rest(c)).unwrap_or(text.len()))
}

/// Whether a name may begin with it (`isIdFirst` in Init/Meta.lean).
fn is_first(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || is_letter_like(c)
}

/// Whether a name may go on with it (`isIdRest` in Init/Meta.lean).
fn is_rest(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '_' | '\'' | '!' | '?')
        || is_letter_like(c)
        || matches!(c, '\u{2080}'..='\u{2089}' | '\u{2090}'..='\u{209c}' | '\u{1d62}'..='\u{1d6a}')
        || c == '\u{2c7c}'
}

/// Letters outside ASCII (`isLetterLike` in Init/Meta.lean): Greek but for λ, Π and Σ, Coptic,
/// letterlike symbols, mathematical script and Fraktur, and in newer toolchains accented Latin.
fn is_letter_like(c: char) -> bool {
    match c {
        'λ' | 'Π' | 'Σ' | '×' | '÷' => false,
        'α'..='ω'
        | 'Α'..='Ω'
        | '\u{3ca}'..='\u{3fb}'
        | '\u{1f00}'..='\u{1ffe}'
        | '\u{2100}'..='\u{214f}'
        | '\u{1d49c}'..='\u{1d59f}'
        | '\u{c0}'..='\u{17f}' => true,
        _ => false,
    }
}

/// Whether a word is no name to Lean: the words of the header, and those that begin a command, so
/// that an import whose module is missing does not swallow the next command.
fn is_reserved(name: &str) -> bool {
    const RESERVED: [&str; 47] = [
        "abbrev",
        "all",
        "attribute",
        "axiom",
        "class",
        "def",
        "deriving",
        "elab",
        "elab_rules",
        "end",
        "example",
        "export",
        "import",
        "inductive",
        "infix",
        "infixl",
        "infixr",
        "initialize",
        "instance",
        "local",
        "macro",
        "macro_rules",
        "meta",
        "module",
        "mutual",
        "namespace",
        "noncomputable",
        "nonrec",
        "notation",
        "opaque",
        "open",
        "partial",
        "postfix",
        "prefix",
        "prelude",
        "private",
        "protected",
        "public",
        "scoped",
        "section",
        "set_option",
        "structure",
        "syntax",
        "theorem",
        "universe",
        "unsafe",
        "variable",
    ];
    RESERVED.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body's text and the canonical header.
    fn parts(text: &str) -> (String, &str) {
        let split = split(text);
        (split.canonical(), text.get(split.body_offset..).unwrap())
    }

    /// Every character with its line from 1 and its column.
    fn places(text: &str) -> Vec<(char, usize, usize)> {
        let (mut line, mut column) = (1, 0);
        let mut places = Vec::new();
        for c in text.chars() {
            places.push((c, line, column));
            (line, column) = if c == '\n' {
                (line + 1, 0)
            } else {
                (line, column + 1)
            };
        }
        places
    }

    #[test]
    fn headers_end_where_lean_says() {
        for (text, canonical, body) in [
            ("", "", ""),
            ("def x := 1", "", "def x := 1"),
            ("import A", "import A", ""),
            ("import A\n\ndef x := 1\n", "import A", "\n\ndef x := 1\n"),
            (
                "import A import B.C def x",
                "import A\nimport B.C",
                " def x",
            ),
            (
                "import\n  A\r\nimport /- b -/ B--\n#eval 1",
                "import A\nimport B",
                "--\n#eval 1",
            ),
            (
                "-- c\n/- /- n -/ -/ import A /- d -/",
                "import A",
                " /- d -/",
            ),
            ("/- a --/import A", "import A", ""),
            ("/-/ a -/import A", "import A", ""),
            ("/-/- a -/import A", "import A", ""),
            ("prelude import A", "prelude\nimport A", ""),
            (
                "module\npublic import A\nmeta import B\npublic meta import all C\nimport all D",
                "module\npublic import A\nmeta import B\npublic meta import all C\nimport all D",
                "",
            ),
            (
                "module prelude public section",
                "module\nprelude",
                " public section",
            ),
            ("import A\npublic section", "import A", "\npublic section"),
            (
                "import A\npublic meta def x := 1",
                "import A",
                "\npublic meta def x := 1",
            ),
            ("import runtime A", "import runtime A", ""),
            ("import runtime\nimport A", "import runtime\nimport A", ""),
            (
                "import «a b».«import».C'₁\n",
                "import «a b».«import».C'₁",
                "\n",
            ),
            ("import«A»", "import «A»", ""),
            ("import Ａ", "", "import Ａ"),
            ("import Fαé.λ", "import Fαé", ".λ"),
            ("import A.", "import A", "."),
            ("import A.1", "import A", ".1"),
            // Words that only begin like those of a header.
            ("importantThing", "", "importantThing"),
            ("import.A", "", "import.A"),
            ("modules import A", "", "modules import A"),
            ("module.A import A", "", "module.A import A"),
            ("preludeX", "", "preludeX"),
            ("publicimport A", "", "publicimport A"),
            // What is wrong stays in the body.
            ("import", "", "import"),
            ("import A import", "import A", " import"),
            (
                "import A\nimport 1\nimport B",
                "import A",
                "\nimport 1\nimport B",
            ),
            (
                "import\ntheorem t : True := trivial",
                "",
                "import\ntheorem t : True := trivial",
            ),
            ("import all", "", "import all"),
            ("import A prelude", "import A", " prelude"),
            ("import A /- no end", "import A", " /- no end"),
            ("import /- no end", "", "import /- no end"),
            ("/- /- no end -/ import A", "", "/- /- no end -/ import A"),
            ("/-/ import A", "", "/-/ import A"),
            ("/-", "", "/-"),
            ("import A\timport B", "import A", "\timport B"),
            ("import A\rimport B", "import A", "\rimport B"),
            ("\timport A", "", "\timport A"),
            ("\u{feff}import A", "", "\u{feff}import A"),
            ("import «A\n»", "", "import «A\n»"),
            ("import «A", "", "import «A"),
            // Comments for documentation are text to Lean.
            ("/-- d -/ import A", "", "/-- d -/ import A"),
            ("/-! d -/ import A", "", "/-! d -/ import A"),
            (
                "import A\n/-! d -/\nimport B",
                "import A",
                "\n/-! d -/\nimport B",
            ),
            ("- import A", "", "- import A"),
        ] {
            assert_eq!(parts(text), (canonical.to_owned(), body), "{text}");
        }
    }

    #[test]
    fn the_reserved_words_are_found() {
        for word in ["abbrev", "import", "theorem", "unsafe", "variable"] {
            assert!(is_reserved(word), "{word}");
        }
        assert!(!is_reserved("Init"));
    }

    #[test]
    fn a_body_without_a_command_is_none_to_lean() {
        let command = |text: &str| split(text).command(text);
        for blank in ["", "import Lean\n", "\n \r\n"] {
            assert_eq!(command(blank), "");
        }
        assert_eq!(command("import A\n-- b"), "        \n-- b\nsection end");
        assert_eq!(command("/- a /- b -/ -/"), "/- a /- b -/ -/\nsection end");
        for other in ["/- a", "/-- a -/", "-- a\n#eval 1", "\t", "\u{a0}"] {
            assert_eq!(command(other), other);
        }
    }

    #[test]
    fn the_body_keeps_its_places() {
        let text = "import A\r\n/- ∀ -/ import B  #eval 1\r\n#eval 2";
        let padded = split(text).padded_body(text);
        assert_eq!(padded, format!("\n{}  #eval 1\n#eval 2", " ".repeat(16)));
        assert_eq!(split("#eval\r\n").padded_body("#eval\r\n"), "#eval\n");
    }

    #[test]
    fn megabytes_of_comments_are_skipped() {
        for (open, close) in [("/- ", "-/"), ("-- x\n", ""), ("/- - / -/", "")] {
            let count = 10_000_000 / (open.len() + close.len());
            let text = format!("{}{}import A", open.repeat(count), close.repeat(count));
            assert_eq!(parts(&text), ("import A".to_owned(), ""));
            let text = format!("{}import A", "import B ".repeat(1_000_000));
            assert_eq!(split(&text).imports.len(), 1_000_001);
        }
    }

    /// Pieces from which texts are put together.
    const PIECES: [&str; 36] = [
        "import", "module", "prelude", "public", "meta", "all", "runtime", "A", "B.C", "«x y»",
        " ", " ", " ", " ", "\n", "\n", "\r\n", "\r", "\t", "-- c\n", "--", "/- c -/", "/-", "-/",
        "/--", "/-!", "-", "/", ".", "«", "»", "∀ 𝔸", "def", "\u{feff}", "é", "\0",
    ];

    /// White space as a header may have it.
    fn space() -> impl Strategy<Value = String> {
        let pieces = vec![
            " ",
            "\n",
            "\r\n",
            "-- import X\n",
            "/- import /- Y -/ ∀\r\n-/",
        ];
        prop::collection::vec(prop::sample::select(pieces), 1..4).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_text_splits_and_its_body_keeps_every_place(
            pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40),
            tail in any::<String>(),
        ) {
            let text = pieces.concat() + &tail;
            let split = split(&text);
            let (header, body) = text.split_at(split.body_offset);
            // The header alone is that header, and writing it anew changes nothing.
            let canonical = split.canonical();
            prop_assert_eq!(parts(header), (canonical.clone(), ""));
            prop_assert_eq!(parts(&canonical), (canonical.clone(), ""));
            prop_assert_eq!(canonical.is_empty(), split.body_offset == 0);
            // Every place of the body is that of the file as Lean reads it.
            let header = header.replace("\r\n", "\n");
            let whole = places(&text.replace("\r\n", "\n"));
            let padded = places(&split.padded_body(&text));
            let length = body.replace("\r\n", "\n").chars().count();
            prop_assert_eq!(whole.len(), header.chars().count() + length);
            prop_assert_eq!(&padded[padded.len() - length..], &whole[whole.len() - length..]);
        }

        #[test]
        fn space_and_comments_do_not_change_the_header(
            imports in prop::collection::vec(
                (any::<bool>(), any::<bool>(), any::<bool>(), "[A-Z][a-z]{0,3}(\\.[A-Z])?"),
                0..5,
            ),
            spaces in prop::collection::vec(space(), 30),
        ) {
            let mut spaces = spaces.into_iter();
            let mut text = spaces.next().unwrap_or_default();
            let mut lines = Vec::new();
            for (public, meta, all, module) in &imports {
                let words = [(*public, "public"), (*meta, "meta"), (true, "import"), (*all, "all")];
                let mut line: Vec<&str> =
                    words.iter().filter(|word| word.0).map(|word| word.1).collect();
                line.push(module);
                for word in &line {
                    text.push_str(word);
                    text.push_str(&spaces.next().unwrap_or_default());
                }
                lines.push(line.join(" "));
            }
            text.push_str("#eval 1");
            let (canonical, body) = parts(&text);
            prop_assert_eq!(canonical, lines.join("\n"));
            prop_assert!(body.ends_with("#eval 1"));
        }
    }
}
