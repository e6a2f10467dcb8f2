//! Workers that die, hang or write what they should not, and rows that do not fit.

use std::fs;

use super::{all_names, asked, extract, manifest, names, with_directive, with_rows, world};

#[test]
fn a_worker_that_dies_once_is_replaced() {
    for directive in [
        "once seen.txt die 3",
        "once seen.txt garbage",
        "once seen.txt die-mid-reply",
        "once seen.txt segv",
    ] {
        let world = world(&with_directive("C", directive));
        let seen = extract(&world, &["--jsonl"]);
        assert_eq!(seen.exit(), Some(0), "{directive}: {}", seen.stderr());
        assert_eq!(names(&seen.stdout()), all_names(), "{directive}");
    }
}

#[test]
fn a_unit_that_kills_its_worker_is_named_with_the_end_of_stderr() {
    let world = world(&with_directive("C", "stderr the last words"));
    let text = fs::read_to_string(world.work("modules.json")).unwrap();
    let text = text.replace("stderr the last words", "die 7");
    fs::write(world.work("modules.json"), text).unwrap();
    let seen = extract(&world, &["--out", "out"]);
    assert_eq!(seen.exit(), Some(5), "{}", seen.stderr());
    assert!(
        seen.stderr().contains("`C` gave no rows"),
        "{}",
        seen.stderr()
    );
    assert!(seen.stderr().contains('7'), "{}", seen.stderr());
    assert!(!world.work("out/data").exists());
    // What is before it was done, and is kept.
    let again = fs::read_to_string(world.work("modules.json"))
        .unwrap()
        .replace("die 7", "info fine");
    fs::write(world.work("modules.json"), again).unwrap();
    let before = asked(&world, "A");
    let resumed = extract(&world, &["--out", "out", "--resume"]);
    assert_eq!(resumed.exit(), Some(5), "{}", resumed.stderr());
    assert_eq!(asked(&world, "A"), before);
}

#[test]
fn a_worker_that_does_not_answer_is_stopped() {
    let world = world(&with_directive("C", "hang"));
    let seen = extract(&world, &["--jsonl", "--timeout", "1s"]);
    assert_eq!(seen.exit(), Some(5), "{}", seen.stderr());
    assert!(
        seen.stderr()
            .contains("`C` gave no rows: the REPL did not answer within 1s"),
        "{}",
        seen.stderr()
    );
    world.assert_nothing_runs();
}

#[test]
fn a_worker_that_floods_is_stopped() {
    for (directive, why) in [
        ("noise hello", "something other than the reply"),
        ("flood-stderr 9000000", ""),
        ("fake-reply {\"env\": 0}", ""),
    ] {
        let world = world(&with_directive("C", directive));
        let seen = extract(&world, &["--jsonl"]);
        if directive.starts_with("flood-stderr") {
            assert_eq!(
                (seen.exit(), names(&seen.stdout())),
                (Some(0), all_names()),
                "{}",
                seen.stderr()
            );
            continue;
        }
        assert_eq!(seen.exit(), Some(5), "{directive}: {}", seen.stderr());
        assert!(
            seen.stderr().contains("`C`"),
            "{directive}: {}",
            seen.stderr()
        );
        assert!(
            seen.stderr().contains(why),
            "{directive}: {}",
            seen.stderr()
        );
        world.assert_nothing_runs();
    }
}

#[test]
fn a_module_that_lean_refuses_ends_it_with_1_or_is_left_out() {
    let world = world(&with_directive("C", "error 3:5 it throws"));
    let seen = extract(&world, &["--out", "out"]);
    assert_eq!(seen.exit(), Some(1), "{}", seen.stderr());
    assert!(
        seen.stderr().contains("Lean refuses `C`:3:5"),
        "{}",
        seen.stderr()
    );
    assert!(seen.stderr().contains("it throws"), "{}", seen.stderr());
    assert!(!world.work("out/_manifest.json").exists());

    let seen = extract(
        &world,
        &["--out", "out", "--resume", "--keep-going", "--json"],
    );
    assert_eq!(seen.exit(), Some(1), "{}", seen.stderr());
    assert!(
        seen.stderr().contains("failed: C: Lean refuses `C`:3:5"),
        "{}",
        seen.stderr()
    );
    let line = &seen.json_lines()[0];
    assert_eq!(line["failed"][0]["name"], "C");
    assert_eq!(line["exit_code"], 1);
    let manifest = manifest(&world, "out");
    assert_eq!(manifest["failed"][0]["name"], "C");
    assert_eq!(manifest["rows"], 50);
    let units: Vec<&str> = manifest["units"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unit| unit["name"].as_str().unwrap())
        .collect();
    assert_eq!(units, ["A", "A.B", "Empty", "Large"]);

    let lines = extract(&world, &["--jsonl", "--keep-going", "-j", "2"]);
    assert_eq!(lines.exit(), Some(1));
    let expected: Vec<String> = all_names()
        .into_iter()
        .filter(|name| !name.starts_with("C."))
        .collect();
    assert_eq!(names(&lines.stdout()), expected);
}

#[test]
fn rows_that_do_not_fit_are_named_and_nothing_is_written() {
    let right = r#"{"name":"x","module":null,"type":"t","allowCompletion":true}"#;
    for (row, column, why) in [
        (
            r#"{"name":null,"module":null,"type":"t","allowCompletion":true}"#,
            "name",
            "null",
        ),
        (
            r#"{"module":null,"type":"t","allowCompletion":true}"#,
            "name",
            "missing",
        ),
        (
            r#"{"name":"x","type":"t","allowCompletion":1}"#,
            "allowCompletion",
            "bool",
        ),
        (
            r#"{"name":"x","type":"t","allowCompletion":true,"more":1}"#,
            "more",
            "unknown",
        ),
    ] {
        let world = world(&with_rows("C", &[right, row]));
        let seen = extract(&world, &["--out", "out"]);
        assert_eq!(seen.exit(), Some(5), "{}", seen.stderr());
        let place = format!("row 1 of `C`, column `{column}`");
        assert!(seen.stderr().contains(&place), "{place}: {}", seen.stderr());
        assert!(
            seen.stderr().to_lowercase().contains(why),
            "{why}: {}",
            seen.stderr()
        );
        assert!(!world.work("out/data").exists());
    }
    for row in ["{", "[1]", "nonsense", "1"] {
        let world = world(&with_rows("C", &[row]));
        let seen = extract(&world, &["--jsonl"]);
        assert_eq!(seen.exit(), Some(5), "{row}: {}", seen.stderr());
        assert!(
            seen.stderr().contains("row 0 of `C`"),
            "{row}: {}",
            seen.stderr()
        );
        assert!(!seen.stdout().contains("C.c"), "{}", seen.stdout());
    }
}

#[test]
fn a_row_that_ends_an_item_is_not_taken() {
    let end = r#"{"$end":{"module":"C","rows":0,"next":null}}"#;
    let world = world(&with_rows("C", &[end]));
    let seen = extract(&world, &["--jsonl"]);
    assert_eq!(seen.exit(), Some(5), "{}", seen.stderr());
    assert!(
        seen.stderr().contains("the rows of `C` cannot be used"),
        "{}",
        seen.stderr()
    );
}
