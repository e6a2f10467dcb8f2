//! The REPL of core Lean itself, through our own session: tactics, info trees, pickles, modules of users
//! and the memory from which it starts. Modules of the package `core_package` are compiled by the tests. `cargo xtask test` installs core Lean and runs
//! these.

#![expect(
    clippy::disallowed_methods,
    reason = "the compiler of core Lean is run without the code that runs programs"
)]
#![expect(clippy::unwrap_used, reason = "a broken set-up fails the test")]
#![expect(
    clippy::panic,
    reason = "a session that ends as it should not fails the test"
)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use leanrepl::internals::{
    CancelFlag, CoreLean, DataDir, Deadline, Installed, Launch, Observer, Session, SessionError,
    SessionLimits, Unobserved,
};
use serde_json::{Value, json};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// The installed core Lean.
fn core() -> Installed {
    let core = CoreLean::new(DataDir::locate().unwrap());
    core.ensure(
        Deadline::after(PATIENCE),
        &Unobserved,
        &CancelFlag::default(),
    )
    .unwrap()
}

/// How core Lean is started in a folder, where it finds the modules in `modules`.
fn launch(dir: &Path, modules: Option<&Path>) -> Launch {
    let mut launch = core().launch();
    launch.dir = Some(dir.to_owned());
    for (name, value) in &mut launch.vars {
        if name == "LEAN_PATH"
            && let Some(modules) = modules
        {
            value.push(":");
            value.push(modules);
        }
    }
    launch
}

/// A fresh process.
struct Repl(Session);

impl Repl {
    /// Starts it in a folder.
    fn start(dir: &Path, modules: Option<&Path>) -> Self {
        Self::launched(&launch(dir, modules))
    }

    /// Starts it from that kept memory, or, without one, from nothing.
    fn start_from(dir: &Path, kept: Option<&Path>) -> Self {
        let mut launch = launch(dir, None);
        launch.args.pop();
        launch.args.extend(kept.map(OsString::from));
        Self::launched(&launch)
    }

    /// Starts it so.
    fn launched(launch: &Launch) -> Self {
        let observer: Arc<dyn Observer> = Arc::new(Unobserved);
        let limits = SessionLimits::default();
        Self(Session::start(launch, limits, &CancelFlag::default(), &observer).unwrap())
    }

    /// The reply to a request.
    fn try_ask(&mut self, request: &Value) -> Result<Value, SessionError> {
        let reply = self
            .0
            .ask_object(&request.to_string(), Deadline::after(PATIENCE))?;
        Ok(Value::Object(reply))
    }

    /// The reply to a request that the process survives.
    fn ask(&mut self, request: &Value) -> Value {
        match self.try_ask(request) {
            Ok(reply) => reply,
            Err(err) => panic!("{request}: {err}"),
        }
    }

    /// The messages of a text, a line each, after its severity.
    fn run(&mut self, text: &str, env: Option<u64>) -> Vec<String> {
        let reply = match env {
            Some(env) => self.ask(&json!({ "cmd": text, "env": env })),
            None => self.ask(&json!({ "cmd": text })),
        };
        let messages = reply["messages"].as_array().cloned().unwrap_or_default();
        let line = |message: &Value| {
            let [severity, data] =
                ["severity", "data"].map(|key| message[key].as_str().unwrap().to_owned());
            format!("{severity}: {data}")
        };
        messages.iter().map(line).collect()
    }

    /// The last lines of stderr after a request that ends the process.
    fn death(&mut self, request: &Value) -> String {
        match self.try_ask(request) {
            Err(SessionError::Died(ending)) => ending.stderr,
            other => panic!("{request}: {other:?}"),
        }
    }
}

/// Compiles modules of a folder; gives the exit code and what was said.
fn compile(sources: &Path, out: &Path, modules: &[&str]) -> (Option<i32>, String) {
    let compiler = core().compiler();
    let output = Command::new(compiler.program)
        .args(compiler.args)
        .args([sources, out])
        .args(modules)
        .envs(compiler.vars)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), stderr)
}

/// Compiles modules of the package of users.
fn compile_package(out: &Path, modules: &[&str]) {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/core_package");
    assert_eq!(compile(&sources, out, modules), (Some(0), String::new()));
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_pickle_brings_imports_constants_and_scopes_into_a_fresh_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = Repl::start(dir.path(), None);
    let text = "import Lean\nuniverse u\nopen Nat Lean\nset_option pp.explicit true\nset_option linter.unusedVariables false\n\
        variable (n : Nat) {α : Type u}\nnamespace Foo\n\
        theorem bar : n + 0 = n := rfl\ninductive Two | one | two\ndef three := 3";
    assert_eq!(first.run(text, None), Vec::<String>::new());
    let pickled = first.ask(&json!({ "pickleTo": "a.olean", "env": 0 }));
    assert_eq!(pickled, json!({ "env": 0 }));
    let unknown = first.ask(&json!({ "pickleTo": "b.olean", "env": 1 }));
    assert_eq!(unknown, json!({ "message": "Unknown environment." }));
    // Written beside its place and renamed: nothing else is left.
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().flatten().collect();
    assert_eq!(names.len(), 1, "{names:?}");

    let mut second = Repl::start(dir.path(), None);
    let unpickled = second.ask(&json!({ "unpickleEnvFrom": "a.olean" }));
    assert_eq!(unpickled, json!({ "env": 0 }));
    let probe = "#check bar n\n#check (none : Option α)\n#check succ_le_of_lt\n\
        #check (Elab.Command.CommandElabM : Type → Type)\n\
        example : three = 3 ∧ ∀ x, x = Two.one ∨ x = Two.two := ⟨rfl, by intro x; cases x <;> simp⟩\n\
        end Foo\n#check @Foo.bar";
    insta::assert_snapshot!(second.run(probe, Some(0)).join("\n"), @r"
    info: bar
      n : @Eq Nat
      (@HAdd.hAdd Nat Nat Nat (@instHAdd Nat instAddNat) n (@OfNat.ofNat Nat (nat_lit 0) (instOfNatNat (nat_lit 0)))) n
    info: @none α : Option α
    info: Nat.succ_le_of_lt {n m : Nat} (h : @LT.lt Nat instLTNat n m) : @LE.le Nat instLENat n.succ m
    info: Elab.Command.CommandElabM : Type → Type
    info: Foo.bar : ∀ (n : Nat),
      @Eq Nat
        (@HAdd.hAdd Nat Nat Nat (@instHAdd Nat instAddNat) n (@OfNat.ofNat Nat (nat_lit 0) (instOfNatNat (nat_lit 0)))) n
    ");
    // A pickle does not keep what extensions of environments know, such as compiled code.
    let lost = second.run("#eval Foo.three", Some(0));
    assert!(lost[0].contains("has no executable code"), "{lost:?}");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn an_unpickled_proof_is_checked_by_the_kernel() {
    let dir = tempfile::tempdir().unwrap();
    let mut repl = Repl::start(dir.path(), None);
    let fake = "set_option debug.skipKernelTC true in\ntheorem fake : 1 = 2 := by decide +kernel";
    assert_eq!(repl.run(fake, None), Vec::<String>::new());
    assert_eq!(
        repl.run("example : 1 = 2 := fake", Some(0)),
        Vec::<String>::new()
    );
    repl.ask(&json!({ "pickleTo": "fake.olean", "env": 0 }));
    let last = repl.death(&json!({ "unpickleEnvFrom": "fake.olean" }));
    assert!(
        last.contains("uncaught exception: (kernel) application type mismatch"),
        "{last}"
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_pickle_that_cannot_be_read_or_written_ends_the_process_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let mut repl = Repl::start(dir.path(), None);
    repl.run("theorem one : 1 = 1 := rfl", None);
    repl.ask(&json!({ "pickleTo": "good.olean", "env": 0 }));
    let last = repl.death(&json!({ "pickleTo": "nowhere/a.olean", "env": 0 }));
    assert!(
        last.ends_with("no such file or directory (error code: 2) file: nowhere/a.olean"),
        "{last}"
    );

    let good = fs::read(dir.path().join("good.olean")).unwrap();
    for (name, bytes, problem) in [
        (
            "cut.olean",
            &good[..good.len() / 2],
            "`cut.olean` is no whole pickle of this kind",
        ),
        (
            "stub.olean",
            &good[..20],
            "failed to read file 'stub.olean', invalid header",
        ),
        (
            "text.olean",
            b"theorem one : 1 = 1 := rfl",
            "failed to read file 'text.olean', invalid header",
        ),
    ] {
        fs::write(dir.path().join(name), bytes).unwrap();
        let last = Repl::start(dir.path(), None).death(&json!({ "unpickleEnvFrom": name }));
        assert_eq!(last, format!("uncaught exception: {problem}"));
    }
    let missing = json!({ "unpickleEnvFrom": "missing.olean" });
    let last = Repl::start(dir.path(), None).death(&missing);
    assert!(last.ends_with("file: missing.olean"), "{last}");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn an_unprimed_unpickle_fails_its_probe_and_a_primed_one_passes() {
    let dir = tempfile::tempdir().unwrap();
    let modules = dir.path().join("modules");
    compile_package(&modules, &["Lucky.Basic", "Lucky.Tactic", "Lucky"]);
    let start = || Repl::start(dir.path(), Some(&modules));
    let probe = "example : Lucky.Number 7 := by lucky";
    let request = |env: u64| json!({ "cmd": probe, "env": env });
    let unpickle = json!({ "unpickleEnvFrom": "lucky.olean" });

    let mut first = start();
    assert_eq!(
        first.run(&format!("import Lucky\n{probe}"), None),
        Vec::<String>::new()
    );
    first.ask(&json!({ "pickleTo": "lucky.olean", "env": 0 }));

    // The constants are there, but not what `initialize` makes.
    let mut unprimed = start();
    assert_eq!(unprimed.ask(&unpickle), json!({ "env": 0 }));
    let check = unprimed.run("#check Lucky.Number", Some(0));
    assert_eq!(check, ["info: Lucky.Number : Nat → Prop"]);
    let last = unprimed.death(&request(0));
    let reason =
        "uncaught exception: cannot evaluate `[init]` declaration 'luckyNumber' in the same module";
    assert_eq!(last, reason);

    // One command is not enough: the import that it makes forbids initializers again.
    let priming = "example : True := trivial";
    let mut primed_once = start();
    primed_once.run(priming, None);
    primed_once.ask(&unpickle);
    assert_eq!(primed_once.death(&request(1)), reason);

    let mut primed = start();
    primed.run(priming, None);
    primed.run(priming, Some(0));
    assert_eq!(primed.ask(&unpickle), json!({ "env": 2 }));
    assert_eq!(primed.ask(&request(2)), json!({ "env": 3 }));
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn modules_of_users_are_imported_with_their_compiled_code() {
    let dir = tempfile::tempdir().unwrap();
    let modules = dir.path().join("modules");
    compile_package(&modules, &["Squares"]);
    // Linked from elsewhere, as a build folder may be.
    let linked = dir.path().join("linked");
    std::os::unix::fs::symlink(&modules, &linked).unwrap();
    let mut repl = Repl::start(dir.path(), Some(&linked));
    let text = "import Squares\ntheorem one : 1 = 1 := rfl\n#eval squares 3";
    assert_eq!(repl.run(text, None), ["info: 11"]);
    // Lean makes lemmas about imported functions on demand, in what was imported.
    let lemmas = "#check (List.lookup.eq_1 : ∀ x, List.lookup x ([] : List (Nat × Nat)) = none)\n\
        example (l : List Nat) : (l.map id).length = l.length := by\n  fun_induction List.map <;> simp_all\n\
        example (l : Chain) : (l.map id).sum = l.sum := by\n  fun_induction Chain.map <;> simp_all [Chain.sum]";
    let said = repl.run(lemmas, Some(0));
    assert_eq!(said.len(), 1, "{said:?}");
    let said = repl.run("import Cubes\n#eval 1", None);
    assert!(
        said[0].contains("unknown module prefix 'Cubes'"),
        "{said:?}"
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_module_with_an_error_is_not_compiled() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("Wrong.lean"), "example : 1 = 2 := rfl\n").unwrap();
    let (code, stderr) = compile(dir.path(), dir.path(), &["Wrong"]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("Wrong.lean:1:19: error: "), "{stderr}");
    assert!(!dir.path().join("Wrong.olean").exists());
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_proof_is_built_tactic_by_tactic_and_checked() {
    let dir = tempfile::tempdir().unwrap();
    let mut repl = Repl::start(dir.path(), None);
    let text = "example (p q : Prop) (h : p ∧ q) : q ∧ p := by sorry";
    assert_eq!(
        repl.ask(&json!({ "cmd": text }))["sorries"][0]["proofState"],
        0
    );
    let mut step =
        |tactic: &str, state: u64| repl.ask(&json!({ "tactic": tactic, "proofState": state }));
    assert_eq!(
        step("constructor", 0),
        json!({
            "proofState": 1,
            "goals": [
                "case left\np q : Prop\nh : p ∧ q\n⊢ q",
                "case right\np q : Prop\nh : p ∧ q\n⊢ p"
            ],
            "proofStatus": "Incomplete: open goals remain"
        })
    );
    assert_eq!(step("exact h.2", 1)["proofState"], 2);
    assert_eq!(
        step("exact h.1", 2),
        json!({ "proofState": 3, "goals": [], "proofStatus": "Completed" })
    );
    // An earlier state is what it was.
    let held = step("all_goals (have : q := by sorry)", 1);
    assert_eq!(held["sorries"].as_array().map(Vec::len), Some(2), "{held}");
    assert_eq!(held["sorries"][1]["proofState"], 5);
    assert_eq!(held["proofState"], 6);
    assert_eq!(
        step("all_goals sorry", 1)["proofStatus"],
        "Incomplete: contains sorry"
    );
    let traced = step("trace \"so far\"", 0);
    assert_eq!(traced["traces"], json!(["so far"]));
    assert_eq!(
        step("exact h", 1),
        json!({ "message": "Lean error:\nType mismatch\n  h\nhas type\n  p ∧ q\nbut is expected to have type\n  q" })
    );
    assert_eq!(
        step("exact (", 1),
        json!({ "message": "Lean error:\n<input>:1:7: unexpected end of input; expected ')', '_' or identifier" })
    );
    assert_eq!(
        step("trivial", 99),
        json!({ "message": "Unknown proof state." })
    );
    let unknown = step("exact nope", 2);
    assert_eq!(
        unknown["messages"],
        json!([{
            "severity": "error",
            "pos": { "line": 0, "column": 0 },
            "endPos": { "line": 0, "column": 0 },
            "data": "Unknown identifier `nope`"
        }])
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_tactic_on_a_bad_term_says_what_lean_says_of_the_term_and_no_number() {
    let dir = tempfile::tempdir().unwrap();
    let mut repl = Repl::start(dir.path(), None);
    repl.run("example (p q : Prop) (h : p ∧ q) : q ∧ p := by sorry", None);
    let mut step = |tactic: &str| repl.ask(&json!({ "tactic": tactic, "proofState": 0 }));
    let goal = "p q : Prop\nh : p ∧ q\n⊢ q ∧ p";
    let placeholder = format!("don't know how to synthesize placeholder\ncontext:\n{goal}");
    // Nothing of what an abandoned branch has logged, and nothing twice.
    for (tactic, said) in [
        ("rw [nope]", "Unknown identifier `nope`"),
        ("have h2 := nope", "Unknown identifier `nope`"),
        ("exact _", placeholder.as_str()),
        ("first | exact foo | rw [nope]", "Unknown identifier `nope`"),
        (
            "simp [nope]",
            "Unknown identifier `nope`\n\n`simp` made no progress",
        ),
        (
            "calc p = q := nope",
            "Unknown identifier `nope`\n\n'calc' expression has type\n  p = q\nbut is expected to have type\n  q ∧ p",
        ),
    ] {
        assert_eq!(
            step(tactic),
            json!({ "message": format!("Lean error:\n{said}") }),
            "{tactic}"
        );
    }
    let numeral = step("exact (1 : Bool)");
    let message = numeral["message"].as_str().unwrap();
    assert!(message.contains("OfNat Bool 1"), "{message}");
    assert!(message.contains("Type mismatch"), "{message}");
    // Where Lean goes on with a sorry, the error is a message of the new state, as in the REPL.
    for (tactic, said) in [
        ("exact foo", "Unknown identifier `foo`"),
        ("apply nope", "Unknown identifier `nope`"),
        ("have : X := h", "Unknown identifier `X`"),
        (
            "exact ⟨⟩",
            "Insufficient number of fields for `⟨...⟩` constructor: Constructor `And.intro` has 2 explicit field, but none were provided",
        ),
    ] {
        let reply = step(tactic);
        assert_eq!(reply["messages"][0]["data"], said, "{tactic}: {reply}");
        assert_ne!(reply["proofStatus"], "Completed", "{tactic}: {reply}");
    }
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_proof_that_uses_what_it_proves_is_not_completed() {
    let dir = tempfile::tempdir().unwrap();
    let mut repl = Repl::start(dir.path(), None);
    repl.run("theorem self (n : Nat) : n = n + 1 := by sorry", None);
    let reply = repl.ask(&json!({ "tactic": "exact self n", "proofState": 0 }));
    assert_ne!(reply["proofStatus"], "Completed", "{reply}");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn tactics_root_goals_and_info_trees_come_if_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut repl = Repl::start(dir.path(), None);
    let text = "theorem t (a b : Nat) (h : a = b) : b = a := by\n  have g := h\n  rw [g]";
    let reply = repl.ask(&json!({ "cmd": text, "allTactics": true, "rootGoals": true }));
    let goal = "a b : Nat\nh : a = b\n⊢ b = a";
    let start = json!({ "line": 1, "column": 45 });
    assert_eq!(
        reply["sorries"],
        json!([{ "pos": start, "endPos": start, "goal": goal, "proofState": 0 }])
    );
    let tactics = reply["tactics"].as_array().unwrap();
    let texts: Vec<_> = tactics.iter().map(|tactic| &tactic["tactic"]).collect();
    assert_eq!(texts, ["have g := h", "rw [g]"]);
    assert_eq!(tactics[1]["goals"], "a b : Nat\nh g : a = b\n⊢ b = a");
    let used = tactics[1]["usedConstants"].as_array().unwrap();
    assert!(used.contains(&json!("Eq.mpr")), "{used:?}");
    let solved = repl.ask(&json!({ "tactic": "exact g.symm", "proofState": 2 }));
    assert_eq!(solved["proofStatus"], "Completed");

    let mut names = |kind: &str| {
        let reply = repl.ask(&json!({ "cmd": text, "infotree": kind }));
        let mut found = Vec::new();
        collect_names(&reply["infotree"], &mut found);
        found
    };
    let whole = "Lean.Parser.Term.byTactic";
    let written = "Lean.Parser.Tactic.rwSeq";
    let made_of_it = "Lean.Parser.Tactic.rewriteSeq";
    for (kind, has) in [
        ("full", [true, true, true, true]),
        ("tactics", [false, true, true, true]),
        ("original", [false, true, true, false]),
        ("substantive", [false, false, true, true]),
        ("nonsense", [false, false, false, false]),
    ] {
        let found = names(kind);
        let seen = ["TermInfo", whole, written, made_of_it]
            .map(|name| found.iter().any(|other| other == name));
        assert_eq!(seen, has, "{kind}: {found:?}");
    }
}

/// The names of the nodes of a forest, outside in; the kinds of those that are no tactics.
fn collect_names(trees: &Value, found: &mut Vec<String>) {
    for tree in trees.as_array().into_iter().flatten() {
        let name = tree["node"]["name"].as_str();
        found.push(name.or(tree["kind"].as_str()).unwrap().to_owned());
        collect_names(&tree["children"], found);
    }
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_pickled_proof_state_goes_on_in_a_fresh_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = Repl::start(dir.path(), None);
    let text = "open Nat\ntheorem easy (n : Nat) : n + 0 = n := rfl\n\
        example : True := by sorry";
    first.run(text, None);
    first.run(
        "example (a b : Nat) (h : a = b) : a + 0 = b := by sorry",
        Some(0),
    );
    let pickled = first.ask(&json!({ "pickleTo": "p.olean", "proofState": 1 }));
    assert_eq!(pickled["proofState"], 2, "{pickled}");
    let unknown = first.ask(&json!({ "pickleTo": "p.olean", "proofState": 9 }));
    assert_eq!(unknown, json!({ "message": "Unknown proof State." }));

    let unpickle = json!({ "unpickleProofStateFrom": "p.olean" });
    let step = json!({ "tactic": "(rw [easy]; exact h)", "proofState": 0 });
    let mut second = Repl::start(dir.path(), None);
    let goal = "a b : Nat\nh : a = b\n⊢ a + 0 = b";
    assert_eq!(
        second.ask(&unpickle),
        json!({
            "proofState": 0,
            "goals": [goal],
            "proofStatus": "Incomplete: open goals remain"
        })
    );
    assert_eq!(second.ask(&step)["proofStatus"], "Completed");
    second.run("axiom other : 1 = 1", None);
    let in_env = json!({ "unpickleProofStateFrom": "p.olean", "env": 0 });
    assert_eq!(second.ask(&in_env)["goals"], json!([goal]));
    let no_env = json!({ "unpickleProofStateFrom": "p.olean", "env": 7 });
    assert_eq!(
        second.ask(&no_env),
        json!({ "message": "Unknown environment." })
    );
    let finished = second.ask(&json!({ "tactic": "exact h", "proofState": 2 }));
    assert_eq!(finished["proofStatus"], "Completed");

    let last = second.death(&json!({ "unpickleEnvFrom": "p.olean" }));
    assert!(
        last.contains("`p.olean` is no whole pickle of this kind"),
        "{last}"
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_task_that_ends_between_two_requests_does_not_end_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut repl = Repl::start(dir.path(), None);
    let text = "#eval show IO Unit from do\n\
        \x20 let _ ← IO.asTask (do IO.sleep 200; IO.eprintln \"late\")\n  pure ()";
    assert_eq!(repl.run(text, None), Vec::<String>::new());
    thread::sleep(Duration::from_secs(1));
    assert_eq!(repl.run("#eval 1", Some(0)), ["info: 1"]);
}

/// The kept memory, made if it is not there.
fn kept_memory() -> PathBuf {
    let installed = CoreLean::new(DataDir::locate().unwrap())
        .install(
            Deadline::after(PATIENCE),
            &Unobserved,
            &CancelFlag::default(),
        )
        .unwrap();
    assert!(installed.starts_fast());
    PathBuf::from(installed.launch().args.pop().unwrap())
}

/// The exit code of proving a kept memory, as at install, and what it says.
fn prove(kept: &Path) -> (Option<i32>, String) {
    let launch = core().freezer();
    let output = Command::new(launch.program)
        .args(launch.args)
        .arg(kept)
        .arg("prove")
        .envs(launch.vars)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), stderr)
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_session_from_a_kept_memory_answers_like_one_from_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let kept = kept_memory();
    let mut plain = Repl::start_from(dir.path(), None);
    let mut thawed = Repl::start_from(dir.path(), Some(&kept));
    for request in [
        json!({ "cmd": "example (a b : Nat) (h : a < b) : a ≤ b := by omega\nexample : 1 = 2 := by decide" }),
        json!({ "cmd": "def f (n : Nat) := n + 1\n#eval f 2\n#print f\n#synth Inhabited Nat" }),
        json!({ "cmd": "theorem g : f 1 = 2 := by sorry", "env": 1, "allTactics": true, "rootGoals": true }),
        json!({ "tactic": "simp [f]", "proofState": 0 }),
        json!({ "cmd": "#print axioms Nat.add_comm\n#check nothing" }),
        json!({ "cmd": "#eval [3, 1, 2].mergeSort.reverse" }),
        json!({ "cmd": "import Lean\nopen Lean Elab\n#check Command.CommandElabM\n#eval toJson 3" }),
        json!({ "cmd": "import Std.Data.HashMap\n#check Std.HashMap.insert" }),
        json!({ "cmd": "module\npublic import Init\n#check Nat.succ_le_of_lt" }),
        json!({ "cmd": "import Nowhere" }),
        json!({ "cmd": "#eval IO.getEnv \"LEAN_PATH\"\n#eval IO.getEnv \"HOME\"\n#eval IO.appPath" }),
        json!({ "cmd": "#eval show IO Nat from do\n  let task ← IO.asTask (pure 6)\n  IO.ofExcept task.get" }),
    ] {
        assert_eq!(plain.ask(&request), thawed.ask(&request), "{request}");
    }
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn sessions_from_one_kept_memory_see_their_own_variables_and_chances() {
    let dir = tempfile::tempdir().unwrap();
    let kept = kept_memory();
    let modules = dir.path().join("modules");
    compile_package(&modules, &["Squares"]);
    let mut first = Repl::start(dir.path(), Some(&modules));
    let mut second = Repl::start_from(dir.path(), Some(&kept));
    let text = "#eval IO.rand 0 1000000000000";
    assert_ne!(first.run(text, None), second.run(text, None));
    assert_eq!(first.run("import Squares", None), Vec::<String>::new());
    assert!(second.run("import Squares", None)[0].starts_with("error: unknown module prefix"));
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_kept_memory_that_is_damaged_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let kept = kept_memory();
    assert_eq!(prove(&kept), (Some(0), String::new()));
    let whole = fs::read(&kept).unwrap();
    let head = 8 + usize::try_from(u32::from_le_bytes(whole[..4].try_into().unwrap())).unwrap();
    let text = String::from_utf8(whole[8..head].to_vec()).unwrap();
    assert!(text.contains("\"node\":\"v"), "{text}");
    let flip = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let path = dir.path().join("damaged");
    for damaged in [
        whole[..whole.len() - 1].to_vec(),
        whole[..head].to_vec(),
        Vec::new(),
        flip(0),
        flip(5),
        flip(head - 2),
        flip(head + 1000),
        flip(whole.len() - 1),
    ] {
        fs::write(&path, damaged).unwrap();
        let refused = "uncaught exception: what was kept cannot be used\n";
        assert_eq!(prove(&path), (Some(1), refused.to_owned()));
    }
    let mut repl = Repl::start_from(dir.path(), Some(&path));
    assert_eq!(repl.run("#eval 6 * 7", None), ["info: 42"]);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn deep_recursion_in_a_tactic_ends_in_an_answer_or_in_a_death_that_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let define = "syntax \"spin\" : tactic\nmacro_rules | `(tactic| spin) => `(tactic| (skip; spin))\n\
        partial def dive (n : Nat) : Nat := 1 + dive (n + 1)\n\
        macro \"dive\" : tactic => if dive 0 = 5 then `(tactic| skip) else `(tactic| trivial)\n\
        axiom f : Nat → Nat\naxiom step : ∀ x, f x = f (x + 1)";
    let start = || {
        let mut repl = Repl::start(dir.path(), None);
        assert_eq!(repl.run(define, None), Vec::<String>::new());
        repl.run("theorem t : True ∨ f 0 = 1 := by\n  sorry", Some(0));
        repl
    };
    let step = |tactic: &str| json!({ "tactic": tactic, "proofState": 0 });
    let nested = format!("{}trivial{}", "(".repeat(3000), ")".repeat(3000));
    let mut repl = start();
    for tactic in ["spin", "repeat skip", "(right; simp [step])", &nested] {
        let reply = repl.ask(&step(tactic));
        let message = reply["message"].as_str().unwrap_or_default();
        assert!(
            message.contains("maximum recursion depth has been reached"),
            "{tactic}: {reply}"
        );
    }
    // The session is as good as before.
    let done = repl.ask(&step("exact Or.inl trivial"));
    assert_eq!(done["proofStatus"], "Completed");
    let unlimited = "set_option maxRecDepth 1000000000 in";
    for tactic in [
        format!("{unlimited} spin"),
        format!("{unlimited} repeat skip"),
        format!("{unlimited} first | spin | exact Or.inl trivial"),
        "first | dive | exact Or.inl trivial".to_owned(),
    ] {
        let last = start().death(&step(&tactic));
        assert_eq!(last, "Stack overflow detected. Aborting.", "{tactic}");
    }
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_tactic_that_needs_a_missing_body_says_so_and_one_that_is_wrong_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut repl = Repl::start(dir.path(), None);
    let text = "example (n : Nat) (h : n.isPowerOfTwo) : ∃ k, n = 2 ^ k := by sorry";
    let reply = repl.ask(&json!({ "cmd": text }));
    assert_eq!(reply["sorries"][0]["proofState"], 0, "{reply}");
    let lack = json!(["the body of `Nat.isPowerOfTwo`"]);
    for (tactic, unsupported) in [
        ("exact h", &lack),
        ("obtain ⟨k, hk⟩ := h", &lack),
        ("have ⟨k, hk⟩ := h", &lack),
        ("unfold Nat.isPowerOfTwo at h", &lack),
        ("rw [Nat.isPowerOfTwo] at h", &lack),
        ("omega", &Value::Null),
        ("exact foo", &Value::Null),
        ("exact (", &Value::Null),
        ("skip", &Value::Null),
    ] {
        let reply = repl.ask(&json!({ "tactic": tactic, "proofState": 0 }));
        assert_eq!(&reply["unsupported"], unsupported, "{tactic}: {reply}");
    }
}
