//! Writing into the directory of a result: files that appear whole or not at all, and what a user reads when
//! the disk refuses.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use serde::Serialize;

use crate::failure::{Failure, Kind};

/// The folder of the shards in the directory of a result.
pub(crate) const DATA: &str = "data";

/// What a user reads when the system refuses to `doing` (an infinitive) that path.
pub(crate) fn failure(doing: &str, path: &Path, err: io::Error) -> Failure {
    let problem = format!("cannot {doing} `{}`", path.display());
    let hint = match err.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "free some space there, then continue with `--resume`; what is done is kept"
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "make it writable, or name another directory with `--out DIR`"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::NotFound => {
            "name another directory with `--out DIR`"
        }
        _ => "look at the directory, or name another one with `--out DIR`",
    };
    Failure::new(Kind::Build, problem, hint).caused_by(err)
}

/// Writes a file beside its place and renames it.
///
/// # Errors
/// What the system says, with the path.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut beside = path.to_owned().into_os_string();
    beside.push(".tmp");
    let beside = Path::new(&beside);
    let written = File::create(beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let done = written.and_then(|()| fs::rename(beside, path));
    done.map_err(|err| {
        // What is left of it would only be in the way.
        let _left = fs::remove_file(beside);
        failure("write", path, err)
    })
}

/// A value as the text of a JSON file of several lines.
///
/// # Errors
/// A bug.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|err| Failure::bug(format!("a file of an extraction cannot be written: {err}")))?;
    text.push('\n');
    Ok(text)
}

/// Removes a file or a folder with all that is in it, if it is there.
///
/// # Errors
/// What the system says, with the path.
pub(crate) fn remove(path: &Path) -> Result<(), Failure> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(err) => Err(err),
    };
    match removed {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(failure("remove", path, err)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_beside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let missing = dir.path().join("no/a");
        let refused = replace(&missing, b"x").unwrap_err();
        assert!(refused.problem().contains("no/a"), "{refused}");
    }
}
