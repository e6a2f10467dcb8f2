//! Whether a toolchain is on this machine. Never asks elan, which would fetch it.

use std::path::{Path, PathBuf};

use crate::env_vars;
use crate::lean::toolchain::Toolchain;

pub(crate) fn elan_home() -> Option<PathBuf> {
    let named = env_vars::read(env_vars::ELAN_HOME).map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(env_vars::read(env_vars::HOME)?).join(".elan")))
}

/// The folder of a toolchain, if it is there with a Lean in it.
pub(crate) fn folder(toolchain: &Toolchain, home: Option<&Path>) -> Option<PathBuf> {
    let folder = match toolchain {
        Toolchain::Folder(folder) => folder.clone(),
        // As elan names its folders (`Toolchain::from` and `sanitize` in elan 4.2.3): for a release
        // these are the names that `slug` makes.
        Toolchain::Remote { .. } | Toolchain::Named(_) => {
            home?.join("toolchains").join(toolchain.slug())
        }
    };
    folder.join("bin/lean").exists().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_toolchain_is_there_only_with_a_lean_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let toolchain = Toolchain::parse("v4.27.0").unwrap().canonical();
        let look = || folder(&toolchain, Some(dir.path()));
        let place = dir.path().join("toolchains/leanprover--lean4---v4.27.0");
        fs::create_dir_all(place.join("bin")).unwrap();
        assert_eq!(look(), None);
        fs::write(place.join("bin/lean"), "").unwrap();
        assert_eq!(look(), Some(place));
        assert_eq!(folder(&toolchain, None), None);
        let own = Toolchain::Folder(dir.path().join("gone"));
        assert_eq!(folder(&own, Some(dir.path())), None);
    }
}
