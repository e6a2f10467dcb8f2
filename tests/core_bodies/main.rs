//! Definitions whose bodies core Lean does not have: a source that is right with them is undecided, a
//! source that is wrong whatever they are is rejected. `cargo xtask test` installs core Lean and runs these.

#![expect(
    clippy::disallowed_methods,
    reason = "the binary is driven from outside, without the code that it is made of"
)]
#![expect(clippy::unwrap_used, reason = "a broken set-up fails the test")]

use std::fs;
use std::process::Command;

use serde_json::Value;

/// Sources that Lean accepts, since it has the body of the definition that is named in front of each.
const RIGHT: &str = include_str!("right.txt");

/// Sources that mention such definitions and that Lean rejects.
const WRONG: &str = include_str!("wrong.txt");

/// The sources of a table, each with what stands after the dashes in front of it.
fn table(text: &str) -> Vec<(&str, &str)> {
    text.split("---")
        .skip(1)
        .map(|entry| entry.split_once('\n').unwrap())
        .map(|(title, source)| (title.trim(), source))
        .collect()
}

/// A verdict, and why a source is undecided.
type Judged = (String, String);

/// What core Lean makes of the sources, in their order.
fn judged<'a>(sources: impl IntoIterator<Item = &'a str>) -> Vec<Judged> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_leanrepl"));
    command.args(["eval", "--toolchain", "core", "--json", "--timeout", "5m"]);
    for (index, source) in sources.into_iter().enumerate() {
        let path = folder.path().join(format!("{index:03}.lean"));
        fs::write(&path, source).unwrap();
        command.arg(path);
    }
    let output = command.output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let mut found: Vec<(String, Judged)> = stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["type"] == "file")
        .map(|line| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let why = text(&line["failure"]["problem"]);
            (text(&line["name"]), (text(&line["verdict"]), why))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, judged)| judged).collect()
}

/// The verdict on one source, and why it is undecided.
fn judge(source: &str) -> Judged {
    judged([source]).pop().unwrap()
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_right_source_that_needs_a_missing_body_is_undecided_and_names_it() {
    let sources = table(RIGHT);
    assert!(sources.len() >= 30);
    let verdicts = judged(sources.iter().map(|(_, source)| *source));
    assert_eq!(verdicts.len(), sources.len());
    for ((name, source), (verdict, why)) in sources.iter().zip(verdicts) {
        assert_eq!(verdict, "undecided", "{source}");
        assert!(
            why.contains(&format!("the body of `{name}`")),
            "{source}: {why}"
        );
    }
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn of_a_hundred_wrong_sources_that_mention_missing_bodies_at_most_five_are_undecided() {
    let sources = table(WRONG);
    assert!(sources.len() >= 100);
    let verdicts = judged(sources.iter().map(|(_, source)| *source));
    assert_eq!(verdicts.len(), sources.len());
    let mut undecided = Vec::new();
    for ((_, source), (verdict, _)) in sources.iter().zip(verdicts) {
        match verdict.as_str() {
            "rejected" => {}
            "undecided" => undecided.push(*source),
            _ => assert_eq!(verdict, "rejected", "{source}"),
        }
    }
    let share = undecided.len() * 100 / sources.len();
    assert!(
        share <= 5,
        "{} are undecided:\n{}",
        undecided.len(),
        undecided.join("\n")
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn an_error_beside_a_missing_body_rejects() {
    for source in [
        "theorem t : Nat.gcd 4 6 = 2 := rfl\nexample : 1 = 2 := rfl\n",
        "example : 1 = 2 := rfl\ntheorem t (n : Nat) (h : n.isPowerOfTwo) : ∃ k, n = 2 ^ k := h\n",
        "theorem t (n : Nat) (h : n.isPowerOfTwo) : ∃ k, n = 2 ^ k := h\nexample : 1 = 2 := rfl\n",
        "import Std.Data.HashMap\nexample (n : Nat) (h : n.isPowerOfTwo) : ∃ k, n = 2 ^ k := h\n#check nope\n",
    ] {
        assert_eq!(judge(source).0, "rejected", "{source}");
    }
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn an_error_that_a_missing_body_may_have_caused_does_not_reject() {
    for source in [
        "def p (n : Nat) (h : n.isPowerOfTwo) : ∃ k, n = 2 ^ k := h\nexample : p = p := foo p\n",
        "instance p (n : Nat) (h : n.isPowerOfTwo) : Decidable (∃ k, n = 2 ^ k) := isTrue h\n#synth Decidable False\n",
        "import Lean\nopen Lean\nrun_meta do\n  let .defnInfo _ ← getConstInfo ``Nat.isPowerOfTwo | throwError \"no body\"\n",
    ] {
        let (verdict, why) = judge(source);
        assert_eq!(verdict, "undecided", "{source}");
        assert!(why.contains("`Nat.isPowerOfTwo`"), "{why}");
    }
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_module_is_judged_as_it_is() {
    let source = "module\nexample (n : Nat) (h : n.isPowerOfTwo) : ∃ k, n = 2 ^ k := h\n";
    assert_eq!(judge(source).0, "rejected");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_name_that_the_user_made_up_is_an_error_of_the_source() {
    for source in [
        "#check _foo\n",
        "open Nat (_foo)\n",
        "#print Nope\n",
        "example : Nat.isPowerOfTwo 3 := Nat.isPowerOfTwo._foo\n",
        "import Lean\nopen Lean Elab Command\nelab \"boo\" : command => throwError \"Unknown constant `_private.Init.Prelude.0.Nat.x`\"\nboo\n",
    ] {
        let (verdict, why) = judge(source);
        assert_eq!(verdict, "rejected", "{source}{why}");
    }
}
