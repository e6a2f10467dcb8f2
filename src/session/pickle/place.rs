//! Where a pickle and its sidecar are, and how both get there: made in a folder beside the place and
//! renamed, under a lock. Never reads what is in them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::data_dir::{DataDir, Lock};
use crate::digest;
use crate::event::Observer;
use crate::failure::{Failure, Kind};
use crate::limits::{CancelFlag, Deadline};

/// What the file is called by default.
pub const DEFAULT_NAME: &str = "mathlib_env.olean";

/// What a pickle's name ends in.
const PICKLE_END: &str = "olean";

/// What a sidecar's name ends in.
const SIDECAR_END: &str = "json";

/// Less than this left on a disk means that it is full: a pickle of imports takes a few kilobytes.
const FULL_BYTES: u64 = 64 * 1024;

/// The two files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The pickle; an absolute path in UTF-8 that ends in `.olean`.
    pickle: PathBuf,
}

impl Place {
    /// The pickle at that path.
    ///
    /// # Errors
    /// A name that does not end in `.olean`, or a path that cannot be written in JSON.
    pub fn at(path: &Path) -> Result<Self, Failure> {
        let wrong = |problem: String| {
            Failure::new(
                Kind::Usage,
                problem,
                "name a file such as `mathlib_env.olean`",
            )
        };
        if path.extension().is_none_or(|end| end != PICKLE_END) {
            return Err(wrong(format!(
                "the name of the pickle `{}` does not end in `.olean`",
                path.display()
            )));
        }
        let pickle = std::path::absolute(path)
            .map_err(|err| wrong(format!("`{}` is no path", path.display())).caused_by(err))?;
        if pickle.to_str().is_none() {
            return Err(wrong(format!(
                "the path `{}` is not UTF-8, and the REPL could not be told it",
                pickle.display()
            )));
        }
        Ok(Self { pickle })
    }

    /// The pickle of the project in that folder.
    ///
    /// # Errors
    /// A path that cannot be written in JSON.
    pub(crate) fn of_project(root: &Path) -> Result<Self, Failure> {
        Self::at(&root.join(".lake/leanrepl").join(DEFAULT_NAME))
    }

    /// The pickle.
    pub fn pickle(&self) -> &Path {
        &self.pickle
    }

    /// The sidecar: the same name with another end.
    pub fn sidecar(&self) -> PathBuf {
        self.pickle.with_extension(SIDECAR_END)
    }

    /// Waits until no other process writes here, and locks others out.
    ///
    /// # Errors
    /// As [`DataDir::lock`].
    pub fn lock(
        &self,
        cache: &DataDir,
        deadline: Deadline,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
    ) -> Result<Lock, Failure> {
        // In the cache and not beside the place, where a lock file would stay for ever.
        let digest = digest::of_bytes(self.pickle.as_os_str().as_encoded_bytes());
        let name = format!("pickle-{}", digest.get(..16).unwrap_or(&digest));
        cache.lock(&name, "pickling", deadline, observer, interrupt)
    }

    /// An empty folder beside the place to make both files in. What killed runs left behind is
    /// removed first, which is why the lock has to be held.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn workshop(&self, _lock: &Lock) -> Result<Workshop, Failure> {
        let folder = self.folder();
        fs::create_dir_all(folder).map_err(|err| self.failure("create", folder, err))?;
        let start = self.temporary_start();
        let entries = fs::read_dir(folder).map_err(|err| self.failure("read", folder, err))?;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(&start) {
                let path = entry.path();
                fs::remove_dir_all(&path).map_err(|err| self.failure("remove", &path, err))?;
            }
        }
        let dir = folder.join(format!("{start}{}", std::process::id()));
        fs::create_dir(&dir).map_err(|err| self.failure("create", &dir, err))?;
        Ok(Workshop {
            place: self.clone(),
            dir,
        })
    }

    /// Whether the disk has no room for even a small file.
    pub fn disk_is_full(&self) -> bool {
        rustix::fs::statvfs(self.folder()).is_ok_and(|stat| {
            stat.f_blocks > 0 && stat.f_bavail.saturating_mul(stat.f_frsize) < FULL_BYTES
        })
    }

    /// The failure when there is no room left.
    pub fn full(&self) -> Failure {
        Failure::new(
            Kind::Build,
            format!("the disk of `{}` is full", self.folder().display()),
            "free some space, or name a file on another disk with `--output FILE`",
        )
    }

    /// The failure when the system refuses to `doing` (an infinitive) that path.
    pub fn failure(&self, doing: &str, path: &Path, err: io::Error) -> Failure {
        match err.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => self.full().caused_by(err),
            _ => Failure::new(
                Kind::Build,
                format!("cannot {doing} `{}`", path.display()),
                "make its folder writable, or name a file in another one with `--output FILE`",
            )
            .caused_by(err),
        }
    }

    /// The folder of both files.
    fn folder(&self) -> &Path {
        self.pickle.parent().unwrap_or(Path::new("/"))
    }

    /// How the names of temporary folders begin.
    fn temporary_start(&self) -> String {
        let stem = self.pickle.file_stem().unwrap_or_default();
        format!(".{}.tmp-", stem.to_string_lossy())
    }
}

/// A folder in which both files are made; it goes away with what was not published.
#[derive(Debug)]
pub struct Workshop {
    place: Place,
    dir: PathBuf,
}

impl Workshop {
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the pickle is made.
    pub fn pickle(&self) -> PathBuf {
        self.dir.join(DEFAULT_NAME)
    }

    /// Publishes both files. All that can fail for want of room is done first. Of the two renames
    /// that of the pickle comes first: the sidecar that is there then fits no more, because of its
    /// digest, so that a crash between the two leaves a pickle that is not trusted.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn publish(&self, sidecar: &str) -> Result<(), Failure> {
        self.write_sidecar(sidecar)?;
        self.sync(&self.pickle())?;
        self.rename(&self.pickle(), self.place.pickle())?;
        self.rename(&self.sidecar(), &self.place.sidecar())
    }

    /// Publishes another sidecar for the pickle that is there.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn publish_sidecar(&self, sidecar: &str) -> Result<(), Failure> {
        self.write_sidecar(sidecar)?;
        self.rename(&self.sidecar(), &self.place.sidecar())
    }

    /// Where the sidecar is made.
    fn sidecar(&self) -> PathBuf {
        self.dir.join("sidecar")
    }

    fn write_sidecar(&self, text: &str) -> Result<(), Failure> {
        let made = self.sidecar();
        fs::write(&made, text).map_err(|err| self.place.failure("write", &made, err))?;
        self.sync(&made)
    }

    /// Makes sure that a file is on the disk.
    fn sync(&self, made: &Path) -> Result<(), Failure> {
        File::open(made)
            .and_then(|file| file.sync_all())
            .map_err(|err| self.place.failure("write", made, err))
    }

    /// Puts a file in its place.
    fn rename(&self, made: &Path, to: &Path) -> Result<(), Failure> {
        fs::rename(made, to).map_err(|err| self.place.failure("create", to, err))
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _left = fs::remove_dir_all(&self.dir);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::Unobserved;

    /// A folder, a place in it and its lock.
    fn place() -> (tempfile::TempDir, Place, Lock) {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::at(&dir.path().join("deep/a.b.olean")).unwrap();
        let cache = DataDir::at(dir.path().join("cache"));
        let deadline = Deadline::after(Duration::from_secs(60));
        let lock = place
            .lock(&cache, deadline, &Unobserved, &CancelFlag::default())
            .unwrap();
        (dir, place, lock)
    }

    #[test]
    fn the_sidecar_has_the_name_of_the_pickle() {
        let (dir, place, _lock) = place();
        assert_eq!(place.sidecar(), dir.path().join("deep/a.b.json"));
        for name in ["x.json", "x", "olean", ".olean"] {
            assert_eq!(Place::at(Path::new(name)).unwrap_err().kind(), Kind::Usage);
        }
    }

    #[test]
    fn nothing_is_left_but_what_was_published() {
        let (dir, place, lock) = place();
        let folder = dir.path().join("deep");
        fs::create_dir_all(folder.join(".a.b.tmp-1/x")).unwrap();
        let workshop = place.workshop(&lock).unwrap();
        fs::write(workshop.pickle(), "pickle").unwrap();
        workshop.publish("{}").unwrap();
        fs::write(workshop.pickle(), "more").unwrap();
        drop(workshop);
        let mut names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["a.b.json", "a.b.olean"]);
        assert_eq!(fs::read_to_string(place.pickle()).unwrap(), "pickle");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let (dir, _place, lock) = place();
        fs::write(dir.path().join("file"), "").unwrap();
        let place = Place::at(&dir.path().join("file/a.olean")).unwrap();
        let failure = place.workshop(&lock).unwrap_err();
        assert!(failure.hint().contains("`--output FILE`"), "{failure}");
    }
}
