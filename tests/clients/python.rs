//! Programs in Python that were not written here, or that need such.
//!
//! Packages go into virtual environments below the target folder, made on first need and used again; a change
//! of the list makes a new one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The Python of a virtual environment with these packages.
pub(crate) fn python(name: &str, packages: &[&[&str]]) -> PathBuf {
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
pub(crate) fn run(command: &mut Command) -> String {
    run_with(command, Stdio::null())
}

/// The same with something to read on stdin.
pub(crate) fn run_with(command: &mut Command, stdin: Stdio) -> String {
    let output = command.stdin(stdin).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

/// The path of a script.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(name)
}
