//! Where rows are spooled: in the directory of the result, or in a temporary one.

use std::fs;
use std::path::PathBuf;

use crate::extract::disk;
use crate::failure::Failure;

/// Where rows are spooled.
pub(crate) enum Place {
    /// In the directory of the result.
    Directory(PathBuf),
    /// In a private temporary directory, deleted at the end.
    Temporary(PathBuf),
}

impl Place {
    pub(crate) fn temporary() -> Result<Self, Failure> {
        use std::hash::{BuildHasher as _, Hasher as _};
        use std::os::unix::fs::DirBuilderExt as _;

        let random = std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish();
        let name = format!("leanrepl-extract-{}-{random:016x}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // It must not have been made by another user.
        let made = fs::DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(|err| disk::failure("create", &folder, err))?;
        Ok(Self::Temporary(folder))
    }

    pub(crate) fn folder(&self) -> &PathBuf {
        match self {
            Self::Directory(folder) | Self::Temporary(folder) => folder,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Temporary(folder) = self {
            // What cannot be deleted now is for those who tidy up temporary directories.
            let _left = fs::remove_dir_all(folder);
        }
    }
}
