//! Rows of `decls`, written by hand after the declarations in `package/Shapes.lean`.

use serde_json::{Value, json};

use super::{row, whole};

/// The rows of the module.
fn shapes() -> Vec<Value> {
    whole(
        "pageWith LeanRepl.Extract.decls",
        &["First"],
        &[("Shapes", 0, 1000)],
    )
    .rows()
}

/// The columns of a row that are named, in that order.
fn columns(row: &Value, wanted: &[&str]) -> Value {
    let columns = wanted.iter().map(|name| row[name].clone()).collect();
    Value::Array(columns)
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn the_row_of_a_simp_lemma_has_all_columns() {
    assert_eq!(
        row(&shapes(), "Shapes.measure_mk"),
        &json!({
            "name": "Shapes.measure_mk",
            "kind": "theorem",
            "module": "Shapes",
            "levelParams": [],
            "type": "∀ (n : Nat) (b : Bool), Shapes.Measure.measure { size := n, isRound := b } = n",
            "skeleton": "(!all Nat (!all Bool (Eq _ (Shapes.Measure.measure _ _ (Shapes.Shape.mk #1 #0)) #1)))",
            "head": "Eq",
            "hypothesisHeads": ["Nat", "Bool"],
            "constants": ["Bool", "Eq", "Nat", "Shapes.Measure.measure", "Shapes.Shape", "Shapes.Shape.mk", "Shapes.measureShape"],
            "conclusionConstants": ["Eq", "Nat", "Shapes.Measure.measure", "Shapes.Shape", "Shapes.Shape.mk", "Shapes.measureShape"],
            "deps": row(&whole("pageWith LeanRepl.Extract.constDep", &["First"], &[("Shapes", 0, 1000)]).rows(), "Shapes.measure_mk")["deps"],
            "attributes": ["simp"],
            "isUnsafe": false,
            "docString": null,
            "startLine": 17, "startColumn": 0, "endLine": 17, "endColumn": 91,
            "allowCompletion": true,
        })
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn kinds_and_attributes_are_told() {
    let rows = shapes();
    let told = |name: &str| columns(row(&rows, name), &["kind", "attributes", "isUnsafe"]);
    assert_eq!(
        told("Shapes.Shape"),
        json!(["inductive", ["structure"], false])
    );
    assert_eq!(
        told("Shapes.Measure"),
        json!(["inductive", ["class", "structure"], false])
    );
    assert_eq!(told("Shapes.Shape.mk"), json!(["ctor", [], false]));
    assert_eq!(told("Shapes.Shape.rec"), json!(["recursor", [], false]));
    assert_eq!(
        told("Shapes.measureShape"),
        json!(["def", ["instance"], false])
    );
    assert_eq!(told("Shapes.Twice"), json!(["def", ["reducible"], false]));
    assert_eq!(told("Shapes.raw"), json!(["def", [], true]));
    assert_eq!(told("Shapes.unproven"), json!(["axiom", [], false]));
    assert_eq!(told("Shapes.hidden"), json!(["opaque", [], false]));
    assert_eq!(
        told("Shapes.Pair.ext"),
        json!(["theorem", ["ext", "protected"], false])
    );
    assert_eq!(
        told("Shapes.old"),
        json!(["def", ["deprecated", "protected"], false])
    );
    assert_eq!(
        told("_private.Shapes.0.Shapes.secret"),
        json!(["theorem", ["private"], false])
    );
    assert_eq!(told("Shapes.uses_secret"), json!(["theorem", [], false]));
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_theorem_without_its_proof_is_a_theorem() {
    // The package of core Lean shows theorems and definitions without bodies as axioms.
    let module = "Init.Data.Nat.Basic";
    let rows = whole(
        "pageWith LeanRepl.Extract.decls",
        &["Init"],
        &[(module, 0, 60)],
    )
    .rows();
    let kinds: Vec<&str> = rows
        .iter()
        .map(|row| row["kind"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"theorem"));
    assert!(!kinds.contains(&"axiom"), "{kinds:?}");
    let rows = whole(
        "pageWith LeanRepl.Extract.decls",
        &["Init"],
        &[("Init.Core", 0, 1000)],
    )
    .rows();
    assert_eq!(row(&rows, "propext")["kind"], "axiom");
    assert_eq!(row(&rows, "Quot.sound")["kind"], "axiom");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn heads_and_skeletons_are_those_of_the_types() {
    let rows = shapes();
    let told = |name: &str| columns(row(&rows, name), &["head", "hypothesisHeads", "skeleton"]);
    // An implicit variable, a hypothesis, and one whose conclusion counts; a negation.
    assert_eq!(
        told("Shapes.size_pos"),
        json!([
            "Not",
            ["LT.lt", "Eq"],
            "(!all{} Shapes.Shape (!all (LT.lt _ _ (OfNat.ofNat _ !0 _) (Shapes.Shape.size #0)) \
             (!all (!all Nat (!all (Ne _ #0 (Shapes.Shape.size #2)) (Eq _ (Shapes.Shape.isRound #3) Bool.true))) \
             (Not (Eq _ (Shapes.Shape.size #2) (OfNat.ofNat _ !0 _))))))",
        ])
    );
    // An instance among the binders, and universes.
    assert_eq!(
        told("Shapes.Measure.measure"),
        json!([
            "Nat",
            [null],
            "(!all{} !Type (!all[] (Shapes.Measure #0) (!all #1 Nat)))"
        ])
    );
    assert_eq!(
        told("Shapes.unproven"),
        json!(["Or", [null], "(!all !Prop (Or #0 (Not #0)))"])
    );
    assert_eq!(told("Shapes.Pair"), json!([null, [], "!Type"]));
    // A function among the arguments of a bound variable, whose own type says what is implicit.
    assert_eq!(
        told("Shapes.Shape.casesOn"),
        json!([
            null,
            ["Shapes.Shape", null],
            "(!all{} (!all Shapes.Shape !Sort) (!all Shapes.Shape (!all (!all Nat (!all Bool (#3 (Shapes.Shape.mk #1 #0)))) (#2 #1))))",
        ])
    );
    // Strings, a local definition, and a name that needs quotes.
    assert_eq!(
        told("Shapes.say"),
        json!(["Ne", [], r#"(Ne _ !"a \"b\"" !"c")"#])
    );
    assert_eq!(
        told("Shapes.«odd name (1)»"),
        json!([
            null,
            ["Eq"],
            "(!all (Eq _ (OfNat.ofNat _ !1 _) (OfNat.ofNat _ !2 _)) (!let Nat (OfNat.ofNat _ !2 _) (Eq _ #0 (OfNat.ofNat _ !2 _))))",
        ])
    );
    assert_eq!(
        told("Shapes.uses_odd"),
        json!(["Eq", [], r#"(Eq _ "Shapes.«in (1)»" (OfNat.ofNat _ !1 _))"#])
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn doc_strings_levels_and_positions_are_told_where_they_are_known() {
    let rows = shapes();
    let told = |name: &str| {
        columns(
            row(&rows, name),
            &[
                "docString",
                "levelParams",
                "startLine",
                "startColumn",
                "endLine",
                "endColumn",
            ],
        )
    };
    assert_eq!(
        told("Shapes.Measure"),
        json!(["What can be\nmeasured. ", [], 10, 0, 13, 19])
    );
    assert_eq!(
        told("Shapes.Tree.node"),
        json!([null, ["u"], 38, 2, 38, 53])
    );
    assert_eq!(
        told("Shapes.Pair.mk.injEq"),
        json!([null, [], null, null, null, null])
    );
}
