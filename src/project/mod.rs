//! Finds the Lake project around a file, and what its files say. Never writes into it, never runs it.

pub(crate) mod input;
mod lakefile;
pub(crate) mod manifest;
pub(crate) mod options;
pub(crate) mod sources;

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind};

use manifest::Manifest;

/// A folder with a `lean-toolchain` and a Lake file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The folder, as an absolute path.
    pub root: PathBuf,
}

impl Project {
    /// The project that holds `start` (a file or folder), if any.
    pub fn around(start: &Path) -> Option<Self> {
        let start = real(start)?;
        let root = start.ancestors().find(|folder| is_root(folder))?;
        Some(Self {
            root: root.to_owned(),
        })
    }

    /// The project in exactly this folder.
    ///
    /// # Errors
    /// A folder that is no project.
    pub fn at(folder: &Path) -> Result<Self, Failure> {
        match real(folder) {
            Some(root) if is_root(&root) => Ok(Self { root }),
            _ => Err(Failure::new(
                Kind::Project,
                format!("`{}` is not a Lake project", folder.display()),
                "name a folder that holds a `lean-toolchain` and a `lakefile.toml` or `lakefile.lean` with `--project DIR`",
            )),
        }
    }

    /// What it depends on, if its `lake-manifest.json` is there.
    ///
    /// # Errors
    /// A manifest that cannot be read.
    pub fn manifest(&self) -> Result<Option<Manifest>, Failure> {
        Manifest::read(&self.root)
    }

    /// The SHA-256 of its `lake-manifest.json`, if that is there. Another one means other dependencies.
    ///
    /// # Errors
    /// A manifest that cannot be read.
    pub fn manifest_digest(&self) -> Result<Option<String>, Failure> {
        manifest::digest_in(&self.root)
    }

    /// The module that imports the project's own library, as far as its Lake file tells.
    pub fn root_library(&self) -> Option<String> {
        lakefile::root_library(&self.root)
    }
}

/// The path without `..` and links, as elan sees it; that of a file that is not there keeps them.
fn real(path: &Path) -> Option<PathBuf> {
    path.canonicalize()
        .or_else(|_| std::path::absolute(path))
        .ok()
}

/// Whether the folder is the root of a Lake project.
fn is_root(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).is_file();
    has("lean-toolchain") && (has("lakefile.toml") || has("lakefile.lean"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_project_is_found_from_inside_and_named_exactly() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("p");
        let inside = root.join("A/B");
        fs::create_dir_all(&inside).unwrap();
        fs::write(root.join("lean-toolchain"), "v4.27.0").unwrap();
        assert_eq!(Project::around(&inside), None);
        fs::write(root.join("lakefile.toml"), "name = \"p\"").unwrap();
        let project = Project { root: root.clone() };
        assert_eq!(
            Project::around(&inside.join("C.lean")),
            Some(project.clone())
        );
        assert_eq!(Project::at(&root).unwrap(), project);
        assert_eq!(Project::at(&inside).unwrap_err().kind(), Kind::Project);
        assert_eq!(project.root_library().as_deref(), Some("P"));
    }
}
