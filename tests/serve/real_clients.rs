//! Clients that were not written here. `cargo xtask test` runs these.
//!
//! Python packages go into virtual environments below the target folder, made on first need and used
//! again; a change of the list makes a new one.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// The Python of a virtual environment with these packages.
fn python(name: &str, packages: &[&[&str]]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("clients")
        .join(name);
    let python = folder.join("bin/python");
    let list = folder.join("packages");
    let wanted = format!("{packages:?}");
    // Written last, so it is there only if all went well.
    if fs::read_to_string(&list).is_ok_and(|found| found == wanted) {
        return python;
    }
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder));
    for packages in packages {
        let install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ];
        run(Command::new(&python).args(install).args(*packages));
    }
    fs::write(list, wanted).unwrap();
    python
}

/// Runs a program; fails the test with all it wrote if it fails.
fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

/// The path of a script.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(name)
}

/// A world with the installed core Lean.
pub(crate) fn core_world() -> World {
    // The cache of the user, where `cargo xtask test` has put core Lean.
    let home = std::env::var("HOME").unwrap();
    let cache = std::env::var("LEANREPL_CACHE_DIR").unwrap_or(format!("{home}/.cache/leanrepl"));
    World::new().var("LEANREPL_CACHE_DIR", &cache)
}

/// A server on the installed core Lean.
fn on_core_lean() -> Served {
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
