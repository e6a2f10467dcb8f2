//! The fake REPL over its pipes: a judge that is wrong itself would prove nothing.

#![expect(
    clippy::disallowed_methods,
    reason = "the fake is driven without the code that it judges"
)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken set-up fails the test"
)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process};
use serde_json::{Value, json};

/// Longest wait for anything; only a broken fake ever uses it up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running fake, in a process group of its own that is killed with it.
struct Fake {
    /// The process.
    child: Child,
    /// The pieces of its stdout as they come.
    stdout: Receiver<Vec<u8>>,
    /// The pieces of its stderr as they come.
    stderr: Receiver<Vec<u8>>,
    /// What came on stdout and was not asked for yet.
    pending: String,
}

impl Fake {
    /// Starts it with flags as arguments.
    fn start(flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fake-repl"))
            .args(flags)
            .env_remove("LEAN_FAKE_REPL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let stdout = drain(child.stdout.take().unwrap());
        let stderr = drain(child.stderr.take().unwrap());
        Self {
            child,
            stdout,
            stderr,
            pending: String::new(),
        }
    }

    /// Writes bytes on its stdin, which it may have closed by dying.
    fn write(&mut self, text: &str) {
        let _ = self
            .child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes());
    }

    /// Sends a request as it should be sent.
    fn send(&mut self, request: &Value) {
        self.write(&format!("{request}\n\n"));
    }

    /// Sends a command.
    fn command(&mut self, text: &str) {
        self.send(&json!({"cmd": text}));
    }

    /// The text up to the next blank line.
    fn frame(&mut self) -> String {
        loop {
            if let Some((frame, rest)) = self.pending.split_once("\n\n") {
                let frame = frame.to_owned();
                self.pending = rest.to_owned();
                return frame;
            }
            let piece = self.stdout.recv_timeout(PATIENCE).unwrap();
            self.pending.push_str(&String::from_utf8_lossy(&piece));
        }
    }

    /// The next frame as JSON.
    fn reply(&mut self) -> Value {
        serde_json::from_str(&self.frame()).unwrap()
    }

    /// Reads stderr until a whole line is there.
    fn stderr_line(&self) -> String {
        let mut text = String::new();
        while !text.contains('\n') {
            text += &String::from_utf8_lossy(&self.stderr.recv_timeout(PATIENCE).unwrap());
        }
        text.trim().to_owned()
    }

    /// Closes stdin and waits for the end: status, rest of stdout, stderr.
    fn end(mut self) -> (ExitStatus, String, String) {
        drop(self.child.stdin.take());
        let stdout = self.pending.clone() + &rest(&self.stdout);
        let stderr = rest(&self.stderr);
        (self.child.wait().unwrap(), stdout, stderr)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let group = Pid::from_child(&self.child);
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
    }
}

/// Reads a pipe on a thread.
fn drain(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// All that a pipe gives until it is closed by everyone who holds it.
fn rest(pipe: &Receiver<Vec<u8>>) -> String {
    let mut bytes = Vec::new();
    loop {
        match pipe.recv_timeout(PATIENCE) {
            Ok(piece) => bytes.extend(piece),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                return String::from_utf8_lossy(&bytes).into_owned();
            }
            Err(err) => panic!("the pipe stays open: {err}"),
        }
    }
}

/// Whether a process is still there.
fn is_alive(pid: &str) -> bool {
    test_kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap()).is_ok()
}

#[test]
fn it_answers_one_frame_to_each_request_and_ends_with_its_input() {
    let mut fake = Fake::start(&[]);
    fake.command("import Lean");
    assert_eq!(fake.reply(), json!({"env": 0}));
    fake.send(&json!({"cmd": "#check Nat", "env": 0}));
    assert_eq!(fake.reply()["messages"][0]["data"], "Nat : Type");
    fake.write("-- dropped\n\n");
    fake.write("{\"cmd\": \"\"}");
    let (status, stdout, stderr) = fake.end();
    assert_eq!(status.code(), Some(0));
    assert_eq!(stdout, "{\"env\": 2}\n\n");
    assert_eq!(stderr, "");
}

#[test]
fn a_second_blank_line_or_a_malformed_request_kills_it() {
    for bad in ["{\"cmd\": \"\"}\n\n\n", "{}\n\n", "x\n\n"] {
        let mut fake = Fake::start(&[]);
        fake.write(bad);
        let (status, _, stderr) = fake.end();
        assert_eq!(status.code(), Some(1), "{bad:?}");
        assert!(
            stderr.starts_with("uncaught exception: {\"message\""),
            "{stderr}"
        );
    }
}

#[test]
fn a_misspelt_wish_ends_it_with_96() {
    let (status, ..) = Fake::start(&["--at-strat", "hang"]).end();
    assert_eq!(status.code(), Some(96));
    let mut fake = Fake::start(&[]);
    fake.command("--! hagn");
    let (status, _, stderr) = fake.end();
    assert_eq!(status.code(), Some(96));
    assert!(stderr.contains("hagn"), "{stderr}");
}

#[test]
fn it_dies_in_every_way_asked_for() {
    for (wish, code, signal) in [
        ("die 7", Some(7), None),
        ("die", Some(1), None),
        ("die-mid-reply", Some(1), None),
        ("abort", None, Some(6)),
        ("segv", None, Some(11)),
        ("stack-overflow", None, Some(6)),
    ] {
        let mut fake = Fake::start(&[]);
        fake.command(&format!("--! {wish}"));
        let (status, stdout, stderr) = fake.end();
        assert_eq!((status.code(), status.signal()), (code, signal), "{wish}");
        assert!(!stdout.contains("\n\n"), "{wish}: {stdout}");
        assert_eq!(stdout.is_empty(), wish != "die-mid-reply", "{wish}");
        assert_eq!(
            stderr.contains("Stack overflow detected"),
            wish == "stack-overflow"
        );
    }
}

#[test]
fn noise_and_forgeries_come_before_the_reply() {
    for (wish, before) in [
        ("noise hello", "hello\n{\"env\": 0}"),
        ("slow-bytes", "{\"env\": 0}"),
        ("slow 1", "{\"env\": 0}"),
        ("noise-bytes", "\u{fffd}\u{fffd} noise\n{\"env\": 0}"),
        ("noise-blank hello", "hello"),
        ("fake-reply {\"env\": 9}", "{\"env\": 9}"),
        ("garbage", "this is no JSON"),
    ] {
        let mut fake = Fake::start(&[]);
        fake.command(&format!("--! {wish}"));
        assert_eq!(fake.frame(), before, "{wish}");
    }
}

#[test]
fn floods_have_their_size() {
    let mut fake = Fake::start(&[]);
    fake.command("--! flood-stderr 300000\n--! flood-stdout 200000\n--! huge 100000");
    let (status, stdout, stderr) = fake.end();
    assert!(status.success());
    assert_eq!(stderr.len(), 300_000);
    let (noise, reply) = stdout.split_once('\n').unwrap();
    assert_eq!(noise.len() + 1, 200_000);
    let reply: Value = serde_json::from_str(reply).unwrap();
    assert_eq!(
        reply["messages"][0]["data"].as_str().unwrap().len(),
        100_000
    );
}

#[test]
fn an_endless_flood_does_not_end() {
    let mut fake = Fake::start(&[]);
    fake.command("--! flood-stdout endless");
    let mut seen = 0;
    while seen < 4_000_000 {
        let piece = fake.stdout.recv_timeout(PATIENCE).unwrap();
        assert!(!piece.contains(&b'\n'));
        seen += piece.len();
    }
}

#[test]
fn a_late_forged_reply_comes_from_a_child_that_lives_on() {
    let mut fake = Fake::start(&[]);
    fake.command("--! late-fake-reply 1 {\"env\": 9}\n--! die 3");
    assert_eq!(fake.reply(), json!({"env": 9}));
    assert_eq!(fake.end().0.code(), Some(3));
}

#[test]
fn a_grandchild_in_the_group_dies_with_the_group_and_one_in_a_session_does_not() {
    for (wish, in_group) in [("spawn-hang", true), ("spawn-setsid\n--! hang", false)] {
        let mut fake = Fake::start(&[]);
        fake.command(&format!("--! {wish}"));
        let line = fake.stderr_line();
        let pid = line.strip_prefix("grandchild ").unwrap();
        assert!(is_alive(pid));
        if !in_group {
            wait_for_session(pid);
        }
        let group = Pid::from_child(&fake.child);
        kill_process_group(group, Signal::KILL).unwrap();
        if in_group {
            // Both held stdout, so its end is the end of both.
            assert_eq!(fake.end().0.signal(), Some(9));
        } else {
            assert_eq!(fake.child.wait().unwrap().signal(), Some(9));
            assert!(is_alive(pid));
            let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
            rustix::process::kill_process(pid, Signal::KILL).unwrap();
        }
    }
}

/// Waits until a process leads a group, and so a session, of its own. The number of the session
/// itself reads 0 where its leader is outside our namespace, so that is not what is asked.
fn wait_for_session(pid: &str) {
    let (_never, silence) = channel::<()>();
    for _ in 0..6000 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        if fields.split_whitespace().nth(2) == Some(pid) {
            return;
        }
        let _ = silence.recv_timeout(Duration::from_millis(10));
    }
    panic!("{pid} has no session of its own");
}

#[test]
fn memory_that_is_asked_for_is_used() {
    let mut fake = Fake::start(&[]);
    fake.command("--! stderr ready\n--! grow 50000000");
    assert_eq!(fake.stderr_line(), "ready");
    let status = format!("/proc/{}/status", fake.child.id());
    let (_never, silence) = channel::<()>();
    for _ in 0..6000 {
        let text = fs::read_to_string(&status).unwrap();
        let resident = text.split("VmRSS:").nth(1).unwrap();
        let kilobytes: u64 = resident.split_whitespace().next().unwrap().parse().unwrap();
        if kilobytes >= 48_828 {
            return;
        }
        let _ = silence.recv_timeout(Duration::from_millis(10));
    }
    panic!("the memory is not resident");
}

#[test]
fn a_pickle_is_read_back_and_a_missing_one_kills_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.olean");
    let mut fake = Fake::start(&[]);
    fake.command("import Nope");
    fake.send(&json!({"pickleTo": path, "env": 0}));
    fake.send(&json!({"unpickleEnvFrom": path}));
    fake.send(&json!({"cmd": "#check Nat", "env": 1}));
    for expected in [json!({"env": 0}), json!({"env": 0}), json!({"env": 1})] {
        assert_eq!(fake.reply(), expected);
    }
    assert_eq!(fake.reply()["messages"][0]["severity"], "error");
    fake.send(&json!({"unpickleEnvFrom": folder.path().join("none")}));
    assert_eq!(fake.end().0.code(), Some(1));
}

#[test]
fn a_start_goes_wrong_as_asked_for() {
    let mut noise = Fake::start(&["--at-start", "noise"]);
    noise.command("");
    assert_eq!(noise.frame(), "loading, please wait\n{\"env\": 0}");
    let mut banner = Fake::start(&["--at-start", "banner"]);
    assert_eq!(banner.frame(), "Welcome to the REPL");
    let (status, _, stderr) = Fake::start(&["--at-start", "die"]).end();
    assert_eq!(status.code(), Some(1));
    assert_eq!(stderr, "fake-repl: died at its start\n");
}

#[test]
fn instant_replies_have_their_size_and_need_no_reading() {
    let mut fake = Fake::start(&["--instant-bytes", "100", "--instant-after", "1"]);
    fake.command("");
    assert_eq!(fake.reply(), json!({"env": 0}));
    fake.write("not even JSON\n\n");
    assert_eq!(fake.frame().len() + 2, 100);
    fake.write("{}\n\n{}\n\n");
    let (status, stdout, _) = fake.end();
    assert!(status.success());
    assert_eq!(stdout.len(), 200);
}

#[test]
fn a_transcript_accepts_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script");
    fs::write(&path, "> {\"cmd\": \"a\"}\n{\"env\": 5}\n").unwrap();
    let flags = ["--transcript", path.to_str().unwrap()];
    let mut fake = Fake::start(&flags);
    fake.command("a");
    assert_eq!(fake.reply(), json!({"env": 5}));
    assert_eq!(fake.end().0.code(), Some(0));
    let mut fake = Fake::start(&flags);
    fake.command("b");
    let (status, stdout, stderr) = fake.end();
    assert_eq!((status.code(), stdout.as_str()), (Some(97), ""));
    assert!(stderr.contains("{\"cmd\": \"a\"}"), "{stderr}");
}

#[test]
fn the_log_holds_one_line_for_each_request() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut fake = Fake::start(&["--log", log.to_str().unwrap()]);
    fake.command("a");
    fake.command("b");
    let pid = fake.child.id();
    assert!(fake.end().0.success());
    let expected = format!("{pid} {{\"cmd\":\"a\"}}\n{pid} {{\"cmd\":\"b\"}}\n");
    assert_eq!(fs::read_to_string(&log).unwrap(), expected);
}
