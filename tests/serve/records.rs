//! One record through two doors: `eval --json` and `/v1/eval` report the same about a source, but for times
//! and numbers.

use std::time::Duration;

use serde_json::{Value, json};

use crate::real_clients::{core_world, on_core_lean};
use crate::served::Served;
use crate::world::World;

/// Longer than all sources take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Kinds of sources, each with a number put in where `{}` stands: accepted, rejected and undecided ones.
const KINDS: [&str; 20] = [
    "theorem t : {} + 0 = {} := rfl",
    "theorem t : {} + 1 = {} := rfl",
    "theorem t (n : Nat) : n + {} = {} + n := by omega",
    "theorem t : {} = 1000 := by sorry",
    "example : {} = 1000 := sorry",
    "#eval {} * 2",
    "#check (n{} : Nat)",
    "def f{} : Nat → Nat := fun n => n + {}\n#eval f{} 1\n#print axioms f{}",
    "def unused{} (x : Nat) : Nat := 1",
    "set_option warn.sorry false\ntheorem t{} : False := sorry",
    "import Lean\nopen Lean in\n#eval (quote {} : Term)",
    "import Lean.Elab\nrun_cmd Lean.logWarning \"{}\"",
    "import Std\n#eval ({} : Nat).toDigits 2",
    "import Nowhere{}\n#eval 1",
    "theorem t{} : 1 = 1 := by\n  nothing",
    "-- a comment alone {}",
    "\u{feff}#eval {}",
    "#eval 1\nimport Lean -- {}",
    "def π{} := \"ℕ 𝔸\"\n#eval π{}.length",
    "#eval ({} : Nat) /- not closed",
];

/// A hundred sources, five of each kind.
fn sources() -> Vec<String> {
    let numbers = 1..=5;
    let of = |number: i32| KINDS.map(|kind| kind.replace("{}", &number.to_string()));
    numbers.flat_map(of).collect()
}

/// What `eval` reports about each, in their order, but for what belongs to the door, times and numbers.
fn from_eval(world: World, sources: &[String], args: &[&str]) -> Vec<Value> {
    let name = |index: usize| format!("{index:03}.lean");
    let world = sources
        .iter()
        .enumerate()
        .fold(world.patience(PATIENCE), |world, (index, source)| {
            world.file(&name(index), source)
        });
    let names: Vec<String> = (0..sources.len()).map(name).collect();
    let words = ["eval", "--json"].into_iter().chain(args.iter().copied());
    let seen = world.leanrepl(words.chain(names.iter().map(String::as_str)));
    let mut lines = seen.json_lines();
    lines.retain(|line| line["type"] == "file");
    lines.sort_by_key(|line| line["name"].as_str().unwrap().to_owned());
    assert_eq!(lines.len(), sources.len(), "{}", seen.stderr());
    lines.into_iter().map(bare).collect()
}

/// The same from `/v1/eval`.
fn from_http(served: &Served, sources: &[String], fields: &Value) -> Vec<Value> {
    let mut body = json!({"sources": sources});
    body.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    let reply = served.post_json("/v1/eval", &body).json();
    let results = reply["results"].as_array().unwrap().clone();
    results.into_iter().map(bare).collect()
}

/// A result without what belongs to a door, without times, and without the numbers of sessions and proof
/// states.
fn bare(mut result: Value) -> Value {
    let fields = result.as_object_mut().unwrap();
    for door in ["type", "version", "name", "toolchain", "index", "id"] {
        fields.remove(door);
    }
    assert!(fields["seconds"]["body"].is_number(), "{fields:?}");
    for number in ["seconds", "session"] {
        fields.remove(number);
    }
    for list in ["sorries", "tactics"] {
        for item in fields
            .get_mut(list)
            .iter_mut()
            .flat_map(|list| list.as_array_mut().unwrap())
        {
            item.as_object_mut().unwrap().remove("proofState");
        }
    }
    result
}

/// Fails with the first source whose records differ, and tells how many have which verdict.
fn assert_same(sources: &[String], one: &[Value], other: &[Value]) -> [usize; 3] {
    assert_eq!(one.len(), other.len());
    for ((source, one), other) in sources.iter().zip(one).zip(other) {
        assert_eq!(one, other, "{source}");
    }
    ["accepted", "rejected", "undecided"]
        .map(|verdict| one.iter().filter(|one| one["verdict"] == verdict).count())
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn eval_and_http_report_the_same_about_a_hundred_sources() {
    let sources = sources();
    let args = [
        "--toolchain",
        "core",
        "--jobs",
        "2",
        "--tactics",
        "--fail-on-sorry",
    ];
    let eval = from_eval(core_world(), &sources, &args);
    let served = on_core_lean();
    let fields = json!({"tactics": true, "sorries": "reject"});
    let http = from_http(&served, &sources, &fields);
    served.stop();
    let [accepted, rejected, undecided] = assert_same(&sources, &eval, &http);
    assert!(
        accepted >= 30 && rejected >= 30 && undecided >= 5,
        "{accepted} accepted, {rejected} rejected, {undecided} undecided"
    );
    for (source, record) in sources.iter().zip(&eval) {
        assert_eq!(record["lean"]["version"], "4.28.0", "{source}: {record}");
    }
}

#[test]
fn eval_and_http_report_the_same_about_what_goes_wrong() {
    let sources = [
        "--! die 3",
        "--! die-mid-reply",
        "--! garbage",
        "--! wrong-type",
        "--! noise hello",
        "--! huge 9000000",
        "--! refuse no such option",
        "--! lacking the body of `f`",
        "--! hang",
        "--! error no",
        "--! warning careful",
        "import Nowhere",
        "#eval 1",
        "",
    ]
    .map(str::to_owned);
    let limits = ["--timeout", "2s", "--max-reply", "1MiB", "--sandbox", "off"];
    let args = [&["--repl", "./repl", "--jobs", "2"], &limits[..]].concat();
    let eval = from_eval(World::new().fake_repl(""), &sources, &args);
    let served = Served::start_in(World::new().fake_repl(""), &limits);
    served.wait_ready();
    let mut http = from_http(&served, &sources, &json!({}));
    served.stop();
    // The digest of a script that names its own folder.
    for (eval, http) in eval.iter().zip(&mut http) {
        if let Some(lean) = http.get_mut("lean") {
            lean["repl"] = eval["lean"]["repl"].clone();
        }
    }
    let [accepted, rejected, undecided] = assert_same(&sources, &eval, &http);
    assert!(
        accepted > 0 && rejected > 0 && undecided >= 7,
        "{accepted} accepted, {rejected} rejected, {undecided} undecided"
    );
}
