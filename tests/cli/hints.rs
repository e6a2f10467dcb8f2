//! Hints for errors of real core Lean that say little about their cause.

use serde_json::Value;

use crate::options::on_core_lean;
use crate::world::World;

/// The verdict and the hint about a source on core Lean: that of its failure, else that of its messages.
fn hint(world: &World, source: &str) -> (String, String) {
    std::fs::write(world.work("A.lean"), source).unwrap();
    let seen = world.leanrepl(["eval", "--toolchain", "core", "--json", "A.lean"]);
    let first: Value = serde_json::from_str(seen.stdout().lines().next().unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let hint = match &first["failure"]["hint"] {
        Value::Null => &first["hints"][0],
        hint => hint,
    };
    (text(&first["verdict"]), text(hint))
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn an_error_that_says_little_about_its_cause_has_a_hint_and_the_same_verdict() {
    let world = on_core_lean();
    for (source, verdict, part) in [
        (
            "\u{feff}#eval 1\n",
            "rejected",
            "begins with a byte order mark",
        ),
        (
            "\u{feff}import Std\n#eval 1\n",
            "rejected",
            "begins with a byte order mark",
        ),
        (
            "def x := 1\nimport Std\n",
            "rejected",
            "move this `import` to the beginning",
        ),
        (
            "def x := 1\n  public import Std\n",
            "rejected",
            "move this `import` to the beginning",
        ),
        (
            "prelude\nset_option autoImplicit true\nimport Init\n",
            "rejected",
            "move this `import` to the beginning",
        ),
        ("import Std\nprelude\n", "rejected", "before the imports"),
        (
            "import Mathlib\n",
            "undecided",
            "run `leanrepl build` in a Lake project",
        ),
        (
            "prelude\nimport Mathlib.Init\n",
            "undecided",
            "run `leanrepl build` in a Lake project",
        ),
        (
            "import Std.Nope\n",
            "undecided",
            "check the spelling; if the module is there",
        ),
        ("#check nope\n", "rejected", ""),
        ("/-\nimport Std\n-/\n#check nope\n", "rejected", ""),
        ("prelude\nimport Init\nexample : Nat := 1\n", "accepted", ""),
    ] {
        let (is, said) = hint(&world, source);
        assert_eq!(is, verdict, "{source}");
        assert_eq!(said.is_empty(), part.is_empty(), "{source}: {said}");
        assert!(said.contains(part), "{source}: {said}");
    }
    let seen = world.leanrepl(["eval", "--toolchain", "core", "A.lean"]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.text());
    std::fs::write(world.work("A.lean"), "def x := 1\nimport Std\n").unwrap();
    let seen = world.leanrepl(["eval", "--toolchain", "core", "A.lean"]);
    let line = "hint: A.lean: imports stand before everything else: ";
    assert_eq!(seen.stderr().matches(line).count(), 1, "{}", seen.text());
}
