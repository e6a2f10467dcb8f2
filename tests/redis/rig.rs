//! A `redis-server` for each test, on a socket or a port of its own, which is gone with the test.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use leanrepl::internals::cache::{
    Environment, PREFIX, RedisSettings, RedisStore, RedisUrl, SealKey, Secret, Store, StoreError,
};
use leanrepl::internals::{Failure, digest};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

/// Longest wait for something that has to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server in a folder of its own.
pub(crate) struct Server {
    folder: TempDir,
    child: Child,
    port: u16,
    settings: Vec<String>,
}

impl Server {
    /// A server with these lines of settings besides its own.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let settings: Vec<String> = settings.iter().map(|&line| line.to_owned()).collect();
        // Another process may take the port in between.
        for _try in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            let port = free_port();
            let child = spawn(folder.path(), port, &settings);
            let mut server = Self {
                folder,
                child,
                port,
                settings: settings.clone(),
            };
            match server.wait() {
                Ok(()) => return server,
                Err(log) => assert!(log.contains("Address already in use"), "{log}"),
            }
        }
        panic!("no port is free");
    }

    /// Until it accepts connections; its log if it ends before.
    fn wait(&mut self) -> Result<(), String> {
        let start = Instant::now();
        while UnixStream::connect(self.socket()).is_err() {
            if self.child.try_wait().unwrap().is_some() {
                return Err(fs::read_to_string(self.folder.path().join("log")).unwrap());
            }
            assert!(start.elapsed() < PATIENCE, "redis-server does not start");
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// The path of its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Its port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A file in its folder that only its owner reads.
    pub(crate) fn secret(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Settings for a store on its port.
    pub(crate) fn tcp(&self) -> RedisSettings {
        settings(&format!("redis://127.0.0.1:{}", self.port))
    }

    /// A store on its socket.
    pub(crate) fn store(&self) -> RedisStore {
        RedisStore::open(self.unix()).unwrap()
    }

    /// Settings for a store on its socket.
    pub(crate) fn unix(&self) -> RedisSettings {
        settings(&format!("unix://{}", self.socket().display()))
    }

    /// A key for seals, of these bytes.
    pub(crate) fn key(&self, byte: u8) -> SealKey {
        let path = self.secret(&format!("key-{byte}"), &[byte; 32]);
        SealKey::from_file(&path).unwrap()
    }

    /// Sends a command with words, and gives the first line of the reply.
    pub(crate) fn say(&self, words: &[&[u8]]) -> String {
        let mut socket = UnixStream::connect(self.socket()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            bytes.extend(format!("${}\r\n", word.len()).bytes());
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(b"\r\n");
        }
        socket.write_all(&bytes).unwrap();
        let mut lines = BufReader::new(socket);
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        if line.starts_with('$') && line.trim_end() != "$-1" {
            line.clear();
            lines.read_line(&mut line).unwrap();
        }
        line.trim_end().to_owned()
    }

    /// The whole number that a command of words answers with.
    pub(crate) fn number(&self, words: &str) -> i64 {
        let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
        let reply = self.say(&words);
        let number = reply.strip_prefix(':');
        let number = number.and_then(|number| number.parse().ok());
        number.unwrap_or_else(|| panic!("{reply}"))
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.child.wait().unwrap();
    }

    /// Starts it again on the same socket and port, with nothing in it.
    pub(crate) fn restart(&mut self) {
        // What it was killed with stays, and the next one could be taken for being there.
        let _ = fs::remove_file(self.socket());
        self.child = spawn(self.folder.path(), self.port, &self.settings);
        self.wait().unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let _ = self.child.wait();
    }
}

/// A port that nothing listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A server in a process group of its own.
fn spawn(folder: &Path, port: u16, settings: &[String]) -> Child {
    let log = File::create(folder.join("log")).unwrap();
    let mut lines = vec![
        format!("port {port}"),
        "bind 127.0.0.1".to_owned(),
        format!("dir {}", folder.display()),
        format!("unixsocket {}", folder.join("socket").display()),
        "save \"\"".to_owned(),
        "appendonly no".to_owned(),
        "databases 4".to_owned(),
    ];
    lines.extend_from_slice(settings);
    fs::write(folder.join("redis.conf"), lines.join("\n")).unwrap();
    Command::new("redis-server")
        .arg(folder.join("redis.conf"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap_or_else(|err| {
            panic!("no redis-server (on Debian: apt-get install redis-server): {err}")
        })
}

/// Settings for a store at an address.
pub(crate) fn settings(url: &str) -> RedisSettings {
    RedisSettings {
        url: RedisUrl::parse(url).unwrap(),
        password: None,
        prefix: PREFIX.to_owned(),
        max_age: Duration::from_secs(1000),
        key: None,
    }
}

/// Why a store does not open.
pub(crate) fn refusal(settings: RedisSettings) -> Failure {
    RedisStore::open(settings)
        .map(|_| ())
        .unwrap_err()
        .into_failure()
}

/// The password in a file.
pub(crate) fn password(server: &Server, text: &str) -> Option<Secret> {
    Secret::password(Some(&server.secret("password", text.as_bytes()))).unwrap()
}

/// An environment with these modules.
pub(crate) fn environment(modules: &[&str]) -> Environment {
    let modules: Arc<[String]> = modules.iter().map(|&module| module.to_owned()).collect();
    Environment {
        digest: digest::of_bytes(modules.join(" ").as_bytes()),
        toolchain: "leanprover/lean4:v4.27.0".to_owned(),
        repl: "v4.27.0".to_owned(),
        modules,
    }
}

/// Asks until a store is in use again.
pub(crate) fn until_used_again<T>(mut ask: impl FnMut() -> Result<T, StoreError>) -> T {
    let start = Instant::now();
    loop {
        match ask() {
            Ok(value) => return value,
            Err(err) => {
                assert!(matches!(err, StoreError::Busy(_)), "{err}");
                assert!(start.elapsed() < PATIENCE, "{err}");
            }
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Calls until a text has these words.
pub(crate) fn until_said(words: &str, mut call: impl FnMut() -> String) {
    let start = Instant::now();
    loop {
        let text = call();
        if text.contains(words) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{text}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The text of a `Busy`.
pub(crate) fn busy<T>(result: Result<T, StoreError>) -> String {
    match result.map(|_| ()) {
        Err(StoreError::Busy(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// A store as its users see it.
pub(crate) fn shared(store: RedisStore) -> Arc<dyn Store> {
    Arc::new(store)
}
