//! Modules, pages, `types`, `const_dep` and extractors of users. The figures of Lean Scout are those of its
//! published fixtures (`test/fixtures/*.yaml` at 289c1f1).

use serde_json::{Value, json};

use super::{ENV, FAILING, PLUGIN, Page, all_parts, extended, names, objects, row, texts, whole};

const PROJECT: &[&str] = &["LeanScoutTestProject"];

/// All constants of its modules.
const OF_PROJECT: &[(&str, usize, usize)] = &[
    ("LeanScoutTestProject.Basic", 0, 1000),
    ("LeanScoutTestProject.Lists", 0, 1000),
];

/// The modules in the closure of the roots.
fn modules(roots: &[&str]) -> Vec<Value> {
    let command = format!("#eval LeanRepl.Extract.modules {}", all_parts(roots));
    objects(*ENV, &command).unwrap()
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn the_closure_has_what_the_roots_import_and_not_what_the_worker_imports() {
    let found = modules(&["First", "LeanScoutTestProject"]);
    let last: Vec<&Value> = found.iter().rev().take(5).rev().collect();
    assert_eq!(
        last,
        [
            &json!({"module": "LeanScoutTestProject.Basic", "parts": ["LeanScoutTestProject", "Basic"], "constants": 7}),
            &json!({"module": "LeanScoutTestProject.Lists", "parts": ["LeanScoutTestProject", "Lists"], "constants": 4}),
            &json!({"module": "LeanScoutTestProject", "parts": ["LeanScoutTestProject"], "constants": 0}),
            &json!({"module": "Shapes", "parts": ["Shapes"], "constants": 90}),
            &json!({"module": "First", "parts": ["First"], "constants": 6}),
        ]
    );
    assert!(found.iter().any(|line| line["module"] == "Init.Prelude"));
    assert!(found.iter().all(|line| line["parts"][0] != "Lean"));
    // `Lists` imports `Init.Prelude` only, but each header imports `Init`.
    assert!(modules(&["LeanScoutTestProject.Lists"]).len() > 100);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_root_that_is_not_imported_is_named() {
    let command = format!(
        "#eval LeanRepl.Extract.modules {}",
        all_parts(&["No where"])
    );
    assert_eq!(
        objects(*ENV, &command),
        Err("the module «No where» is not imported".to_owned())
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn types_are_those_of_lean_scouts_fixtures() {
    let rows = whole("pageWith LeanRepl.Extract.types", PROJECT, OF_PROJECT).rows();
    let basic = "LeanScoutTestProject.Basic";
    let lists = "LeanScoutTestProject.Lists";
    let expected = [
        ("add_zero", basic, "∀ (n : Nat), n + 0 = n"),
        ("zero_add", basic, "∀ (n : Nat), 0 + n = n"),
        ("succ_eq_add_one", basic, "∀ (n : Nat), n.succ = n + 1"),
        ("add_comm", basic, "∀ (a b : Nat), a + b = b + a"),
        (
            "list_nil_append",
            lists,
            "∀ {α : Type} (xs : List α), [] ++ xs = xs",
        ),
        (
            "list_cons_append",
            lists,
            "∀ {α : Type} (x : α) (xs ys : List α), x :: xs ++ ys = x :: (xs ++ ys)",
        ),
        ("list_length_nil", lists, "∀ {α : Type}, [].length = 0"),
        (
            "list_map_nil",
            lists,
            "∀ {α β : Type} (f : α → β), List.map f [] = []",
        ),
    ];
    for (name, module, text) in expected {
        assert_eq!(
            row(&rows, name),
            &json!({"name": name, "module": module, "type": text, "docString": null, "allowCompletion": true})
        );
    }
    assert_eq!(
        row(&rows, "documentedNat")["docString"],
        "Documented declaration used to test docstring extraction. "
    );
    let module = "Init.Data.OfScientific";
    let rows = whole(
        "pageWith LeanRepl.Extract.types",
        &["Init"],
        &[(module, 0, 1000)],
    )
    .rows();
    let hidden = row(&rows, "OfScientific.ctorIdx");
    assert_eq!(hidden["allowCompletion"], false);
    assert!(hidden["type"].as_str().unwrap().contains("OfScientific"));
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn dependencies_are_those_of_lean_scouts_fixtures() {
    let rows = whole("pageWith LeanRepl.Extract.constDep", PROJECT, OF_PROJECT).rows();
    let expected: [(&str, &[&str]); 5] = [
        ("add_zero", &["Nat", "Eq"]),
        ("zero_add", &["Nat.zero_add"]),
        (
            "add_comm",
            &[
                "Nat.zero_add",
                "Nat.add_zero",
                "Nat.succ_add",
                "Nat.add_succ",
            ],
        ),
        ("list_nil_append", &["List"]),
        ("list_map_nil", &["List", "List.map"]),
    ];
    for (name, wanted) in expected {
        let row = row(&rows, name);
        let deps = texts(&row["deps"]);
        assert!(wanted.iter().all(|dep| deps.contains(dep)), "{row}");
        assert_eq!(row["allowCompletion"], true);
    }
    assert_eq!(
        row(&rows, "documentedNat"),
        &json!({
            "name": "documentedNat", "module": "LeanScoutTestProject.Basic",
            "deps": ["instOfNatNat", "Nat", "OfNat.ofNat"], "allowCompletion": true,
        })
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_constant_of_several_modules_has_one_row() {
    // Both modules have made the equations of `sized` for themselves.
    let items = [("First", 0, 100), ("Second", 0, 100)];
    let page = whole(
        "pageWith LeanRepl.Extract.constDep",
        &["First", "Second"],
        &items,
    );
    let (rows, ends) = page.try_in(*ENV).unwrap();
    let made_by = |rows: &[Value]| row(rows, "Shapes.sized.eq_1")["module"].clone();
    assert_eq!(made_by(&rows), "First");
    let mut found = names(&rows);
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), rows.len());
    assert_eq!(
        ends,
        [
            json!({"module": "First", "rows": 6, "next": null}),
            json!({"module": "Second", "rows": 4, "next": null}),
        ]
    );
    // Where the first one does not belong to the closure, the other has the row.
    let page = whole(
        "pageWith LeanRepl.Extract.constDep",
        &["Second"],
        &[("Second", 0, 100)],
    );
    let (rows, ends) = page.try_in(*ENV).unwrap();
    assert_eq!(made_by(&rows), "Second");
    assert_eq!(ends, [json!({"module": "Second", "rows": 6, "next": null})]);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn pages_of_any_size_have_the_same_rows() {
    let roots = &["First"];
    let items = [("Shapes", 0, 1000), ("First", 0, 1000)];
    let all = whole("pageWith LeanRepl.Extract.decls", roots, &items).rows();
    assert_eq!(all.len(), 96);
    let mut by_count = Vec::new();
    for first in (0..90).step_by(37) {
        by_count.extend(
            whole(
                "pageWith LeanRepl.Extract.decls",
                roots,
                &[("Shapes", first, 37)],
            )
            .rows(),
        );
    }
    by_count.extend(whole("pageWith LeanRepl.Extract.decls", roots, &[("First", 0, 6)]).rows());
    assert_eq!(by_count, all);

    let mut by_bytes = Vec::new();
    let mut next = Some(0);
    while let Some(first) = next {
        let items = [("Shapes", first, 1000), ("First", 0, 1000)];
        let page = Page {
            max_bytes: 20_000,
            ..whole("pageWith LeanRepl.Extract.decls", roots, &items)
        };
        let (rows, ends) = page.try_in(*ENV).unwrap();
        let bytes: usize = rows.iter().map(|row| row.to_string().len() + 1).sum();
        let last = rows.last().unwrap().to_string().len() + 1;
        assert!(bytes - last < 20_000, "{bytes}");
        by_bytes.extend(rows);
        next = ends[0]["next"]
            .as_u64()
            .map(|next| usize::try_from(next).unwrap());
        // An item after the one that filled the page is not begun.
        assert_eq!(ends.len(), if next.is_some() { 1 } else { 2 });
    }
    assert_eq!(by_bytes, all);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_page_without_room_has_one_constant() {
    let items = [("Shapes", 3, 2), ("First", 0, 1)];
    let page = Page {
        max_bytes: 0,
        ..whole("pageWith LeanRepl.Extract.types", &["First"], &items)
    };
    let (rows, ends) = page.try_in(*ENV).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(ends, [json!({"module": "Shapes", "rows": 1, "next": 4})]);
    // The last one of an item leaves nothing of it, and the next item is not begun all the same.
    let items = [("Shapes", 4, 1), ("First", 0, 1)];
    let page = Page {
        max_bytes: 0,
        ..whole("pageWith LeanRepl.Extract.types", &["First"], &items)
    };
    let (_, ends) = page.try_in(*ENV).unwrap();
    assert_eq!(ends, [json!({"module": "Shapes", "rows": 1, "next": null})]);
    let (rows, ends) = whole(
        "pageWith LeanRepl.Extract.types",
        &["First"],
        &[("First", 6, 5)],
    )
    .try_in(*ENV)
    .unwrap();
    assert_eq!(
        (rows, ends),
        (
            vec![],
            vec![json!({"module": "First", "rows": 0, "next": null})]
        )
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn what_cannot_be_extracted_is_named() {
    let items = [("First", 0, 1)];
    for (config, problem) in [
        (
            "{",
            "the configuration is not JSON: offset 1: unexpected end of input",
        ),
        (
            r#"{"a": 1}"#,
            r#"the extractor types has no configuration, but was given {"a":1}"#,
        ),
    ] {
        let page = Page {
            config,
            ..whole("pageWith LeanRepl.Extract.types", &["First"], &items)
        };
        assert_eq!(page.try_in(*ENV).unwrap_err(), problem);
    }
    let page = whole(
        "pageWith LeanRepl.Extract.types",
        &["First"],
        &[("Gone", 0, 1)],
    );
    assert_eq!(
        page.try_in(*ENV).unwrap_err(),
        "the module Gone is not imported"
    );
    let env = extended(Some(*ENV), FAILING);
    let page = whole("pageWith failing", &["Shapes"], &[("Shapes", 0, 1000)]);
    assert_eq!(
        page.try_in(env).unwrap_err(),
        "Shapes: Shapes.grow: no Shapes.grow"
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn the_extractor_of_a_user_has_its_schema_and_its_rows() {
    let env = extended(Some(*ENV), PLUGIN);
    let column = |name: &str, datatype: &str| json!({"name": name, "type": {"datatype": datatype}, "nullable": false});
    assert_eq!(
        objects(env, "#eval LeanRepl.Extract.schemaOf Depth.extractor"),
        Ok(vec![json!({
            "schema": {"fields": [
                column("name", "string"), column("module", "string"), column("hypotheses", "nat"), column("depth", "nat"),
            ]},
            "key": "name",
        })])
    );
    let items = [("LeanScoutTestProject.Basic", 0, 1000), ("Shapes", 0, 1000)];
    let page = whole(
        "pageWith Depth.extractor",
        &["LeanScoutTestProject", "First"],
        &items,
    );
    let (rows, _) = page.try_in(env).unwrap();
    assert_eq!(
        row(&rows, "tactic_used_goals_fixture"),
        &json!({"name": "tactic_used_goals_fixture", "module": "LeanScoutTestProject.Basic", "hypotheses": 1, "depth": 6})
    );
    assert_eq!(row(&rows, "Shapes.grow")["depth"], 1);
    let theorems = Page {
        config: r#"{"theoremsOnly": true}"#,
        ..page
    };
    let (theorems, ends) = theorems.try_in(env).unwrap();
    assert!(!names(&theorems).contains(&"Shapes.grow"));
    assert_eq!(ends[0]["rows"], 6);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn the_schemas_in_the_repository_are_those_of_the_preamble() {
    let of = |extractor: &str| {
        let command = format!("#eval LeanRepl.Extract.schemaOf LeanRepl.Extract.{extractor}");
        objects(*ENV, &command).unwrap().remove(0)["schema"].clone()
    };
    let schema = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    assert_eq!(
        of("types"),
        schema(include_str!("../../src/extract/schemas/types.json"))
    );
    assert_eq!(
        of("constDep"),
        schema(include_str!("../../src/extract/schemas/const_dep.json"))
    );
    assert_eq!(
        of("decls"),
        schema(include_str!("../../src/extract/schemas/decls.json"))
    );
}
