//! The Rust files of the repository, with the text that the checks look at.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// One Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its path from the root of the repository, with `/` between the names.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

impl Source {
    /// The lines that are no unit tests: those before the tests at the foot, or none of a file
    /// that a module declares as its tests.
    pub(crate) fn lines_without_tests(&self) -> Vec<&str> {
        if self.path.ends_with("/tests.rs") || self.path.contains("/tests/") {
            return Vec::new();
        }
        let lines: Vec<&str> = self.text.lines().collect();
        // A module in a file of its own is declared anywhere, so it ends nothing.
        let is_start = |pair: &[&str]| match pair {
            ["#[cfg(test)]", module] => module.starts_with("mod ") && module.ends_with('{'),
            _ => false,
        };
        let end = lines.windows(2).position(is_start).unwrap_or(lines.len());
        lines.into_iter().take(end).collect()
    }
}

/// All Rust files in the folders, sorted by path.
pub(crate) fn read(root: &Path, folders: &[&str]) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut waiting: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = waiting.pop() {
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read `{}`", path.display()))?;
                let path = path.strip_prefix(root).unwrap_or(&path);
                let path = path.display().to_string().replace('\\', "/");
                sources.push(Source { path, text });
            }
        }
    }
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many lines of a made-up file count.
    fn count(path: &str, text: &str) -> usize {
        let source = Source {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        source.lines_without_tests().len()
    }

    #[test]
    fn only_tests_are_left_out() {
        assert_eq!(count("src/a.rs", "a\nb\n#[cfg(test)]\nmod tests {\n}\n"), 2);
        assert_eq!(count("src/a.rs", "#[cfg(test)]\nmod tests;\na\nb\n"), 4);
        assert_eq!(count("src/ui/tests.rs", "a\nb\n"), 0);
        assert_eq!(count("tests/fake_repl/main.rs", "a\nb\n"), 2);
    }
}
