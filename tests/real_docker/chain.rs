//! The whole way: an image of core Lean, a Worker's folder, `wrangler dev` in real workerd, a container,
//! a verdict. One command makes and runs it; the requests of the test are its own.

#[path = "../real_worker/http.rs"]
#[expect(clippy::string_slice, reason = "a broken answer fails the test")]
mod http;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::rig::{Rig, Seen, debian, docker};
use http::Reply;

/// The label of what a trial makes.
const MARK: &str = "label=org.leanprover-community.leanrepl.try";

/// The path of the container.
const PATH: &str = "/core-4-28-0";

/// Longest wait for what the command says next.
const PATIENCE: Duration = Duration::from_secs(60);

/// A trial that stays.
struct Trial {
    /// `leanrepl cloudflare try`.
    child: Child,
    /// Its data, read so far.
    stdout: BufReader<ChildStdout>,
    /// Where the Worker answers.
    address: SocketAddr,
}

impl Trial {
    /// Starts one from nothing, whose image gets that name.
    fn start(rig: &Rig, image: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        fs::create_dir_all(rig.path("tmp")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_leanrepl"))
            .args(["cloudflare", "try", "--kind", "core", "--json"])
            .args(["--base", &debian("bookworm"), "--tag", image])
            .args(["--stay", "10m", "--port", &port.to_string()])
            .env("DOCKER_CONFIG", rig.path("config"))
            .env("TMPDIR", rig.path("tmp"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(rig.path("said")).unwrap())
            .spawn()
            .unwrap();
        Self {
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        }
    }

    /// The next object, which has to be of that type.
    fn next(&mut self, rig: &Rig, kind: &str) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let value: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{}", said(rig)));
        assert_eq!(value["type"], kind, "{value}");
        value
    }

    /// Sends a request.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        http::ask(self.address, method, path, headers, body).unwrap()
    }

    /// Ends it as Ctrl-C does; the answer is its exit code.
    fn interrupt(&mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        // It stops all that it started; a test that failed before has not asked for that.
        let _gone = kill_process(Pid::from_child(&self.child), Signal::INT);
        let _gone = self.child.wait();
    }
}

/// What the command said to people.
fn said(rig: &Rig) -> String {
    fs::read_to_string(rig.path("said")).unwrap()
}

/// The key as the command tells it, which it does after its data.
fn told_key(rig: &Rig) -> String {
    let start = Instant::now();
    loop {
        let text = said(rig);
        let key = text.split_once("Authorization: ").map(|(_, rest)| rest);
        if let Some((key, _)) = key.and_then(|rest| rest.split_once('`')) {
            return key.to_owned();
        }
        assert!(start.elapsed() < PATIENCE, "{text}");
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// That nothing of a trial is left but its image.
fn assert_nothing_is_left(rig: &Rig) {
    assert_eq!(docker(&["ps", "--all", "--quiet", "--filter", MARK]), "");
    assert_eq!(docker(&["image", "ls", "--quiet", "--filter", MARK]), "");
    let left: Vec<_> = fs::read_dir(rig.path("tmp")).unwrap().collect();
    // wrangler and its esbuild leave caches of their own making.
    let ours = |name: &str| name.starts_with("leanrepl-");
    let names = left.into_iter().map(|entry| entry.unwrap().file_name());
    let names: Vec<_> = names.filter_map(|name| name.into_string().ok()).collect();
    assert!(!names.iter().any(|name| ours(name)), "{names:?}");
}

#[test]
#[ignore = "needs Docker, npm and core Lean; run cargo xtask test"]
fn from_nothing_to_a_verdict_through_the_worker_in_one_command() {
    let mut rig = Rig::new();
    let image = rig.name_at("localhost");
    let mut trial = Trial::start(&rig, &image);
    let made = trial.next(&rig, "image");
    assert_eq!(made["names"], json!([image]));
    let container = trial.next(&rig, "container");
    assert_eq!(
        (&container["name"], &container["image"]),
        (&json!("core-4-28-0"), &json!(image))
    );
    assert!(container["ready_seconds"].is_f64(), "{container}");
    assert!(container["later_p50_seconds"].is_f64(), "{container}");
    let whats: Vec<_> = container["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| &check["what"])
        .collect();
    assert_eq!(whats, ["accepted", "rejected", "looping"]);
    trial.next(&rig, "routes");
    let summary = trial.next(&rig, "summary");
    assert_eq!(
        (&summary["wrong"], &summary["exit_code"]),
        (&json!(0), &json!(0))
    );

    let key = told_key(&rig);
    let key = [("Authorization", key.as_str())];
    let health = trial.ask("GET", &format!("{PATH}/health"), &key, "");
    assert_eq!(
        (health.status, &health.json()["ready"]),
        (200, &json!(true))
    );
    let proof = "theorem t (p q : Prop) (h : p ∧ q) : q ∧ p := ⟨h.2, h.1⟩\n";
    let reply = trial.ask("POST", PATH, &key, proof);
    assert_eq!(
        (reply.status, &reply.json()["ok"]),
        (200, &json!(true)),
        "{reply:?}"
    );
    assert_eq!(reply.header("Access-Control-Allow-Origin"), Some("*"));
    let reply = trial.ask("POST", PATH, &key, "theorem t : 1 + 1 = 3 := rfl\n");
    assert_eq!(
        (reply.status, &reply.json()["ok"]),
        (400, &json!(false)),
        "{reply:?}"
    );
    assert_eq!(reply.json()["messages"][0]["severity"], "error");
    let limited = [key[0], ("X-Lean-Timeout", "2")];
    let endless = "partial def f (n : Nat) : Nat := f (n + 1)\n#eval f 0\n";
    let reply = trial.ask("POST", PATH, &limited, endless);
    assert_eq!(
        (reply.status, &reply.json()["ok"]),
        (408, &json!(false)),
        "{reply:?}"
    );
    assert!(reply.json()["elapsed"].is_number(), "{reply:?}");
    // The loop took nobody with it.
    assert_eq!(trial.ask("POST", PATH, &key, proof).status, 200);
    let reply = trial.ask("POST", PATH, &[("Authorization", "Bearer wrong")], proof);
    assert_eq!(
        (reply.status, reply.header("WWW-Authenticate")),
        (401, Some("Bearer"))
    );
    assert_eq!(trial.ask("POST", "/lean-4-27-0", &key, proof).status, 404);
    let preflight = trial.ask("OPTIONS", PATH, &[], "");
    assert_eq!(preflight.status, 204);
    let allowed = preflight.header("Access-Control-Allow-Headers").unwrap();
    assert!(allowed.contains("X-Lean-Timeout"), "{allowed}");

    assert_eq!(trial.interrupt(), Some(0), "{}", said(&rig));
    assert_nothing_is_left(&rig);
}

#[test]
#[ignore = "needs Docker; run cargo xtask test"]
fn an_image_that_is_not_here_and_a_port_that_is_taken_are_named_before_anything_starts() {
    let rig = Rig::new();
    let folder = rig.path("lean").display().to_string();
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leanrepl"));
        Seen::of(command.arg("cloudflare").args(args).output().unwrap())
    };
    let base = debian("bookworm");
    let absent = "--container=core-4-28-0=localhost/leanrepl-test-absent:1";
    assert_eq!(run(&["init", &folder, absent]).code, Some(0));
    let program = rig.path("lean/node_modules/.bin/wrangler");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::write(&program, "#!/bin/sh\nexit 3\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let seen = run(&["try", &folder]);
    assert_eq!(seen.code, Some(6), "{seen:?}");
    assert!(seen.stderr.contains("is not on this machine"), "{seen:?}");
    assert!(
        seen.stderr.contains("leanrepl build-image --tag"),
        "{seen:?}"
    );

    let there = format!("localhost/leanrepl-test-there-{}:1", std::process::id());
    docker(&["tag", &base, &there]);
    assert_eq!(
        run(&["init", &folder, &format!("--container=core-4-28-0={there}")]).code,
        Some(0)
    );
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let seen = run(&["try", &folder, "--port", &port]);
    // What wrangler says is the reason if it ends by itself.
    let lost = run(&["try", &folder]);
    docker(&["rmi", &there]);
    assert_eq!(seen.code, Some(6), "{seen:?}");
    assert!(
        seen.stderr
            .contains(&format!("port {port} of this machine")),
        "{seen:?}"
    );
    assert_eq!(lost.code, Some(6), "{lost:?}");
    assert!(
        lost.stderr
            .contains("ended with exit code 3 while running the Worker"),
        "{lost:?}"
    );
}
