//! Core Lean as files that run on another machine: with a Node of its own, and without what only an
//! installation needs. Changes nothing in the installed folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::limits::{CancelFlag, Deadline};
use crate::setup::core_lean::install::own_program;
use crate::setup::core_lean::manifest::Manifest;
use crate::setup::core_lean::node::Remembered;
use crate::setup::core_lean::packages::Package;
use crate::setup::core_lean::scripts::Scripts;
use crate::setup::core_lean::{CoreLean, packages};

/// The folder of the cache that holds a Node for other machines.
const NODE_FOLDER: &str = "core-node";

/// Where npm puts packages.
const MODULES: &str = "node_modules";

/// Core Lean in files.
#[derive(Debug, Clone)]
pub(crate) struct Portable {
    pub(crate) lean: String,
    /// What it is, as a pickle would name it.
    pub(crate) toolchain: String,
    /// Files by their path in the folder `core-lean` of a cache.
    pub(crate) files: Vec<(String, PathBuf)>,
    /// Texts by their path in the same folder.
    pub(crate) texts: Vec<(String, String)>,
}

impl CoreLean {
    /// The installed core Lean as files for a machine with Linux and that processor, as Rust names
    /// it. What is missing is installed.
    ///
    /// # Errors
    /// What the installer says, and a processor for which there is no Node.
    pub(crate) fn portable(
        &self,
        processor: &str,
        deadline: Deadline,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
    ) -> Result<Portable, Failure> {
        let package = packages::node_for("linux", processor).ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                format!("there is no Node for Linux on {processor}"),
                "build the image for another platform with `--platform linux/amd64`",
            )
        })?;
        let installed = self.ensure(deadline, observer, interrupt)?;
        let own = self.place().join("node");
        let is_here = (std::env::consts::OS, std::env::consts::ARCH) == ("linux", processor);
        let node = if is_here && own.join(packages::NODE_PROGRAM).is_file() {
            own
        } else {
            self.fetch_node(package, deadline, observer, interrupt)?
        };
        let place = self.place();
        let refused = |path: &Path, err| self.cache.failure("read", path, err);
        let mut files = Vec::new();
        let name = place.file_name().unwrap_or_default().display().to_string();
        for part in [
            packages::package(&place),
            packages::sysroot(&place),
            place.join(Scripts::embedded().folder_name()),
        ] {
            walk(&part, &mut files).map_err(|err| refused(&part, err))?;
        }
        // Only an installation of other scripts reads the package's own JavaScript.
        files.retain(|path| path.extension().is_none_or(|ending| ending != "gz"));
        let inside = |path: &Path| {
            let inner = path.strip_prefix(&place).unwrap_or(path);
            format!("{name}/{}", inner.display())
        };
        let mut files: Vec<(String, PathBuf)> = files
            .into_iter()
            .map(|path| (inside(&path), path))
            .collect();
        files.sort();
        let program = node.join(packages::NODE_PROGRAM);
        files.push((format!("{name}/{}", own_program().display()), program));
        files.push((format!("{name}/node/LICENSE"), node.join("LICENSE")));
        let manifest = portable_manifest(&node, package, &installed.manifest)?;
        let (toolchain, _repl) = installed.identity();
        Ok(Portable {
            lean: installed.lean_version().to_owned(),
            toolchain,
            files,
            texts: vec![(format!("{name}/installed.json"), manifest)],
        })
    }

    /// Fetches a package of Node into the cache, or finds it there; the answer is its folder.
    fn fetch_node(
        &self,
        package: Package,
        deadline: Deadline,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
    ) -> Result<PathBuf, Failure> {
        let place = self
            .cache
            .root()
            .join(NODE_FOLDER)
            .join(format!("{}-{}", package.name, package.version));
        let purpose = "fetching Node for an image";
        let lock = self
            .cache
            .lock(NODE_FOLDER, purpose, deadline, observer, interrupt)?;
        if place.join(packages::NODE_PROGRAM).is_file() {
            return Ok(place);
        }
        let stage = lock.stage(&place)?;
        let refused = |path: &Path, err| self.cache.failure("write", path, err);
        let (manifest, locked) = packages::project(&[package]);
        for (name, text) in [("package.json", manifest), ("package-lock.json", locked)] {
            let path = stage.dir().join(name);
            fs::write(&path, text).map_err(|err| refused(&path, err))?;
        }
        observer.tell(Event::StepStarted {
            label: "fetching Node through npm",
            total_bytes: None,
        });
        let fetched = packages::npm(stage.dir())
            // The processor of the image need not be that of this machine.
            .args(["--force"])
            .environment(self.variables.clone())
            .stdin(lock.file()?)
            .deadline(deadline)
            .finish(observer, interrupt);
        observer.tell(Event::StepFinished);
        fetched?;
        let folder = stage.dir().join(MODULES).join(package.name);
        for part in ["bin", "LICENSE"] {
            let (from, to) = (folder.join(part), stage.dir().join(part));
            fs::rename(&from, &to).map_err(|err| refused(&to, err))?;
        }
        let modules = stage.dir().join(MODULES);
        fs::remove_dir_all(&modules).map_err(|err| refused(&modules, err))?;
        stage.publish()?;
        Ok(place)
    }
}

/// The manifest of an installation with that Node.
fn portable_manifest(
    node: &Path,
    package: Package,
    manifest: &Manifest,
) -> Result<String, Failure> {
    let version = format!("v{}", package.version);
    let mut remembered = Remembered::new(node, PathBuf::from(packages::NODE_PROGRAM), version)
        .ok_or_else(|| Failure::bug("the Node that was fetched is not there"))?;
    remembered.move_to(own_program());
    let mut manifest = manifest.clone();
    manifest.node = remembered;
    serde_json::to_string_pretty(&manifest)
        .map_err(|err| Failure::bug("cannot write a manifest").caused_by(err))
}

/// All files in a folder.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}
