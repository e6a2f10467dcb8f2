//! The leanrepl that goes into an image: the one that runs, or one that was named. Never builds one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::deploy::docker::elf;
use crate::digest;
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::limits::Bytes;

/// The oldest glibc of which all systems that are still cared for have at least this version.
const COMMON_GLIBC: (u32, u32) = (2, 28);

/// No leanrepl is larger, not even one for debugging.
const LARGEST: Bytes = Bytes::mib(1024);

/// A leanrepl for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binary {
    pub(crate) path: PathBuf,
    pub(crate) digest: String,
    /// The architecture that it runs on, as Docker names it.
    pub(crate) architecture: String,
}

impl Binary {
    /// Its processor, as Rust names it.
    pub(crate) fn processor(&self) -> &'static str {
        match self.architecture.as_str() {
            "arm64" => "aarch64",
            _ => "x86_64",
        }
    }

    /// The one that was named, else the one that runs. A need for a newer glibc than all systems have
    /// is told: the build tries the program, so that a base without it is a failed build.
    ///
    /// # Errors
    /// A file that cannot be read or is no program of Linux.
    pub(crate) fn choose(named: Option<&Path>, observer: &dyn Observer) -> Result<Self, Failure> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => std::env::current_exe().map_err(|err| {
                let hint = "name a leanrepl for the image with `--server-binary FILE`";
                Failure::new(Kind::Usage, "the path of this program is not known", hint)
                    .caused_by(err)
            })?,
        };
        let bad = |why: String| {
            Failure::new(
                Kind::Usage,
                format!("`{}` cannot go into an image as leanrepl", path.display()),
                "name a static leanrepl for Linux, as `cargo xtask dist` makes it, with `--server-binary FILE`",
            )
            .caused_by(why)
        };
        let metadata = fs::metadata(&path).map_err(|err| bad(err.to_string()))?;
        if metadata.len() > LARGEST.get() {
            return Err(bad(format!("it has more than {LARGEST}")));
        }
        let bytes = fs::read(&path).map_err(|err| bad(err.to_string()))?;
        let needs =
            elf::needs(&bytes).ok_or_else(|| bad("it is no program of Linux".to_owned()))?;
        let architecture = needs
            .architecture
            .ok_or_else(|| bad("it is for another processor".to_owned()))?;
        if let Some((major, minor)) = needs.glibc.filter(|found| *found > COMMON_GLIBC) {
            let text = format!(
                "the leanrepl in the image needs glibc {major}.{minor} of its base; a static one, as \
                 `cargo xtask dist` makes it, runs on any"
            );
            observer.tell(Event::Noted { text: &text });
        }
        Ok(Self {
            digest: digest::of_bytes(&bytes),
            architecture: architecture.to_owned(),
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Unobserved;

    #[test]
    fn a_script_and_a_missing_file_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("leanrepl");
        fs::write(&script, "#!/bin/sh\n").unwrap();
        let failure = Binary::choose(Some(&script), &Unobserved).unwrap_err();
        assert_eq!(failure.causes(), ["it is no program of Linux"]);
        let huge = dir.path().join("huge");
        fs::File::create(&huge).unwrap().set_len(2 << 30).unwrap();
        let failure = Binary::choose(Some(&huge), &Unobserved).unwrap_err();
        assert_eq!(failure.causes(), ["it has more than 1.0 GiB"]);
        let missing = dir.path().join("missing");
        let failure = Binary::choose(Some(&missing), &Unobserved).unwrap_err();
        assert!(failure.hint().contains("`--server-binary FILE`"));
    }

    #[test]
    fn the_program_that_runs_is_taken_without_being_asked() {
        let binary = Binary::choose(None, &Unobserved).unwrap();
        assert_eq!(binary.path, std::env::current_exe().unwrap());
        assert_eq!(binary.digest.len(), 64);
    }
}
