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
    /// The lines before the unit tests at its foot.
    pub(crate) fn lines_without_tests(&self) -> Vec<&str> {
        let lines: Vec<&str> = self.text.lines().collect();
        let is_start = |pair: &[&str]| match pair {
            [attribute, module] => *attribute == "#[cfg(test)]" && module.starts_with("mod "),
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
