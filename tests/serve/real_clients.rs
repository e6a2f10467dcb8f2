//! Clients that were not written here. `cargo xtask test` runs these.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use leanrepl::internals::UndecidedReason;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::python::{python, run, run_with, script};
use crate::served::Served;
use crate::world::World;

/// What `kimina-client` is made of and what it needs for asking a server; the package names more,
/// for reading data sets.
const KIMINA: [&[&str]; 2] = [
    &["--no-deps", "kimina-client==0.2.1"],
    &[
        "httpx", "tenacity", "pydantic", "tqdm", "pygments", "colorama", "tabulate",
    ],
];

/// The tester of interfaces.
const SCHEMATHESIS: [&[&str]; 1] = [&["schemathesis==4.*"]];

/// What drives the browser.
const PLAYWRIGHT: [&[&str]; 1] = [&["playwright"]];

/// A world with the installed core Lean.
pub(crate) fn core_world() -> World {
    // The cache of the user, where `cargo xtask test` has put core Lean.
    let home = std::env::var("HOME").unwrap();
    let cache = std::env::var("LEANREPL_CACHE_DIR").unwrap_or(format!("{home}/.cache/leanrepl"));
    World::new().var("LEANREPL_CACHE_DIR", &cache)
}

/// A server on the installed core Lean.
pub(crate) fn on_core_lean() -> Served {
    let args = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--toolchain",
        "core",
        "--sessions",
        "2",
        "--spares",
        "0",
    ];
    let served = Served::run(core_world(), args.iter());
    served.wait_ready();
    served
}

#[test]
#[ignore = "needs Python and PyPI; run cargo xtask test"]
fn kimina_client_works_unchanged() {
    let python = python("kimina", &KIMINA);
    let served = Served::start(&[]);
    let told = run(Command::new(python)
        .arg(script("kimina.py"))
        .args([&served.url(""), "fake"]));
    assert!(told.ends_with("all is well\n"), "{told}");
    served.stop();
}

#[test]
#[ignore = "needs core Lean, Python and PyPI; run cargo xtask test"]
fn kimina_client_works_unchanged_on_real_lean() {
    let python = python("kimina", &KIMINA);
    let served = on_core_lean();
    let told = run(Command::new(python)
        .arg(script("kimina.py"))
        .arg(served.url("")));
    assert!(told.ends_with("all is well\n"), "{told}");
    served.stop();
}

/// What the judges of `kimina-client` are to make of a source: an answer for each of its two shapes.
struct Judged {
    /// The answers so far.
    answers: Vec<Value>,
}

impl Judged {
    /// Adds sources that are sent together, each with what it comes to, to a server for each shape.
    fn add(&mut self, start: impl Fn() -> (Served, bool), sources: &[(&str, &str)], timeout: u64) {
        let snippets: Vec<Value> = sources
            .iter()
            .enumerate()
            .map(|(index, (_, code))| {
                json!({"id": index.to_string(), "custom_id": index, "code": code})
            })
            .collect();
        let results = ["/api/check", "/verify"].map(|path| {
            let body = json!({"snippets": snippets, "codes": snippets, "timeout": timeout});
            let (served, stops) = start();
            let url = served.url(path);
            let asked = thread::spawn(move || {
                let mut response = Served::agent().post(url).send(body.to_string()).unwrap();
                response.body_mut().read_to_string().unwrap()
            });
            if stops {
                Served::wait_for(|| served.get("/ready").json()["busy"] == 1);
                served.signal(Signal::TERM);
            }
            let answer: Value = serde_json::from_str(&asked.join().unwrap()).unwrap();
            if stops {
                let (finished, _) = served.finish();
                assert_eq!(finished.exit(), Some(0), "{}", finished.text());
            } else {
                served.stop();
            }
            answer["results"].clone()
        });
        for (index, (reason, _)) in sources.iter().enumerate() {
            let [check, verify] = results.each_ref().map(|results| &results[index]);
            let answer = json!({"reason": reason, "check": check, "verify": verify});
            self.answers.push(answer);
        }
    }

    /// Has them judged.
    fn judge(self) {
        let python = python("kimina", &KIMINA);
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("judged.json");
        fs::write(&file, Value::from(self.answers).to_string()).unwrap();
        let mut command = Command::new(python);
        command.arg(script("judges.py"));
        let told = run_with(&mut command, fs::File::open(file).unwrap().into());
        assert!(told.ends_with("all is well\n"), "{told}");
    }
}

#[test]
#[ignore = "needs Python and PyPI; run cargo xtask test"]
fn kiminas_own_judges_take_no_undecided_source_for_a_valid_one() {
    let mut judged = Judged {
        answers: Vec::new(),
    };
    let small = ["--memory", "200MiB", "--max-reply", "1MiB"];
    let sources = [
        ("accepted", "def a := 1"),
        ("rejected", "--! error 1:0 no"),
        ("sorry", "--! sorry 1:0 ⊢ True"),
        ("sorry", "--! warning 1:0 declaration uses `sorry`"),
        ("timeout", "--! hang"),
        ("memory", "--! grow 400000000"),
        ("crash", "--! die"),
        ("crash", "--! stack-overflow"),
        ("import", "import Nope"),
        ("reply_too_large", "--! huge 2000000"),
        ("protocol_error", "--! wrong-type"),
        ("unsupported", "--! lacking the body of `f`"),
        (
            "unsupported",
            "--! error 1:0 no\n--! lacking the body of `f`",
        ),
        ("unsupported", "--! refuse this REPL knows no such option"),
    ];
    judged.add(|| (Served::start(&small), false), &sources, 2);
    let one = ["--sessions", "1", "--spares", "0"];
    let hasty = [&one[..], &["--max-wait", "1s"]].concat();
    let sources = [("timeout", "--! hang"), ("queue_timeout", "def a := 1")];
    judged.add(|| (Served::start(&hasty), false), &sources, 3);
    let stopped = [&one[..], &["--grace", "1s"]].concat();
    let sources = [("cancelled", "--! hang"), ("unavailable", "def a := 1")];
    judged.add(|| (Served::start(&stopped), true), &sources, 60);
    // All reasons but the one that only `/v1/eval` has.
    let reasons = judged.answers.iter().map(|answer| answer["reason"].clone());
    let reasons: HashSet<String> = reasons.map(|word| word.as_str().unwrap().into()).collect();
    for reason in UndecidedReason::ALL {
        let is_there = reasons.contains(reason.as_str());
        assert!(
            is_there != (reason == UndecidedReason::Skipped),
            "{reason:?}"
        );
    }
    judged.judge();
}

#[test]
#[ignore = "needs core Lean, Python and PyPI; run cargo xtask test"]
fn kiminas_own_judges_are_right_on_real_lean() {
    let mut judged = Judged {
        answers: Vec::new(),
    };
    let sources = [
        ("accepted", "theorem t : 1 + 1 = 2 := rfl\n#print t"),
        ("rejected", "theorem t : 1 + 1 = 3 := rfl"),
        (
            "rejected",
            "theorem t : 1 + 1 = 3 := by sorry\nexample : 1 = 2 := rfl",
        ),
        ("sorry", "theorem t : 1 + 1 = 3 := by sorry"),
        ("sorry", "theorem t : 1 + 1 = 3 := sorryAx _ false"),
        ("import", "import Nope\n#eval 1"),
        (
            "timeout",
            "partial def f (n : Nat) : Nat := f (n + 1)\n#eval f 0",
        ),
    ];
    judged.add(|| (on_core_lean(), false), &sources, 5);
    judged.judge();
}

#[test]
#[ignore = "needs Python and PyPI; run cargo xtask test"]
fn numbers_in_strings_are_taken_as_kiminas_own_models_take_them() {
    let python = python("kimina", &KIMINA);
    let served = Served::start(&["--sessions", "4", "--spares", "2"]);
    let told = run(Command::new(python)
        .arg(script("lax.py"))
        .arg(served.url("")));
    assert!(told.ends_with("all is well\n"), "{told}");
    served.stop();
}

#[test]
#[ignore = "needs Python and PyPI; run cargo xtask test"]
fn every_answer_fits_its_description_and_none_is_a_failure_of_the_server() {
    let python = python("schemathesis", &SCHEMATHESIS);
    let served = Served::start(&["--sessions", "3", "--spares", "1"]);
    let mut command = Command::new(python.with_file_name("schemathesis"));
    command
        .arg("--config-file")
        .arg(script("schemathesis.toml"))
        .arg("run")
        .arg(served.url("/openapi.json"))
        .args(["--max-examples", "60", "--workers", "1", "--seed", "1"])
        .current_dir(env!("CARGO_TARGET_TMPDIR"));
    run(&mut command);
    served.stop();
}

#[test]
#[ignore = "needs curl; run cargo xtask test"]
fn curl_sends_a_file_as_it_is() {
    let served = Served::start(&[]);
    let mut child = Command::new("curl")
        .args([
            "--silent",
            "--data-binary",
            "@-",
            "--write-out",
            "%{http_code}",
        ])
        .arg(served.url("/"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all("\n--! error 2:0 ∀ a&b=%20+c\n".as_bytes())
        .unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("∀ a&b=%20+c"), "{told}");
    assert!(told.ends_with("400"), "{told}");
    served.stop();
}

#[test]
#[ignore = "needs core Lean, Python, PyPI and Chromium; run cargo xtask test"]
fn a_proof_is_typed_and_mended_in_a_browser() {
    let python = python("playwright", &PLAYWRIGHT);
    let served = on_core_lean();
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    fs::create_dir_all(&shots).unwrap();
    let mut command = Command::new(python);
    command
        .arg(script("page.py"))
        .arg(served.url(""))
        .arg(shots);
    let told = run(&mut command);
    assert!(told.ends_with("all is well\n"), "{told}");
    served.stop();
}
