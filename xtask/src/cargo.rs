//! What cargo knows of this workspace.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::sum::WHOLE;

/// Whether a program is made for speed or fast to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Not optimised; there from the tests.
    Debug,
    /// As it is shipped.
    Release,
}

/// Builds programs of the product, the stub `fake-repl` among them; gives the folder that they are in.
pub(crate) fn build(root: &Path, names: &[&str], profile: Profile) -> anyhow::Result<PathBuf> {
    let mut command = Command::new("cargo");
    command.args(["build", "--quiet"]);
    let folder = match profile {
        // With all that is built for tests, since another choice would be a build of its own.
        Profile::Debug => {
            command.args(WHOLE).arg("--all-targets");
            "debug"
        }
        Profile::Release => {
            command.args(["--release", "--package", "leanrepl"]);
            command.args(["--features", "fake-repl,extract"]);
            command.args(names.iter().flat_map(|name| ["--bin", name]));
            "release"
        }
    };
    let status = command
        .current_dir(root)
        .stdin(Stdio::null())
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("the programs do not build: {}", names.join(", "));
    }
    Ok(build_folder(root)?.join(folder))
}

/// The folder that cargo builds into; settings and `CARGO_TARGET_DIR` may name another than `target`.
pub(crate) fn build_folder(root: &Path) -> anyhow::Result<PathBuf> {
    let metadata = metadata(root)?;
    let folder = metadata.get("target_directory").and_then(Value::as_str);
    Ok(PathBuf::from(folder.context(
        "`cargo metadata` names no folder that it builds into",
    )?))
}

/// The names of the integration tests that the packages declare.
pub(crate) fn test_targets(root: &Path) -> anyhow::Result<Vec<String>> {
    let metadata = metadata(root)?;
    let list = |value: &Value, name: &str| {
        let items = value.get(name).and_then(Value::as_array);
        items.cloned().unwrap_or_default()
    };
    let mut names = Vec::new();
    for package in list(&metadata, "packages") {
        for target in list(&package, "targets") {
            let is_test = list(&target, "kind").iter().any(|kind| kind == "test");
            if let Some(name) = target.get("name").and_then(Value::as_str)
                && is_test
            {
                names.push(name.to_owned());
            }
        }
    }
    Ok(names)
}

/// What `cargo metadata` writes.
fn metadata(root: &Path) -> anyhow::Result<Value> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    serde_json::from_slice(&output.stdout).context("`cargo metadata` wrote no JSON")
}
