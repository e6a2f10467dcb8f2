//! Files in memory, and how two sets of them differ.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use similar::{ChangeTag, TextDiff};

/// Files by their paths from the root.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree(BTreeMap<String, Vec<u8>>);

/// What one tree has that the other has not.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// Files that were not there.
    pub(crate) added_files: Vec<String>,
    /// How many lines were added to files that were there.
    pub(crate) added_lines: Vec<(String, usize)>,
    /// Lines and files that are no longer there.
    pub(crate) removed_lines: Vec<String>,
}

impl Tree {
    /// Reads files, and folders with all that is in them.
    pub(crate) fn read(root: &Path, parts: &[&str]) -> Self {
        let mut tree = Self::default();
        let mut waiting: Vec<PathBuf> = parts.iter().map(|part| root.join(part)).collect();
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                let entries = fs::read_dir(&path).unwrap();
                waiting.extend(entries.map(|entry| entry.unwrap().path()));
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                tree.0.insert(name, fs::read(&path).unwrap());
            }
        }
        tree
    }

    /// Adds files that are not there yet.
    pub(crate) fn add_all(&mut self, files: &Self) {
        for (name, bytes) in &files.0 {
            let before = self.0.insert(name.clone(), bytes.clone());
            assert!(before.is_none(), "{name} is there already");
        }
    }

    /// Inserts lines after the only line that reads so.
    pub(crate) fn insert_after(&mut self, file: &str, after: &str, lines: &str) {
        let text = self.text(file);
        let found = text.lines().filter(|line| *line == after).count();
        assert_eq!(found, 1, "{file}: {after}");
        let line = format!("{after}\n");
        let text = text.replacen(&line, &format!("{line}{lines}\n"), 1);
        self.0.insert(file.to_owned(), text.into_bytes());
    }

    /// Writes the files, and removes what else is in the folder.
    pub(crate) fn write(&self, root: &Path) {
        if root.exists() {
            fs::remove_dir_all(root).unwrap();
        }
        for (name, bytes) in &self.0 {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    /// The text of a file.
    fn text(&self, name: &str) -> String {
        String::from_utf8(self.0[name].clone()).unwrap()
    }
}

impl Difference {
    /// What was done to the first tree to get the second.
    pub(crate) fn between(before: &Tree, after: &Tree) -> Self {
        let mut difference = Self::default();
        for (name, bytes) in &after.0 {
            match before.0.get(name) {
                None => difference.added_files.push(name.clone()),
                Some(old) if old == bytes => {}
                Some(_) => difference.compare(name, &before.text(name), &after.text(name)),
            }
        }
        let removed = before.0.keys().filter(|name| !after.0.contains_key(*name));
        difference.removed_lines.extend(removed.cloned());
        difference
    }

    /// Compares two texts of one file.
    fn compare(&mut self, name: &str, old: &str, new: &str) {
        let diff = TextDiff::from_lines(old, new);
        let mut added = 0;
        for change in diff.iter_all_changes() {
            match change.tag() {
                ChangeTag::Equal => {}
                ChangeTag::Insert => added += 1,
                ChangeTag::Delete => self.removed_lines.push(format!("{name}: {change}")),
            }
        }
        self.added_lines.push((name.to_owned(), added));
    }
}
