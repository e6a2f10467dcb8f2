//! `#print axioms`: Lean's words, with imported theorems told from axioms.

use crate::{evaluate, messages};

/// What follows an answer when imported constants have no bodies.
const NOTE: &str = "imported constants taken as shipped, without their bodies: ";

/// What Lean says about these sources, a list for each, without the notes.
fn answers(sources: &[&str]) -> Vec<Vec<String>> {
    let texts: Vec<String> = sources.iter().map(|&text| text.to_owned()).collect();
    let lines = |file| {
        let said = messages(file).into_iter();
        said.filter(|(_, _, data)| !data.starts_with(NOTE))
            .map(|(line, severity, data)| format!("{line} {severity}: {data}"))
            .collect()
    };
    evaluate(&texts).iter().map(lines).collect()
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn axioms_are_printed_in_leans_words_and_order() {
    let source = "axiom z.b : 1 = 2\naxiom b : 1 = 2\naxiom z.a : 1 = 2\n\
        theorem nothing : 1 + 1 = 2 := rfl\n\
        theorem all : 1 = 2 ∧ 1 = 2 ∧ 1 = 2 := ⟨z.b, b, z.a⟩\n\
        theorem ext (p q : Prop) (h : p ↔ q) : p = q := propext h\n\
        noncomputable def some_nat (h : Nonempty Nat) : Nat := Classical.choice h\n\
        theorem through (h : Nonempty Nat) : some_nat h = some_nat h := rfl\n\
        theorem missing : 1 = 2 := sorry\n\
        theorem uses_missing : 1 = 2 := missing\n\
        theorem by_program : 2 ^ 10 = 1024 := by native_decide\n\
        inductive Wrapped : Prop | mk (h : 1 = 2) (same : missing = h)\n\
        #print axioms nothing\n#print axioms all\n#print axioms ext\n#print axioms through\n\
        #print axioms uses_missing\n#print axioms by_program\n#print axioms Wrapped\n#print axioms Classical.choice\n";
    insta::assert_snapshot!(answers(&[source])[0].join("\n"), @r"
    9 warning: declaration uses `sorry`
    13 info: 'nothing' does not depend on any axioms
    14 info: 'all' depends on axioms: [b, z.a, z.b]
    15 info: 'ext' depends on axioms: [propext]
    16 info: 'through' depends on axioms: [Classical.choice]
    17 info: 'uses_missing' depends on axioms: [sorryAx]
    18 info: 'by_program' depends on axioms: [Lean.ofReduceBool, Lean.trustCompiler]
    19 info: 'Wrapped' depends on axioms: [sorryAx]
    20 info: 'Classical.choice' depends on axioms: [Classical.choice]
    ");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn an_imported_theorem_is_not_an_axiom() {
    let source = "theorem t (a b : Nat) (h : a < b) : a + 1 ≤ b := by omega\n\
        theorem u (a b : Nat) : a + b = b + a := Nat.add_comm a b\n\
        #print axioms t\n#print axioms u\n#print axioms Nat.add_comm\n";
    let found = evaluate(&[source.to_owned()]);
    let said = messages(&found[0]);
    let notes = said
        .iter()
        .filter(|(_, _, data)| data.starts_with(NOTE))
        .count();
    // `u` says how many it relies on: one.
    assert!(said.contains(&(4, "info", &format!("{NOTE}1"))), "{said:?}");
    assert_eq!(notes, 3, "{said:?}");
    let names =
        ["t", "u", "Nat.add_comm"].map(|name| format!("'{name}' does not depend on any axioms"));
    let answers: Vec<&str> = said
        .iter()
        .map(|(_, _, data)| *data)
        .filter(|data| !data.starts_with(NOTE))
        .collect();
    assert_eq!(answers, names);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_theorem_that_the_kernel_refused_is_an_axiom() {
    let source = "import Lean\nopen Lean Elab Command\n\
        run_cmd liftCoreM do\n  \
          let type := mkApp3 (mkConst ``Eq [1]) (mkConst ``Nat) (mkNatLit 1) (mkNatLit 2)\n  \
          let value := mkApp2 (mkConst ``Eq.refl [1]) (mkConst ``Nat) (mkNatLit 1)\n  \
          try addDecl (.thmDecl { name := `bad, levelParams := [], type, value }) catch _ => pure ()\n\
        theorem worse : 1 = 2 := bad\n#print axioms worse\n";
    assert_eq!(
        answers(&[source])[0],
        ["8 info: 'worse' depends on axioms: [bad]"]
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn axioms_that_cannot_be_printed_are_leans_errors() {
    let found = answers(&[
        "#print axioms nope\n",
        "module\ntheorem t : 1 = 1 := rfl\n#print axioms t\n",
        "namespace A\ntheorem t : 1 = 1 := rfl\nend A\nnamespace B\naxiom t : 1 = 1\nend B\n\
            open A B\n#print axioms t\nset_option pp.all true in #print axioms A.t\n",
    ]);
    insta::assert_snapshot!(found.concat().join("\n"), @r"
    1 error: Unknown constant `nope`
    3 error: cannot use `#print axioms` in a `module`; consider temporarily removing the `module` header or placing the command in a separate file
    8 info: 'A.t' does not depend on any axioms
    8 info: 'B.t' depends on axioms: [B.t]
    9 info: 'A.t' does not depend on any axioms
    ");
}
