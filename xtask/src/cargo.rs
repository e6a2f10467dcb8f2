//! What cargo knows of this workspace.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use serde_json::Value;

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
