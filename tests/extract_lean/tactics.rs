//! The tactics of a source: by the request `tacticRows` of core Lean's REPL, and by the preamble, which other
//! REPLs get. The figures of Lean Scout are those of `test/extractors/test_tactics.py` and
//! `test/integration` at 289c1f1.

use std::process::Command;

use serde_json::{Value, json};

use super::{ENV, TACTICS, ask, core, extended, print, quoted};

const BASIC: &str = include_str!("package/LeanScoutTestProject/Basic.lean");
const LISTS: &str = include_str!("package/LeanScoutTestProject/Lists.lean");
const STEPS: &str = include_str!("package/Steps.lean");

/// The reply to a whole source.
fn reply(source: &str, module: Option<&str>, [first, max_rows, max_bytes]: [usize; 3]) -> Value {
    ask(json!({
        "cmd": source,
        "tacticRows": {"module": module, "first": first, "maxRows": max_rows, "maxBytes": max_bytes},
    }))
}

/// The rows of a source that Lean accepts.
fn rows(source: &str, module: Option<&str>) -> Vec<Value> {
    let reply = reply(source, module, [0, 2000, 1 << 25]);
    assert_eq!(reply["tacticRows"]["next"], Value::Null, "{reply}");
    reply["tacticRows"]["rows"].as_array().unwrap().clone()
}

/// Where a tactic begins and ends, and what comes after it.
fn span(row: &Value) -> [[u64; 2]; 3] {
    ["startPos", "endPos", "nextStartPos"]
        .map(|at| ["line", "column"].map(|part| row[at][part].as_u64().unwrap()))
}

/// The rows of a tactic as it is printed.
fn of<'a>(rows: &'a [Value], tactic: &str) -> Vec<&'a Value> {
    rows.iter().filter(|row| row["ppTac"] == tactic).collect()
}

/// What the command of the preamble prints, in an environment with it.
fn printed(
    env: u64,
    source: &str,
    module: Option<&str>,
    options: &str,
    [first, max_rows, max_bytes]: [usize; 3],
) -> Result<Vec<Value>, String> {
    let module = module.map_or("none".to_owned(), |module| {
        format!("(some {})", quoted(module))
    });
    let command = format!(
        "#eval LeanRepl.Extract.tactics {} \"A.lean\" {module} {options} {first} {max_rows} {max_bytes}",
        quoted(source)
    );
    let lines = print(env, &command)?;
    // Imports by Lean itself print where core Lean finds modules, before all else.
    let lines = lines.iter().filter_map(|line| line.get(line.find('{')?..));
    Ok(lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect())
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn tactics_are_those_of_lean_scouts_fixtures() {
    let module = "LeanScoutTestProject.Basic";
    let basic = rows(BASIC, Some(module));
    assert_eq!(basic.len(), 70);
    assert!(basic.iter().all(|row| row["module"] == module));
    let spans = |tactic: &str| of(&basic, tactic).into_iter().map(span).collect::<Vec<_>>();
    let only = |tactic: &str, expected: [[u64; 2]; 3]| {
        let found = spans(tactic);
        assert!(
            !found.is_empty() && found.iter().all(|span| *span == expected),
            "{found:?}"
        );
    };
    only("rw [Nat.zero_add]", [[7, 2], [7, 19], [9, 0]]);
    only(
        "rw [Nat.succ_add, Nat.add_succ, ih]",
        [[17, 4], [17, 39], [19, 0]],
    );
    let intro = of(&basic, "intro hp")[0];
    assert_eq!(span(intro)[2], [21, 2]);
    assert_eq!(intro["goalsAfter"], json!(["p : Prop\nhp : p\n⊢ p ∧ p"]));
    assert_eq!(intro["goals"][0]["usedFVars"], json!(["p"]));

    let left = "case left\np : Prop\nhp : p\n⊢ p";
    let right = "case right\np : Prop\nhp : p\n⊢ p";
    let constructor = of(&basic, "constructor")[0];
    assert_eq!(constructor["goalsAfter"], json!([left, right]));
    let goal = &constructor["goals"][0];
    assert!(goal["ppTerm"].as_str().unwrap().starts_with("?m."));
    assert_eq!(goal["usedConstants"], json!(["And.intro"]));
    assert_eq!(
        goal["usedGoals"],
        json!([
            {"new": true, "index": 0, "kind": "natural", "pp": left, "ppTerm": "?left"},
            {"new": true, "index": 1, "kind": "natural", "pp": right, "ppTerm": "?right"},
        ])
    );
    let refine = of(&basic, "refine ⟨?n, ?h⟩")[0];
    let of_n = "case n\nP : Nat → Prop\nh : P 0\n⊢ Nat";
    let of_h = "case h\nP : Nat → Prop\nh : P 0\n⊢ P ?n";
    assert_eq!(refine["goalsAfter"], json!([of_n, of_h]));
    assert_eq!(
        refine["goals"][0]["usedGoals"],
        json!([
            {"new": true, "index": 0, "kind": "syntheticOpaque", "pp": of_n, "ppTerm": "?n"},
            {"new": true, "index": 1, "kind": "syntheticOpaque", "pp": of_h, "ppTerm": "?h"},
        ])
    );

    let lists = rows(LISTS, None);
    assert!(lists.iter().all(|row| row["module"] == Value::Null));
    let count = |part: &str| {
        let all = basic.iter().chain(&lists);
        all.filter(|row| row["ppTac"].as_str().unwrap().contains(part))
            .count()
    };
    for (part, least) in [
        ("rw", 3),
        ("rfl", 6),
        ("induction", 1),
        ("Nat.zero_add", 1),
        ("Nat.add_zero", 1),
        ("Nat.succ_add", 1),
    ] {
        assert!(count(part) >= least, "{part}");
    }
    for kind in ["Lean.Parser.Term.byTactic", "Lean.Parser.Tactic.tacticSeq"] {
        assert!(basic.iter().any(|row| row["kind"] == kind), "{kind}");
    }
}

/// Goals inside `grind =>` are gone from the last metavariables; Lean Scout had crashed here.
const GRIND: &str = "module

example {n x y : Nat} (h : 2 * n < x + y) (k : ∀ a : Nat, a ≤ n ∨ ¬ a = x ∧ ¬ a = y) : False := by
  grind =>
    have : n < x ∨ n < y
    tactic =>
      cases this with
      | inl hx =>
          cases k x with
          | inl hxle => omega
          | inr hxneq => exact hxneq.1 rfl
      | inr hy =>
          cases k y with
          | inl hyle => omega
          | inr hyneq => exact hyneq.2 rfl
";

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn goals_are_read_before_the_tactic_that_solves_them() {
    let rows = rows(GRIND, None);
    let have = of(&rows, "have : n < x ∨ n < y");
    assert_eq!(span(have[0])[..2], [[5, 4], [5, 24]]);
    let all = rows
        .iter()
        .find(|row| row["kind"] == "Lean.Parser.Tactic.Grind.grindSeq")
        .unwrap();
    let used = all["goals"][0]["usedConstants"].as_array().unwrap();
    assert!(used.contains(&json!("False")), "{all}");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_source_with_a_module_header_and_private_names_has_rows() {
    let source = "module\n\n@[expose] public section\n\nset_option backward.privateInPublic true in\n\
        private theorem hidden : True := True.intro\n\n\
        set_option backward.privateInPublic true in\ndef shown := hidden\n\n\
        theorem uses : True := by\n  exact shown\n\n\
        theorem inside : True := by\n  exact hidden\n";
    let rows = rows(source, Some("A.«b c»"));
    assert_eq!(
        of(&rows, "exact shown")[0]["goals"][0]["usedConstants"],
        json!(["shown"])
    );
    let private = &of(&rows, "exact hidden")[0];
    assert_eq!(private["module"], "A.«b c»");
    assert_eq!(
        private["goals"][0]["usedConstants"],
        json!(["_private.A.«b c».0.hidden"])
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_source_with_an_error_has_no_rows() {
    let source = "theorem good : True := by\n  trivial\n\ntheorem bad : False := by\n  trivial\n";
    let reply = reply(source, None, [0, 2000, 1 << 25]);
    assert_eq!(reply["tacticRows"], json!({"rows": [], "next": null}));
    let errors = &reply["messages"];
    assert_eq!(
        (&errors[0]["severity"], &errors[0]["pos"]["line"]),
        (&json!("error"), &json!(5))
    );
    let missing = self::reply(
        "import No.Such\ntheorem a : True := by trivial",
        None,
        [0, 9, 9],
    );
    assert_eq!(missing["tacticRows"], json!({"rows": [], "next": null}));
    assert_eq!(missing["messages"][0]["severity"], "error");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn an_empty_source_tells_that_the_repl_can() {
    let reply = reply("", None, [0, 1, 1]);
    assert_eq!(reply["tacticRows"], json!({"rows": [], "next": null}));
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn what_makes_no_sense_is_refused() {
    let refused = reply("", Some("no name"), [0, 1, 1]);
    assert_eq!(refused["message"], "`no name` is not the name of a module");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_source_without_its_header_has_the_same_rows_in_the_environment_of_that() {
    let (header, body) = BASIC.split_at(BASIC.find("theorem").unwrap());
    let env = extended(None, header);
    let blank: String = header
        .chars()
        .map(|c| if c == '\n' { c } else { ' ' })
        .collect();
    let wanted = json!({"module": "A.B", "first": 0, "maxRows": 2000, "maxBytes": 1 << 25});
    let inside = ask(json!({"cmd": blank + body, "env": env, "tacticRows": wanted}));
    let rows = inside["tacticRows"]["rows"].as_array().unwrap();
    assert!(!rows.is_empty());
    assert_eq!(rows, &self::rows(BASIC, Some("A.B")));
}

/// What the REPL of core Lean makes of a request, or its complaint; no Lean is started.
fn decoded(request: &Value) -> Result<Value, String> {
    let launch = core().launch();
    let wire = core().scripts().join("wire.cjs");
    let script = "const { decode } = require(process.argv[1]); \
        console.log(JSON.stringify(decode(process.argv[2]).fields.tacticRows))";
    let output = Command::new(&launch.program)
        .args(["-e", script])
        .arg(wire)
        .arg(request.to_string())
        .output()
        .unwrap();
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout).unwrap());
    }
    Err(String::from_utf8(output.stderr).unwrap())
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_request_for_rows_has_numbers_and_maybe_a_module() {
    let request = |rows: Value| decoded(&json!({"cmd": "", "tacticRows": rows}));
    let limits = json!({"first": 1, "maxRows": 2, "maxBytes": 3});
    assert_eq!(request(limits.clone()), Ok(limits.clone()));
    let with = |name: &str, value: Value| {
        let mut rows = limits.clone();
        rows[name] = value;
        rows
    };
    assert_eq!(request(with("module", Value::Null)), Ok(limits.clone()));
    assert_eq!(
        request(with("module", json!("A.B"))),
        Ok(with("module", json!("A.B")))
    );
    for malformed in [
        with("module", json!(1)),
        with("first", json!(-1)),
        with("maxRows", json!(2.0)),
        with("maxBytes", Value::Null),
        json!({}),
        json!([1, 2, 3]),
        json!(true),
    ] {
        let complaint = request(malformed.clone()).unwrap_err();
        assert!(
            complaint.contains("Could not parse as a valid JSON command"),
            "{malformed}: {complaint}"
        );
    }
}

/// The row without what a module header changes in it: headers that Lean itself imports on core Lean are those
/// of a module, whose auxiliary lemmas are private; their names also change the order of the constants.
fn shown(row: &Value) -> Value {
    let mut row = row.clone();
    for goal in row["goals"].as_array_mut().unwrap() {
        let used = goal["usedConstants"].as_array().unwrap().iter();
        let mut used: Vec<String> = used
            .map(|name| name.as_str().unwrap().replace("_private.A.B.0.", ""))
            .collect();
        used.sort_unstable();
        goal["usedConstants"] = json!(used);
    }
    row
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn the_preamble_and_the_request_have_the_same_rows() {
    let env = extended(Some(*ENV), TACTICS);
    let module = Some("A.B");
    for source in [BASIC, STEPS, GRIND] {
        let mut lines = printed(env, source, module, "#[]", [0, 2000, 1 << 25]).unwrap();
        let rows = rows(source, module);
        let end = json!({"$end": {"module": "A.B", "rows": rows.len(), "next": null}});
        assert_eq!(lines.pop(), Some(end));
        assert_eq!(lines.len(), rows.len());
        for (line, row) in lines.iter().zip(&rows) {
            assert_eq!(shown(line), shown(row));
        }
        assert!(source == STEPS || lines == rows);
    }

    // Both stop at the same rows.
    let all = rows(BASIC, module);
    for limits in [[0, 7, 1 << 25], [5, 2000, 3000], [5, 2000, 0], [1000, 1, 1]] {
        let reply = reply(BASIC, module, limits);
        let part = &reply["tacticRows"];
        let rows = part["rows"].as_array().unwrap();
        assert_eq!(rows[..], all[limits[0].min(all.len())..][..rows.len()]);
        let mut lines = printed(env, BASIC, module, "#[]", limits).unwrap();
        let end = lines.pop().unwrap()["$end"].take();
        assert_eq!((&end["next"], &lines), (&part["next"], rows));
    }

    // A place comes first in an error.
    let problem =
        |source: &str, options: &str| printed(env, source, None, options, [0, 9, 9]).unwrap_err();
    let error = problem(
        "example : True := trivial\n\ntheorem bad : False := by\n  trivial\n",
        "#[]",
    );
    assert!(error.starts_with("4:2: "), "{error}");
    let error = problem("import No.Such\n", "#[]");
    assert!(
        error.starts_with("1:0: unknown module prefix 'No'"),
        "{error}"
    );
    let error = problem("", r#"#[("no.such", "1")]"#);
    assert!(error.starts_with("unknown option no.such"), "{error}");
    // An option counts for the source.
    let source = "theorem a : n = n := rfl\n";
    assert!(
        printed(
            env,
            source,
            None,
            r#"#[("weak.no.such", "1"), ("autoImplicit", "true")]"#,
            [0, 9, 9]
        )
        .is_ok()
    );
    assert!(problem(source, r#"#[("autoImplicit", "false")]"#).starts_with("1:12: "));
}
