//! A world of its own for each test: home, cache, work folder, variables and a fake REPL.
//!
//! Tests state what a user sees:
//!
//! ```ignore
//! #[test]
//! fn a_session_that_hangs_is_undecided_not_rejected() {
//!     let world = World::new().fake_repl("").file("A.lean", "--! hang");
//!     let seen = world.leanrepl(["eval", "--repl", "./repl", "--timeout", "1s", "A.lean"]);
//!     snapshot!(seen, @r"
//!     exit: 5
//!     ----- stderr -----
//!     error: the REPL did not answer within 1 s and was stopped
//!
//!     hint: raise `--timeout`, or look for a tactic in `A.lean` that does not end
//!     ");
//!     world.assert_nothing_runs();
//! }
//! ```
//!
//! The snapshot shows the exit code and what is not empty of stdout and stderr. Paths of the world
//! become `[WORK]`, `[HOME]`, `[CACHE]`, `[TMP]`, `[BIN]`; `in 2.1 s` becomes `in [TIME]`, and
//! process numbers and leanrepl's own version likewise. `cargo insta test --review` rewrites
//! snapshots that differ. What `--! hang` and the like do is written at the
//! top of `tests/fake_repl/directive.rs`; the fake's flags are in `flags.rs` beside it.
//!
//! A test that has to act while leanrepl runs uses [`World::start`]; a test of a shell pipeline
//! uses [`World::start_program`] with `sh`, which finds `leanrepl` on its PATH.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::running::{Finished, Running};

/// Compares what was seen with an inline snapshot.
macro_rules! snapshot {
    ($seen:expr, @$expected:literal) => {{
        let seen = $seen;
        insta::with_settings!({ filters => crate::running::FILTERS.to_vec() }, {
            insta::assert_snapshot!(seen.text(), @$expected)
        });
    }};
}
pub(crate) use snapshot;

/// Marks the processes of one world. Its name begins with `LEAN_`, so that leanrepl hands it down.
const MARK: &str = "LEAN_TEST_WORLD";

/// Longest run of one command, unless a test says otherwise. No test expects to use it up.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long processes may take to be gone after they were killed.
const DEATH: Duration = Duration::from_secs(20);

/// Folders and variables for one test. Dropping it removes the folders and kills what still runs.
pub(crate) struct World {
    /// The real path of the folder that holds the others.
    root: PathBuf,
    /// Removes the folder.
    _folder: TempDir,
    /// The variables of a command: these and no other.
    variables: BTreeMap<String, String>,
    /// What a command reads on its stdin; nothing at all if not said.
    stdin: Option<Vec<u8>>,
    /// Longest run of one command.
    patience: Duration,
}

impl World {
    /// An empty work folder, home and cache, and a PATH of `leanrepl` and the system's programs.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["home", "cache", "work", "bin", "tmp"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_leanrepl"), root.join("bin/leanrepl")).unwrap();
        let path = |name: &str| root.join(name).display().to_string();
        let system = "/usr/local/bin:/usr/bin:/bin";
        let variables = [
            ("HOME", path("home")),
            ("LANG", "C.UTF-8".to_owned()),
            ("LEANREPL_CACHE_DIR", path("cache")),
            ("PATH", format!("{}:{system}", path("bin"))),
            ("TMPDIR", path("tmp")),
            (MARK, root.display().to_string()),
        ];
        Self {
            variables: variables
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            root,
            _folder: folder,
            stdin: None,
            patience: PATIENCE,
        }
    }

    /// Adds a file to the work folder; its folders are made.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        self.bytes(name, text.as_bytes())
    }

    /// Adds a file that need not be text.
    pub(crate) fn bytes(self, name: &str, bytes: &[u8]) -> Self {
        let path = self.work(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// Puts the fake REPL at `./repl` of the work folder, with flags for all who start it.
    pub(crate) fn fake_repl(self, flags: &str) -> Self {
        symlink(env!("CARGO_BIN_EXE_fake-repl"), self.work("repl")).unwrap();
        self.var("LEAN_FAKE_REPL", flags)
    }

    /// Puts a shell script on the PATH, before the system's programs.
    pub(crate) fn script(self, name: &str, text: &str) -> Self {
        let source = self.root.join("tmp").join(format!("{name}.sh"));
        fs::write(&source, format!("#!/bin/sh\n{text}\n")).unwrap();
        // Copied by a child: if this process had it open for writing while another test forks,
        // it could not be run ("text file busy").
        let status = Command::new("install")
            .args(["-m", "755"])
            .args([&source, &self.root.join("bin").join(name)])
            .status();
        assert!(status.unwrap().success());
        self
    }

    /// Takes the system's programs off the PATH, so that only those of [`World::script`] are found.
    pub(crate) fn own_programs_only(self) -> Self {
        let bin = self.root.join("bin").display().to_string();
        self.var("PATH", &bin)
    }

    /// The path of something in the home folder.
    pub(crate) fn home(&self, name: &str) -> PathBuf {
        self.root.join("home").join(name)
    }

    /// Sets a variable.
    pub(crate) fn var(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Gives each command this text on its stdin.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.as_bytes().to_vec());
        self
    }

    /// Lets a command run for as long as this.
    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The path of something in the work folder.
    pub(crate) fn work(&self, name: &str) -> PathBuf {
        self.root.join("work").join(name)
    }

    /// The path of something in the cache.
    pub(crate) fn cache(&self, name: &str) -> PathBuf {
        self.root.join("cache").join(name)
    }

    /// Runs leanrepl in the work folder to its end. Fails the test if that does not come.
    pub(crate) fn leanrepl<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Finished {
        self.start(args).finish()
    }

    /// Starts leanrepl in the work folder.
    pub(crate) fn start<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Running {
        self.start_program(env!("CARGO_BIN_EXE_leanrepl"), args)
    }

    /// Starts any program in the work folder.
    pub(crate) fn start_program<A: AsRef<OsStr>>(
        &self,
        program: &str,
        args: impl IntoIterator<Item = A>,
    ) -> Running {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.root.join("work"))
            .env_clear()
            .envs(&self.variables)
            .stdin(match self.stdin {
                Some(_) => Stdio::piped(),
                None => Stdio::null(),
            });
        let stdin = self.stdin.clone().unwrap_or_default();
        Running::start(command, stdin, self.patience, self.names())
    }

    /// The texts that stand for this world's paths in a snapshot, longest path first.
    fn names(&self) -> Vec<(String, &'static str)> {
        let folders = [
            ("work", "[WORK]"),
            ("home", "[HOME]"),
            ("cache", "[CACHE]"),
            ("tmp", "[TMP]"),
            ("bin", "[BIN]"),
            ("", "[ROOT]"),
        ];
        let folders = folders.map(|(folder, name)| {
            let path = self.root.join(folder).display().to_string();
            (path.trim_end_matches('/').to_owned(), name)
        });
        let programs = [
            (env!("CARGO_BIN_EXE_leanrepl").to_owned(), "[LEANREPL]"),
            (env!("CARGO_BIN_EXE_fake-repl").to_owned(), "[FAKE-REPL]"),
        ];
        programs.into_iter().chain(folders).collect()
    }

    /// The processes that this world's commands started and that still run.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let mark = format!("{MARK}={}", self.root.display());
        let is_ours = |folder: &Path| {
            // A process may end while it is looked at; then it is none of ours.
            let variables = fs::read(folder.join("environ")).unwrap_or_default();
            variables
                .split(|byte| *byte == 0)
                .any(|pair| pair == mark.as_bytes())
        };
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|folder| is_ours(folder))
            .filter_map(|folder| Pid::from_raw(folder.file_name()?.to_str()?.parse().ok()?))
            .collect()
    }

    /// Fails the test if a process of this world outlives its command.
    pub(crate) fn assert_nothing_runs(&self) {
        let (_never, silence) = mpsc::channel::<()>();
        let start = Instant::now();
        while start.elapsed() < DEATH {
            if self.processes().is_empty() {
                return;
            }
            let _ = silence.recv_timeout(Duration::from_millis(5));
        }
        panic!("these processes are left: {:?}", self.processes());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for pid in self.processes() {
            // One that has just ended needs no killing.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
