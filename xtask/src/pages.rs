//! Whether the files that a page of the documentation names are there.

use std::path::Path;

use anyhow::Context;

/// The page that leads to the code by the names of its files.
const PAGE: &str = "docs/architecture.md";

/// The files that the page names and that are not there.
///
/// # Errors
/// A page that cannot be read.
pub(crate) fn problems(root: &Path) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(root.join(PAGE))
        .with_context(|| format!("cannot read `{PAGE}`"))?;
    Ok(absent(&text, |name| {
        root.join(name).exists() || root.join("src").join(name).exists()
    }))
}

/// One line for each file that the text names and that is not there.
fn absent(text: &str, is_there: impl Fn(&str) -> bool) -> Vec<String> {
    let absent = named(text).filter(|(_, name)| !is_there(name));
    absent
        .map(|(line, name)| format!("{PAGE}:{line}: there is no file `{name}`"))
        .collect()
}

/// The paths of files in code spans, each with its line from 1. `NAME` in a path stands for any name.
fn named(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let spans = line.split('`').skip(1).step_by(2);
        let words = spans.flat_map(|span| span.split([' ', ',', ':']));
        let is_path = |word: &&str| {
            let is_file = [".rs", ".cjs"].iter().any(|end| word.ends_with(end));
            is_file && word.contains('/') && !word.contains("NAME") && !word.contains("a/b")
        };
        words.filter(is_path).map(move |word| (index + 1, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_code_spans_are_found_with_their_lines() {
        let text =
            "See `engine/judge.rs: judge`, not a/b.rs.\n\n`cli/NAME.rs` or `x.rs`, `js/a.cjs`";
        let found: Vec<(usize, &str)> = named(text).collect();
        assert_eq!(found, [(1, "engine/judge.rs"), (3, "js/a.cjs")]);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let text = "`engine/judge.rs: judge`\n`engine/jury.rs: judge`";
        assert_eq!(
            absent(text, |name| name == "engine/judge.rs"),
            ["docs/architecture.md:2: there is no file `engine/jury.rs`"]
        );
    }
}
