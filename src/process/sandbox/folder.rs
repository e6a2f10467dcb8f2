//! The temporary folder of one session, or of one command: made for it, locked as long as it lives,
//! removed after it. What is in it was written by untrusted code.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Pid;

use crate::limits::Deadline;
use crate::process::sandbox::in_memory::InMemory;

/// How the names of all begin; the number of the process that made it and a serial number follow.
const PREFIX: &str = "leanrepl-session-";

/// How many names are tried.
const NAMES: u32 = 10_000;

/// How long the end of a session waits for the removal of its folder.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long a removal goes on in a thread of its own after that: a hostile session can leave millions
/// of files. What is left then is removed by a later run.
const REMOVAL: Duration = Duration::from_secs(600);

/// An empty folder that nobody else can look into. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Held as long as it is in use; by it a folder of a living run is told from one left over, also
    /// by a run in another container that sees other process numbers.
    lock: Option<File>,
    /// Set if what is written into it takes memory.
    in_memory: Option<InMemory>,
}

impl Folder {
    /// Makes one in `parent`.
    ///
    /// # Errors
    /// What the system says if `parent` cannot be written.
    pub(crate) fn new(parent: &Path) -> io::Result<Self> {
        // The process is to see the path that it is allowed, not a link to it.
        let parent = parent.canonicalize()?;
        let process = std::process::id();
        for serial in 0..NAMES {
            let path = parent.join(format!("{PREFIX}{process}-{serial}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {}
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(err) => return Err(err),
            }
            // Until it is locked a sweep may come in between and take it for a left one.
            match locked(&path) {
                Ok(Some(lock)) => {
                    return Ok(Self {
                        in_memory: InMemory::of(&path),
                        path,
                        lock: Some(lock),
                    });
                }
                Ok(None) => {}
                Err(err) => return Err(err),
            }
        }
        Err(io::Error::other(format!(
            "`{}` holds too many temporary folders",
            parent.display()
        )))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of memory that the files of a process which writes into it hold: none where they are on a
    /// disk.
    pub(crate) fn bytes_in_memory(&mut self, process: Pid) -> u64 {
        let held = self.in_memory.as_mut();
        held.map_or(0, |held| held.bytes(&self.path, process))
    }
}

/// The lock on the folder at a path; none if another one has it, or the folder is gone.
fn locked(path: &Path) -> io::Result<Option<File>> {
    let gone_is_none = |err: io::Error| match err.kind() {
        io::ErrorKind::NotFound => Ok(None),
        _ => Err(err),
    };
    let lock = match File::open(path) {
        Ok(lock) => lock,
        Err(err) => return gone_is_none(err),
    };
    match lock.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        Err(fs::TryLockError::Error(err)) => return Err(err),
    }
    // A folder that was removed can be locked all the same by who has it open.
    let (open, there) = (lock.metadata()?, fs::symlink_metadata(path));
    match there {
        Ok(there) => {
            let is_same = (open.dev(), open.ino()) == (there.dev(), there.ino());
            Ok(is_same.then_some(lock))
        }
        Err(err) => gone_is_none(err),
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if remove(&self.path, Deadline::after(PATIENCE)).is_ok() {
            return;
        }
        let (path, lock) = (std::mem::take(&mut self.path), self.lock.take());
        in_background(move || {
            // Held until then, so that no other run removes it at the same time; what is left after
            // an error is for a later run.
            let _lock = lock;
            remove(&path, Deadline::after(REMOVAL)).ok();
        });
    }
}

/// Does it in a thread that nobody waits for; without one not at all.
fn in_background(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().name("sandbox-removal".to_owned());
    thread.spawn(work).ok();
}

/// Removes the folders in `parent` that runs of this user left there when they were killed, without
/// keeping the caller waiting.
pub(crate) fn sweep(parent: &Path) {
    let parent = parent.to_owned();
    in_background(move || sweep_until(&parent, Deadline::after(REMOVAL)));
}

/// The same, at once. What cannot be removed is left to the next run.
fn sweep_until(parent: &Path, deadline: Deadline) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        if !is_ours(&entry) {
            continue;
        }
        let path = entry.path();
        // By its path a folder that was made since would be removed, in the place of the one that is locked.
        let Ok(Some(_lock)) = locked(&path) else {
            continue;
        };
        if remove(&path, deadline).is_err() {
            return;
        }
    }
}

/// Whether it is a folder by its name, its kind and its owner.
fn is_ours(entry: &fs::DirEntry) -> bool {
    let is_named = entry
        .file_name()
        .as_encoded_bytes()
        .starts_with(PREFIX.as_bytes());
    is_named
        && entry
            .metadata()
            .is_ok_and(|data| data.is_dir() && data.uid() == rustix::process::geteuid().as_raw())
}

/// Removes a folder with all that is in it. Its makers are dead, but what they left may be nested
/// deeper than any recursion or number of open files allows, and closed to reading: so each folder
/// is opened up and lifted to the top before it is looked into.
fn remove(root: &Path, deadline: Deadline) -> io::Result<()> {
    let mut serial = 0_u64;
    loop {
        let mut is_empty = true;
        for entry in fs::read_dir(root)? {
            in_time(deadline)?;
            is_empty = false;
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                lift(&entry.path(), root, &mut serial, deadline)?;
                fs::remove_dir(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        if is_empty {
            return fs::remove_dir(root);
        }
    }
}

/// Empties a folder: its files go, its folders move to `root`.
fn lift(dir: &Path, root: &Path, serial: &mut u64, deadline: Deadline) -> io::Result<()> {
    fs::set_permissions(dir, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(dir)? {
        in_time(deadline)?;
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            fs::remove_file(entry.path())?;
            continue;
        }
        // A folder that moves must be writable itself, for its `..`.
        fs::set_permissions(entry.path(), Permissions::from_mode(0o700))?;
        fs::rename(entry.path(), free_name(root, serial, deadline)?)?;
    }
    Ok(())
}

/// A path in `root` that nothing is at.
fn free_name(root: &Path, serial: &mut u64, deadline: Deadline) -> io::Result<PathBuf> {
    loop {
        in_time(deadline)?;
        *serial += 1;
        let path = root.join(OsStr::new(&serial.to_string()));
        if fs::symlink_metadata(&path).is_err() {
            return Ok(path);
        }
    }
}

/// Fails once the deadline is over.
fn in_time(deadline: Deadline) -> io::Result<()> {
    if deadline.is_over() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// The names in a folder.
    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn each_session_has_its_own_and_takes_it_along() {
        let parent = tempfile::tempdir().unwrap();
        let first = Folder::new(parent.path()).unwrap();
        let second = Folder::new(parent.path()).unwrap();
        assert_ne!(first.path(), second.path());
        let mode = fs::metadata(first.path()).unwrap().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(first);
        assert_eq!(names(parent.path()).len(), 1);
        drop(second);
        assert_eq!(names(parent.path()), [""; 0]);
    }

    #[test]
    fn a_folder_is_there_although_it_was_made_while_left_ones_were_removed() {
        let parent = tempfile::tempdir().unwrap();
        let is_done = std::sync::atomic::AtomicBool::new(false);
        let order = std::sync::atomic::Ordering::SeqCst;
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_done.load(order) {
                        sweep_until(parent.path(), Deadline::after(REMOVAL));
                    }
                });
            }
            let is_there = || {
                let folder = Folder::new(parent.path());
                folder.is_ok_and(|folder| folder.path().is_dir())
            };
            let made = (0..10_000).filter(|_| is_there()).count();
            is_done.store(true, order);
            assert_eq!(made, 10_000);
        });
    }

    #[test]
    fn what_a_hostile_session_leaves_is_removed_and_nothing_outside_is_touched() {
        let parent = tempfile::tempdir().unwrap();
        let outside = parent.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "").unwrap();
        let folder = Folder::new(parent.path()).unwrap();
        symlink(&outside, folder.path().join("link")).unwrap();
        fs::write(folder.path().join("1"), "").unwrap();
        fs::create_dir(folder.path().join("2")).unwrap();
        // Deeper than a path may be long, and than files may be open.
        let mut deep = folder.path().join("d");
        fs::create_dir(&deep).unwrap();
        let top = folder.path().join("top");
        for _ in 0..1200 {
            fs::create_dir(&top).unwrap();
            fs::write(top.join("file"), "").unwrap();
            symlink(&outside, top.join("link")).unwrap();
            fs::rename(&deep, top.join("d")).unwrap();
            fs::rename(&top, &deep).unwrap();
        }
        deep.push("closed");
        DirBuilder::new().mode(0o000).create(&deep).unwrap();
        remove(folder.path(), Deadline::after(Duration::from_secs(600))).unwrap();
        assert_eq!(names(parent.path()), ["outside"]);
        assert_eq!(names(&outside), ["kept"]);
    }

    #[test]
    fn folders_of_dead_runs_are_swept_and_those_in_use_are_not() {
        let parent = tempfile::tempdir().unwrap();
        let used = Folder::new(parent.path()).unwrap();
        let left = parent.path().join(format!("{PREFIX}1-0"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join("file"), "").unwrap();
        fs::write(parent.path().join(format!("{PREFIX}file")), "").unwrap();
        fs::create_dir(parent.path().join("other")).unwrap();
        sweep_until(parent.path(), Deadline::after(Duration::from_secs(60)));
        assert!(!left.exists() && used.path().exists());
        assert_eq!(names(parent.path()).len(), 3);
    }
}
