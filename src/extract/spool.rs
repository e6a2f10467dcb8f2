//! The rows of each unit in a file of their own, until all units are there. A file is named by the digest of
//! its unit, since the name of a module may hold anything, and appears when it is complete.
//!
//! A file is JSON lines, compressed by zstd with its checksum: `{"$spool":{"unit":…,"digest":…}}`, the rows,
//! and `{"$end":{"rows":…,"seconds":…}}`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::extract::disk;
use crate::extract::unit::UnitName;
use crate::failure::{Failure, Kind};
use crate::limits::Bytes;

/// How hard the rows are compressed: they are read once and deleted.
const LEVEL: i32 = 1;

/// The longest line that is read back. Lean's replies are shorter.
const LONGEST: Bytes = Bytes::mib(1024);

/// The ending of the names of complete files.
const ENDING: &str = ".jsonl.zst";

/// How the last line of a file begins. No column has a name that begins with `$`.
const END: &str = "{\"$end\":";

/// A folder with such files.
#[derive(Debug, Clone)]
pub(crate) struct Spool {
    folder: PathBuf,
}

/// What is known of the rows of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) rows: u64,
    /// How long they took, in seconds.
    pub(crate) seconds: f64,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    #[serde(rename = "$spool")]
    unit: UnitName,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct Tail {
    #[serde(rename = "$end")]
    kept: Kept,
}

impl Spool {
    /// The spool in a folder, which must exist.
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the rows of a unit are or will be.
    fn path(&self, unit: &UnitName) -> PathBuf {
        self.folder.join(format!("{}{ENDING}", unit.digest))
    }

    /// Whether there is a file for that unit, which may be damaged.
    pub(crate) fn has(&self, unit: &UnitName) -> bool {
        self.path(unit).is_file()
    }

    /// What is kept of a unit. A file that is damaged counts as none.
    pub(crate) fn kept(&self, unit: &UnitName) -> Option<Kept> {
        let mut rows = self.read(unit).ok()?;
        while rows.next_row().ok()?.is_some() {}
        rows.kept
    }

    /// Begins the file of a unit.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn write(&self, unit: &UnitName) -> Result<SpoolWriter, Failure> {
        let path = self.path(unit);
        let beside = path.with_extension(format!("{}.tmp", std::process::id()));
        let refused = |err| disk::failure("write", &beside, err);
        let file = File::create(&beside).map_err(refused)?;
        let mut encoder =
            zstd::stream::write::Encoder::new(BufWriter::new(file), LEVEL).map_err(refused)?;
        encoder.include_checksum(true).map_err(refused)?;
        let mut writer = SpoolWriter {
            encoder: Some(encoder),
            beside,
            path,
            rows: 0,
        };
        writer.line(&to_line(&Head { unit: unit.clone() })?)?;
        Ok(writer)
    }

    /// The rows of a unit.
    ///
    /// # Errors
    /// A file that is not there, or is not one of this unit.
    pub(crate) fn read(&self, unit: &UnitName) -> Result<SpoolReader, Failure> {
        let path = self.path(unit);
        let file = File::open(&path).map_err(|err| disk::failure("read", &path, err))?;
        let decoder = zstd::stream::read::Decoder::new(file)
            .map_err(|err| disk::failure("read", &path, err))?;
        let mut reader = SpoolReader {
            lines: BufReader::new(decoder),
            unit: unit.name.clone(),
            path,
            rows: 0,
            kept: None,
        };
        let first = reader.line()?;
        match serde_json::from_str::<Head>(&first) {
            Ok(head) if head.unit == *unit => Ok(reader),
            _ => Err(reader.damaged("it does not begin with the name and digest of this unit")),
        }
    }

    /// Removes what belongs to none of those units, and what killed runs left.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn sweep(&self, units: &[UnitName]) -> Result<(), Failure> {
        let wanted: std::collections::HashSet<PathBuf> =
            units.iter().map(|unit| self.path(unit)).collect();
        let entries =
            fs::read_dir(&self.folder).map_err(|err| disk::failure("read", &self.folder, err))?;
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_ours = name.ends_with(ENDING) || name.ends_with(".tmp");
            if is_ours && !wanted.contains(&path) {
                disk::remove(&path)?;
            }
        }
        Ok(())
    }

    /// Removes the rows of a unit.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn forget(&self, unit: &UnitName) -> Result<(), Failure> {
        disk::remove(&self.path(unit))
    }
}

/// A value as a line without its end.
fn to_line(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value)
        .map_err(|err| Failure::bug(format!("a line of the spool cannot be written: {err}")))
}

/// Writes the file of one unit; what is not committed goes away.
pub(crate) struct SpoolWriter {
    /// None once it is committed.
    encoder: Option<zstd::stream::write::Encoder<'static, BufWriter<File>>>,
    beside: PathBuf,
    path: PathBuf,
    rows: u64,
}

impl SpoolWriter {
    /// Adds a row: JSON without a line end in it.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn row(&mut self, row: &str) -> Result<(), Failure> {
        self.rows = self.rows.saturating_add(1);
        self.line(row)
    }

    /// How many rows were added.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Completes the file and puts it in its place.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn commit(mut self, took: Duration) -> Result<(), Failure> {
        let kept = Kept {
            rows: self.rows,
            seconds: took.as_secs_f64(),
        };
        self.line(&to_line(&Tail { kept })?)?;
        let Some(encoder) = self.encoder.take() else {
            return Err(Failure::bug("the rows of a unit are committed twice"));
        };
        let finished = encoder.finish().and_then(|mut file| file.flush());
        finished
            .and_then(|()| fs::rename(&self.beside, &self.path))
            .map_err(|err| disk::failure("write", &self.path, err))
    }

    fn line(&mut self, line: &str) -> Result<(), Failure> {
        let Some(encoder) = &mut self.encoder else {
            return Ok(());
        };
        encoder
            .write_all(line.as_bytes())
            .and_then(|()| encoder.write_all(b"\n"))
            .map_err(|err| disk::failure("write", &self.beside, err))
    }
}

impl Drop for SpoolWriter {
    fn drop(&mut self) {
        // After a commit there is nothing of that name; what cannot be removed is swept later.
        let _left = fs::remove_file(&self.beside);
    }
}

/// Reads the rows of one unit.
pub(crate) struct SpoolReader {
    lines: BufReader<zstd::stream::read::Decoder<'static, BufReader<File>>>,
    unit: String,
    path: PathBuf,
    rows: u64,
    /// What the last line says, once it was read.
    kept: Option<Kept>,
}

impl SpoolReader {
    /// The next row; none after the last one.
    ///
    /// # Errors
    /// A file that ends early, or whose number of rows is not what its end says.
    pub(crate) fn next_row(&mut self) -> Result<Option<String>, Failure> {
        if self.kept.is_some() {
            return Ok(None);
        }
        let line = self.line()?;
        if !line.starts_with(END) {
            self.rows = self.rows.saturating_add(1);
            return Ok(Some(line));
        }
        let Ok(Tail { kept }) = serde_json::from_str::<Tail>(&line) else {
            return Err(self.damaged("its last line cannot be understood"));
        };
        if kept.rows != self.rows {
            return Err(self.damaged("it has another number of rows than its end says"));
        }
        // Reading to the end proves the checksum.
        match self.lines.read(&mut [0]) {
            Ok(0) => {}
            Ok(_) => return Err(self.damaged("something follows its end")),
            Err(err) => return Err(self.damaged(&err.to_string())),
        }
        self.kept = Some(kept);
        Ok(None)
    }

    /// What the end of the file says; none before it was read.
    pub(crate) fn kept(&self) -> Option<Kept> {
        self.kept
    }

    /// The next line without its end.
    fn line(&mut self) -> Result<String, Failure> {
        let mut bytes = Vec::new();
        let read = (&mut self.lines)
            .take(LONGEST.get())
            .read_until(b'\n', &mut bytes);
        if let Err(err) = read {
            return Err(self.damaged(&err.to_string()));
        }
        if bytes.pop() != Some(b'\n') {
            return Err(self.damaged("it ends early"));
        }
        String::from_utf8(bytes).map_err(|err| self.damaged(&err.to_string()))
    }

    fn damaged(&self, how: &str) -> Failure {
        damaged(&self.path, &self.unit, how)
    }
}

/// What a user reads about a file that cannot be used.
fn damaged(path: &Path, unit: &str, how: &str) -> Failure {
    Failure::new(
        Kind::Build,
        format!(
            "the rows of `{unit}` in `{}` are damaged: {how}",
            path.display()
        ),
        "delete that file and continue with `--resume`, which extracts the unit again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str) -> UnitName {
        UnitName {
            name: name.to_owned(),
            digest: crate::digest::of_bytes(name.as_bytes()),
        }
    }

    fn spool() -> (tempfile::TempDir, Spool) {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::at(dir.path().to_owned());
        (dir, spool)
    }

    fn write(spool: &Spool, unit: &UnitName, rows: &[&str]) {
        let mut writer = spool.write(unit).unwrap();
        for row in rows {
            writer.row(row).unwrap();
        }
        writer.commit(Duration::from_secs(1)).unwrap();
    }

    #[test]
    fn rows_come_back_in_order_whatever_the_unit_is_called() {
        let (_dir, spool) = spool();
        let long = "x".repeat(300);
        for name in ["A.B", "../../etc/passwd", "a/b", "", long.as_str()] {
            let unit = unit(name);
            assert_eq!(spool.kept(&unit), None);
            write(&spool, &unit, &["{\"a\":1}", "{\"a\":2}"]);
            let mut rows = spool.read(&unit).unwrap();
            assert_eq!(rows.next_row().unwrap().as_deref(), Some("{\"a\":1}"));
            assert_eq!(rows.next_row().unwrap().as_deref(), Some("{\"a\":2}"));
            assert_eq!(rows.next_row().unwrap(), None);
            assert_eq!(
                spool.kept(&unit),
                Some(Kept {
                    rows: 2,
                    seconds: 1.0
                })
            );
        }
    }

    #[test]
    fn what_is_not_committed_is_not_there() {
        let (dir, spool) = spool();
        let unit = unit("A");
        let mut writer = spool.write(&unit).unwrap();
        writer.row("{}").unwrap();
        drop(writer);
        assert_eq!(spool.kept(&unit), None);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn every_damage_is_found() {
        let (_dir, spool) = spool();
        let unit = unit("A");
        let rows: Vec<String> = (0..100).map(|row| format!("{{\"a\":{row}}}")).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        write(&spool, &unit, &rows);
        let path = spool.path(&unit);
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(spool.kept(&unit), None, "cut at {cut}");
            let mut changed = whole.clone();
            changed[cut] ^= 0x20;
            fs::write(&path, &changed).unwrap();
            if let Some(kept) = spool.kept(&unit) {
                // A bit that means nothing, such as a reserved one of the frame.
                assert_eq!(kept.rows, 100, "changed at {cut}");
            }
        }
    }

    #[test]
    fn the_rows_of_another_unit_are_not_taken() {
        let (_dir, spool) = spool();
        let (one, other) = (unit("A"), unit("B"));
        write(&spool, &one, &["{}"]);
        fs::rename(spool.path(&one), spool.path(&other)).unwrap();
        assert_eq!(spool.kept(&other), None);
        let failure = spool.read(&other).err().unwrap();
        assert!(failure.problem().contains("`B`"), "{failure}");
    }

    #[test]
    fn only_what_is_wanted_is_kept() {
        let (dir, spool) = spool();
        let (one, other) = (unit("A"), unit("B"));
        write(&spool, &one, &["{}"]);
        write(&spool, &other, &["{}"]);
        fs::write(dir.path().join("left.7.tmp"), "").unwrap();
        fs::write(dir.path().join("run.json"), "").unwrap();
        spool.sweep(std::slice::from_ref(&one)).unwrap();
        assert!(spool.has(&one) && !spool.has(&other));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
