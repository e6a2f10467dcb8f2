//! Records in a file of `SQLite`, which several processes use at once.

mod file;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, params};

use crate::engine::cache::key::{Environment, Key};
use crate::engine::cache::store::{Entry, Holdings, MAX_VALUE, Store, StoreError, Which};
use crate::limits::Bytes;

pub use file::CannotUse;

/// After so many values that were put in, the size is looked at.
const PUTS: u32 = 64;

/// How many results there are: what is known of a REPL is kept beside them, and is none.
const RESULTS: &str = "SELECT count(*) FROM r WHERE class <> 'level'";

/// The environments that they were made in.
const ENVIRONMENTS: &str = "SELECT count(DISTINCT env) FROM r WHERE class <> 'level'";

/// How many values are forgotten in one go, so that no other process waits long.
const FORGOTTEN: u32 = 500;

/// `used` is written again when it is older than this, in seconds: a hit costs no write.
const USED: i64 = 3600;

/// The most bytes of the list of modules of an environment, unpacked.
const MAX_MODULES: usize = 32 << 20;

/// What may be kept.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The most bytes on the disk; those that were used longest ago go first.
    pub size: Bytes,
    /// How long a record is kept after it was made.
    pub age: Duration,
}

/// The file, open.
pub struct SqliteStore {
    folder: PathBuf,
    bounds: Bounds,
    connection: Mutex<Open>,
}

/// The connection and what was done with it.
struct Open {
    connection: Connection,
    /// Values that were put in since the size was looked at.
    puts: u32,
}

impl SqliteStore {
    /// Opens the file in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// Why there is no cache in that folder.
    pub fn open(folder: &Path, bounds: Bounds) -> Result<Self, CannotUse> {
        let connection = file::open(folder)?;
        let store = Self {
            folder: folder.to_owned(),
            bounds,
            connection: Mutex::new(Open {
                connection,
                puts: PUTS,
            }),
        };
        Ok(store)
    }

    /// Whether there is a file in the folder.
    pub(crate) fn is_in(folder: &Path) -> bool {
        file::path(folder).exists()
    }

    fn open_file(&self) -> MutexGuard<'_, Open> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Before that moment a record is too old, in seconds since 1970.
    fn oldest(&self) -> i64 {
        let age = i64::try_from(self.bounds.age.as_secs()).unwrap_or(i64::MAX);
        now().saturating_sub(age)
    }

    /// Forgets what is too old, and what was used longest ago until the rest is well within its bound.
    fn evict(&self, open: &mut Open) -> rusqlite::Result<()> {
        let connection = &open.connection;
        let old = "DELETE FROM r WHERE rowid IN (SELECT rowid FROM r WHERE made < ?1 LIMIT ?2)";
        while connection.execute(old, params![self.oldest(), FORGOTTEN])? > 0 {}
        if file::used_bytes(connection)? <= self.bounds.size.get() {
            return Ok(());
        }
        let most = self.bounds.size.get() / 10 * 9;
        let least_used =
            "DELETE FROM r WHERE rowid IN (SELECT rowid FROM r ORDER BY used LIMIT ?1)";
        while file::used_bytes(connection)? > most {
            if connection.execute(least_used, params![FORGOTTEN])? == 0 {
                break;
            }
        }
        connection.execute("DELETE FROM env WHERE id NOT IN (SELECT env FROM r)", [])?;
        connection.execute_batch("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(PASSIVE);")
    }

    /// The value of a key, and when it was used last.
    fn find(&self, open: &Open, key: &Key) -> rusqlite::Result<Option<(Vec<u8>, i64)>> {
        let find = "SELECT v, used FROM r WHERE k = ?1 AND made >= ?2 AND length(v) <= ?3";
        let mut statement = open.connection.prepare_cached(find)?;
        let most = i64::try_from(MAX_VALUE).unwrap_or(i64::MAX);
        let key = params![key.bytes(), self.oldest(), most];
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        statement.query_row(key, row).optional()
    }

    /// The number of an environment, which is noted if it is new.
    fn environment(connection: &Connection, environment: &Environment) -> rusqlite::Result<i64> {
        let find = "SELECT id FROM env WHERE digest = ?1";
        let mut statement = connection.prepare_cached(find)?;
        let digest = &environment.digest;
        let found = statement.query_row([digest], |row| row.get(0)).optional()?;
        if let Some(id) = found {
            return Ok(id);
        }
        let modules = environment.modules.join("\n");
        // A list that cannot be packed is empty: then it is not found by a module.
        let modules = zstd::bulk::compress(modules.as_bytes(), 1).unwrap_or_default();
        connection.execute(
            "INSERT INTO env(digest, toolchain, repl, made, modules) VALUES(?1, ?2, ?3, ?4, ?5)
             ON CONFLICT(digest) DO NOTHING",
            params![
                digest,
                environment.toolchain,
                environment.repl,
                now(),
                modules
            ],
        )?;
        statement.query_row([digest], |row| row.get(0))
    }

    /// The environments that have a module.
    fn with_module(connection: &Connection, module: &str) -> rusqlite::Result<Vec<i64>> {
        let mut statement = connection.prepare("SELECT id, modules FROM env")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let mut found = Vec::new();
        for row in rows {
            let (id, packed) = row?;
            let text = zstd::bulk::decompress(&packed, MAX_MODULES).unwrap_or_default();
            if text
                .split(|byte| *byte == b'\n')
                .any(|name| name == module.as_bytes())
            {
                found.push(id);
            }
        }
        Ok(found)
    }
}

impl Store for SqliteStore {
    fn name(&self) -> String {
        self.folder.display().to_string()
    }

    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let open = self.open_file();
        let Some((value, used)) = self.find(&open, key)? else {
            return Ok(None);
        };
        if used < now() - USED {
            let touch = "UPDATE r SET used = ?1 WHERE k = ?2";
            open.connection
                .execute(touch, params![now(), key.bytes()])?;
        }
        Ok(Some(value))
    }

    fn is_quick(&self) -> bool {
        true
    }

    fn get_at_once(&self, key: &Key) -> Option<Vec<u8>> {
        // Readers of such a file wait for no writer, and what is rarely used is left to the one that writes it.
        let open = self.connection.try_lock().ok()?;
        let (value, used) = self.find(&open, key).ok()??;
        (used >= now() - USED).then_some(value)
    }

    fn put(&self, key: &Key, entry: Entry<'_>) -> Result<(), StoreError> {
        let mut open = self.open_file();
        let environment = Self::environment(&open.connection, entry.environment)?;
        let put = "INSERT INTO r(k, env, class, made, used, v) VALUES(?1, ?2, ?3, ?4, ?4, ?5)
            ON CONFLICT(k) DO UPDATE SET env = ?2, class = ?3, made = ?4, used = ?4, v = ?5";
        open.connection.prepare_cached(put)?.execute(params![
            key.bytes(),
            environment,
            entry.class,
            now(),
            entry.value
        ])?;
        open.puts += 1;
        if open.puts >= PUTS {
            open.puts = 0;
            self.evict(&mut open)?;
        }
        Ok(())
    }

    fn remove(&self, key: &Key) -> Result<(), StoreError> {
        let open = self.open_file();
        open.connection
            .execute("DELETE FROM r WHERE k = ?1", [key.bytes()])?;
        Ok(())
    }

    fn holdings(&self) -> Result<Holdings, StoreError> {
        let open = self.open_file();
        let count = |query: &str| {
            open.connection
                .query_row(query, [], |row| row.get::<_, i64>(0))
        };
        let number = |count: i64| u64::try_from(count).unwrap_or(0);
        Ok(Holdings {
            entries: number(count(RESULTS)?),
            bytes: file::used_bytes(&open.connection)?,
            environments: number(count(ENVIRONMENTS)?),
        })
    }

    fn forget(&self, which: &Which) -> Result<u64, StoreError> {
        let open = self.open_file();
        let connection = &open.connection;
        let gone = match which {
            Which::All => connection.execute("DELETE FROM r", [])?,
            Which::Class(class) => connection.execute("DELETE FROM r WHERE class = ?1", [class])?,
            Which::Module(module) => {
                let mut gone = 0;
                for id in Self::with_module(connection, module)? {
                    gone += connection.execute("DELETE FROM r WHERE env = ?1", [id])?;
                }
                gone
            }
        };
        connection.execute("DELETE FROM env WHERE id NOT IN (SELECT env FROM r)", [])?;
        connection.execute_batch("PRAGMA incremental_vacuum")?;
        Ok(gone as u64)
    }
}

impl From<rusqlite::Error> for StoreError {
    /// A file that others hold is busy, any other fault ends the cache.
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(text),
            _ => Self::Broken(text),
        }
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests;
