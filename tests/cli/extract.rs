//! `leanrepl extract` on a fake REPL that plays the extractors: what is written, what is kept, and every way in
//! which an extraction goes wrong. Rows of a real Lean are in `tests/extract_lean.rs` and `tests/extract_core.rs`.

mod bad_input;
mod faults;
mod result;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::running::Finished;
use crate::world::World;

/// The modules that the fake REPL has, in Lean's order, which is not that of their names.
fn modules() -> Vec<Value> {
    [("C", 5), ("A.B", 3), ("A", 7), ("Empty", 0), ("Large", 40)]
        .map(|(module, constants)| json!({"module": module, "constants": constants}))
        .to_vec()
}

/// A world with a REPL of those modules.
fn world(modules: &[Value]) -> World {
    let text = serde_json::to_string(modules).unwrap();
    World::new()
        .fake_repl("--extract modules.json --module A --module B --log requests.log")
        .file("modules.json", &text)
}

/// The modules, one of them with a directive.
fn with_directive(module: &str, directive: &str) -> Vec<Value> {
    let mut modules = modules();
    let found = modules
        .iter_mut()
        .find(|it| it["module"] == module)
        .unwrap();
    found["directive"] = directive.into();
    modules
}

/// The modules, one of them with those rows.
fn with_rows(module: &str, rows: &[&str]) -> Vec<Value> {
    let mut modules = modules();
    let found = modules
        .iter_mut()
        .find(|it| it["module"] == module)
        .unwrap();
    found["rows"] = rows.into();
    modules
}

/// `leanrepl extract types` with more options.
fn extract(world: &World, options: &[&str]) -> Finished {
    let usual = ["extract", "types", "--repl", "./repl", "--imports", "A"];
    world.leanrepl(usual.iter().chain(options))
}

/// The names of the rows of JSON lines.
fn names(text: &str) -> Vec<String> {
    let name = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        row["name"].as_str().unwrap().to_owned()
    };
    text.lines().map(name).collect()
}

/// The names of all rows, in the order of units.
fn all_names() -> Vec<String> {
    [("A", 7), ("A.B", 3), ("C", 5), ("Large", 40)]
        .into_iter()
        .flat_map(|(module, count)| (0..count).map(move |index| format!("{module}.c{index}")))
        .collect()
}

/// All that is in a folder and below, by path; `_manifest.json` without times.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            let bytes = if name == "_manifest.json" {
                timeless(&fs::read_to_string(&path).unwrap())
            } else {
                fs::read(&path).unwrap()
            };
            files.insert(name, bytes);
        }
    }
    files
}

/// A manifest without times.
fn timeless(text: &str) -> Vec<u8> {
    let mut manifest: Value = serde_json::from_str(text).unwrap();
    for unit in manifest["units"].as_array_mut().unwrap() {
        assert!(unit["seconds"].is_number());
        unit["seconds"] = 0.into();
    }
    serde_json::to_vec(&manifest).unwrap()
}

/// The manifest in a directory of the work folder.
fn manifest(world: &World, dir: &str) -> Value {
    let text = fs::read_to_string(world.work(dir).join("_manifest.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// How often rows of a module were asked for.
fn asked(world: &World, module: &str) -> usize {
    let log = fs::read_to_string(world.work("requests.log")).unwrap_or_default();
    let parts: Vec<String> = module
        .split('.')
        .map(|part| format!("\\\"{part}\\\""))
        .collect();
    let item = format!("(#[{}], ", parts.join(", "));
    log.lines()
        .filter(|line| line.contains("Extract.page"))
        .map(|line| line.matches(&item).count())
        .sum()
}
