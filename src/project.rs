//! Finds the Lake project around a file and the toolchain it asks for. Never writes into it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind};

/// A folder with a `lean-toolchain` and a Lake file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Project {
    /// The folder.
    pub(crate) root: PathBuf,
    /// What `lean-toolchain` says, trimmed.
    pub(crate) toolchain: String,
}

impl Project {
    /// The project that holds `start` (a file or folder), if any.
    ///
    /// # Errors
    /// A `lean-toolchain` that cannot be read.
    pub(crate) fn around(start: &Path) -> Result<Option<Self>, Failure> {
        let Ok(start) = std::path::absolute(start) else {
            return Ok(None);
        };
        start
            .ancestors()
            .find(|folder| is_root(folder))
            .map(Self::open)
            .transpose()
    }

    /// The project in exactly this folder.
    ///
    /// # Errors
    /// A folder that is no project, or a `lean-toolchain` that cannot be read.
    pub(crate) fn at(folder: &Path) -> Result<Self, Failure> {
        if is_root(folder) {
            return Self::open(folder);
        }
        Err(Failure::new(
            Kind::Project,
            format!("`{}` is not a Lake project", folder.display()),
            "name a folder that holds a `lean-toolchain` and a `lakefile.toml` or `lakefile.lean` with `--project DIR`",
        ))
    }

    /// Reads what the project asks for.
    fn open(root: &Path) -> Result<Self, Failure> {
        let file = root.join("lean-toolchain");
        let text = fs::read_to_string(&file).map_err(|err| {
            Failure::new(
                Kind::Project,
                format!(
                    "cannot read the toolchain of this project from `{}`",
                    file.display()
                ),
                "mend the file, or choose a Lean with `--repl PATH` or `--toolchain core`",
            )
            .caused_by(err)
        })?;
        Ok(Self {
            root: root.to_owned(),
            toolchain: text.trim().to_owned(),
        })
    }

    /// The release that the toolchain names, as Lean prints its own version: `4.27.0` for
    /// `leanprover/lean4:v4.27.0`; none for channels, nightlies and custom names.
    pub(crate) fn lean_version(&self) -> Option<String> {
        let name = self.toolchain.rsplit(':').next()?;
        let version = name.strip_prefix('v').unwrap_or(name);
        let numbers = version.split('-').next()?.split('.').collect::<Vec<_>>();
        let is_number =
            |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        (numbers.len() == 3 && numbers.iter().all(is_number)).then(|| version.to_owned())
    }
}

/// Whether the folder is the root of a Lake project.
fn is_root(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).is_file();
    has("lean-toolchain") && (has("lakefile.toml") || has("lakefile.lean"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_names_a_release_or_none() {
        let version = |toolchain: &str| {
            Project {
                root: PathBuf::new(),
                toolchain: toolchain.to_owned(),
            }
            .lean_version()
        };
        assert_eq!(
            version("leanprover/lean4:v4.27.0").as_deref(),
            Some("4.27.0")
        );
        assert_eq!(version("v4.28.0-rc1").as_deref(), Some("4.28.0-rc1"));
        assert_eq!(version("4.9.0").as_deref(), Some("4.9.0"));
        for other in [
            "stable",
            "leanprover/lean4:nightly-2026-01-01",
            "my-lean",
            "",
        ] {
            assert_eq!(version(other), None, "{other}");
        }
    }
}
