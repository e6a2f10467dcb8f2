//! One verdict through every door, on real core Lean: `eval --fail-on-sorry`, `/v1/eval` with `sorries:
//! "reject"`, and both ways in which declarations are asked for `sorryAx`. `cargo xtask test` runs these.

use std::ffi::OsStr;
use std::time::Duration;

use leanrepl::internals::{CancelFlag, CoreLean, DataDir, Deadline, Unobserved};
use serde_json::{Value, json};

use crate::real_clients::{core_world, on_core_lean};
use crate::world::World;

/// Longer than all sources take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Sources with the verdict under a policy that rejects `sorry`, and under one that allows it.
const SOURCES: &[(&str, &str, &str)] = &[
    // Nothing is left unproven, whatever the source names.
    (
        "theorem t (a b : Nat) (h : a < b) : a + 1 ≤ b := by omega",
        "accepted",
        "accepted",
    ),
    (
        "-- sorryAx, warn.sorry\ndef sorryAx' := 1",
        "accepted",
        "accepted",
    ),
    (
        "set_option warn.sorry false\nexample : 1 = 1 := rfl",
        "accepted",
        "accepted",
    ),
    (
        "import Lean\nrun_cmd Lean.logWarning \"sorry about that\"",
        "accepted",
        "accepted",
    ),
    (
        "example : (1 : Nat) = 1 := by\n  have h : 2 = 2 := rfl\n  rfl",
        "accepted",
        "accepted",
    ),
    // Written.
    ("theorem t : (1 : Nat) = 2 := sorry", "rejected", "accepted"),
    (
        "example : (1 : Nat) = 2 := by sorry",
        "rejected",
        "accepted",
    ),
    (
        "def n : { k : Nat // k = 1 ∧ k = 2 } := sorry",
        "rejected",
        "accepted",
    ),
    (
        "instance : Inhabited (Fin 3) := sorry",
        "rejected",
        "accepted",
    ),
    // Hidden from the messages.
    (
        "set_option warn.sorry false in\ntheorem t : (1 : Nat) = 2 := sorryAx _ false",
        "rejected",
        "accepted",
    ),
    (
        "set_option warn.sorry false in\nexample : (1 : Nat) = 2 := sorryAx _ true",
        "rejected",
        "accepted",
    ),
    (
        "set_option warn.«sorry» false\nset_option debug.«byAsSorry» true\ntheorem t : (1 : Nat) = 2 := by trivial",
        "rejected",
        "accepted",
    ),
    (
        "set_option warn.«sorry» false in\nprivate theorem t : (1 : Nat) = 2 := «sorry»Ax _ false",
        "rejected",
        "rejected",
    ),
    (
        "import Lean\nopen Lean Elab Term\nset_option warn.«sorry» false\nelab \"magic\" : term <= ty => do Meta.mkSorry ty true\ntheorem t : (1 : Nat) = 2 := magic",
        "rejected",
        "accepted",
    ),
    (
        "import Lean\nopen Lean Elab Term\nset_option warn.«sorry» false\nelab \"magic\" : term <= ty => do\n  return mkApp2 (mkConst (Name.mkSimple (\"sor\" ++ \"ryAx\")) [levelZero]) ty (mkConst ``false)\ntheorem t : (1 : Nat) = 2 := magic",
        "rejected",
        "accepted",
    ),
    (
        "import Lean\nopen Lean Elab Command\nset_option warn.«sorry» false\nrun_cmd liftCoreM <| addDecl <| .thmDecl {\n  name := `t, levelParams := [], type := mkConst ``False,\n  value := mkApp2 (mkConst ``sorryAx [levelZero]) (mkConst ``False) (mkConst ``false) }",
        "rejected",
        "accepted",
    ),
    (
        "set_option warn.sorry false in\ntheorem h : (1 : Nat) = 2 := sorryAx _ false\ntheorem t : (2 : Nat) = 1 := h.symm",
        "rejected",
        "accepted",
    ),
    (
        "import Lean\nopen Lean Elab Term\nelab \"magic\" : term <= ty => Meta.mkSorry ty true\ntheorem t : (1 : Nat) = 2 := magic\nset_option maxHeartbeats 1",
        "rejected",
        "accepted",
    ),
    // Errors that are in no message any more, and a source that stops before its end.
    (
        "import Lean\nopen Lean Elab Command\nelab \"quiet \" c:command : command => do\n  elabCommand c\n  modify fun s => { s with messages := s.messages.markAllReported }\nquiet theorem t : (1 : Nat) = 2 := nonsense",
        "rejected",
        "rejected",
    ),
    (
        "import Lean\nopen Lean Elab Command\nelab \"quiet \" c:command : command => do\n  elabCommand c\n  modify fun s => { s with messages := {} }\nquiet theorem t : (1 : Nat) = 2 := nonsense",
        "rejected",
        "accepted",
    ),
    (
        "import Lean\nopen Lean Elab Command\nelab \"go\" : command => do\n  if let some tk := (← read).cancelTk? then tk.set\ngo\ntheorem t : (1 : Nat) = 2 := nonsense",
        "undecided",
        "undecided",
    ),
    (
        "theorem t : 1 = 1 := rfl\n#exit\nthis is not read",
        "accepted",
        "accepted",
    ),
    // Lean's own no.
    ("theorem t : (1 : Nat) = 2 := rfl", "rejected", "rejected"),
    (
        "theorem t : (1 : Nat) = 1 := sorry sorry nonsense",
        "rejected",
        "rejected",
    ),
];

/// The verdicts of `eval` on all sources, in their order.
fn evaluated(world: &World, options: &[&str]) -> Vec<String> {
    let names: Vec<String> = (0..SOURCES.len())
        .map(|index| format!("{index}.lean"))
        .collect();
    let args = ["eval", "--json"]
        .into_iter()
        .chain(options.iter().copied());
    let seen = world.leanrepl(args.chain(names.iter().map(String::as_str)));
    let stdout = seen.stdout();
    let lines: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let verdict_of = |name: &String| {
        let line = lines.iter().find(|line| line["name"] == **name);
        let line = line.unwrap_or_else(|| panic!("no line for {name}: {}", seen.text()));
        line["verdict"].as_str().unwrap().to_owned()
    };
    names.iter().map(verdict_of).collect()
}

/// A world with all sources as files.
fn world() -> World {
    SOURCES.iter().enumerate().fold(
        core_world().patience(PATIENCE),
        |world, (index, (source, ..))| world.file(&format!("{index}.lean"), source),
    )
}

/// Fails with the source whose verdict is another than the expected one.
fn assert_verdicts(door: &str, verdicts: &[String], expected: impl Fn(usize) -> &'static str) {
    assert_eq!(verdicts.len(), SOURCES.len(), "{door}");
    for (index, verdict) in verdicts.iter().enumerate() {
        assert_eq!(verdict, expected(index), "{door}: {}", SOURCES[index].0);
    }
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn every_door_finds_the_same_sorries() {
    let world = world();
    let core = ["--toolchain", "core"];
    let strict = |index: usize| SOURCES[index].1;
    let seen = evaluated(&world, &[&core[..], &["--fail-on-sorry"]].concat());
    assert_verdicts("eval --fail-on-sorry", &seen, strict);
    let seen = evaluated(&world, &core);
    assert_verdicts("eval", &seen, |index| SOURCES[index].2);

    let served = on_core_lean();
    for (policy, expected) in [("reject", 1), ("allow", 2)] {
        let sources: Vec<&str> = SOURCES.iter().map(|(source, ..)| *source).collect();
        let reply = served
            .post_json("/v1/eval", &json!({"sources": sources, "sorries": policy}))
            .json();
        let results = reply["results"].as_array().unwrap();
        let verdict = |result: &Value| result["verdict"].as_str().unwrap().to_owned();
        let verdicts: Vec<String> = results.iter().map(verdict).collect();
        assert_verdicts(policy, &verdicts, |index| {
            if expected == 1 {
                SOURCES[index].1
            } else {
                SOURCES[index].2
            }
        });
    }
    served.stop();
}

/// Runs the REPL of core Lean, whose path is the first argument after flags of Node, deaf to the field that asks for
/// declarations.
const WITHOUT_FIELDS: &str = r#"
while (process.argv[2].startsWith("--")) process.argv.splice(2, 1);
const main = process.argv.splice(2, 1)[0];
const wire = require(require("path").join(main, "../wire.cjs"));
const { decode } = wire;
wire.decode = text => {
  const request = decode(text);
  delete request.fields.sorryDecls;
  return request;
};
require(main);
"#;

/// The same Lean as a REPL that knows nothing of `sorryDecls`, as a native one: then the environment is
/// asked by a command.
#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_repl_without_fields_of_ours_is_asked_by_a_command_where_it_has_lean() {
    let core = CoreLean::new(DataDir::locate().unwrap());
    let installed = core
        .ensure(
            Deadline::after(PATIENCE),
            &Unobserved,
            &CancelFlag::default(),
        )
        .unwrap();
    let launch = installed.launch();
    let text = |word: &OsStr| word.to_str().unwrap().to_owned();
    let variables = launch
        .vars
        .iter()
        .filter(|(name, _)| text(name).starts_with("LEAN_"));
    let exports: Vec<String> = variables
        .map(|(name, value)| format!("export {}='{}'\n", text(name), text(value)))
        .collect();
    let args: Vec<String> = launch
        .args
        .iter()
        .map(|arg| format!(" '{}'", text(arg)))
        .collect();
    let program = text(launch.program.as_os_str());
    let world = world().file("plain.cjs", WITHOUT_FIELDS);
    let plain = world.work("plain.cjs").display().to_string();
    let world = world.script(
        "plain-repl",
        &format!(
            "{}exec '{program}' '{plain}'{}",
            exports.concat(),
            args.concat()
        ),
    );
    let options = ["--repl", "../bin/plain-repl", "--fail-on-sorry"];
    let seen = evaluated(&world, &options);
    for (index, verdict) in seen.iter().enumerate() {
        let (source, strict, _) = SOURCES[index];
        let names_it = ["sorryAx", "warn.sorry", "warn.«sorry»"]
            .iter()
            .any(|name| source.contains(name));
        // Without `Lean` only what Lean reports and what the source names can tell.
        let expected = if names_it && !source.contains("import Lean") {
            "rejected"
        } else {
            strict
        };
        assert_eq!(verdict, expected, "{source}");
    }
}
