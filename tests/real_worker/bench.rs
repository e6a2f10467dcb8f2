//! A folder for each variant of the Worker, with the packages that it pins.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use leanrepl::internals::{CancelFlag, CoreLean, DataDir, Deadline, Unobserved};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::http::{self, Reply};

/// The newest wrangler when these tests were written.
const NEWEST: &str = "4.164.0";

/// Longest wait for `wrangler dev` to answer.
const START: Duration = Duration::from_secs(120);

/// The beginning of references to images.
pub(crate) const REGISTRY: &str = "registry.cloudflare.com/0123456789abcdef0123456789abcdef";

/// A Worker's folder that is gone after the test.
pub(crate) struct Bench {
    /// Holds the folder.
    _root: TempDir,
    /// The folder.
    pub(crate) dir: PathBuf,
}

/// What a program said.
pub(crate) struct Said {
    /// Whether it ended with success.
    pub(crate) success: bool,
    /// Both outputs.
    pub(crate) text: String,
}

impl Said {
    /// The text of a program that succeeded.
    #[track_caller]
    pub(crate) fn well(self) -> String {
        assert!(self.success, "{}", self.text);
        self.text
    }
}

impl Bench {
    /// The folder that `leanrepl cloudflare init` makes with these options, with its packages.
    pub(crate) fn new(options: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let bench = Self {
            dir: root.path().canonicalize().unwrap().join("lean"),
            _root: root,
        };
        bench.init(options);
        symlink(
            packages().join("node_modules"),
            bench.dir.join("node_modules"),
        )
        .unwrap();
        bench
    }

    /// Runs `leanrepl cloudflare init` on the folder.
    pub(crate) fn init(&self, options: &[&str]) {
        self.leanrepl("init", options).well();
    }

    /// Runs a command of `leanrepl cloudflare` on the folder.
    pub(crate) fn leanrepl(&self, action: &str, options: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leanrepl"));
        said(
            command
                .args(["cloudflare", action])
                .arg(&self.dir)
                .args(options),
        )
    }

    /// Runs `leanrepl cloudflare deploy` on the folder with that key.
    pub(crate) fn deploy(&self, key: &str, options: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leanrepl"));
        command
            .env("LEANREPL_API_KEY", key)
            .args(["cloudflare", "deploy"]);
        said(command.arg(&self.dir).args(options))
    }

    /// Runs a program of its packages.
    pub(crate) fn program(&self, name: &str, args: &[&str]) -> Said {
        let program = self.dir.join("node_modules/.bin").join(name);
        said(
            quiet(&mut Command::new(program))
                .args(args)
                .current_dir(&self.dir),
        )
    }

    /// Runs a script of its `package.json`.
    pub(crate) fn script(&self, name: &str) -> Said {
        said(
            quiet(&mut Command::new("npm"))
                .args(["run", name])
                .current_dir(&self.dir),
        )
    }

    /// Runs the newest wrangler, on a Node that it takes.
    pub(crate) fn newest_wrangler(&self, args: &[&str]) -> Said {
        let core = CoreLean::new(DataDir::locate().unwrap());
        let deadline = Deadline::after(Duration::from_secs(600));
        let installed = core
            .ensure(deadline, &Unobserved, &CancelFlag::default())
            .unwrap();
        let (node, _) = installed.node();
        let program = newest().join("node_modules/wrangler/bin/wrangler.js");
        said(
            quiet(&mut Command::new(node))
                .arg(program)
                .args(args)
                .current_dir(&self.dir),
        )
    }

    /// Starts `wrangler dev` with the key `sesame`, containers left out; `alias` stands in for the library
    /// that starts them.
    pub(crate) fn dev(&self, alias: Option<&Path>) -> Dev {
        let text = fs::read_to_string(self.dir.join("wrangler.jsonc")).unwrap();
        // wrangler asks for a login where an image of a registry is named.
        let mut text = text.replace("\"containers\"", "\"left_out\"");
        if let Some(path) = alias {
            let alias = serde_json::json!({ "@cloudflare/containers": path });
            text = text.replacen('{', &format!("{{ \"alias\": {alias},"), 1);
        }
        fs::write(self.dir.join("dev.jsonc"), text).unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut command = Command::new(self.dir.join("node_modules/.bin/wrangler"));
        let port_text = port.to_string();
        quiet(&mut command)
            .args([
                "dev",
                "--config",
                "dev.jsonc",
                "--ip",
                "127.0.0.1",
                "--inspector-port",
                "0",
            ])
            .args(["--port", &port_text, "--var", "LEANREPL_API_KEY:sesame"])
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        Dev::start(
            command.spawn().unwrap(),
            SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        )
    }
}

/// A `wrangler dev` that runs; it and all that it started are ended on drop.
pub(crate) struct Dev {
    /// The process that leads the group.
    child: Child,
    /// Where it answers.
    pub(crate) address: SocketAddr,
    /// What it said so far.
    log: Arc<Mutex<String>>,
}

impl Dev {
    /// Waits until it answers.
    fn start(mut child: Child, address: SocketAddr) -> Self {
        let log = Arc::new(Mutex::new(String::new()));
        listen(child.stdout.take().unwrap(), &log);
        listen(child.stderr.take().unwrap(), &log);
        let mut dev = Self {
            child,
            address,
            log,
        };
        let start = Instant::now();
        while http::ask(address, "OPTIONS", "/", &[], "").is_none() {
            assert!(start.elapsed() < START, "{}", dev.log());
            assert!(dev.child.try_wait().unwrap().is_none(), "{}", dev.log());
            thread::park_timeout(Duration::from_millis(100));
        }
        dev
    }

    /// Sends a request.
    #[track_caller]
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        http::ask(self.address, method, path, headers, body)
            .unwrap_or_else(|| panic!("{}", self.log()))
    }

    /// What it said so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let group = Pid::from_child(&self.child);
        let _gone = kill_process_group(group, Signal::KILL);
        let _gone = self.child.wait();
    }
}

/// Keeps what comes out of a pipe.
fn listen(mut pipe: impl Read + Send + 'static, log: &Arc<Mutex<String>>) {
    let log = Arc::clone(log);
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut bytes) {
            log.lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    });
}

/// Keeps wrangler from asking and from reporting.
fn quiet(command: &mut Command) -> &mut Command {
    command
        .env("WRANGLER_SEND_METRICS", "false")
        .env("CI", "1")
        .env("NO_COLOR", "1")
}

/// Runs a program to its end.
fn said(command: &mut Command) -> Said {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    Said {
        success: output.status.success(),
        text: String::from_utf8_lossy(&text).into_owned(),
    }
}

/// The packages that a Worker pins, installed once.
fn packages() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut init = Command::new(env!("CARGO_BIN_EXE_leanrepl"));
        let container = format!("core-4-28-0={REGISTRY}/core:v4.28.0");
        init.args([
            "cloudflare",
            "init",
            "--name",
            "packages",
            "--container",
            &container,
        ]);
        said(init.arg(folder.path())).well();
        let manifest = fs::read_to_string(folder.path().join("package.json")).unwrap();
        installed("worker", &manifest)
    })
}

/// The newest wrangler, installed once.
fn newest() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let manifest =
            serde_json::json!({ "private": true, "dependencies": { "wrangler": NEWEST } });
        installed("newest", &manifest.to_string())
    })
}

/// A folder with the packages of a manifest; one from an earlier run is used again.
fn installed(name: &str, manifest: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("real_worker")
        .join(name);
    let done = folder.join("installed.json");
    if fs::read_to_string(&done).is_ok_and(|known| known == manifest) {
        return folder;
    }
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("package.json"), manifest).unwrap();
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]);
    said(npm.current_dir(&folder)).well();
    fs::write(done, manifest).unwrap();
    folder
}
