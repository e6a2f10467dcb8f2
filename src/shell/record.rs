//! What Lean accepted since the shell began: imports, and sources in their order. Pure; knows no
//! session, so that it outlives all of them.

use std::sync::Arc;

use crate::lean::header::{Import, Split};

/// Commands that only look: the environment after them is the one before.
const LOOKING: [&str; 6] = ["#check", "#print", "#reduce", "#synth", "#where", "#help"];

/// Longest beginning of a source by which it is called, in characters.
const SHOWN_CHARS: usize = 40;

/// Imports and accepted sources.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    /// The header that all sources stand below.
    pub(crate) header: Split,
    /// The sources in their order.
    pub(crate) texts: Vec<Kept>,
}

/// A source that Lean accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) name: String,
    /// The source without a header.
    pub(crate) text: Arc<str>,
}

/// Whether a source leaves the environment as it is for certain, so that it need not be kept.
pub(crate) fn only_looks(text: &str) -> bool {
    let text = text.trim();
    let first = text.split_whitespace().next().unwrap_or_default();
    let goes_on = |line: &str| line.is_empty() || line.starts_with(char::is_whitespace);
    LOOKING.contains(&first) && text.lines().skip(1).all(goes_on)
}

impl Kept {
    /// Its first line, shortened.
    pub(crate) fn shown(&self) -> String {
        let line = self.text.trim().lines().next().unwrap_or_default();
        let mut letters = line.chars();
        let shown: String = letters.by_ref().take(SHOWN_CHARS).collect();
        if letters.next().is_some() || self.text.trim().lines().nth(1).is_some() {
            format!("{shown}…")
        } else {
            shown
        }
    }
}

impl Record {
    /// The header with that of another source added: what both import, each module once.
    pub(crate) fn header_with(&self, other: &Split) -> Split {
        let mut header = self.header.clone();
        header.module |= other.module;
        header.prelude |= other.prelude;
        for import in &other.imports {
            if !header.imports.contains(import) {
                header.imports.push(import.clone());
            }
        }
        header
    }

    /// All of it as a Lean file.
    pub(crate) fn to_lean(&self) -> String {
        let header = self.header.canonical();
        let texts = self.texts.iter().map(|kept| kept.text.trim());
        let mut parts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
        if !header.is_empty() {
            parts.insert(0, &header);
        }
        if parts.is_empty() {
            return String::new();
        }
        parts.join("\n\n") + "\n"
    }
}

/// The header that imports these modules in no special way.
pub(crate) fn plain_imports(modules: &[String]) -> Split {
    let import = |module: &String| Import {
        module: module.clone(),
        public: false,
        meta: false,
        all: false,
        runtime: false,
    };
    Split {
        imports: modules.iter().map(import).collect(),
        ..Split::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::header;

    /// A source of that content.
    fn kept(text: &str) -> Kept {
        Kept {
            name: "input".to_owned(),
            text: Arc::from(text),
        }
    }

    #[test]
    fn a_record_is_a_lean_file_that_reads_back_as_the_same() {
        let mut record = Record::default();
        assert_eq!(record.to_lean(), "");
        record.texts = vec![
            kept("def a := 1\n"),
            kept("theorem t : a = 1 := by\n  rfl\n\n"),
        ];
        record.header = record.header_with(&header::split("import A\nimport B"));
        record.header = record.header_with(&header::split("import B\nimport C"));
        let file = record.to_lean();
        assert_eq!(
            file,
            "import A\nimport B\nimport C\n\ndef a := 1\n\ntheorem t : a = 1 := by\n  rfl\n"
        );
        assert_eq!(header::split(&file).canonical(), record.header.canonical());
    }

    #[test]
    fn only_a_look_alone_need_not_be_kept() {
        assert!(only_looks("#check a"));
        assert!(only_looks("#print\n  axioms a\n"));
        assert!(!only_looks("#check a\ndef b := a"));
        assert!(!only_looks("#eval a"));
        assert!(!only_looks("def a := 1"));
    }

    #[test]
    fn a_long_text_is_called_by_its_beginning() {
        assert_eq!(kept("def a := 1").shown(), "def a := 1");
        assert_eq!(
            kept("theorem t : p := by\n  rfl").shown(),
            "theorem t : p := by…"
        );
        assert_eq!(
            kept(&"é".repeat(50)).shown(),
            format!("{}…", "é".repeat(40))
        );
    }
}
