//! The files that a build gets: as a stream for Docker's daemon, or as a folder for `docker build`.
//! Never holds the contents of a file in memory.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind};
use crate::limits::Bytes;

/// What is in a file of the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// These bytes.
    Text(String),
    /// What is in that file.
    File(PathBuf),
}

/// One file of the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) content: Content,
    pub(crate) runs: bool,
}

/// All files of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Context(Vec<Entry>);

impl Context {
    pub(crate) fn add_text(&mut self, path: &str, text: String) {
        self.0.push(Entry {
            path: path.to_owned(),
            content: Content::Text(text),
            runs: false,
        });
    }

    /// Adds a file; who made it executable made it a program.
    ///
    /// # Errors
    /// One that is not there.
    pub(crate) fn add_file(&mut self, path: &str, source: PathBuf) -> Result<(), Failure> {
        let metadata = fs::metadata(&source).map_err(|err| unreadable(&source, err))?;
        self.0.push(Entry {
            path: path.to_owned(),
            content: Content::File(source),
            runs: metadata.permissions().mode() & 0o111 != 0,
        });
        Ok(())
    }

    /// How many bytes the files have.
    ///
    /// # Errors
    /// A file that is not there any more.
    pub(crate) fn size(&self) -> Result<Bytes, Failure> {
        let mut sum = 0_u64;
        for entry in &self.0 {
            sum = sum.saturating_add(match &entry.content {
                Content::Text(text) => text.len() as u64,
                Content::File(path) => {
                    let metadata = fs::metadata(path).map_err(|err| unreadable(path, err))?;
                    metadata.len()
                }
            });
        }
        Ok(Bytes::new(sum))
    }

    /// Writes all of it as a tar archive; `advanced` hears how many bytes of the files are written.
    ///
    /// # Errors
    /// What the disk or the receiver says, and a file that changed its length meanwhile.
    pub(crate) fn write(&self, into: impl Write, mut advanced: impl FnMut(u64)) -> io::Result<()> {
        let mut archive = tar::Builder::new(into);
        let mut done = 0_u64;
        for entry in &self.0 {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Regular);
            header.set_mode(if entry.runs { 0o755 } else { 0o644 });
            // Owned by root and, where there is no file to tell it, as old as all time: the same
            // files are the same context, so that Docker finds finished steps again.
            header.set_uid(0);
            header.set_gid(0);
            match &entry.content {
                Content::Text(text) => {
                    header.set_size(text.len() as u64);
                    header.set_mtime(0);
                    archive.append_data(&mut header, &entry.path, text.as_bytes())?;
                    done += text.len() as u64;
                }
                Content::File(path) => {
                    let file = File::open(path)?;
                    let metadata = file.metadata()?;
                    header.set_size(metadata.len());
                    header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
                    let counted = Counted {
                        file: file.take(metadata.len()),
                        done,
                        advanced: &mut advanced,
                    };
                    archive.append_data(&mut header, &entry.path, counted)?;
                    done += metadata.len();
                }
            }
            advanced(done);
        }
        archive.finish()
    }

    /// Puts all of it into a new folder. Files are linked where that is possible, else copied.
    ///
    /// # Errors
    /// A folder that has something in it, and what the disk says.
    pub(crate) fn leave_in(&self, folder: &Path) -> Result<(), Failure> {
        let unusable = |err: io::Error| {
            Failure::new(
                Kind::Usage,
                format!("cannot write the build context to `{}`", folder.display()),
                "name a folder that can be written and has nothing in it with `--context DIR`",
            )
            .caused_by(err)
        };
        fs::create_dir_all(folder).map_err(unusable)?;
        if fs::read_dir(folder).map_err(unusable)?.next().is_some() {
            return Err(unusable(io::Error::other("there is something in it")));
        }
        for entry in &self.0 {
            let place = folder.join(&entry.path);
            let parent = place.parent().unwrap_or(folder);
            fs::create_dir_all(parent).map_err(unusable)?;
            match &entry.content {
                Content::Text(text) => fs::write(&place, text).map_err(unusable)?,
                Content::File(source) => {
                    let source = source.canonicalize().map_err(unusable)?;
                    fs::hard_link(&source, &place)
                        .or_else(|_| fs::copy(&source, &place).map(drop))
                        .map_err(unusable)?;
                }
            }
        }
        Ok(())
    }
}

/// A file that tells how much of it was read.
struct Counted<'a, F> {
    file: io::Take<File>,
    done: u64,
    advanced: &'a mut F,
}

impl<F: FnMut(u64)> Read for Counted<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        if count == 0 && self.file.limit() > 0 {
            // The archive would be misread from here on.
            return Err(io::Error::other("a file became shorter while it was sent"));
        }
        self.done += count as u64;
        (self.advanced)(self.done);
        Ok(count)
    }
}

/// What a user is told about a file of the context that cannot be read.
pub(crate) fn unreadable(path: &Path, err: io::Error) -> Failure {
    Failure::new(
        Kind::Usage,
        format!(
            "cannot read `{}`, which belongs into the image",
            path.display()
        ),
        "see that the file is there and can be read, and run the same command again",
    )
    .caused_by(err)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts what is written, and the longest piece.
    struct Sink(u64, usize);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len() as u64;
            self.1 = self.1.max(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A context with a text, a program and a file.
    fn context(dir: &Path) -> Context {
        let mut context = Context::default();
        context.add_text("Dockerfile", "FROM x\n".to_owned());
        for (name, mode) in [("program", 0o755), ("data", 0o600)] {
            let path = dir.join(name);
            fs::write(&path, name).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            context.add_file(&format!("deep/{name}"), path).unwrap();
        }
        context
    }

    #[test]
    fn the_archive_holds_each_file_with_its_rights_and_is_the_same_twice() {
        let dir = tempfile::tempdir().unwrap();
        let context = context(dir.path());
        assert_eq!(context.size().unwrap().get(), 18);
        let write = || {
            let mut bytes = Vec::new();
            let mut told = Vec::new();
            context.write(&mut bytes, |done| told.push(done)).unwrap();
            assert_eq!(told.last(), Some(&18));
            assert!(told.is_sorted());
            bytes
        };
        let bytes = write();
        assert_eq!(bytes, write());
        let mut archive = tar::Archive::new(bytes.as_slice());
        let seen: Vec<(String, u32, String)> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                let path = entry.path().unwrap().display().to_string();
                (path, entry.header().mode().unwrap(), text)
            })
            .collect();
        let seen: Vec<(&str, u32, &str)> = seen
            .iter()
            .map(|(path, mode, text)| (path.as_str(), *mode, text.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("Dockerfile", 0o644, "FROM x\n"),
                ("deep/program", 0o755, "program"),
                ("deep/data", 0o644, "data"),
            ]
        );
    }

    #[test]
    fn a_huge_file_passes_in_small_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("huge");
        // A file with a hole takes no room on the disk.
        File::create(&path).unwrap().set_len(3 << 30).unwrap();
        let mut context = Context::default();
        context.add_file("huge", path).unwrap();
        let mut sink = Sink(0, 0);
        context.write(&mut sink, |_done| ()).unwrap();
        assert!(sink.0 > 3 << 30);
        assert!(sink.1 <= 1 << 20, "{}", sink.1);
    }

    #[test]
    fn a_folder_that_is_left_has_the_same_files_and_none_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let context = context(dir.path());
        let folder = dir.path().join("left/here");
        context.leave_in(&folder).unwrap();
        assert_eq!(
            fs::read_to_string(folder.join("Dockerfile")).unwrap(),
            "FROM x\n"
        );
        let program = fs::metadata(folder.join("deep/program")).unwrap();
        assert_eq!(program.permissions().mode() & 0o777, 0o755);
        let failure = context.leave_in(&folder).unwrap_err();
        assert_eq!(failure.causes(), ["there is something in it"]);
    }
}
