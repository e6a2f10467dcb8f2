//! A command that runs, and what was seen of it.

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// What differs from run to run, and what stands for it in a snapshot.
pub(crate) const FILTERS: [(&str, &str); 8] = [
    (r"\b\d+(\.\d+)? [KMGT]iB free\b", "[SIZE] free"),
    // Not `within 1 s`, which is a limit and so the same each time.
    (r"\bin \d+(\.\d+)? ?(ms|s|min)\b", "in [TIME]"),
    (
        r#""(queue|header|body|\w*(?:seconds|millis|_ms))": ?\d[\d.e-]*"#,
        r#""$1":"[TIME]""#,
    ),
    // The digest of a REPL that was written for the test.
    (r#""repl":"[0-9a-f]{64}""#, r#""repl":"[SHA256]""#),
    // The toolchain in a folder, by the digest of its path.
    (r"\bfolder-[0-9a-f]{16}\b", "folder-[DIGEST]"),
    (r"\.tmp-\d+-\d+\b", ".tmp-[PID]"),
    (r"\b(pid|process) \d+", "$1 [PID]"),
    (r"\bleanrepl \d+\.\d+\.\d+", "leanrepl [VERSION]"),
];

/// The note that a REPL which is not core Lean is not confined.
pub(crate) const UNCONFINED: &str = "note: sessions of this REPL are not confined: the code in a source can do what you can; confine it with `--sandbox auto`\n";

/// Which of the two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Data.
    Stdout,
    /// Everything else.
    Stderr,
}

/// A command that was started, in a process group of its own.
pub(crate) struct Running {
    /// The process.
    child: Child,
    /// The pieces of its outputs; nothing more comes once both are closed.
    pieces: Receiver<(Output, Vec<u8>)>,
    /// What came so far.
    stdout: Vec<u8>,
    /// What came so far.
    stderr: Vec<u8>,
    /// When the test loses its patience.
    patience: Duration,
    /// When it began.
    start: Instant,
    /// Paths and what stands for them.
    names: Vec<(String, &'static str)>,
}

impl Running {
    /// Starts a command and feeds it its stdin.
    pub(crate) fn start(
        mut command: Command,
        stdin: Vec<u8>,
        patience: Duration,
        names: Vec<(String, &'static str)>,
    ) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        if let Some(mut pipe) = child.stdin.take() {
            // It may end without reading all of it.
            thread::spawn(move || pipe.write_all(&stdin));
        }
        let (sender, pieces) = channel();
        let stdout = child.stdout.take().unwrap();
        let stderr = child.stderr.take().unwrap();
        let forward = move |output, mut pipe: Box<dyn Read + Send>| {
            let sender = sender.clone();
            thread::spawn(move || {
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                    let piece = buffer.iter().take(count).copied().collect();
                    if sender.send((output, piece)).is_err() {
                        return;
                    }
                }
            });
        };
        forward(Output::Stdout, Box::new(stdout));
        forward(Output::Stderr, Box::new(stderr));
        Self {
            child,
            pieces,
            stdout: Vec::new(),
            stderr: Vec::new(),
            patience,
            start: Instant::now(),
            names,
        }
    }

    /// Waits until a text was written, and gives all that was. Fails the test if the command ends
    /// before.
    pub(crate) fn wait_for(&mut self, output: Output, text: &str) -> String {
        loop {
            let seen = match output {
                Output::Stdout => &self.stdout,
                Output::Stderr => &self.stderr,
            };
            let seen = String::from_utf8_lossy(seen);
            if seen.contains(text) {
                return seen.into_owned();
            }
            assert!(
                self.take_piece(),
                "it ended without `{text}`: {}",
                self.so_far()
            );
        }
    }

    /// What Ctrl-C on a terminal does: SIGINT to the whole foreground group.
    pub(crate) fn ctrl_c(&self) {
        kill_process_group(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Sends a signal to the one process, as `kill` does.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end of the command and of all who hold its outputs.
    pub(crate) fn finish(mut self) -> Finished {
        while self.take_piece() {}
        let (_never, silence) = channel::<()>();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            self.check_patience();
            // It closed its outputs, so it is as good as gone.
            let _ = silence.recv_timeout(Duration::from_millis(1));
        };
        Finished {
            status,
            stdout: std::mem::take(&mut self.stdout),
            stderr: std::mem::take(&mut self.stderr),
            names: std::mem::take(&mut self.names),
        }
    }

    /// Takes the next piece of output; tells whether there was one before the end.
    fn take_piece(&mut self) -> bool {
        let left = self.patience.saturating_sub(self.start.elapsed());
        match self.pieces.recv_timeout(left) {
            Ok((Output::Stdout, piece)) => self.stdout.extend(piece),
            Ok((Output::Stderr, piece)) => self.stderr.extend(piece),
            Err(RecvTimeoutError::Timeout) => self.check_patience(),
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    /// Fails the test if the command runs for too long; dropping it kills the group.
    fn check_patience(&self) {
        assert!(
            self.start.elapsed() < self.patience,
            "it did not end in {:?}: {}",
            self.patience,
            self.so_far()
        );
    }

    /// What was seen so far, for a failing test.
    fn so_far(&self) -> String {
        let stdout = String::from_utf8_lossy(&self.stdout);
        let stderr = String::from_utf8_lossy(&self.stderr);
        format!("\n----- stdout -----\n{stdout}\n----- stderr -----\n{stderr}")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// A command that ended, and what it wrote.
pub(crate) struct Finished {
    /// How it ended.
    status: ExitStatus,
    /// Its stdout.
    stdout: Vec<u8>,
    /// Its stderr.
    stderr: Vec<u8>,
    /// Paths and what stands for them.
    names: Vec<(String, &'static str)>,
}

impl Finished {
    /// The exit code; nothing if a signal ended it.
    pub(crate) fn exit(&self) -> Option<i32> {
        self.status.code()
    }

    /// Its stdout.
    pub(crate) fn stdout(&self) -> String {
        self.named(&self.stdout)
    }

    /// Its stderr.
    pub(crate) fn stderr(&self) -> String {
        self.named(&self.stderr)
    }

    /// Its stdout as one JSON value a line.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let text = self.stdout();
        let value = |line| serde_json::from_str(line).unwrap_or_else(|err| panic!("{err}: {line}"));
        text.lines().map(value).collect()
    }

    /// Exit code, stdout and stderr as a snapshot shows them; an empty output is left out, and so is the
    /// note that each run with a REPL of its own begins with.
    pub(crate) fn text(&self) -> String {
        let end = match (self.exit(), self.status.signal()) {
            (Some(code), _) => format!("exit: {code}\n"),
            (None, signal) => format!("killed by signal {}\n", signal.unwrap_or_default()),
        };
        let stderr = self.stderr().replacen(UNCONFINED, "", 1);
        let outputs = [("stdout", self.stdout()), ("stderr", stderr)];
        let sections = outputs.map(|(name, output)| match output.as_str() {
            "" => String::new(),
            text if text.ends_with('\n') => format!("----- {name} -----\n{text}"),
            text => format!("----- {name} -----\n{text}[no line break at the end]\n"),
        });
        end + &sections.concat()
    }

    /// Puts the names in for the paths of the world.
    fn named(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let replace = |text: String, (path, name): &(String, &str)| text.replace(path, name);
        self.names.iter().fold(text, replace)
    }
}
