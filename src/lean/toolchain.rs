//! The names of toolchains, in every form that elan takes (`lookup_unresolved_toolchain_desc` and
//! `ToolchainDesc` in elan 4.2.3). Pure: whether one is there, and whether a name stands for
//! something else on this machine, is not decided here.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::digest;
use crate::lean::release::Release;

/// Where releases come from unless a name says otherwise.
const DEFAULT_ORIGIN: &str = "leanprover/lean4";

/// A toolchain as elan names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Toolchain {
    /// A release of a repository: `leanprover/lean4:v4.27.0`.
    Remote {
        /// The repository, as `OWNER/NAME`.
        origin: String,
        /// Mostly a tag; may be a channel.
        release: String,
    },
    /// A bare name: `v4.27.0`, `stable`, or one that was linked on this machine.
    Named(String),
    /// The folder of a Lean, as it is written; may be relative to the file that names it.
    Folder(PathBuf),
}

/// A text that elan would not take for a toolchain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// There is nothing in the first line.
    #[error("its first line is empty")]
    Empty,
    /// The first line has characters that no name has.
    #[error("`{0}` is not the name of a toolchain")]
    Name(String),
}

impl Toolchain {
    /// Reads the text of a `lean-toolchain`, or of a variable. As for elan, the first line counts,
    /// without the blanks around it; there are no comments.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let name = text.lines().next().unwrap_or_default().trim();
        if name.is_empty() {
            return Err(Malformed::Empty);
        }
        if is_path(name) {
            return Ok(Self::Folder(PathBuf::from(name)));
        }
        let malformed = || Malformed::Name(name.to_owned());
        let (origin, release) = match name.split_once(':') {
            None => (None, name),
            Some((origin, release)) => (Some(origin), release),
        };
        let is_word = |word: &str, more: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || c == '-' || more.contains(c);
            !word.is_empty() && word.chars().all(known)
        };
        if !is_word(release, ".") {
            return Err(malformed());
        }
        match origin {
            None => Ok(Self::Named(release.to_owned())),
            Some(origin) => match origin.split_once('/') {
                Some((owner, name)) if is_word(owner, "_") && is_word(name, "_") => {
                    Ok(Self::Remote {
                        origin: origin.to_owned(),
                        release: release.to_owned(),
                    })
                }
                _ => Err(malformed()),
            },
        }
    }

    /// The name under which it could be linked on this machine, whatever its origin: elan looks for
    /// such a link first.
    pub fn link_name(&self) -> Option<&str> {
        match self {
            Self::Remote { release, .. } | Self::Named(release) => Some(release),
            Self::Folder(_) => None,
        }
    }

    /// The release that elan would install for it, provided that nothing is linked under its name:
    /// `4.27.0` becomes `leanprover/lean4:v4.27.0`, and nightlies have an origin of their own.
    #[must_use]
    pub fn canonical(self) -> Self {
        let (mut origin, mut release) = match self {
            Self::Folder(_) => return self,
            Self::Remote { origin, release } => (origin, release),
            Self::Named(release) => (DEFAULT_ORIGIN.to_owned(), release),
        };
        if release.starts_with("nightly") && !origin.ends_with("-nightly") {
            origin.push_str("-nightly");
        }
        if release.starts_with(|c: char| c.is_ascii_digit()) {
            release.insert(0, 'v');
        }
        Self::Remote { origin, release }
    }

    /// The release that it names, if it names one: none for channels, nightlies, names of one's own
    /// and folders.
    pub fn release(&self) -> Option<Release> {
        self.link_name().and_then(|name| name.parse().ok())
    }

    /// A name for a folder in a cache. Different toolchains have different ones.
    pub fn slug(&self) -> String {
        match self {
            // As elan names its own folders. Only letters, digits and `._-` are left.
            Self::Remote { .. } | Self::Named(_) => {
                self.to_string().replace('/', "--").replace(':', "---")
            }
            Self::Folder(path) => {
                let digest = digest::of_bytes(path.as_os_str().as_encoded_bytes());
                let start: String = digest.chars().take(16).collect();
                format!("folder-{start}")
            }
        }
    }
}

/// Whether a text is a path whatever is on the disk.
fn is_path(text: &str) -> bool {
    Path::new(text).is_absolute() || text.starts_with("./") || text.starts_with("../")
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote { origin, release } => write!(f, "{origin}:{release}"),
            Self::Named(name) => f.write_str(name),
            Self::Folder(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The toolchain of a text, as elan would install it, with the release that it names.
    fn read(text: &str) -> (String, String) {
        let toolchain = Toolchain::parse(text).unwrap().canonical();
        let release = toolchain.release().map(|release| release.to_string());
        (toolchain.to_string(), release.unwrap_or_default())
    }

    #[test]
    fn every_form_that_elan_takes_is_read() {
        for (text, name, release) in [
            (
                "leanprover/lean4:v4.27.0",
                "leanprover/lean4:v4.27.0",
                "4.27.0",
            ),
            (
                "leanprover/lean4:4.27.0\n",
                "leanprover/lean4:v4.27.0",
                "4.27.0",
            ),
            ("v4.27.0", "leanprover/lean4:v4.27.0", "4.27.0"),
            ("  4.9.1 \r\nmore", "leanprover/lean4:v4.9.1", "4.9.1"),
            ("v4.28.0-rc1", "leanprover/lean4:v4.28.0-rc1", "4.28.0-rc1"),
            ("stable", "leanprover/lean4:stable", ""),
            ("leanprover/lean4:beta", "leanprover/lean4:beta", ""),
            ("nightly", "leanprover/lean4-nightly:nightly", ""),
            (
                "leanprover/lean4:nightly-2026-01-01",
                "leanprover/lean4-nightly:nightly-2026-01-01",
                "",
            ),
            (
                "leanprover/lean4-nightly:nightly-2026-01-01",
                "leanprover/lean4-nightly:nightly-2026-01-01",
                "",
            ),
            (
                "leanprover/lean4-pr-releases:pr-release-3071",
                "leanprover/lean4-pr-releases:pr-release-3071",
                "",
            ),
            ("my_org/my_lean:v4.3.0", "my_org/my_lean:v4.3.0", "4.3.0"),
            ("/opt/lean", "/opt/lean", ""),
            ("../lean", "../lean", ""),
            ("./build/stage1", "./build/stage1", ""),
        ] {
            assert_eq!(read(text), (name.to_owned(), release.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_elan_refuses_is_refused() {
        assert_eq!(Toolchain::parse(""), Err(Malformed::Empty));
        assert_eq!(Toolchain::parse("\nv4.27.0"), Err(Malformed::Empty));
        for text in [
            "not valid!",
            "a:b",
            "a/b/c:v1",
            "a/:v1",
            "a/b:",
            "# v4.27.0",
            "v4 # old",
        ] {
            assert_eq!(
                Toolchain::parse(text),
                Err(Malformed::Name(text.to_owned()))
            );
        }
    }

    #[test]
    fn a_folder_name_has_no_separators() {
        let slug = |text: &str| Toolchain::parse(text).unwrap().slug();
        assert_eq!(
            slug("leanprover/lean4:v4.27.0"),
            "leanprover--lean4---v4.27.0"
        );
        assert_eq!(slug("my-lean.4"), "my-lean.4");
        assert_eq!(slug("/opt/lean").len(), "folder-".len() + 16);
        assert_ne!(slug("/opt/lean"), slug("/opt--lean"));
    }
}
