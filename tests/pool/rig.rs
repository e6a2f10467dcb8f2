//! A pool over the fake REPL, in a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use leanrepl::internals::evaluate::{Evaluate as _, SubmitError};
use leanrepl::internals::identity::{Identity, LeanRepl};
use leanrepl::internals::judge::{Policy, Verdict, judge};
use leanrepl::internals::record::EvalRecord;
use leanrepl::internals::request::{EvalRequest, Terms};
use leanrepl::internals::spec::SessionSpec;
use leanrepl::internals::{
    CancelFlag, Deadline, Failure, Launch, Lease, Pool, PoolSettings, PoolState, UndecidedReason,
    Unobserved, Wait,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for anything; only a broken pool ever uses it up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Marks the processes of one rig.
const MARK: &str = "POOL_TEST";

/// A folder with the flags and the log of the fakes of one pool.
pub(crate) struct Rig {
    /// Holds `flags` and `log`.
    folder: TempDir,
}

/// One request that a fake was sent.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    /// The fake.
    pub(crate) pid: i32,
    /// The request.
    pub(crate) request: Value,
}

impl Logged {
    /// The text of the command, if it is one.
    pub(crate) fn cmd(&self) -> &str {
        self.request["cmd"].as_str().unwrap_or_default()
    }
}

impl Rig {
    /// A folder in which fakes are started with these flags.
    pub(crate) fn new(flags: &str) -> Self {
        let rig = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        rig.flags(flags);
        rig
    }

    /// Has fakes that start from now on use these flags.
    pub(crate) fn flags(&self, flags: &str) {
        let path = self.path("flags");
        let beside = self.path("flags.new");
        fs::write(&beside, flags).unwrap();
        fs::rename(beside, path).unwrap();
    }

    /// The path of something in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Settings for the fake: one session, no spare, quick to try again.
    pub(crate) fn settings(&self) -> PoolSettings {
        let launch = Launch {
            args: vec![
                "-c".into(),
                r#"exec "$0" --log log $(cat flags)"#.into(),
                env!("CARGO_BIN_EXE_fake-repl").into(),
            ],
            vars: vec![
                ("PATH".into(), "/usr/bin:/bin".into()),
                (MARK.into(), self.folder.path().into()),
            ],
            dir: Some(self.folder.path().to_owned()),
            ..Launch::new("/bin/sh")
        };
        let identity = Identity {
            toolchain: "fake".to_owned(),
            repl: "fake".to_owned(),
            manifest: None,
        };
        PoolSettings {
            spares: 0,
            warm_recent: 0,
            first_pause: Duration::from_millis(20),
            longest_pause: Duration::from_millis(100),
            ..PoolSettings::new(SessionSpec::new(LeanRepl {
                launch,
                identity,
                expected_lean: None,
            }))
        }
    }

    /// The same with another specification of sessions.
    pub(crate) fn settings_with(&self, change: impl FnOnce(&mut SessionSpec)) -> PoolSettings {
        let settings = self.settings();
        let mut spec = SessionSpec::clone(&settings.spec);
        change(&mut spec);
        PoolSettings {
            spec: Arc::new(spec),
            ..settings
        }
    }

    /// A pool with the settings as they are.
    pub(crate) fn pool(&self) -> Arc<Pool> {
        start(self.settings())
    }

    /// What the fakes were sent so far.
    pub(crate) fn log(&self) -> Vec<Logged> {
        let text = fs::read_to_string(self.path("log")).unwrap_or_default();
        text.lines()
            .filter_map(|line| {
                let (pid, request) = line.split_once(' ')?;
                Some(Logged {
                    pid: pid.parse().ok()?,
                    request: serde_json::from_str(request).ok()?,
                })
            })
            .collect()
    }

    /// The fakes that were sent a command with this in it, in their order, each once.
    pub(crate) fn pids_of(&self, part: &str) -> Vec<i32> {
        let mut pids = Vec::new();
        for logged in self.log() {
            if logged.cmd().contains(part) && !pids.contains(&logged.pid) {
                pids.push(logged.pid);
            }
        }
        pids
    }

    /// The processes of this rig that run.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let mark = format!("{MARK}={}", self.folder.path().display());
        let is_ours = |pid: i32| {
            let variables = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let mut variables = variables.split(|byte| *byte == 0);
            variables.any(|pair| pair == mark.as_bytes())
        };
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| is_ours(*pid))
            .collect()
    }

    /// Fails the test if a process of this rig is left.
    pub(crate) fn assert_nothing_runs(&self) {
        // One that lost its parent before it was killed may take a moment to be gone.
        wait("nothing runs", || self.processes().is_empty());
    }
}

/// Starts a pool.
pub(crate) fn start(settings: PoolSettings) -> Arc<Pool> {
    Pool::start(settings, Arc::new(Unobserved))
}

/// Kills a process as the kernel or an operator might.
pub(crate) fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// A source of a client named `test`.
pub(crate) fn job(source: &str) -> EvalRequest {
    EvalRequest {
        terms: Terms {
            client: Arc::from("test"),
            queue_timeout: PATIENCE * 2,
            client_deadline: Deadline::after(PATIENCE * 2),
            cancel: CancelFlag::default(),
        },
        ..EvalRequest::new(Arc::from(source), PATIENCE)
    }
}

/// A record with its verdict.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The verdict without a policy.
    pub(crate) verdict: Verdict,
    /// Why it is undecided.
    pub(crate) reason: Option<UndecidedReason>,
    /// The same in full.
    pub(crate) failure: Option<Failure>,
    /// The session.
    pub(crate) session: u64,
    /// The most memory of the session.
    pub(crate) peak_memory: u64,
    /// All of it.
    pub(crate) record: EvalRecord,
}

impl From<EvalRecord> for Answer {
    fn from(record: EvalRecord) -> Self {
        let judgement = judge(&record, Policy::default());
        Self {
            verdict: judgement.verdict,
            reason: judgement.reason(),
            failure: judgement.failure().cloned(),
            session: record.session.expect("no session"),
            peak_memory: record.peak_memory_bytes.expect("no memory"),
            record,
        }
    }
}

/// An answer that may not be there yet.
pub(crate) struct Pending<T>(Receiver<T>);

impl<T> Pending<T> {
    /// The answer, which must come.
    pub(crate) fn get(self) -> T {
        let answer = self.0.recv_timeout(PATIENCE).expect("no answer");
        // The sender is gone by now or soon: a second answer is impossible to miss.
        match self.0.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Disconnected) => answer,
            Ok(_) => panic!("a second answer"),
            Err(RecvTimeoutError::Timeout) => panic!("the callback is still alive"),
        }
    }
}

/// What a client is called back with.
pub(crate) type Callback<T> = Box<dyn FnOnce(T) + Send>;

/// A callback and what it is called with.
pub(crate) fn callback<T: Send + 'static>() -> (Callback<T>, Pending<T>) {
    let (sender, receiver) = channel();
    let done = Box::new(move |answer| {
        // A test that has failed listens no more.
        let _ = sender.send(answer);
    });
    (done, Pending(receiver))
}

/// Hands a job in.
pub(crate) fn submit(pool: &Pool, job: EvalRequest) -> Pending<Result<Answer, SubmitError>> {
    let (done, pending) = callback();
    pool.submit(job, Box::new(|result| done(result.map(Answer::from))));
    pending
}

/// Runs a text and gives its answer, which must be one.
pub(crate) fn run(pool: &Pool, text: &str) -> Answer {
    submit(pool, job(text)).get().expect("refused")
}

/// Asks for a lease.
pub(crate) fn lease(pool: &Pool) -> Pending<Result<Lease, SubmitError>> {
    let (done, pending) = callback();
    pool.lease(Arc::from("test"), Deadline::after(PATIENCE), done);
    pending
}

/// Waits until something holds of the pool, which it must do some time.
pub(crate) fn wait_for(pool: &Pool, what: &str, holds: impl Fn(&PoolState) -> bool) -> PoolState {
    let mut last = pool.state();
    wait(what, || {
        last = pool.state();
        holds(&last)
    });
    last
}

/// Waits until something holds, which it must do some time.
pub(crate) fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let (_never, silence) = channel::<()>();
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain: {what}");
        let _ = silence.recv_timeout(Duration::from_millis(2));
    }
}

/// Drains a pool with a grace that must not be needed up.
pub(crate) fn drain(pool: &Pool) {
    pool.drain(Wait::from(PATIENCE));
}
