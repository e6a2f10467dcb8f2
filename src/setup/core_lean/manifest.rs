//! What is written about an installation, in `installed.json`. It is written last, so a folder that
//! has one is complete.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::setup::core_lean::node::Remembered;
use crate::setup::core_lean::packages;

/// The file in the installed folder.
const FILE: &str = "installed.json";

/// Raised when the fields mean something else.
const VERSION: u32 = 1;

/// What was installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    version: u32,
    pub(crate) lean: String,
    package: String,
    /// Digest of the package.
    integrity: String,
    pub(crate) node: Remembered,
    modules: u64,
    /// Bytes on the disk, our scripts included.
    pub(crate) bytes: u64,
}

impl Manifest {
    /// What is written about a new installation.
    pub(crate) fn new(node: Remembered, modules: u64, bytes: u64) -> Self {
        let package = packages::LEAN;
        Self {
            version: VERSION,
            lean: packages::LEAN_VERSION.to_owned(),
            package: format!("{}@{}", package.name, package.version),
            integrity: package.integrity.to_owned(),
            node,
            modules,
            bytes,
        }
    }

    /// Reads it; none if it is missing, unreadable, or of another package than this leanrepl wants.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        let text = fs::read(dir.join(FILE)).ok()?;
        let manifest: Self = serde_json::from_slice(&text).ok()?;
        let is_ours = manifest.version == VERSION && manifest.integrity == packages::LEAN.integrity;
        is_ours.then_some(manifest)
    }

    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        fs::write(dir.join(FILE), text + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn only_a_manifest_of_this_package_and_format_counts() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(dir.path()), None);
        let node = Remembered::new(dir.path(), PathBuf::from("."), "v24.0.0".to_owned()).unwrap();
        let manifest = Manifest::new(node, 3, 100);
        manifest.write(dir.path()).unwrap();
        assert_eq!(Manifest::read(dir.path()).as_ref(), Some(&manifest));
        for other in [
            Manifest {
                version: VERSION + 1,
                ..manifest.clone()
            },
            Manifest {
                integrity: "sha512-other".to_owned(),
                ..manifest.clone()
            },
        ] {
            other.write(dir.path()).unwrap();
            assert_eq!(Manifest::read(dir.path()), None);
        }
        fs::write(dir.path().join(FILE), "{\"version\":1").unwrap();
        assert_eq!(Manifest::read(dir.path()), None);
    }
}
