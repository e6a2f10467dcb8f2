//! The file itself: made whole or not at all, opened, and refused where `SQLite` cannot keep it safe.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::data_dir::DataDir;
use crate::event::Unobserved;
use crate::failure::Failure;
use crate::limits::{Bytes, CancelFlag, Deadline};

/// The file in the folder of the cache.
const FILE: &str = "results.sqlite";

/// The layout of the tables; raised when one changes.
const LAYOUT: u32 = 1;

/// Marks a file as ours: `lean` in ASCII.
const APPLICATION: u32 = 0x6c65_616e;

/// How long is waited for other processes that hold the file.
const BUSY: Duration = Duration::from_secs(2);

/// The longest wait for another process that makes the file.
const MAKING: Duration = Duration::from_secs(10);

/// A new cache is not begun with less room than this.
const ROOM: Bytes = Bytes::mib(16);

/// The tables. `modules` is a zstd frame of names, a line each.
const TABLES: &str = "
    CREATE TABLE env(id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, toolchain TEXT NOT NULL,
        repl TEXT NOT NULL, made INTEGER NOT NULL, modules BLOB NOT NULL);
    CREATE TABLE r(k BLOB NOT NULL UNIQUE, env INTEGER NOT NULL, class TEXT NOT NULL,
        made INTEGER NOT NULL, used INTEGER NOT NULL, v BLOB NOT NULL);
    CREATE INDEX r_used ON r(used);
    CREATE INDEX r_made ON r(made);
    CREATE INDEX r_env ON r(env);";

/// File systems over a network, or of a process, as `statfs` numbers them: what several processes share of a
/// file there is not what `SQLite` needs. From `linux/magic.h` and the sources of the others.
const REMOTE: [(u32, &str); 12] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x1983_0326, "BeeGFS"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0xaad7_aaea, "PanFS"),
];

/// Why there is no cache in a folder.
#[derive(Debug, thiserror::Error)]
pub enum CannotUse {
    /// A file in its place.
    #[error("it is a file, not a folder")]
    NoFolder,
    /// A file system over a network.
    #[error("it lies on a network file system ({0}), where SQLite cannot keep a file safe")]
    Remote(&'static str),
    /// Another program will read it better.
    #[error("it was made by a newer leanrepl (layout {found}, this one knows {LAYOUT})")]
    Newer {
        /// The layout that it has.
        found: u32,
    },
    /// A file of others that lies there under its name.
    #[error("`{}` is not a file of leanrepl's cache", .0.display())]
    Foreign(PathBuf),
    /// Too little room to begin.
    #[error("only {} are free, and a cache begins with {ROOM}", .0)]
    NoRoom(Bytes),
    /// Another process has had it for too long.
    #[error("{0}")]
    Locked(Failure),
    /// The folder or the file.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The file, as `SQLite` says.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// Opens the file in a folder; both are made if they are not there.
pub(super) fn open(folder: &Path) -> Result<Connection, CannotUse> {
    if folder.is_file() {
        return Err(CannotUse::NoFolder);
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let kind = rustix::fs::statfs(folder).map_err(io::Error::from)?.f_type;
    if let Some(name) = remote(kind.into()) {
        return Err(CannotUse::Remote(name));
    }
    // By one process at a time: SQLite cannot change the mode of a new file while others open it.
    let lock = DataDir::at(folder).lock(
        "results",
        "opening the cache of results",
        Deadline::after(MAKING),
        &Unobserved,
        &CancelFlag::default(),
    );
    let _lock = lock.map_err(CannotUse::Locked)?;
    let path = path(folder);
    if path.exists() {
        let (connection, layout) = look(&path).map_err(|err| named(err, &path))?;
        match layout {
            LAYOUT => return Ok(connection),
            found if found > LAYOUT => return Err(CannotUse::Newer { found }),
            _ => {}
        }
        // An older layout has nothing that is not found out again.
        drop(connection);
        remove(&path)?;
    }
    make(folder, &path)
}

/// The file in a folder.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// The name of a file system over a network, by its number.
fn remote(kind: i128) -> Option<&'static str> {
    // The kernel's number has 32 bits; its type, and so its sign, differs between machines.
    let kind = u32::try_from(kind & 0xffff_ffff).ok()?;
    let mut known = REMOTE.iter();
    known
        .find(|(number, _)| *number == kind)
        .map(|(_, name)| *name)
}

/// Makes the file, beside its place first.
fn make(folder: &Path, path: &Path) -> Result<Connection, CannotUse> {
    if let Some(free) = DataDir::at(folder).free_bytes()
        && free < ROOM
    {
        return Err(CannotUse::NoRoom(free));
    }
    let beside = path.with_extension("new");
    remove(&beside)?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    let connection = Connection::open_with_flags(&beside, flags())?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", LAYOUT)?;
    connection.execute_batch(TABLES)?;
    // Closing writes all of it into the one file.
    connection.close().map_err(|(_, err)| err)?;
    fs::rename(&beside, path)?;
    connect(path)
}

/// Opens a file that is there.
fn connect(path: &Path) -> Result<Connection, CannotUse> {
    let connection = Connection::open_with_flags(path, flags())?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "mmap_size", 256 << 20)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    Ok(connection)
}

/// Opens a file that is there; with its layout.
fn look(path: &Path) -> Result<(Connection, u32), CannotUse> {
    let connection = connect(path)?;
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    if number("application_id")? != APPLICATION {
        return Err(CannotUse::Foreign(path.to_owned()));
    }
    let layout = number("user_version")?;
    Ok((connection, layout))
}

/// The error for a file that is not one of `SQLite` names the file, which is left alone.
fn named(error: CannotUse, path: &Path) -> CannotUse {
    match error {
        CannotUse::Sqlite(err) if err.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            CannotUse::Foreign(path.to_owned())
        }
        error => error,
    }
}

fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// Removes a file with what `SQLite` keeps beside it.
fn remove(path: &Path) -> io::Result<()> {
    for ending in ["", "-wal", "-shm", "-journal"] {
        let mut file = path.as_os_str().to_owned();
        file.push(ending);
        match fs::remove_file(PathBuf::from(file)) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
            _ => {}
        }
    }
    Ok(())
}

/// How many bytes of the file hold something.
pub(super) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = number("page_count")? - number("freelist_count")?;
    Ok(u64::try_from(pages * number("page_size")?).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_over_a_network_are_known_by_their_numbers() {
        assert_eq!(remote(0x6969), Some("NFS"));
        // As a machine has it where the number is signed.
        assert_eq!(
            remote(i128::from(0xfe53_4d42_u32.cast_signed())),
            Some("SMB2")
        );
        for local in [0xef53, 0x0102_1994, 0x5846_5342, 0x9123_683e, 0x794c_7630] {
            assert_eq!(remote(local), None, "{local:x}");
        }
    }
}
