//! What a confined session can do to the machine: a small native program in the REPL's place makes
//! the attempts (`tests/fake_repl/attempt.rs`), each of which has to succeed without confinement.

#![expect(
    clippy::disallowed_methods,
    reason = "the binary is driven from outside, without the code that it is made of"
)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken set-up fails the test"
)]

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use leanrepl::internals::{Child, Launch, Turn, Unobserved, sandbox};
use rustix::process::{Pid, Signal, kill_process};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};
use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for something that has to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Folders of one test.
struct Place {
    /// Their root, without links.
    root: PathBuf,
    /// Removes them.
    _folder: TempDir,
}

impl Place {
    /// A work folder with a fake REPL, a key file beside it, and a folder for temporary files.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["work", "tmp", "home"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_fake-repl"), root.join("work/repl")).unwrap();
        fs::write(root.join("work/key"), "a-secret-key").unwrap();
        Self {
            root,
            _folder: folder,
        }
    }

    /// A path in it.
    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// `leanrepl eval` of a text on the fake REPL.
    fn command(&self, text: &str, options: &[&str]) -> Command {
        fs::write(self.path("work/A.lean"), text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_leanrepl"));
        command
            .args(["eval", "--json", "--repl", "./repl", "A.lean"])
            .args(options)
            .current_dir(self.path("work"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("SECRET_OF_THE_SERVER", "a-secret-variable")
            .stdin(Stdio::null());
        command
    }

    /// What is said about a text.
    fn eval(&self, text: &str, options: &[&str]) -> Seen {
        Seen::new(&self.command(text, options).output().unwrap())
    }

    /// What comes of one attempt.
    fn attempt(&self, what: &str, mode: &str) -> String {
        let seen = self.eval(&format!("--! try {what}\n"), &["--sandbox", mode]);
        assert_eq!(seen.verdict(), "accepted", "{what}, {mode}: {seen:?}");
        seen.messages().remove(0)
    }

    /// The names in the folder for temporary files, once it is empty or for good.
    fn left_in_tmp(&self) -> Vec<String> {
        let names = || -> Vec<String> {
            let entries = fs::read_dir(self.path("tmp")).unwrap();
            let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
            entries.map(|entry| name(entry.unwrap())).collect()
        };
        // A slow disk lets the removal go on for a while.
        until(|| names().is_empty());
        names()
    }
}

/// Waits for something, at most as long as patience lasts; says whether it came.
fn until(mut came: impl FnMut() -> bool) -> bool {
    let (_never, silence) = mpsc::channel::<()>();
    let start = Instant::now();
    while !came() {
        if start.elapsed() > PATIENCE {
            return false;
        }
        let _ = silence.recv_timeout(Duration::from_millis(5));
    }
    true
}

/// What leanrepl said.
#[derive(Debug)]
struct Seen {
    /// Its exit code.
    code: Option<i32>,
    /// Its lines.
    lines: Vec<Value>,
    /// What it said besides.
    stderr: String,
}

impl Seen {
    /// Reads the outputs of `eval --json`.
    fn new(output: &Output) -> Self {
        let stdout = String::from_utf8_lossy(&output.stdout);
        Self {
            code: output.status.code(),
            lines: stdout
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The verdict of the only file.
    fn verdict(&self) -> &str {
        self.lines[0]["verdict"].as_str().unwrap_or("none")
    }

    /// The messages of the only file.
    fn messages(&self) -> Vec<String> {
        let messages = self.lines[0]["messages"].as_array().unwrap();
        let text = |message: &Value| message["data"].as_str().unwrap().to_owned();
        messages.iter().map(text).collect()
    }

    /// What the failure says, of the file or of the run.
    fn problem(&self) -> String {
        let failures = [
            &self.lines[0]["failure"]["problem"],
            &self.lines[0]["problem"],
        ];
        let said = failures.into_iter().find_map(Value::as_str);
        said.unwrap_or_default().to_owned()
    }
}

/// Fails unless the attempt succeeds without confinement and is stopped with it.
fn assert_stopped(place: &Place, what: &str) {
    let free = place.attempt(what, "off");
    assert!(free.starts_with("done"), "{what}, off: {free}");
    for mode in ["auto", "strict"] {
        let confined = place.attempt(what, mode);
        let is_stopped =
            confined.contains("ermission denied") || confined.contains("not permitted");
        assert!(
            confined.starts_with("failed") && is_stopped,
            "{what}, {mode}: {confined}"
        );
    }
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn files_outside_are_neither_written_nor_read() {
    let place = Place::new();
    let outside = place.path("work/outside");
    assert_stopped(&place, &format!("write {}", outside.display()));
    assert_eq!(fs::read_to_string(&outside).unwrap(), "written");
    fs::remove_file(&outside).unwrap();
    place.attempt(&format!("write {}", outside.display()), "auto");
    assert!(!outside.exists());

    let key = place.path("work/key");
    assert_stopped(&place, &format!("read {}", key.display()));
    let read = place.attempt(&format!("read {}", key.display()), "off");
    assert!(read.contains("a-secret-key"), "{read}");
    assert_stopped(&place, &format!("list {}", place.path("home").display()));
    assert_stopped(&place, "list /proc");
    assert_stopped(&place, "list /etc");
    // Not even by its name in the folder that the session runs in, or by a link of its own.
    assert_stopped(&place, "read key");
    symlink(&key, place.path("work/link")).unwrap();
    assert_stopped(&place, "read link");
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn files_that_may_be_read_can_not_be_spoilt() {
    let place = Place::new();
    let folder = place.path("home/oleans");
    fs::create_dir(&folder).unwrap();
    let module = folder.join("A.olean");
    for what in ["empty", "close", "write"] {
        fs::write(&module, "compiled").unwrap();
        let mut texts = Vec::new();
        for mode in ["off", "auto"] {
            let text = format!(
                "--! try {what} {0}\n--! try list {1}\n",
                module.display(),
                folder.display()
            );
            let output = place
                .command(&text, &["--sandbox", mode])
                .env("LEAN_PATH", &folder)
                .output()
                .unwrap();
            texts.push(Seen::new(&output).messages());
            // Undone for the next one.
            let rights = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            if mode == "off" {
                fs::set_permissions(&module, rights).unwrap();
                fs::write(&module, "compiled").unwrap();
            }
        }
        assert!(texts[0][0].starts_with("done"), "{what}: {texts:?}");
        assert!(texts[1][0].starts_with("failed"), "{what}: {texts:?}");
        assert_eq!(texts[1][1], "done: A.olean", "{what}");
        assert_eq!(fs::read_to_string(&module).unwrap(), "compiled");
    }
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn the_variables_of_the_server_cannot_be_read() {
    let place = Place::new();
    assert_stopped(&place, "read-parent");
    assert_stopped(&place, "read /proc/self/environ");
    // By this Lean knows a stack overflow.
    let map = place.attempt("read /proc/self/maps", "strict");
    assert!(map.contains("[stack]"), "{map}");
    let free = place.attempt("read-parent", "off");
    assert!(free.contains("a-secret-variable"), "{free}");
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn there_is_no_network() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    assert_stopped(
        &place,
        &format!("connect {}", listener.local_addr().unwrap()),
    );
    // The one without confinement came through, and no other.
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_ok());
    assert!(listener.accept().is_err());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    assert_stopped(&place, &format!("send {}", socket.local_addr().unwrap()));
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn of_pairs_of_sockets_only_streams_are_made() {
    let place = Place::new();
    for kind in ["datagram", "raw", "packets"] {
        assert_stopped(&place, &format!("socket-pair {kind}"));
    }
    for kind in ["stream", "stream-cloexec"] {
        for mode in ["off", "auto", "strict"] {
            let made = place.attempt(&format!("socket-pair {kind}"), mode);
            assert_eq!(made, "done:", "{kind}, {mode}");
        }
    }
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn memory_that_nothing_resident_tells_of_is_not_given() {
    let place = Place::new();
    for what in ["memfd 1000", "shared 1000", "file-without-name"] {
        assert_stopped(&place, what);
    }
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn files_in_memory_count_for_the_limit_on_memory_and_those_on_a_disk_do_not() {
    let place = Place::new();
    // Present wherever the C library has shared memory.
    let in_memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let seen = |what: &str, folder: &Path| {
        // The second one is there so that the session is looked at after the first.
        let text = format!("--! try {what} 100000000\n--! slow 1000\n");
        let options = ["--sandbox", "strict", "--memory", "60MiB"];
        let mut command = place.command(&text, &options);
        Seen::new(&command.env("TMPDIR", folder).output().unwrap())
    };
    for what in ["files", "removed-files", "mapped-files"] {
        let stopped = seen(what, in_memory.path());
        assert_eq!(stopped.verdict(), "undecided", "{what}: {stopped:?}");
        assert_eq!(stopped.lines[0]["reason"], "memory", "{what}: {stopped:?}");
        let on_disk = seen(what, &place.path("tmp"));
        assert_eq!(on_disk.verdict(), "accepted", "{what}: {on_disk:?}");
    }
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn no_process_is_started_and_none_is_signalled() {
    let place = Place::new();
    assert_stopped(&place, "spawn 1");
    assert_eq!(place.attempt("spawn 40", "off"), "done: 40 started");
    assert_stopped(&place, "spawn 40");
    assert_stopped(&place, "signal-parent");
    assert_stopped(&place, "signal-group");
    for mode in ["off", "strict"] {
        assert_eq!(place.attempt("signal-self", mode), "done:");
    }
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn files_that_were_left_open_for_leanrepl_are_closed_to_it() {
    let place = Place::new();
    let files = |mode: &str| {
        let inner = place.command("--! try open-files\n", &["--sandbox", mode]);
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "exec 9<key; exec \"$@\"", "sh"]);
        shell.arg(inner.get_program()).args(inner.get_args());
        shell.env_clear().current_dir(place.path("work"));
        shell.envs(
            inner
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        Seen::new(&shell.output().unwrap()).messages().remove(0)
    };
    let free = files("off");
    assert!(free.split(' ').any(|file| file == "9"), "{free}");
    assert_eq!(files("auto"), "done:");
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn each_session_has_a_temporary_folder_that_goes_with_it() {
    let place = Place::new();
    let free = place.attempt("write-temporary", "off");
    assert_eq!(free, format!("done: {}", place.path("tmp").display()));
    for name in ["left", "folder"] {
        let path = place.path("tmp").join(name);
        assert!(
            fs::remove_file(&path)
                .or_else(|_| fs::remove_dir(&path))
                .is_ok()
        );
    }
    for mode in ["auto", "strict"] {
        let confined = place.attempt("write-temporary", mode);
        let start = format!("done: {}/leanrepl-session-", place.path("tmp").display());
        assert!(confined.starts_with(&start), "{confined}");
        assert_eq!(place.left_in_tmp(), [""; 0]);
    }
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn a_file_without_end_ends_the_session_and_the_text_is_undecided() {
    let place = Place::new();
    let bytes = sandbox::MAX_FILE.get();
    let largest = format!("write-large {bytes}");
    assert_eq!(place.attempt(&largest, "auto"), "done:");
    let text = format!("#eval 1\n--! try write-large {}\n", bytes + 1);
    assert_eq!(place.eval(&text, &[]).verdict(), "accepted");
    let seen = place.eval(&text, &["--sandbox", "auto"]);
    assert_eq!(
        (seen.code, seen.verdict()),
        (Some(5), "undecided"),
        "{seen:?}"
    );
    assert!(seen.problem().contains("SIGXFSZ"), "{seen:?}");
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn verdicts_are_the_same_with_and_without_confinement() {
    let place = Place::new();
    let texts = [
        ("#check Nat\n", "accepted", Some(0)),
        ("--! error 1:0 no\n--! try read key\n", "rejected", Some(1)),
        ("--! die\n", "undecided", Some(5)),
    ];
    for (text, verdict, code) in texts {
        for mode in ["off", "auto", "strict"] {
            let seen = place.eval(text, &["--sandbox", mode]);
            assert_eq!(
                (seen.verdict(), seen.code),
                (verdict, code),
                "{mode}: {seen:?}"
            );
            assert_eq!(seen.stderr.matches("sandbox").count(), 0, "{seen:?}");
        }
    }
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn rights_are_dropped_and_cannot_be_won_back() {
    let launch = |mode| {
        let launch = Launch {
            args: vec!["-c".into(), "read line".into()],
            ..Launch::new("/bin/sh")
        };
        sandbox::confine(mode, launch, &Unobserved).unwrap()
    };
    let status = |mode| {
        let child = Child::start(&launch(mode)).unwrap();
        let status = fs::read_to_string(format!("/proc/{}/status", child.pid())).unwrap();
        let limits = fs::read_to_string(format!("/proc/{}/limits", child.pid())).unwrap();
        (status, limits)
    };
    let field = |text: &str, name: &str| -> String {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().split_whitespace().next().unwrap().to_owned()
    };
    let (free, _) = status(sandbox::Mode::Off);
    assert_eq!(field(&free, "NoNewPrivs:"), "0");
    let (confined, limits) = status(sandbox::Mode::Strict);
    assert_eq!(field(&confined, "NoNewPrivs:"), "1");
    assert_eq!(field(&confined, "Seccomp:"), "2");
    for set in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
        let rights = u64::from_str_radix(&field(&confined, set), 16).unwrap();
        // `CAP_DAC_READ_SEARCH` is number 2.
        assert_eq!(rights & !4, 0, "{set}");
    }
    assert_eq!(field(&limits, "Max core file size"), "0");
    assert_eq!(
        field(&limits, "Max file size"),
        sandbox::MAX_FILE.get().to_string()
    );
    assert_eq!(field(&limits, "Max open files"), "1024");
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn a_confined_session_dies_with_leanrepl_and_the_next_run_tidies_up() {
    let place = Place::new();
    let mut leanrepl = place
        .command(
            "--! try write-temporary\n--! hang\n",
            &["--sandbox", "strict"],
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let left = || {
        let mut folders = fs::read_dir(place.path("tmp")).unwrap().flatten();
        let has_file = |folder: fs::DirEntry| folder.path().join("left").exists();
        folders.any(has_file)
    };
    assert!(until(left), "the session did not start");
    let session = child_of(leanrepl.id()).unwrap();
    kill_process(Pid::from_child(&leanrepl), Signal::KILL).unwrap();
    leanrepl.wait().unwrap();
    let proc = PathBuf::from(format!("/proc/{session}"));
    let is_dead = || {
        let stat = fs::read_to_string(proc.join("stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    };
    assert!(until(is_dead), "the session outlives leanrepl");
    assert!(left());
    place.attempt("read key", "auto");
    // That run may have ended before it had removed everything; one of the next is done with it.
    assert!(until(|| {
        place.attempt("read key", "auto");
        !left()
    }));
    assert_eq!(place.left_in_tmp(), [""; 0]);
}

/// A process that this one has started, from any of its threads.
fn child_of(process: u32) -> Option<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    threads.flatten().find_map(|thread| {
        let children = fs::read_to_string(thread.path().join("children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    })
}

/// Runs a command as if the kernel did not know a call: the answer to those that match is an error
/// for this thread and for all that it starts.
fn without(call: i64, conditions: Vec<SeccompCondition>, command: &mut Command) -> Output {
    // No rule means whatever the arguments are.
    let rule = (!conditions.is_empty()).then(|| SeccompRule::new(conditions).unwrap());
    let rules = rule.into_iter().collect();
    let filter: BpfProgram = SeccompFilter::new(
        [(call, rules)].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS.cast_unsigned()),
        std::env::consts::ARCH.try_into().unwrap(),
    )
    .unwrap()
    .try_into()
    .unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            seccompiler::apply_filter(&filter).unwrap();
            command.output().unwrap()
        });
        thread.join().unwrap()
    })
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn a_kernel_without_landlock_is_named_and_the_rest_holds() {
    let place = Place::new();
    let run = |mode: &str, text: &str| {
        let mut command = place.command(text, &["--sandbox", mode]);
        let output = without(libc::SYS_landlock_create_ruleset, Vec::new(), &mut command);
        Seen::new(&output)
    };
    let text = format!(
        "--! try read {}\n--! try spawn 1\n",
        place.path("work/key").display()
    );
    let seen = run("auto", &text);
    assert_eq!(seen.verdict(), "accepted", "{seen:?}");
    assert_eq!(
        seen.stderr.matches("the sandbox lacks Landlock").count(),
        1,
        "{seen:?}"
    );
    assert!(seen.messages()[0].starts_with("done"), "{seen:?}");
    assert!(seen.messages()[1].starts_with("failed"), "{seen:?}");
    let seen = run("strict", &text);
    assert_eq!(seen.code, Some(5), "{seen:?}");
    assert!(
        seen.problem().contains("does not offer: Landlock"),
        "{seen:?}"
    );
    assert_eq!(run("off", &text).stderr.matches("sandbox").count(), 0);
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn a_kernel_without_filters_is_named_and_the_rest_holds() {
    let place = Place::new();
    let run = |mode: &str, text: &str| {
        let mut command = place.command(text, &["--sandbox", mode]);
        let operation = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, 1);
        let output = without(libc::SYS_seccomp, vec![operation.unwrap()], &mut command);
        Seen::new(&output)
    };
    let text = format!(
        "--! try read {}\n--! try spawn 1\n",
        place.path("work/key").display()
    );
    let seen = run("auto", &text);
    assert_eq!(seen.verdict(), "accepted", "{seen:?}");
    assert_eq!(
        seen.stderr.matches("the sandbox lacks filters").count(),
        1,
        "{seen:?}"
    );
    assert!(seen.messages()[0].starts_with("failed"), "{seen:?}");
    assert!(seen.messages()[1].starts_with("done"), "{seen:?}");
    let seen = run("strict", &text);
    assert_eq!(seen.code, Some(5), "{seen:?}");
    assert!(
        seen.problem().contains("does not offer: filters"),
        "{seen:?}"
    );
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn a_script_around_the_repl_says_why_it_does_not_start() {
    let place = Place::new();
    let script = place.path("work/repl");
    fs::remove_file(&script).unwrap();
    fs::write(
        &script,
        concat!("#!", env!("CARGO_BIN_EXE_fake-repl"), "\n"),
    )
    .unwrap();
    let rights = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&script, rights).unwrap();
    let said = |mode: &str| {
        let seen = place.eval("#eval 1\n", &["--sandbox", mode]);
        assert_eq!(seen.code, Some(5), "{seen:?}");
        seen.lines[0].to_string()
    };
    // The fake REPL runs there, and takes the name of the script for a flag.
    assert!(said("off").contains("no flag is called"), "{}", said("off"));
    assert!(
        said("auto").contains("with `--sandbox`, a session runs its own program"),
        "{}",
        said("auto")
    );
}

#[test]
#[ignore = "needs a kernel with Landlock and seccomp; run cargo xtask test"]
fn many_threads_start_confined_sessions_at_once() {
    let launch = Launch {
        args: vec!["-c".into(), "echo $TMPDIR; exec cat".into()],
        ..Launch::new("/bin/sh")
    };
    let launch = sandbox::confine(sandbox::Mode::Strict, launch, &Unobserved).unwrap();
    let launch = Arc::new(launch);
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let launch = Arc::clone(&launch);
            std::thread::spawn(move || {
                let mut seen = Vec::new();
                for _ in 0..10 {
                    // What the others do to the allocator meanwhile must not stop a start.
                    let mut child = Child::start(&launch).unwrap();
                    let folder = first_line(&mut child);
                    assert!(Path::new(&folder).is_dir(), "{folder}");
                    seen.push(folder);
                }
                seen
            })
        })
        .collect();
    let folders: Vec<Vec<String>> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    for folder in folders.concat() {
        assert!(until(|| !Path::new(&folder).exists()), "{folder}");
    }
}

/// The first line that a child writes.
fn first_line(child: &mut Child) -> String {
    let mut all = Vec::new();
    let mut space = [0; 256];
    while !all.contains(&b'\n') {
        match child.turn(&mut &b""[..], &mut space, PATIENCE).unwrap() {
            Turn::Read(count) => all.extend_from_slice(&space[..count]),
            other => panic!("{other:?} after {all:?}"),
        }
    }
    String::from_utf8(all).unwrap().trim().to_owned()
}
