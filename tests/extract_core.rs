//! `leanrepl extract` on real core Lean, from the command line to the shards. `cargo xtask test` installs core
//! Lean and runs these. What a row says is tested in `tests/extract_lean`.

#![expect(
    clippy::disallowed_methods,
    reason = "the binary is driven from outside, without the code that it is made of"
)]
#![expect(clippy::unwrap_used, reason = "a broken set-up fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use leanrepl::internals::{CancelFlag, CoreLean, DataDir, Deadline, Unobserved};
use serde_json::Value;

/// Where an independent count begins, in Lean: all constants of the modules that `Init.Core` reaches.
const COUNT: &str = "import Lean\n\
    open Lean in\n\
    #eval show CoreM Unit from do\n\
    \x20 let env ← getEnv\n\
    \x20 let mut todo := #[`Init.Core]\n\
    \x20 let mut seen : NameSet := {}\n\
    \x20 while !todo.isEmpty do\n\
    \x20   let m := todo.back!\n\
    \x20   todo := todo.pop\n\
    \x20   unless seen.contains m do\n\
    \x20     seen := seen.insert m\n\
    \x20     if let some i := env.getModuleIdx? m then\n\
    \x20       todo := todo ++ env.header.moduleData[i.toNat]!.imports.map (·.module)\n\
    \x20 let is (n : Name) : Bool := (env.getModuleIdxFor? n).any fun i => seen.contains env.header.moduleNames[i.toNat]!\n\
    \x20 IO.println (env.constants.map₁.fold (fun k n _ => if is n then k + 1 else k) 0)\n";

/// Runs `leanrepl` with the installed core Lean in a folder.
fn leanrepl(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leanrepl"));
    command.current_dir(folder).args(args);
    command.output().unwrap()
}

/// What a command that must succeed writes on stdout.
#[track_caller]
fn stdout(folder: &Path, args: &[&str]) -> String {
    let output = leanrepl(folder, args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a command that must fail writes on stderr.
#[track_caller]
fn refusal(folder: &Path, args: &[&str], code: i32) -> String {
    let output = leanrepl(folder, args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    stderr
}

/// The rows of JSON lines.
fn rows(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// All files of a result, the manifest without times.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for name in ["data", "."] {
        for entry in fs::read_dir(folder.join(name)).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_file() {
                continue;
            }
            let mut bytes = fs::read(&path).unwrap();
            if path.ends_with("_manifest.json") {
                let mut manifest: Value = serde_json::from_slice(&bytes).unwrap();
                for unit in manifest["units"].as_array_mut().unwrap() {
                    unit["seconds"] = 0.into();
                }
                bytes = serde_json::to_vec(&manifest).unwrap();
            }
            found.insert(path.strip_prefix(folder).unwrap().to_owned(), bytes);
        }
    }
    found
}

/// Compiles a package `Demo` of two modules; gives the folder for `LEAN_PATH`.
fn demo(folder: &Path) -> String {
    let sources = folder.join("sources");
    let compiled = folder.join("compiled");
    fs::create_dir_all(sources.join("Demo")).unwrap();
    let basic = "/-- Twice a number. -/\ndef twice (n : Nat) : Nat := n + n\n\
        theorem twice_zero : twice 0 = 0 := rfl\n";
    fs::write(sources.join("Demo/Basic.lean"), basic).unwrap();
    let top = "import Demo.Basic\ntheorem twice_one : twice 1 = 2 := by\n  unfold twice\n  rfl\n";
    fs::write(sources.join("Demo.lean"), top).unwrap();
    let core = CoreLean::new(DataDir::locate().unwrap());
    let deadline = Deadline::after(Duration::from_secs(180));
    let core = core
        .ensure(deadline, &Unobserved, &CancelFlag::default())
        .unwrap();
    let compiler = core.compiler();
    let output = Command::new(compiler.program)
        .args(compiler.args)
        .args([&sources, &compiled])
        .args(["Demo.Basic", "Demo"])
        .envs(compiler.vars)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // The sources lie beside the compiled modules, as in a build of Lake with `srcDir`.
    fs::copy(sources.join("Demo.lean"), compiled.join("Demo.lean")).unwrap();
    fs::copy(
        sources.join("Demo/Basic.lean"),
        compiled.join("Demo/Basic.lean"),
    )
    .unwrap();
    compiled.display().to_string()
}

/// Runs `leanrepl` with modules of users.
#[track_caller]
fn with_path(folder: &Path, path: &str, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leanrepl"));
    let output = command
        .current_dir(folder)
        .env("LEAN_PATH", path)
        .args(args)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn there_are_as_many_rows_as_a_session_counts() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("count.lean"), COUNT).unwrap();
    let counted = stdout(dir.path(), &["eval", "count.lean"]);
    let text = stdout(
        dir.path(),
        &["extract", "types", "--imports", "Init.Core", "--jsonl"],
    );
    let rows = rows(&text);
    assert!(
        counted.contains(&rows.len().to_string()),
        "{} rows, and {counted}",
        rows.len()
    );
    let names: BTreeSet<&str> = rows
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), rows.len());
    let modules: Vec<&str> = rows
        .iter()
        .map(|row| row["module"].as_str().unwrap())
        .collect();
    assert!(modules.is_sorted());
    let of = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(of("id")["type"], "{α : Sort u} → α → α");
    assert_eq!(of("Nat.rec")["module"], "Init.Prelude");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn every_way_gives_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let usual = [
        "extract",
        "const-dep",
        "--imports",
        "Init.Core",
        "--num-shards",
        "8",
        "--out",
    ];
    let make = |out: &str, more: &[&str]| stdout(dir.path(), &[&usual[..], &[out], more].concat());
    make("one", &["-j", "1"]);
    let one = files(&dir.path().join("one"));
    assert_eq!(one.len(), 8 + 3, "{:?}", one.keys());
    make("three", &["-j", "3", "--page-rows", "500"]);
    assert_eq!(files(&dir.path().join("three")), one);
    for share in ["0/3", "1/3", "2/3"] {
        make(&share.replace('/', "of"), &["--shard", share]);
    }
    stdout(
        dir.path(),
        &[
            "extract",
            "pack",
            "0of3",
            "1of3",
            "2of3",
            "--num-shards",
            "8",
            "--out",
            "packed",
        ],
    );
    assert_eq!(files(&dir.path().join("packed")), one);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_library_of_users_has_its_own_rows_and_doc_strings() {
    let dir = tempfile::tempdir().unwrap();
    let path = demo(dir.path());
    let types = rows(&with_path(
        dir.path(),
        &path,
        &["extract", "types", "--library", "Demo", "--jsonl"],
    ));
    let names: Vec<&str> = types
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    for name in ["twice", "twice_zero", "twice_one"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(
        types
            .iter()
            .all(|row| row["module"].as_str().unwrap().starts_with("Demo")),
        "{names:?}"
    );
    let twice = types.iter().find(|row| row["name"] == "twice").unwrap();
    assert_eq!(
        (&twice["docString"], &twice["type"]),
        (&"Twice a number. ".into(), &"Nat → Nat".into())
    );

    let steps = rows(&with_path(
        dir.path(),
        &path,
        &["extract", "tactics", "--library", "Demo", "--jsonl"],
    ));
    let tactics: Vec<&str> = steps
        .iter()
        .map(|row| row["ppTac"].as_str().unwrap())
        .collect();
    assert!(
        tactics.contains(&"unfold twice") && tactics.contains(&"rfl"),
        "{tactics:?}"
    );
    assert!(steps.iter().all(|row| row["module"] == "Demo"));
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_plugin_gives_its_own_rows_by_its_own_schema() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/depth.lean");
    let plugin = plugin.to_str().unwrap();
    let schema = stdout(
        dir.path(),
        &["extract", "Depth.extractor", "--plugin", plugin, "--schema"],
    );
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let columns: BTreeSet<&str> = schema["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    let found = stdout(
        dir.path(),
        &[
            "extract",
            "Depth.extractor",
            "--plugin",
            plugin,
            "--imports",
            "Init.Coe",
            "--jsonl",
        ],
    );
    let found = rows(&found);
    assert!(found.len() > 100, "{}", found.len());
    for row in &found {
        let keys: BTreeSet<&str> = row
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(keys, columns);
    }
    let none = refusal(
        dir.path(),
        &[
            "extract",
            "nothing",
            "--plugin",
            plugin,
            "--imports",
            "Init.Coe",
            "--jsonl",
        ],
        2,
    );
    assert!(none.contains("defines no extractor of that name"), "{none}");
    fs::write(
        dir.path().join("bad.lean"),
        "def depth : Nat :=\n  \"no\"\n",
    )
    .unwrap();
    let bad = [
        "extract",
        "depth",
        "--plugin",
        "bad.lean",
        "--imports",
        "Init.Coe",
        "--jsonl",
    ];
    let bad = refusal(dir.path(), &bad, 2);
    assert!(
        bad.contains("the plugin does not compile: `bad.lean`:2:2"),
        "{bad}"
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_file_that_does_not_compile_is_named_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("good.lean"),
        "theorem a : 1 + 1 = 2 := by\n  decide\n",
    )
    .unwrap();
    fs::write(
        dir.path().join("bad.lean"),
        "theorem b : 1 = 1 := by\n  rfl\n\ntheorem c : 1 = 2 := by\n  rfl\n",
    )
    .unwrap();
    fs::write(dir.path().join("lost.lean"), "import Nowhere.At.All\n").unwrap();
    let read = [
        "extract",
        "tactics",
        "--read",
        "good.lean",
        "bad.lean",
        "lost.lean",
    ];
    let seen = refusal(dir.path(), &[&read[..], &["--jsonl"]].concat(), 1);
    assert!(seen.contains("Lean refuses `bad.lean`:5:2"), "{seen}");
    let all = leanrepl(
        dir.path(),
        &[&read[..], &["--jsonl", "--keep-going"]].concat(),
    );
    assert_eq!(all.status.code(), Some(1));
    let found = rows(&String::from_utf8(all.stdout).unwrap());
    // The tactic, and what stands around it: the rows of the innermost come first.
    assert_eq!(found.len(), 5);
    assert_eq!(
        (&found[0]["ppTac"], &found[0]["goals"][0]["pp"]),
        (&"decide".into(), &"⊢ 1 + 1 = 2".into())
    );
    let stderr = String::from_utf8(all.stderr).unwrap();
    assert!(stderr.contains("`Nowhere.At.All`"), "{stderr}");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_module_that_is_not_there_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let seen = refusal(
        dir.path(),
        &["extract", "types", "--imports", "Init.Nowhere", "--jsonl"],
        3,
    );
    assert!(seen.contains("`Init.Nowhere`"), "{seen}");
}
