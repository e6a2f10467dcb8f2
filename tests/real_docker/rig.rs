//! A real Docker Engine and images for it: systems made by debootstrap, and what the tests put on top.
//! All that is made is removed on drop, but for the systems themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

/// The label that leanrepl puts on what it makes.
pub(crate) const LABEL: &str = "org.leanprover-community.leanrepl";

/// Numbers the names of one run.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A folder for a build, and names of images that go away.
pub(crate) struct Rig {
    /// For contexts and settings.
    folder: TempDir,
    /// Images to be removed.
    images: Vec<String>,
}

impl Rig {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            images: Vec::new(),
        }
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A name for an image that no other test uses; what bears it at the end is removed.
    pub(crate) fn name(&mut self) -> String {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("leanrepl-test/{}-{count}:1", std::process::id());
        self.images.push(name.clone());
        name
    }

    /// The same in a registry of that name.
    pub(crate) fn name_at(&mut self, registry: &str) -> String {
        let name = format!("{registry}/{}", self.name());
        self.images.push(name.clone());
        name
    }

    /// An image made from a Dockerfile and files beside it.
    pub(crate) fn image(&mut self, dockerfile: &str, files: &[(&str, Source<'_>)]) -> String {
        let name = self.name();
        let context = self.path(&name.replace('/', "-"));
        fs::create_dir_all(&context).unwrap();
        fs::write(context.join("Dockerfile"), dockerfile).unwrap();
        for (file, source) in files {
            let place = context.join(file);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            match source {
                Source::Text(text) => fs::write(&place, text).unwrap(),
                Source::Script(text) => {
                    fs::write(&place, text).unwrap();
                    make_executable(&place);
                }
                Source::File(path) => fs::copy(path, &place).map(drop).unwrap(),
            }
        }
        let context = context.display().to_string();
        docker(&["build", "--quiet", "--tag", &name, &context]);
        name
    }

    /// Runs `leanrepl build-image` with the daemon of the tests.
    pub(crate) fn build(&self, args: &[&str]) -> Seen {
        Seen::of(self.command(args).output().unwrap())
    }

    /// `leanrepl build-image`, to be started.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leanrepl"));
        command
            .arg("build-image")
            .args(args)
            .env("DOCKER_CONFIG", self.path("config"));
        command
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // Images that got no name. One that is in use stays.
        let filter = format!("label={LABEL}");
        let _absent = Command::new("docker")
            .args(["image", "prune", "--force", "--filter", &filter])
            .output();
        for image in &self.images {
            // A test that failed early has made no image of that name.
            let _absent = Command::new("docker")
                .args(["image", "rm", "--force", image])
                .output();
        }
    }
}

/// Where a file of a context comes from.
pub(crate) enum Source<'a> {
    /// A text.
    Text(&'a str),
    /// A program in text form.
    Script(&'a str),
    /// A file.
    File(&'a Path),
}

/// What was seen of a command.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Its exit code.
    pub(crate) code: Option<i32>,
    /// Its data.
    pub(crate) stdout: String,
    /// All else.
    pub(crate) stderr: String,
}

impl Seen {
    /// Of the output of a command.
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The JSON of a run that went well.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// Runs `docker`, which must do what it is told; the answer is its stdout.
pub(crate) fn docker(args: &[&str]) -> String {
    let seen = try_docker(args);
    assert_eq!(seen.code, Some(0), "docker {args:?}: {seen:?}");
    seen.stdout.trim().to_owned()
}

/// Runs `docker`. The builder without `BuildKit` needs no plugin.
pub(crate) fn try_docker(args: &[&str]) -> Seen {
    let mut command = Command::new("docker");
    Seen::of(
        command
            .args(args)
            .env("DOCKER_BUILDKIT", "0")
            .output()
            .unwrap(),
    )
}

/// The containers that leanrepl has left over.
pub(crate) fn left_over() -> String {
    docker(&[
        "ps",
        "--all",
        "--quiet",
        "--filter",
        &format!("label={LABEL}"),
    ])
}

/// A small Debian of that name as an image. It is made once, and its files are kept under `target`.
pub(crate) fn debian(suite: &str) -> String {
    let name = format!("leanrepl-test-base/{suite}:1");
    if try_docker(&["image", "inspect", &name]).code == Some(0) {
        return name;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/docker");
    let archive = folder.join(format!("{suite}.tar"));
    if !archive.is_file() {
        make_debian(suite, &folder, &archive);
    }
    docker(&["import", &archive.display().to_string(), &name]);
    name
}

/// Makes the files of a Debian.
fn make_debian(suite: &str, folder: &Path, archive: &Path) {
    let tree = folder.join(format!("{suite}.tree"));
    let beside = folder.join(format!("{suite}.tar.new"));
    let _old = fs::remove_dir_all(&tree);
    fs::create_dir_all(folder).unwrap();
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{program} {args:?}: {text}");
    };
    let shown = tree.display().to_string();
    run(
        "debootstrap",
        &["--variant=minbase", "--include=git", suite, &shown],
    );
    let new = beside.display().to_string();
    run(
        "tar",
        &["--create", "--file", &new, "--directory", &shown, "."],
    );
    fs::rename(beside, archive).unwrap();
    fs::remove_dir_all(tree).unwrap();
}

/// Lets everybody run a file.
fn make_executable(path: &Path) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(path, mode).unwrap();
}
