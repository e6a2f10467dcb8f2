//! Where things that leanrepl builds and installs live: locks, folders that appear whole or not at
//! all, and what a user is told when the disk does not play along. Never decides what to build.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::env_vars;
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, CancelFlag, Deadline, TICK, Wait};

/// The folder that holds all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir {
    /// An absolute path; the folder need not exist yet.
    root: PathBuf,
}

impl DataDir {
    /// The user's: `LEANREPL_CACHE_DIR`, else `leanrepl` in `XDG_CACHE_HOME` or `~/.cache`. Fails
    /// when none of these variables is set.
    pub fn locate() -> Result<Self, Failure> {
        choose(
            env_vars::read(env_vars::CACHE_DIR),
            env_vars::read(env_vars::XDG_CACHE_HOME),
            env_vars::read(env_vars::HOME),
        )
        .map(Self::at)
        .ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                "there is no cache folder, since `HOME` is not set",
                "name a folder with the variable `LEANREPL_CACHE_DIR`",
            )
        })
    }

    /// The cache in that folder.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            root: std::path::absolute(&root).unwrap_or(root),
        }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// How much can still be written, if the file system tells. The folder must exist.
    pub fn free_bytes(&self) -> Option<Bytes> {
        let stat = rustix::fs::statvfs(&self.root).ok()?;
        // Some network file systems give no numbers at all.
        (stat.f_blocks > 0).then(|| Bytes::new(stat.f_bavail.saturating_mul(stat.f_frsize)))
    }

    /// Waits until nobody else holds the lock of that name, and takes it. The wait is told to the
    /// observer. Fails at the deadline, at an interrupt and when the cache cannot be written.
    pub fn lock(
        &self,
        name: &str,
        purpose: &str,
        deadline: Deadline,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
    ) -> Result<Lock, Failure> {
        let folder = self.root.join("locks");
        let path = folder.join(format!("{name}.lock"));
        let mut file = fs::create_dir_all(&folder)
            .and_then(|()| {
                // The file stays when the lock is given back: deleting it would let two processes
                // hold locks on two files of one name.
                OpenOptions::new()
                    .read(true)
                    .append(true)
                    .create(true)
                    .open(&path)
            })
            .map_err(|err| self.failure("open the lock", &path, err))?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(err)) => {
                    return Err(self.failure("lock", &path, err));
                }
                Err(TryLockError::WouldBlock) => {}
            }
            let holder = holder(&path);
            if !told {
                let text = format!("waiting for {holder}");
                observer.tell(Event::Noted { text: &text });
                told = true;
            }
            if interrupt.is_set() {
                return Err(Failure::new(
                    Kind::Interrupted,
                    format!("stopped while waiting for {holder}"),
                    "run the same command again once it is done",
                ));
            }
            if deadline.is_over() {
                return Err(Failure::new(
                    Kind::Build,
                    format!(
                        "waited {} for {holder}, which holds `{}`",
                        Wait::secs(deadline.span().as_secs()),
                        path.display()
                    ),
                    "wait until it is done, or end it, and run the same command again",
                ));
            }
            std::thread::park_timeout(TICK);
        }
        // Who holds the lock is only told to those who wait, so that a full disk is no obstacle.
        let text = format!("process {}, which is {purpose}\n", std::process::id());
        let _untold = file
            .set_len(0)
            .and_then(|()| file.write_all(text.as_bytes()));
        Ok(Lock {
            cache: self.clone(),
            name: name.to_owned(),
            file,
        })
    }

    /// What a user is told when the system refuses to `doing` (an infinitive) that path.
    pub fn failure(&self, doing: &str, path: &Path, err: io::Error) -> Failure {
        match err.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => self.full().caused_by(err),
            io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::NotADirectory => Failure::new(
                Kind::Build,
                format!(
                    "the cache folder `{}` cannot be written",
                    self.root.display()
                ),
                "make it writable, or name another folder with the variable `LEANREPL_CACHE_DIR`",
            )
            .caused_by(io::Error::other(format!(
                "cannot {doing} `{}`: {err}",
                path.display()
            ))),
            _ => Failure::new(
                Kind::Build,
                format!("cannot {doing} `{}`", path.display()),
                "look at the folder, or name another one with the variable `LEANREPL_CACHE_DIR`",
            )
            .caused_by(err),
        }
    }

    /// What a user is told when there is no room left.
    pub fn full(&self) -> Failure {
        Failure::new(
            Kind::Build,
            format!(
                "the disk of the cache folder `{}` is full",
                self.root.display()
            ),
            "free some space, or name a folder on another disk with the variable `LEANREPL_CACHE_DIR`, \
             and run the same command again",
        )
    }
}

/// The folder that the variables of that name stand for.
fn choose(
    ours: Option<OsString>,
    caches: Option<OsString>,
    home: Option<OsString>,
) -> Option<PathBuf> {
    if let Some(ours) = ours {
        return Some(PathBuf::from(ours));
    }
    // The XDG specification wants relative paths ignored.
    caches
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| home.map(|home| PathBuf::from(home).join(".cache")))
        .map(|caches| caches.join("leanrepl"))
}

/// Who holds the lock, as it is written in the file.
fn holder(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    match text.trim() {
        "" => "another leanrepl process".to_owned(),
        text => text.to_owned(),
    }
}

/// The exclusive right to change what goes by that name; given back when it is dropped and no
/// process that was given [`Lock::file`] lives.
#[derive(Debug)]
pub struct Lock {
    cache: DataDir,
    name: String,
    file: File,
}

/// Counts the temporary folders of this process.
static STAGES: AtomicU64 = AtomicU64::new(0);

impl Lock {
    /// The locked file once more. A child that has it as its stdin keeps the lock when this process
    /// is killed, so that nobody builds in a place where an orphan is still writing.
    pub fn file(&self) -> Result<File, Failure> {
        self.file
            .try_clone()
            .map_err(|err| self.cache.failure("lock", &self.cache.root, err))
    }

    /// An empty folder beside `place`, in which to build what shall be there. What killed runs left
    /// behind under this lock is removed first.
    pub fn stage(&self, place: &Path) -> Result<Stage, Failure> {
        self.sweep(place)?;
        let dir = self.temporary(place);
        fs::create_dir_all(&dir).map_err(|err| self.cache.failure("create", &dir, err))?;
        Ok(Stage {
            cache: self.cache.clone(),
            dir,
            old: self.temporary(place),
            place: place.to_owned(),
        })
    }

    /// Removes what is at `place`, at once for all who look; says whether there was anything.
    pub fn remove(&self, place: &Path) -> Result<bool, Failure> {
        let old = self.temporary(place);
        let there = match fs::rename(place, &old) {
            Ok(()) => true,
            Err(err) if err.kind() == io::ErrorKind::NotFound => false,
            Err(err) => return Err(self.cache.failure("remove", place, err)),
        };
        self.sweep(place)?;
        Ok(there)
    }

    /// Removes the temporary folders beside `place`; while we hold the lock, nobody owns them.
    fn sweep(&self, place: &Path) -> Result<(), Failure> {
        let Some(Ok(entries)) = place.parent().map(fs::read_dir) else {
            return Ok(());
        };
        let start = self.temporary_start();
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(&start) {
                let path = entry.path();
                fs::remove_dir_all(&path)
                    .map_err(|err| self.cache.failure("remove", &path, err))?;
            }
        }
        Ok(())
    }

    /// How the names of temporary folders under this lock begin.
    fn temporary_start(&self) -> String {
        format!(".{}.tmp-", self.name)
    }

    /// A name beside `place` that is not in use.
    fn temporary(&self, place: &Path) -> PathBuf {
        let count = STAGES.fetch_add(1, Ordering::Relaxed);
        let start = self.temporary_start();
        place.with_file_name(format!("{start}{}-{count}", std::process::id()))
    }
}

/// A folder in which something is built; it goes away unless it is published.
#[derive(Debug)]
pub struct Stage {
    cache: DataDir,
    dir: PathBuf,
    /// Where that goes which is at the place now.
    old: PathBuf,
    place: PathBuf,
}

impl Stage {
    /// The temporary folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Puts the folder in its place, instead of what is there now.
    pub fn publish(self) -> Result<(), Failure> {
        if self.place.exists() {
            fs::rename(&self.place, &self.old)
                .map_err(|err| self.cache.failure("replace", &self.place, err))?;
        }
        fs::rename(&self.dir, &self.place)
            .map_err(|err| self.cache.failure("create", &self.place, err))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _left = fs::remove_dir_all(&self.dir);
        let _left = fs::remove_dir_all(&self.old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Unobserved;
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    /// A cache that is gone after the test.
    fn cache() -> (tempfile::TempDir, DataDir) {
        let dir = tempfile::tempdir().unwrap();
        let cache = DataDir::at(dir.path().join("cache"));
        (dir, cache)
    }

    /// Takes the lock `thing`, waiting at most so long.
    fn lock(cache: &DataDir, wait: Duration) -> Result<Lock, Failure> {
        let deadline = Deadline::after(wait);
        cache.lock(
            "thing",
            "building a thing",
            deadline,
            &Unobserved,
            &CancelFlag::default(),
        )
    }

    /// The names in a folder.
    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Sends each note.
    struct Notes(Sender<String>);

    impl Observer for Notes {
        fn tell(&self, event: Event<'_>) {
            if let Event::Noted { text } = event {
                self.0.send(text.to_owned()).unwrap();
            }
        }
    }

    #[test]
    fn the_users_own_folder_comes_before_the_common_ones() {
        let is = |ours: &str, caches: &str, home: &str| {
            let set = |text: &str| (!text.is_empty()).then(|| OsString::from(text));
            choose(set(ours), set(caches), set(home)).map(|path| path.display().to_string())
        };
        assert_eq!(is("here", "/x", "/h").as_deref(), Some("here"));
        assert_eq!(is("", "/x", "/h").as_deref(), Some("/x/leanrepl"));
        assert_eq!(is("", "x", "/h").as_deref(), Some("/h/.cache/leanrepl"));
        assert_eq!(is("", "", "/h").as_deref(), Some("/h/.cache/leanrepl"));
        assert_eq!(is("", "", ""), None);
    }

    #[test]
    fn a_folder_appears_whole_and_replaces_the_old_one() {
        let (_dir, cache) = cache();
        let lock = lock(&cache, Duration::ZERO).unwrap();
        let place = cache.root().join("things/one");
        for text in ["first", "second"] {
            let stage = lock.stage(&place).unwrap();
            fs::write(stage.dir().join("file"), text).unwrap();
            stage.publish().unwrap();
            assert_eq!(fs::read_to_string(place.join("file")).unwrap(), text);
        }
        assert_eq!(names(&cache.root().join("things")), ["one"]);
        assert!(lock.remove(&place).unwrap());
        assert!(!lock.remove(&place).unwrap());
        assert_eq!(names(&cache.root().join("things")), [""; 0]);
    }

    #[test]
    fn what_fails_or_was_killed_leaves_nothing_behind() {
        let (_dir, cache) = cache();
        let lock = lock(&cache, Duration::ZERO).unwrap();
        let things = cache.root().join("things");
        fs::create_dir_all(things.join(".thing.tmp-1-0/deep")).unwrap();
        fs::create_dir_all(things.join(".other.tmp-1-0")).unwrap();
        drop(lock.stage(&things.join("one")).unwrap());
        assert_eq!(names(&things), [".other.tmp-1-0"]);
    }

    #[test]
    fn the_second_waits_and_is_told_for_whom() {
        let (_dir, cache) = cache();
        let first = lock(&cache, Duration::ZERO).unwrap();
        let failure = lock(&cache, Duration::from_millis(50)).unwrap_err();
        let holder = format!("process {}, which is building a thing", std::process::id());
        assert!(failure.problem().contains(&holder), "{failure}");
        let (sender, notes) = channel();
        let second = std::thread::spawn({
            let cache = cache.clone();
            move || {
                let deadline = Deadline::after(Duration::from_secs(60));
                let observer = Notes(sender);
                cache
                    .lock("thing", "more", deadline, &observer, &CancelFlag::default())
                    .map(drop)
            }
        });
        assert_eq!(notes.recv().unwrap(), format!("waiting for {holder}"));
        drop(first);
        second.join().unwrap().unwrap();
    }

    #[test]
    fn an_interrupt_ends_the_wait_for_a_lock() {
        let (_dir, cache) = cache();
        let _first = lock(&cache, Duration::ZERO).unwrap();
        let interrupt = CancelFlag::default();
        interrupt.set();
        let deadline = Deadline::after(Duration::from_secs(60));
        let failure = cache
            .lock("thing", "more", deadline, &Unobserved, &interrupt)
            .unwrap_err();
        assert_eq!(failure.kind(), Kind::Interrupted);
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_named_with_the_variable() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let cache = DataDir::at(file.join("cache"));
        let failure = lock(&cache, Duration::ZERO).unwrap_err();
        assert_eq!(
            failure.problem(),
            format!(
                "the cache folder `{}` cannot be written",
                cache.root().display()
            )
        );
        assert!(failure.hint().contains("`LEANREPL_CACHE_DIR`"));
    }

    #[test]
    fn a_full_disk_is_called_full() {
        let cache = DataDir::at("/cache");
        let err = File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
            .write_all(b"x")
            .unwrap_err();
        let failure = cache.failure("write", Path::new("/cache/file"), err);
        assert_eq!(
            failure.problem(),
            "the disk of the cache folder `/cache` is full"
        );
        assert!(cache.free_bytes().is_none());
        assert!(DataDir::at("/tmp").free_bytes().unwrap() > Bytes::new(0));
    }
}
