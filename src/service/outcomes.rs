//! A line for each verdict that a client gets, in a file that is rotated by size: what operators keep for their
//! statistics. Digests only, never a source, a key or what Lean reported. No answer waits for the disk.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use prometheus_client::metrics::counter::Counter;
use serde::Serialize;

use crate::digest;
use crate::engine::judge::Judgement;
use crate::engine::record::{EvalRecord, LeanIdentity};
use crate::engine::report::Seconds;
use crate::engine::undecided::UndecidedReason;
use crate::failure::{Failure, Kind};
use crate::isolation::Isolation;
use crate::limits::{Bytes, Deadline, TICK};
use crate::process::sandbox::Offer;
use crate::service::metrics::Surface;
use crate::service::principal::Principal;

/// Of the shape of a line; changes when a field goes or changes its meaning.
const VERSION: u32 = 1;

/// How many former files are kept, as `FILE.1` to `FILE.4`.
const KEPT: usize = 4;

/// How many lines wait for the disk at the most, some five megabytes.
const WAITING: usize = 10_000;

/// Only the user that the server runs as reads a file that it makes.
const MODE: u32 = 0o600;

/// A verdict as a line of the log.
#[derive(Debug, Serialize)]
struct Line<'a> {
    version: u32,
    /// When the verdict was reached: RFC 3339, UTC, to the millisecond.
    time: String,
    /// The id of the request, as the other log and the header `x-request-id` have it.
    request: &'a str,
    surface: &'static str,
    /// Who asked: the name of a key, or the network of an address.
    principal: &'a str,
    verdict: &'static str,
    /// Why it is undecided; null if it is not.
    reason: Option<&'static str>,
    /// The SHA-256 of the source as the client sent it.
    source: String,
    /// The SHA-256 of which Lean evaluated it, with which REPL, manifest and pickle; null if none did.
    environment: Option<String>,
    /// What it could find of sources before it; null if it was not evaluated.
    isolation: Option<&'static str>,
    /// Whether the result was kept from before.
    cached: bool,
    confinement: Confinement,
    seconds: Seconds,
}

/// What sessions are kept from.
#[derive(Debug, Serialize)]
struct Confinement {
    files: bool,
    system_calls: bool,
}

/// A verdict, and on what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) surface: Surface,
    /// As the client sent it.
    pub(crate) source: &'a str,
    pub(crate) record: &'a EvalRecord,
    pub(crate) judgement: &'a Judgement,
    pub(crate) confinement: Offer,
}

impl Outcome<'_> {
    /// As a line of the log, with its end.
    fn line(&self) -> Option<String> {
        let Self {
            record, judgement, ..
        } = self;
        let line = Line {
            version: VERSION,
            time: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            request: &self.principal.request_id,
            surface: self.surface.as_str(),
            principal: &self.principal.client,
            verdict: judgement.verdict.as_str(),
            reason: judgement.reason().map(UndecidedReason::as_str),
            source: digest::of_bytes(self.source.as_bytes()),
            environment: record.lean.as_deref().and_then(environment),
            isolation: record.isolation.map(Isolation::as_str),
            cached: record.cached,
            confinement: Confinement {
                files: self.confinement.files,
                system_calls: self.confinement.calls,
            },
            seconds: Seconds::from(record.times),
        };
        // This shape has no part that cannot be written.
        serde_json::to_string(&line).ok().map(|line| line + "\n")
    }
}

/// The digest of a Lean: of what stays the same on all machines that run it.
fn environment(lean: &LeanIdentity) -> Option<String> {
    let parts = (
        &lean.identity.toolchain,
        &lean.identity.repl,
        &lean.identity.manifest,
        &lean.pickle,
    );
    let text = serde_json::to_vec(&parts).ok()?;
    Some(digest::of_bytes(&text))
}

/// What goes to the thread that writes.
enum Message {
    Line(String),
    /// Nothing follows.
    End,
}

/// The log of verdicts, while its thread runs.
pub(crate) struct OutcomeLog {
    sender: SyncSender<Message>,
    drops: Drops,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for OutcomeLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutcomeLog").finish_non_exhaustive()
    }
}

impl OutcomeLog {
    /// Starts to write to a file. `dropped` counts the lines that are not written.
    ///
    /// # Errors
    /// A system that starts no thread.
    pub(crate) fn start(file: OutcomeFile, dropped: Counter) -> Result<Self, Failure> {
        let (sender, receiver) = sync_channel(WAITING);
        let drops = Drops {
            dropped,
            is_said: Arc::default(),
        };
        let writer = {
            let drops = drops.clone();
            let named = thread::Builder::new().name("outcomes".to_owned());
            named.spawn(move || write_all(&receiver, file, &drops))
        };
        let writer = writer.map_err(|err| {
            Failure::bug("cannot start the thread of the outcome log").caused_by(err)
        })?;
        Ok(Self {
            sender,
            drops,
            writer: Mutex::new(Some(writer)),
        })
    }

    /// Hands a line to the thread that writes; never waits.
    pub(crate) fn write(&self, outcome: &Outcome<'_>) {
        let Some(line) = outcome.line() else { return };
        match self.sender.try_send(Message::Line(line)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.drops.add("the disk is too slow"),
            Err(TrySendError::Disconnected(_)) => self.drops.add("the log has ended"),
        }
    }

    /// Waits until all lines are written, but not beyond the deadline.
    pub(crate) fn finish(&self, deadline: Deadline) {
        let writer = self.writer.lock();
        let Some(writer) = writer.unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        let mut is_asked = false;
        while !writer.is_finished() {
            if deadline.is_over() {
                tracing::error!("the outcome log did not end in time: its last lines are lost");
                return;
            }
            if !is_asked {
                is_asked = self.sender.try_send(Message::End).is_ok();
            }
            thread::park_timeout(TICK);
        }
    }
}

/// Counts lines that are not written, and says so once.
#[derive(Debug, Clone)]
struct Drops {
    dropped: Counter,
    is_said: Arc<AtomicBool>,
}

impl Drops {
    fn add(&self, why: impl fmt::Display) {
        self.dropped.inc();
        if !self.is_said.swap(true, Ordering::Relaxed) {
            tracing::error!(
                "a line of the outcome log is lost ({why}); `leanrepl_outcome_log_dropped_total` in `/metrics` counts those that follow"
            );
        }
    }
}

/// Writes lines until the last one.
fn write_all(receiver: &Receiver<Message>, mut file: OutcomeFile, drops: &Drops) {
    while let Ok(Message::Line(line)) = receiver.recv() {
        if let Err(err) = file.append(line.as_bytes()) {
            drops.add(err);
        }
    }
}

/// The file that lines go to, and those before it.
#[derive(Debug)]
pub(crate) struct OutcomeFile {
    path: PathBuf,
    /// The bytes of a file at the most, unless one line alone is longer.
    most: Bytes,
    file: File,
    bytes: u64,
    /// Whether its last line has no end, since the disk was full or a server was killed.
    is_cut: bool,
    /// Whether it was said that the files cannot be renamed.
    is_stuck: bool,
}

impl OutcomeFile {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    /// A folder or something else that is not a file, one that cannot be written, and one that another server
    /// writes ([`Kind::Usage`]).
    pub(crate) fn open(path: &Path, most: Bytes) -> Result<Self, Failure> {
        let failure = |problem: String, hint: &str| Failure::new(Kind::Usage, problem, hint);
        let shown = path.display();
        let hint = "name a file in a folder that the server may write with `--outcome-log FILE`";
        // To open a pipe could wait without an end.
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(failure(
                format!("the outcome log `{shown}` is not a file"),
                hint,
            ));
        }
        let opened = opened(path).map_err(|err| {
            failure(format!("the outcome log `{shown}` cannot be written"), hint).caused_by(err)
        })?;
        let (file, bytes, is_cut) = opened;
        if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
            return Err(failure(
                format!("another server writes the outcome log `{shown}`"),
                "give each server a file of its own with `--outcome-log FILE`",
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            most,
            file,
            bytes,
            is_cut,
            is_stuck: false,
        })
    }

    /// Appends a line, as a whole or not at all.
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let after = self.bytes.saturating_add(line.len() as u64);
        if self.bytes > 0 && after > self.most.get() {
            match self.rotate() {
                Ok(()) => self.is_stuck = false,
                // The lines go on where they went.
                Err(err) if !self.is_stuck => {
                    self.is_stuck = true;
                    tracing::error!(
                        "the outcome log `{}` cannot be rotated and grows: {err}",
                        self.path.display()
                    );
                }
                Err(_) => {}
            }
        }
        let mut bytes = Vec::with_capacity(line.len() + 1);
        if self.is_cut {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(line);
        match self.file.write_all(&bytes) {
            Ok(()) => {
                self.bytes += bytes.len() as u64;
                self.is_cut = false;
                Ok(())
            }
            Err(err) => {
                // Takes back what was written of it.
                if self.file.set_len(self.bytes).is_err() {
                    self.is_cut = true;
                }
                Err(err)
            }
        }
    }

    /// Renames `FILE` to `FILE.1`, that one to `FILE.2` and so on, and begins anew.
    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..KEPT).rev() {
            match fs::rename(self.former(number), self.former(number + 1)) {
                Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
                _ => {}
            }
        }
        fs::rename(&self.path, self.former(1))?;
        let (file, bytes, is_cut) = opened(&self.path)?;
        // It was just made: no other server has it.
        let _locked = file.try_lock();
        (self.file, self.bytes, self.is_cut) = (file, bytes, is_cut);
        Ok(())
    }

    fn former(&self, number: usize) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }
}

/// A file to append to, its length, and whether its last line has no end.
fn opened(path: &Path) -> io::Result<(File, u64, bool)> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(MODE)
        .open(path)?;
    let bytes = file.metadata()?.len();
    let mut last = [b'\n'];
    if bytes > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok((file, bytes, last != *b"\n"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// The lines of a file.
    fn lines(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.ends_with('\n'), "{text:?}");
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn rotation_keeps_whole_lines_in_order_and_five_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut file = OutcomeFile::open(&path, Bytes::new(30)).unwrap();
        for number in 0..100 {
            file.append(format!("line {number:03}\n").as_bytes())
                .unwrap();
        }
        let mut found = Vec::new();
        for number in (1..=KEPT).rev() {
            found.extend(lines(&file.former(number)));
        }
        found.extend(lines(&path));
        let expected: Vec<String> = (87..100)
            .map(|number| format!("line {number:03}"))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1 + KEPT);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        // One that is too long for any file has one of its own.
        file.append(&[b"x".repeat(100).as_slice(), b"\n"].concat())
            .unwrap();
        file.append(b"next\n").unwrap();
        assert_eq!(lines(&path), ["next"]);
        assert_eq!(lines(&file.former(1)), ["x".repeat(100)]);
    }

    #[test]
    fn a_line_that_a_killed_server_left_half_stays_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "whole\nha").unwrap();
        let mut file = OutcomeFile::open(&path, Bytes::mib(1)).unwrap();
        file.append(b"next\n").unwrap();
        file.append(b"last\n").unwrap();
        assert_eq!(lines(&path), ["whole", "ha", "next", "last"]);
    }

    #[test]
    fn what_cannot_be_the_log_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        let _first = OutcomeFile::open(&taken, Bytes::mib(1)).unwrap();
        for (path, problem) in [
            (folder.path().to_owned(), "is not a file"),
            (PathBuf::from("/dev/full"), "is not a file"),
            (folder.path().join("none/log"), "cannot be written"),
            (taken.join("log"), "cannot be written"),
            (taken, "another server writes"),
        ] {
            let failure = OutcomeFile::open(&path, Bytes::mib(1)).unwrap_err();
            assert_eq!(failure.kind(), Kind::Usage);
            assert!(failure.problem().contains(problem), "{failure:?}");
            assert!(failure.problem().contains(&path.display().to_string()));
            assert!(failure.hint().contains("--outcome-log FILE"));
        }
    }

    #[test]
    fn files_that_cannot_be_renamed_go_on_growing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        // A folder that is not empty is in the way.
        fs::create_dir_all(folder.path().join("log.3/x")).unwrap();
        fs::create_dir_all(folder.path().join("log.4/x")).unwrap();
        let mut file = OutcomeFile::open(&path, Bytes::new(10)).unwrap();
        for line in ["first", "second", "third"] {
            file.append(format!("{line}\n").as_bytes()).unwrap();
        }
        assert_eq!(lines(&path), ["first", "second", "third"]);
    }
}
