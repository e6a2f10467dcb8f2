//! A file of lines that only grows: one process writes it at a time, a line that was written is on the disk, and
//! a last line that was cut by a kill is taken back. Knows how a line begins, and nothing else of what is in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind};
use crate::limits::Bytes;

/// The longest line: twice the longest reply that is taken by default.
const LONGEST: Bytes = Bytes::mib(1024);

/// The file, locked as long as this lives.
#[derive(Debug)]
pub(crate) struct LineLog {
    path: PathBuf,
    file: File,
    /// The length of all whole lines.
    bytes: u64,
    /// Whether the last line was cut, and was taken back.
    pub(crate) was_cut: bool,
    /// Whether a part of a line may be at the end, so that none can follow.
    is_broken: bool,
}

/// Where a line is in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    offset: u64,
    /// Without the end of the line.
    bytes: u64,
}

/// Takes note of one line, given without its end, or says what is wrong with it.
pub(crate) type Visit<'a> = dyn FnMut(Span, &[u8]) -> Result<(), String> + 'a;

impl LineLog {
    /// Opens or makes the file, and shows all its lines to `visit`. Each must begin with `start`.
    ///
    /// # Errors
    /// A file that another process writes, one with a line that is not one of ours, and what the disk says. Nothing
    /// in it is changed then.
    pub(crate) fn open(path: &Path, start: &[u8], visit: &mut Visit<'_>) -> Result<Self, Failure> {
        let refused = |err| failure("open", path, err);
        let is_new = !path.exists();
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(refused)?;
        if !file.metadata().map_err(refused)?.is_file() {
            return Err(Failure::new(
                Kind::Usage,
                format!("`{}` is not a regular file", path.display()),
                NAME_ANOTHER,
            ));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::new(
                    Kind::Usage,
                    format!("another process writes `{}`", path.display()),
                    "wait until it is done, or name another file with `--resume`: each process needs its own",
                ));
            }
            Err(TryLockError::Error(err)) => return Err(failure("lock", path, err)),
        }
        if is_new {
            // Some file systems cannot do this for a folder, and need not.
            let _synced = path
                .parent()
                .and_then(|folder| File::open(folder).ok()?.sync_all().ok());
        }
        let mut log = Self {
            path: path.to_owned(),
            file,
            bytes: 0,
            was_cut: false,
            is_broken: false,
        };
        log.scan(start, LONGEST.get(), visit)?;
        Ok(log)
    }

    /// Reads all lines, and takes back a last one that was cut.
    fn scan(&mut self, start: &[u8], longest: u64, visit: &mut Visit<'_>) -> Result<(), Failure> {
        let refused = |err| failure("read", &self.path, err);
        let mut reader = BufReader::new(&self.file);
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            read_line(&mut reader, start, longest, &mut line).map_err(refused)?;
            if line.is_empty() {
                break;
            }
            let (content, is_whole) = match line.strip_suffix(b"\n") {
                Some(content) => (content, true),
                None => (line.as_slice(), false),
            };
            let span = Span {
                offset: self.bytes,
                bytes: content.len() as u64,
            };
            let begins_well = content.starts_with(start);
            let checked = if content.len() as u64 >= longest {
                Err(format!("it is longer than {}", Bytes::new(longest)))
            } else if begins_well {
                visit(span, content)
            } else {
                Err("it does not begin as one".to_owned())
            };
            // A line that is longer than was read may have its end, and more lines after it.
            let is_last = !is_whole && (content.len() as u64) < longest;
            let may_be_cut = is_last && (begins_well || start.starts_with(content));
            match checked {
                Ok(()) if is_whole => self.bytes = span.offset + line.len() as u64,
                Ok(()) => {
                    // Only the end of the line was cut.
                    let mut file = &self.file;
                    let ended = file.write_all(b"\n").and_then(|()| file.sync_data());
                    ended.map_err(|err| failure("write", &self.path, err))?;
                    self.bytes = span.offset + span.bytes + 1;
                    break;
                }
                Err(_) if may_be_cut => {
                    let taken_back = self.file.set_len(span.offset);
                    taken_back.map_err(|err| failure("write", &self.path, err))?;
                    self.was_cut = true;
                    break;
                }
                Err(why) => return Err(self.strange(number, why)),
            }
        }
        Ok(())
    }

    /// One of the lines, without its end.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn read(&self, span: Span) -> Result<Vec<u8>, Failure> {
        let length = usize::try_from(span.bytes).unwrap_or(usize::MAX);
        let mut line = vec![0; length];
        let read = self.file.read_exact_at(&mut line, span.offset);
        read.map_err(|err| failure("read", &self.path, err))?;
        Ok(line)
    }

    /// Adds a line, given with its end, and waits until it is on the disk. After an error the file has the lines
    /// that it had before, and the next line can be tried.
    ///
    /// # Errors
    /// A line that is too long to be read again, and what the disk says.
    pub(crate) fn append(&mut self, line: &str) -> Result<(), Failure> {
        let added = line.len() as u64;
        if added > LONGEST.get() {
            return Err(Failure::new(
                Kind::Usage,
                format!(
                    "a line for `{}` is longer than {LONGEST}",
                    self.path.display()
                ),
                "ask for less, for example without `--infotree`",
            ));
        }
        if self.is_broken {
            return Err(failure(
                "write",
                &self.path,
                io::Error::other("a part of a line is at its end"),
            ));
        }
        // One write, so that a kill cuts at most this line.
        let written = self.file.write_all(line.as_bytes());
        if let Err(err) = written.and_then(|()| self.file.sync_data()) {
            self.is_broken = self.file.set_len(self.bytes).is_err();
            return Err(failure("write", &self.path, err));
        }
        self.bytes += added;
        Ok(())
    }

    /// The file as the user named it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What a user reads about a line that is not one of ours.
    fn strange(&self, number: u64, why: String) -> Failure {
        Failure::new(
            Kind::Usage,
            format!("line {number} of `{}` is not one that `--resume` wrote", self.path.display()),
            "take it out if the file is a resume file, else name another file with `--resume`; nothing was changed",
        )
        .caused_by(why)
    }
}

/// What to do about a file that cannot be used.
const NAME_ANOTHER: &str = "name another file with `--resume`";

/// Reads what is there of a line, with its end, or little more of one that begins otherwise than with `start`: a
/// file without line ends is not read as one line.
fn read_line(
    reader: &mut impl BufRead,
    start: &[u8],
    longest: u64,
    line: &mut Vec<u8>,
) -> io::Result<()> {
    reader.take(start.len() as u64).read_until(b'\n', line)?;
    if line == start {
        reader.take(longest).read_until(b'\n', line)?;
    }
    Ok(())
}

/// What a user reads when the system refuses to `doing` (an infinitive) that file.
fn failure(doing: &str, path: &Path, err: io::Error) -> Failure {
    let hint = match err.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "free some space there, and run the same command again; what is in the file is kept"
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "make it writable, or name another file with `--resume`"
        }
        _ => NAME_ANOTHER,
    };
    Failure::new(
        Kind::Usage,
        format!("cannot {doing} `{}`", path.display()),
        hint,
    )
    .caused_by(err)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Seek as _;

    use super::*;

    /// How a line begins.
    const START: &[u8] = b"{\"n\":";

    /// The lines that are found, each with what is read at its place, or the failure.
    fn lines(path: &Path) -> Result<(Vec<String>, LineLog), Failure> {
        let mut spans = Vec::new();
        let log = LineLog::open(path, START, &mut |span, line| {
            let value: Result<serde_json::Value, _> = serde_json::from_slice(line);
            spans.push(span);
            value.map(drop).map_err(|err| {
                spans.pop();
                err.to_string()
            })
        })?;
        let read = |span: Span| String::from_utf8(log.read(span).unwrap()).unwrap();
        Ok((spans.into_iter().map(read).collect(), log))
    }

    #[test]
    fn lines_come_back_and_a_cut_at_any_byte_costs_only_the_last() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let (found, mut log) = lines(&path).unwrap();
        assert!(found.is_empty() && !log.was_cut);
        log.append("{\"n\":1}\n").unwrap();
        log.append("{\"n\":22}\n").unwrap();
        drop(log);
        let whole = fs::read(&path).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for cut in first..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let (found, mut log) = lines(&path).unwrap();
            // The line is whole without its end.
            let is_lost = (first + 1..whole.len() - 1).contains(&cut);
            assert_eq!(log.was_cut, is_lost, "{cut}");
            let expected = if is_lost || cut == first { 1 } else { 2 };
            assert_eq!(found.len(), expected, "{cut}");
            log.append("{\"n\":3}\n").unwrap();
            drop(log);
            let (found, log) = lines(&path).unwrap();
            assert!(!log.was_cut);
            assert_eq!(found.len(), expected + 1);
            assert_eq!(found.last().unwrap(), "{\"n\":3}");
        }
    }

    #[test]
    fn what_is_not_ours_is_refused_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        for (text, line) in [
            ("theorem t : True := trivial", "line 1 "),
            ("theorem t : True := trivial\n", "line 1 "),
            ("{\"n\":1}\n{\"n\":\n{\"n\":2}\n", "line 2 "),
            ("{\"n\":1}\n{\"n\":2\n", "line 2 "),
            ("{\"n\":1}\n\n", "line 2 "),
            ("{\"n\":1}\n{\"m\":2}\n", "line 2 "),
            ("{\"n\":1}\nleft", "line 2 "),
        ] {
            fs::write(&path, text).unwrap();
            let refused = lines(&path).unwrap_err();
            assert!(refused.problem().starts_with(line), "{text}: {refused}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let refused = lines(dir.path()).unwrap_err();
        assert!(refused.problem().contains("cannot open"), "{refused}");
    }

    #[test]
    fn a_line_beyond_the_bound_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let (_, mut log) = lines(&path).unwrap();
        log.append("{\"n\":1111111111}\n").unwrap();
        log.file.rewind().unwrap();
        let refused = log.scan(START, 8, &mut |_, _| Ok(())).unwrap_err();
        assert_eq!(refused.causes(), ["it is longer than 8 B"]);
    }

    #[test]
    fn one_process_writes_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let (_, log) = lines(&path).unwrap();
        let refused = lines(&path).unwrap_err();
        assert!(
            refused.problem().contains("another process writes"),
            "{refused}"
        );
        drop(log);
        assert!(lines(&path).is_ok());
    }
}
