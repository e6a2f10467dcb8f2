//! What a project depends on, as `lake-manifest.json` says.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::digest;
use crate::failure::{Failure, Kind};

/// The file's name.
const FILE: &str = "lake-manifest.json";

/// The parts of a manifest that leanrepl looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The SHA-256 of the file, as hexadecimal: another one means other dependencies.
    pub digest: String,
    /// The names of the packages it lists, as they are written.
    pub packages: Vec<String>,
}

impl Manifest {
    /// Reads that of the project in `root`, if there is one.
    pub(crate) fn read(root: &Path) -> Result<Option<Self>, Failure> {
        let Some(bytes) = bytes(root)? else {
            return Ok(None);
        };
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|err| broken("make sense of", root).caused_by(err))?;
        Ok(Some(Self {
            digest: digest::of_bytes(&bytes),
            packages: packages(&value),
        }))
    }

    /// Whether it lists a package of that name.
    pub fn has_package(&self, name: &str) -> bool {
        self.packages
            .iter()
            .any(|package| package.trim_matches(['«', '»']) == name)
    }
}

/// The digest of the manifest in `root`, if there is one, whatever it says.
pub(crate) fn digest_in(root: &Path) -> Result<Option<String>, Failure> {
    Ok(bytes(root)?.map(|bytes| digest::of_bytes(&bytes)))
}

/// The file's bytes, if it is there.
fn bytes(root: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(root.join(FILE)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(broken("read", root).caused_by(err)),
    }
}

/// What a user is told about a manifest that is of no use.
fn broken(what: &str, root: &Path) -> Failure {
    Failure::new(
        Kind::Project,
        format!("cannot {what} `{}`", root.join(FILE).display()),
        "run `lake update` in the project to write it anew",
    )
}

/// The names of the packages. Before version 7 of the format each entry is wrapped in its kind
/// (`{"git": {"name": …}}`).
fn packages(manifest: &Value) -> Vec<String> {
    let entries = manifest.get("packages").and_then(Value::as_array);
    let name = |entry: &Value| {
        let wrapped = || ["git", "path"].iter().find_map(|kind| entry.get(kind));
        let name = entry.get("name").or_else(|| wrapped()?.get("name"))?;
        name.as_str().map(str::to_owned)
    };
    entries.into_iter().flatten().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The manifest with that text.
    fn read(text: &str) -> Result<Option<Manifest>, Failure> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), text).unwrap();
        Manifest::read(dir.path())
    }

    #[test]
    fn packages_are_found_in_new_and_old_manifests() {
        let new = r#"{"version": "1.1.0", "packages": [{"name": "mathlib", "type": "git"}]}"#;
        let old = r#"{"version": 5, "packages": [{"git": {"name": "«mathlib»"}}, {"path": {}}]}"#;
        for text in [new, old] {
            let manifest = read(text).unwrap().unwrap();
            assert!(manifest.has_package("mathlib"), "{text}");
            assert!(!manifest.has_package("batteries"), "{text}");
        }
        assert_ne!(read(new).unwrap(), read(old).unwrap());
    }

    #[test]
    fn no_manifest_is_not_an_empty_and_not_a_broken_one() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(dir.path()).unwrap(), None);
        assert_eq!(read("{}").unwrap().unwrap().packages, [""; 0]);
        let failure = read("{").unwrap_err();
        assert_eq!(failure.kind(), Kind::Project);
        assert!(failure.problem().starts_with("cannot make sense of"));
        // Its digest does not depend on what it says.
        fs::write(dir.path().join(FILE), "{").unwrap();
        let digest = digest_in(dir.path()).unwrap();
        assert_eq!(digest, Some(digest::of_bytes(b"{")));
    }
}
