//! A small disk of one's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in a folder, gone when it is dropped.
pub(crate) struct Mount(PathBuf);

impl Mount {
    /// Mounts that many bytes of memory. Only root can do that.
    pub(crate) fn new(dir: &Path, bytes: u64) -> Self {
        fs::create_dir_all(dir).unwrap();
        let mount = Self(dir.to_owned());
        let size = format!("size={bytes}");
        mount.run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs"]);
        mount
    }

    /// Runs a command on the folder.
    fn run(&self, program: &str, args: &[&str]) {
        let status = Command::new(program).args(args).arg(&self.0).status();
        assert!(status.unwrap().success(), "{program} {args:?}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.run("umount", &[]);
    }
}
