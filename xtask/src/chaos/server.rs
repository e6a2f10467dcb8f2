//! The real server on fake REPLs, in a folder of its own. Dropping it kills it and all that bears its
//! mark.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::chaos::bad::MAX_BODY;
use crate::chaos::http::{Connection, Message, Response};
use crate::chaos::ledger::MAX_WAIT;
use crate::chaos::party::{Level, PARTIES, Party};
use crate::chaos::processes::{self, MARK};

/// How many sessions work at a time.
pub(crate) const SESSIONS: usize = 6;

/// How many more are kept ready.
pub(crate) const SPARES: usize = 1;

/// How many requests a key may have running.
const KEY_CONCURRENCY: usize = 8;

/// How long anything may take that has nothing to do with texts.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the server is started.
#[derive(Debug)]
pub(crate) struct Setup {
    /// The folder of the programs.
    pub(crate) programs: PathBuf,
    /// Whether sessions are confined.
    pub(crate) is_confined: bool,
    /// What sources may find of those before them.
    pub(crate) level: Level,
    /// How every fifth text is lied about, if it is.
    pub(crate) lie: Option<&'static str>,
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Server {
    /// The process.
    child: Child,
    /// Its folder, which is its mark too.
    folder: PathBuf,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a server and waits until it takes texts.
    pub(crate) fn start(folder: &Path, setup: &Setup) -> Result<Self> {
        for name in ["home", "tmp", "once"] {
            fs::create_dir_all(folder.join(name))?;
        }
        let keys: BTreeSet<&str> = PARTIES.into_iter().flat_map(Party::keys).collect();
        let keys = keys.into_iter().map(|key| format!("{key} key-of-{key}"));
        let keys = keys.collect::<Vec<_>>().join("\n");
        fs::write(folder.join("keys"), keys)?;
        let mut command = Command::new(setup.programs.join("leanrepl"));
        command
            .args(arguments(setup))
            .current_dir(folder)
            .env_clear()
            .envs(variables(folder, setup))
            .stdin(Stdio::null())
            .stdout(File::create(folder.join("address"))?)
            .stderr(File::create(folder.join("log"))?);
        let child = command.spawn().context("cannot start the server")?;
        let mut server = Self {
            child,
            folder: folder.to_owned(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        server.address = server.wait_for("an address", |server| {
            let line = fs::read_to_string(server.folder.join("address")).ok()?;
            let (line, _) = line.split_once('\n')?;
            line.strip_prefix("http://")?.parse().ok()
        })?;
        server.wait_for("a session", |server| {
            (server.get("/ready").ok()?.status == 200).then_some(())
        })?;
        Ok(server)
    }

    /// The process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Asks with a key that the clients of the run do not use up.
    pub(crate) fn get(&self, path: &str) -> Result<Response> {
        let message = Message {
            method: "GET",
            path: path.to_owned(),
            headers: vec![("authorization", "Bearer key-of-quiet".to_owned())],
            body: Vec::new(),
        };
        let mut connection = Connection::open(self.address)?;
        connection.send(&message)?;
        match connection.receive(Instant::now() + PATIENCE) {
            Ok(response) => Ok(response),
            Err(trouble) => bail!("no answer at `{path}`: {trouble:?}"),
        }
    }

    /// Waits until nothing runs or waits and all sessions are there, and nothing else; says what it
    /// is like if that does not come.
    pub(crate) fn settle(&self) -> Result<()> {
        self.wait_for("rest", |server| {
            let ready: Value = serde_json::from_str(&server.get("/ready").ok()?.body).ok()?;
            let is_still = ready.get("busy")? == 0 && ready.get("queue")? == 0;
            let processes = processes::below(server.pid()).len();
            let marked = processes::marked(&server.folder).len();
            // The server itself bears the mark too.
            let is_whole = processes == SESSIONS + SPARES && marked == processes + 1;
            (is_still && is_whole).then_some(())
        })
        .with_context(|| {
            let marked = processes::marked(&self.folder);
            let lines: Vec<String> = marked.into_iter().map(processes::command_line).collect();
            format!("these run:\n{}", lines.join("\n"))
        })
    }

    /// The numbers at `/metrics`, by name with labels.
    pub(crate) fn metrics(&self) -> Result<BTreeMap<String, u64>> {
        let text = self.get("/metrics")?.body;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let numbers = lines.filter_map(|line| {
            let (name, number) = line.rsplit_once(' ')?;
            Some((name.to_owned(), number.parse().ok()?))
        });
        Ok(numbers.collect())
    }

    /// Tells the server to end, and waits for it; none if it does not.
    pub(crate) fn stop(&mut self) -> Option<ExitStatus> {
        // If it has ended already, its status tells.
        let _ = kill_process(self.pid(), Signal::TERM);
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// Waits until something is there.
    fn wait_for<T>(&self, what: &str, look: impl Fn(&Self) -> Option<T>) -> Result<T> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(found) = look(self) {
                return Ok(found);
            }
            thread::sleep(Duration::from_millis(20));
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(5).collect();
        bail!(
            "waited in vain for {what}; its last lines, last first:\n{}",
            last.join("\n")
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What has ended needs no killing.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in processes::marked(&self.folder) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The command line of a server that meets its limits often.
fn arguments(setup: &Setup) -> Vec<String> {
    let repl = setup.programs.join("fake-repl").display().to_string();
    let sandbox = if setup.is_confined { "strict" } else { "off" };
    let (sessions, spares) = (SESSIONS.to_string(), SPARES.to_string());
    let (body, wait) = (MAX_BODY.to_string(), format!("{}s", MAX_WAIT.as_secs()));
    let concurrency = KEY_CONCURRENCY.to_string();
    let pairs = [
        ("--listen", "127.0.0.1:0"),
        ("--repl", repl.as_str()),
        ("--sandbox", sandbox),
        ("--isolation", setup.level.as_str()),
        ("--sessions", &sessions),
        ("--spares", &spares),
        ("--memory", "160MiB"),
        ("--max-reply", "1MiB"),
        ("--max-requests", "150"),
        ("--max-age", "20s"),
        ("--max-body", &body),
        ("--max-wait", &wait),
        ("--api-keys", "keys"),
        ("--key-concurrency", &concurrency),
        ("--max-held", "1"),
        ("--held-idle", "2s"),
        ("--grace", "10s"),
    ];
    let pairs = pairs.iter().flat_map(|(name, value)| [*name, *value]);
    let words = ["serve", "--quiet"].into_iter().chain(pairs);
    words.map(str::to_owned).collect()
}

/// Its variables.
fn variables(folder: &Path, setup: &Setup) -> Vec<(&'static str, String)> {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut flags = Vec::new();
    if !setup.is_confined {
        flags.push(format!("--log {}", path("asked")));
    }
    if setup.level == Level::Source {
        flags.push("--restore full".to_owned());
    }
    if let Some(lie) = setup.lie {
        flags.push(format!("--lie {lie}"));
    }
    vec![
        ("PATH", "/usr/bin:/bin".to_owned()),
        ("HOME", path("home")),
        ("TMPDIR", path("tmp")),
        (MARK, folder.display().to_string()),
        ("LEAN_FAKE_REPL", flags.join(" ")),
    ]
}
