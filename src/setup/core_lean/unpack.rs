//! The archive of compiled modules inside the package. Never follows a path out of its folder.

use std::fs::{self, File};
use std::io::{self, BufReader, Seek};
use std::path::{Component, Path, PathBuf};

use flate2::bufread::GzDecoder;
use tar::EntryType;

use crate::failure::Failure;

/// Why an archive was not unpacked.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The system refused something, at that path.
    Io(PathBuf, io::Error),
    /// It holds something that it should not.
    Content(String),
    /// The watcher wanted an end.
    Stopped(Failure),
}

/// Hears how many bytes of the archive are done; an error ends the work.
pub(crate) type Watch<'a> = dyn FnMut(u64) -> Result<(), Failure> + 'a;

/// Unpacks the files into the folder; says how many there are.
pub(crate) fn unpack(archive: &Path, into: &Path, watch: &mut Watch<'_>) -> Result<u64, Broken> {
    let unreadable = |err| Broken::Io(archive.to_owned(), err);
    let file = File::open(archive).map_err(unreadable)?;
    let mut entries = tar::Archive::new(GzDecoder::new(BufReader::new(&file)));
    let mut count = 0;
    for entry in entries.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        watch((&file).stream_position().map_err(unreadable)?).map_err(Broken::Stopped)?;
        let name = entry.path().map_err(unreadable)?.into_owned();
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader || is_metadata(&name) {
            continue;
        }
        let path = into.join(inside(&name)?);
        let unwritable = |err| Broken::Io(path.clone(), err);
        match kind {
            EntryType::Directory => fs::create_dir_all(&path).map_err(unwritable)?,
            EntryType::Regular => {
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent).map_err(unwritable)?;
                }
                let mut file = File::create_new(&path).map_err(unwritable)?;
                io::copy(&mut entry, &mut file).map_err(unwritable)?;
                count += 1;
            }
            _ => {
                return Err(Broken::Content(format!(
                    "`{}` is neither a file nor a folder",
                    name.display()
                )));
            }
        }
    }
    Ok(count)
}

/// Whether macOS wrote this file beside another one to keep that one's attributes.
fn is_metadata(name: &Path) -> bool {
    name.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"._"))
}

/// The same path without anything that could lead out of a folder.
fn inside(name: &Path) -> Result<PathBuf, Broken> {
    let mut path = PathBuf::new();
    for component in name.components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(Broken::Content(format!(
                    "`{}` leads out of the folder",
                    name.display()
                )));
            }
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    /// Writes an archive with an entry for each name; a name in `links` becomes a link.
    fn archive(path: &Path, names: &[&str], links: &[&str]) {
        let gzip = GzEncoder::new(File::create(path).unwrap(), Compression::fast());
        let mut builder = tar::Builder::new(gzip);
        for name in names {
            let mut header = tar::Header::new_gnu();
            // `set_path` refuses the paths that a hostile archive would have.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_mode(0o644);
            header.set_size(4);
            header.set_cksum();
            builder.append(&header, &b"text"[..]).unwrap();
        }
        for name in links {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, name, "/etc").unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap();
    }

    /// Unpacks such an archive; gives the result and the files that are there after it.
    fn unpacked(names: &[&str], links: &[&str]) -> (Result<u64, Broken>, Vec<PathBuf>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tar.gz");
        archive(&path, names, links);
        let result = unpack(&path, &dir.path().join("deep/out"), &mut |_| Ok(()));
        let found = [
            "deep/out/Init.olean",
            "deep/out/Init/A.olean",
            "deep/x",
            "x",
        ];
        let is_there = |name: &&str| dir.path().join(name).is_file();
        let found = found.iter().filter(|name| is_there(name));
        (result, found.map(PathBuf::from).collect())
    }

    #[test]
    fn files_are_unpacked_without_what_macos_adds() {
        let (result, found) = unpacked(
            &[
                "./._Init.olean",
                "./Init.olean",
                "Init/._A.olean",
                "Init/A.olean",
            ],
            &[],
        );
        assert_eq!(result.unwrap(), 2);
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn nothing_is_written_out_of_the_folder() {
        for name in ["../x", "/x", "Init/../../x"] {
            let (result, found) = unpacked(&[name], &[]);
            assert!(matches!(result, Err(Broken::Content(_))), "{result:?}");
            assert_eq!(found.len(), 0);
        }
        let (result, _) = unpacked(&[], &["Init"]);
        assert!(matches!(result, Err(Broken::Content(_))), "{result:?}");
    }

    #[test]
    fn an_archive_that_is_cut_off_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tar.gz");
        archive(&path, &["Init.olean"], &[]);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let result = unpack(&path, dir.path(), &mut |_| Ok(()));
        assert!(matches!(result, Err(Broken::Io(_, _))), "{result:?}");
    }

    #[test]
    fn a_watcher_can_end_the_work() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tar.gz");
        archive(&path, &["Init.olean"], &[]);
        let mut stop = |_| Err(Failure::new(Kind::Interrupted, "stopped", "again"));
        let result = unpack(&path, dir.path(), &mut stop);
        assert!(matches!(result, Err(Broken::Stopped(_))), "{result:?}");
        assert!(!dir.path().join("Init.olean").exists());
    }
}
