//! Servers to be measured: started on a port of their own, stopped when dropped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Pid;

use crate::bench::program::command;
use crate::bench::serve::message::ask;
use crate::bench::serve::part::Bench;
use crate::status::Status;

/// The longest wait for a server to be ready.
const START: Duration = Duration::from_secs(120);

/// The longest wait for one to end by itself.
const END: Duration = Duration::from_secs(20);

/// How often is looked whether it is ready, or has ended.
const LOOK: Duration = Duration::from_millis(20);

/// What stands for the Python servers that people write.
const PYTHON: &str = include_str!("repl_server.py");

/// Kimina's server starts its REPL by `lake env PROGRAM`; this is all of `lake` that it needs.
const LAKE: &str = "#!/bin/sh\nshift\nexec \"$@\"\n";

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its process.
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Server {
    /// `leanrepl serve` on the stub, ready.
    pub(crate) fn leanrepl(bench: &Bench, stub_flags: &str, args: &[&str]) -> Result<Self> {
        let mut serve = command(&bench.leanrepl);
        serve
            .env("LEANREPL_CACHE_DIR", bench.folder.join("cache"))
            .env("LEAN_FAKE_REPL", stub_flags)
            .args(["serve", "--listen", "127.0.0.1:0", "--repl"])
            .arg(&bench.stub)
            .args(args);
        Self::start(&mut serve)?.ready("/ready")
    }

    /// `leanrepl serve` on core Lean in the user's cache, ready.
    pub(crate) fn core(bench: &Bench, args: &[&str]) -> Result<Self> {
        let mut serve = command(&bench.leanrepl);
        serve
            .args(["serve", "--listen", "127.0.0.1:0", "--toolchain", "core"])
            .args(args);
        Self::start(&mut serve)?.ready("/ready")
    }

    /// The server that answers at once, without a REPL.
    pub(crate) fn at_once() -> Result<Self> {
        let this = std::env::current_exe()?;
        Self::start(command(this).args(["bench", "at-once"]))
    }

    /// The Python server on the stub.
    pub(crate) fn python(bench: &Bench) -> Result<Self> {
        Self::start(command("python3").args(["-c", PYTHON]).arg(&bench.stub))
    }

    /// Kimina's server on the stub: one REPL as with the others, and silent, since it writes more than
    /// the others to its log.
    pub(crate) fn kimina(bench: &Bench, folder: &Path, python: &Path) -> Result<Self> {
        let folder = folder.canonicalize()?;
        let bin = bench.folder.join("bin");
        fs::create_dir_all(&bin)?;
        script(&bin.join("lake"), LAKE)?;
        // A port that was free a moment ago.
        let address = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?.local_addr()?;
        let child = command(python)
            .args(["-m", "server"])
            .current_dir(&bench.folder)
            .env("PYTHONPATH", format!("{0}:{0}/client", folder.display()))
            .env(
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()),
            )
            .env("LEAN_SERVER_HOST", address.ip().to_string())
            .env("LEAN_SERVER_PORT", address.port().to_string())
            .env("LEAN_SERVER_ENVIRONMENT", "prod")
            .env("LEAN_SERVER_LOG_LEVEL", "ERROR")
            .env("LEAN_SERVER_MAX_REPLS", "1")
            .env("LEAN_SERVER_REPL_PATH", &bench.stub)
            .env("LEAN_SERVER_PROJECT_DIR", &bench.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run its Python")?;
        Self { child, address }.ready("/health")
    }

    /// Starts a server that prints its address on its first line.
    fn start(serve: &mut Command) -> Result<Self> {
        let mut child = serve
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {serve:?}"))?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("no stdout")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("http://");
        if let Some(address) = address.and_then(|address| address.parse().ok()) {
            return Ok(Self { child, address });
        }
        child.kill()?;
        child.wait()?;
        bail!("{serve:?} does not tell its address");
    }

    /// Waits until a path answers with 200.
    fn ready(mut self, path: &str) -> Result<Self> {
        let start = Instant::now();
        while let Err(err) = ask(self.address, "GET", path, "") {
            if self.child.try_wait()?.is_some() {
                bail!("the server ended before it was ready");
            }
            if start.elapsed() > START {
                return Err(err.context("the server does not get ready"));
            }
            std::thread::sleep(LOOK);
        }
        Ok(self)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Resident memory of the server alone, without its REPLs, in MB.
    pub(crate) fn resident_mb(&self) -> Result<f64> {
        let status = Status::of(self.child.id()).context("the server is gone")?;
        let kib = status.number("VmRSS").context("no `VmRSS`")?;
        Ok(f64::from(u32::try_from(kib)?) * 1024.0 / 1e6)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // In order first, so that it takes its REPLs with it.
        let asked = command("kill").arg(self.child.id().to_string()).status();
        let start = Instant::now();
        while asked.is_ok() && start.elapsed() < END {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Writes a program that can be run.
fn script(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
