//! Core Lean that is installed: how its programs are started and what it is. Starts nothing.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::env_vars;
use crate::limits::Bytes;
use crate::process::launch::Launch;
use crate::setup::core_lean::manifest::Manifest;
use crate::setup::core_lean::scripts::{self, Scripts};
use crate::setup::core_lean::{frozen, node, packages};

/// What to do about an import of a module that is not core Lean's.
const IMPORT_HINT: &str = "check the spelling; core Lean has the modules of `Init`, `Std` and `Lean` alone. For \
    Mathlib or other packages, run `leanrepl build` in a Lake project that requires them and evaluate there or \
    with `--project DIR`; `leanrepl build-image --kind mathlib` makes an image that serves Mathlib";

/// Core Lean, ready to be started.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The folder that holds all of it.
    pub(super) dir: PathBuf,
    pub(super) manifest: Manifest,
    pub(super) node: PathBuf,
    /// Its version, such as `v24.21.0`.
    pub(super) node_version: String,
    /// Our scripts, in the form of this leanrepl.
    pub(super) scripts: PathBuf,
}

impl Installed {
    /// How to start its REPL. A source may import its modules and those in the user's `LEAN_PATH`.
    pub fn launch(&self) -> Launch {
        let mut launch = self.script(scripts::MAIN);
        // The script does without it if it is not there or does not fit.
        launch.args.push(frozen::path(&self.scripts).into());
        launch
    }

    /// Whether its sessions start from a memory that was kept when it was installed.
    pub fn starts_fast(&self) -> bool {
        frozen::is_usable(&self.scripts, &self.node_version)
    }

    /// How to start its compiler; the folder of the sources, the folder for the compiled modules and
    /// the names of the modules are to be added to the arguments.
    pub fn compiler(&self) -> Launch {
        self.script(scripts::COMPILE)
    }

    /// How to prove its kept memory; the file and `prove` are to be added to the arguments.
    pub fn freezer(&self) -> Launch {
        self.script(scripts::FREEZE)
    }

    /// The folder of our scripts.
    pub fn scripts(&self) -> &Path {
        &self.scripts
    }

    /// How to start a script.
    fn script(&self, name: &str) -> Launch {
        let sysroot = packages::sysroot(&self.dir);
        let set = |variable: env_vars::Variable, value: OsString| (variable.name.into(), value);
        // Its own folder comes first: modules of Lean itself must be those of this Lean.
        let mut path = packages::oleans(&self.dir).into_os_string();
        if let Some(modules) = env_vars::read(env_vars::LEAN_PATH) {
            path.push(":");
            path.push(modules);
        }
        Launch {
            reads: vec![self.dir.clone()],
            args: node::FLAGS
                .map(OsString::from)
                .into_iter()
                .chain([
                    self.scripts.join(name).into(),
                    packages::package(&self.dir).into(),
                    self.scripts.join(scripts::PATCHED).into(),
                ])
                .collect(),
            vars: vec![
                set(env_vars::LEAN_PATH, path),
                set(env_vars::LEAN_SYSROOT, sysroot.into()),
                // More threads than one only make each of them wait for the others' compilation.
                set(env_vars::LEAN_NUM_THREADS, "1".into()),
            ],
            import_hint: Some(IMPORT_HINT),
            ..Launch::new(&self.node)
        }
    }

    /// What it is, for all that depends on it: the package with its Lean, and the scripts that make a
    /// REPL of it.
    pub fn identity(&self) -> (String, String) {
        let package = packages::LEAN;
        let toolchain = format!(
            "{} {} (Lean {})",
            package.name,
            package.version,
            self.lean_version()
        );
        (toolchain, Scripts::embedded().folder_name())
    }

    /// The folder that holds all of it.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The toolchain that it is, such as `4.28.0`.
    pub fn lean_version(&self) -> &str {
        &self.manifest.lean
    }

    /// The path and the version of the Node that runs it.
    pub fn node(&self) -> (&Path, &str) {
        (&self.node, &self.node_version)
    }

    /// What it took on the disk when it was installed, and what its kept memory takes.
    pub fn size(&self) -> Bytes {
        let kept = fs::metadata(frozen::path(&self.scripts)).map_or(0, |found| found.len());
        Bytes::new(self.manifest.bytes.saturating_add(kept))
    }
}
