//! The Node that runs core Lean: the user's own if it is new enough, else one that comes with the
//! installation. Never installs it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::env_vars;
use crate::event::{Observer, Unobserved};
use crate::failure::Failure;
use crate::limits::{CancelFlag, Deadline};
use crate::process::run::{Run, find_program};

/// The oldest major version that loads the module: older ones refuse its 200,000 exports.
pub(crate) const OLDEST: u32 = 24;

/// Without these, a Node that ends may wait for ever: it waits for a background thread that compiles JavaScript,
/// which waits for a collection of garbage by the thread that ends (nodejs/node#54918; one of some 700 ends
/// when measured). They compile JavaScript where it runs; wasm, of which Lean is made, is compiled as before.
pub(crate) const FLAGS: [&str; 2] = ["--no-concurrent-sparkplug", "--no-concurrent-recompilation"];

/// How long Node may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(20);

/// A Node that works and is new enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// The program itself, no shim that chooses one.
    pub(crate) path: PathBuf,
    /// Its version, such as `v24.21.0`.
    pub(crate) version: String,
}

/// A Node as the manifest remembers it, with what shows at a glance that it is another one now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    /// Its path; a relative one starts at the installed folder.
    path: PathBuf,
    version: String,
    bytes: u64,
    /// When the file was changed, in milliseconds since 1970.
    modified_ms: u128,
}

impl Remembered {
    /// Remembers a Node whose path, if it is relative, starts at `dir`.
    pub(crate) fn new(dir: &Path, path: PathBuf, version: String) -> Option<Self> {
        let (bytes, modified_ms) = look(&dir.join(&path))?;
        Some(Self {
            path,
            version,
            bytes,
            modified_ms,
        })
    }

    /// Says that the same file will be there, with a time in whole seconds as archives keep it.
    pub(crate) fn move_to(&mut self, path: PathBuf) {
        self.path = path;
        self.modified_ms -= self.modified_ms % 1000;
    }

    /// The Node, if it is still there and new enough. One that was changed is asked again.
    pub(crate) fn check(&self, dir: &Path) -> Option<Node> {
        let path = dir.join(&self.path);
        if look(&path)? == (self.bytes, self.modified_ms) {
            return Some(Node {
                path,
                version: self.version.clone(),
            });
        }
        ask(path.as_os_str(), &Unobserved, &CancelFlag::default())
            .ok()
            .flatten()
    }
}

/// Size and time of change of a file.
fn look(path: &Path) -> Option<(u64, u128)> {
    let metadata = fs::metadata(path).ok()?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((metadata.len(), modified.as_millis()))
}

/// The Node on that `PATH`, if it is new enough.
pub(crate) fn on_path(
    paths: Option<&OsStr>,
    observer: &dyn Observer,
    interrupt: &CancelFlag,
) -> Option<Node> {
    let path = find_program(OsStr::new("node"), paths)?;
    ask(path.as_os_str(), observer, interrupt).ok().flatten()
}

/// Asks a Node who it is; none if it is too old. Fails when it does not run.
pub(crate) fn ask(
    program: &OsStr,
    observer: &dyn Observer,
    interrupt: &CancelFlag,
) -> Result<Option<Node>, Failure> {
    // The program on the path may be a shim that chooses by the folder it is run in; the answer
    // names the real one.
    let output = Run::new(program)
        .args(["-p", r"process.version + '\n' + process.execPath"])
        .environment(env_vars::cleaned())
        .deadline(Deadline::after(PATIENCE))
        .purpose("asking for its version")
        .hint(format!(
            "install Node {OLDEST} or newer and put `node` on `PATH`"
        ))
        .finish(observer, interrupt)?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(answer(&text))
}

/// The Node that an answer tells of, if it is new enough.
fn answer(text: &str) -> Option<Node> {
    let (version, path) = text.trim().split_once('\n')?;
    let version = version.trim();
    (major(version)? >= OLDEST).then(|| Node {
        path: PathBuf::from(path.trim()),
        version: version.to_owned(),
    })
}

/// The 24 of `v24.21.0`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_is_too_old_or_speaks_strangely_is_not_used() {
        let version = |text| answer(text).map(|node| node.version);
        assert_eq!(
            version("v24.0.0\n/usr/bin/node\n").as_deref(),
            Some("v24.0.0")
        );
        assert_eq!(
            version("v100.1.0-pre\r\n/n").as_deref(),
            Some("v100.1.0-pre")
        );
        for text in ["v23.11.1\n/n", "24.0.0\n/n", "v24.0.0", "", "vx\n/n"] {
            assert_eq!(version(text), None, "{text}");
        }
    }

    #[test]
    fn a_node_that_was_replaced_by_an_old_one_or_removed_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node");
        let write = |version: &str| {
            let path = path.display();
            let script = format!("#!/bin/sh\necho {version}\necho {path}\n");
            let beside = dir.path().join("new");
            fs::write(&beside, script).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&beside, mode).unwrap();
            fs::rename(&beside, dir.path().join("node")).unwrap();
        };
        write("v24.1.0");
        let remembered =
            Remembered::new(dir.path(), PathBuf::from("node"), "v24.1.0".to_owned()).unwrap();
        let version = || remembered.check(dir.path()).map(|node| node.version);
        assert_eq!(version().as_deref(), Some("v24.1.0"));
        write("v26.12.0");
        assert_eq!(version().as_deref(), Some("v26.12.0"));
        write("v18.120.0");
        assert_eq!(version(), None);
        fs::remove_file(&path).unwrap();
        assert_eq!(version(), None);
    }
}
