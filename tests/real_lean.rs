//! `leanrepl eval` on real core Lean. `cargo xtask test` installs it and runs these.

#![expect(
    clippy::disallowed_methods,
    reason = "the binary is driven from outside, without the code that it is made of"
)]
#![expect(clippy::unwrap_used, reason = "a broken set-up fails the test")]

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use leanrepl::internals::{CancelFlag, CoreLean, DataDir, Deadline, Unobserved};

/// `leanrepl COMMAND` with the installed core Lean, in the root of the project.
fn command(name: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leanrepl"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([name, "--toolchain", "core"]);
    command
}

/// Runs `leanrepl eval` with the installed core Lean, in the root of the project.
fn eval(args: &[&str]) -> Output {
    command("eval").args(args).output().unwrap()
}

/// Code and both outputs, without the times.
fn seen(args: &[&str]) -> String {
    let output = eval(args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    let summary = stderr.split(" in ").next().unwrap_or_default();
    let code = output.status.code().unwrap();
    format!(
        "exit: {code}\n{}{summary}",
        String::from_utf8(output.stdout).unwrap()
    )
}

/// A file of this text in a folder that goes away.
fn file(text: &[u8]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("A.lean");
    std::fs::write(&path, text).unwrap();
    let name = path.to_str().unwrap().to_owned();
    (folder, name)
}

/// The code and everything that was said about a file of this text.
fn said(text: &[u8], options: &[&str]) -> (i32, String) {
    let (_folder, name) = file(text);
    let mut args = vec![name.as_str()];
    args.extend(options);
    let output = eval(&args);
    let all = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(all).unwrap(),
    )
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn the_examples_say_what_lean_says() {
    insta::assert_snapshot!(seen(&["examples/hello.lean", "examples/proof.lean", "examples/evaluate.lean"]), @r#"
    exit: 0
    info: "Hello from Lean 4.28.0, commit 38f3c0c45b8df6da2652faff6dcaa15afb5a6981"
     --> examples/hello.lean:3:1
      |
    3 | #eval "Hello from Lean " ++ Lean.versionString
      | ^^^^^

    info: [1, 4, 9]
     --> examples/hello.lean:7:1
      |
    7 | #eval squares [1, 2, 3]
      | ^^^^^

    info: Nat.add_comm (n m : Nat) : n + m = m + n
     --> examples/hello.lean:9:1
      |
    9 | #check Nat.add_comm
      | ^^^^^^

    info: 6765
     --> examples/evaluate.lean:6:1
      |
    6 | #eval fib 20
      | ^^^^^

    info: "fib 10 = 55"
     --> examples/evaluate.lean:7:1
      |
    7 | #eval s!"fib 10 = {fib 10}"
      | ^^^^^

    3 files: 3 accepted
    "#);
    insta::assert_snapshot!(seen(&["examples/wrong.lean", "examples/hole.lean"]), @r#"
    exit: 1
    error: unsolved goals
           n : Nat
           ⊢ False
     --> examples/wrong.lean:2:40
      |
    2 |   theorem wrong (n : Nat) : n + 1 = n := by
      |  ________________________________________^
    3 | |   simp
      | |______^

    error: Type mismatch
             "three"
           has type
             String
           but is expected to have type
             Nat
     --> examples/wrong.lean:5:21
      |
    5 | def length : Nat := "three"
      |                     ^^^^^^^

    warning: declaration uses `sorry`
     --> examples/hole.lean:2:9
      |
    2 | theorem left_open (a b : Nat) (h : a ≤ b) : a < b + 1 := by
      |         ^^^^^^^^^

    goal: a b : Nat
          h : a ≤ b
          ⊢ a ≤ b
     --> examples/hole.lean:3:24
      |
    3 |   have step : a ≤ b := sorry
      |                        ^^^^^ left open here

    goal: a b : Nat
          h step : a ≤ b
          ⊢ a < b + 1
     --> examples/hole.lean:4:3
      |
    4 |   sorry
      |   ^^^^^ left open here

    2 files: 1 accepted (1 with a sorry), 1 rejected
    "#);
    insta::assert_snapshot!(seen(&["examples/automation.lean", "examples/structures.lean"]), @r#"
    exit: 0
    info: { x := 1, y := 2 }
      --> examples/structures.lean:11:1
       |
    11 | #eval ({ x := 1, y := 2 } : Point)
       | ^^^^^

    info: Shape.circle { x := 0, y := 0 } 3
      --> examples/structures.lean:12:1
       |
    12 | #eval Shape.circle { x := 0, y := 0 } 3
       | ^^^^^

    info: "false"
      --> examples/structures.lean:13:1
       |
    13 | #eval s!"{({ x := 1, y := 2 } : Point) == { x := 1, y := 3 }}"
       | ^^^^^

    2 files: 2 accepted
    "#);
    insta::assert_snapshot!(seen(&["examples/unicode.lean", "examples/import_lean.lean"]), @r#"
    exit: 1
    error: expected token
     --> examples/unicode.lean:6:41
      |
    6 | example (𝒜 ℬ : Prop) (h : 𝒜 ∧ ℬ) : ℬ := 日本語🎉
      |                                         ^^

    info: Lean.Elab.Command.CommandElabM (α : Type) : Type
     --> examples/import_lean.lean:6:1
      |
    6 | #check Elab.Command.CommandElabM
      | ^^^^^^

    info: "{\"lean\":4}"
     --> examples/import_lean.lean:7:1
      |
    7 | #eval (Json.mkObj [("lean", 4)]).compress
      | ^^^^^

    info: true
     --> examples/import_lean.lean:8:1
      |
    8 | #eval versionString.startsWith "4"
      | ^^^^^

    2 files: 1 accepted, 1 rejected
    "#);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn an_import_that_is_not_there_is_undecided() {
    let (code, text) = said(b"import Nope\n#eval 1\n", &[]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("cannot import `Nope`"), "{text}");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn an_endless_loop_and_a_stack_overflow_are_undecided() {
    let (code, text) = said(
        b"partial def f (n : Nat) : Nat := f (n + 1)\n#eval f 0\n",
        &["--timeout", "3s"],
    );
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("did not answer within 3s"), "{text}");
    let (code, text) = said(
        b"partial def g (n : Nat) : Nat := 1 + g (n + 1)\n#eval g 0\n",
        &[],
    );
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("stack overflow"), "{text}");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_memory_limit_holds() {
    let (code, text) = said(b"#eval 1\n", &["--memory", "200MiB"]);
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("over the limit of 200.0 MiB"), "{text}");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_memory_bomb_is_undecided() {
    let (code, text) = said(
        b"partial def grow (s : String) : Nat := grow (s ++ s)\n#eval grow \"x\"\n",
        &[],
    );
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("ran out of memory"), "{text}");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn odd_texts_are_judged_by_lean() {
    let crlf = said(b"def f : Nat :=\r\n  1\r\n#eval f\r\n", &[]);
    assert_eq!(crlf.0, 0, "{}", crlf.1);
    let empty = said(b"", &[]);
    assert_eq!(empty.0, 0, "{}", empty.1);
    for blank in [
        "import Lean\n",
        "\n",
        "-- nothing",
        "import Lean /- or\nlittle -/\n",
    ] {
        let (code, text) = said(blank.as_bytes(), &[]);
        assert_eq!(code, 0, "{text}");
    }
    let open_end = said(b"import Lean\n/- nothing", &[]);
    assert_eq!(open_end.0, 1, "{}", open_end.1);
    let bom = said(b"\xef\xbb\xbf#eval 1\n", &[]);
    assert_eq!(bom.0, 1, "{}", bom.1);
    assert!(bom.1.contains("expected token"), "{}", bom.1);
    let nul = said(b"-- a\0b\n#eval 1\n", &[]);
    assert_eq!(nul.0, 0, "{}", nul.1);
    let long = format!("-- {}\n#eval 7\n", "x".repeat(2_000_000));
    let long = said(long.as_bytes(), &[]);
    assert_eq!(long.0, 0, "{}", long.1);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn code_that_prints_is_heard_and_cannot_forge_a_verdict() {
    let (code, text) = said(
        b"#eval IO.println \"out\"\n#eval IO.eprintln \"{\\\"env\\\": 3}\"\nexample : 1 = 2 := rfl\n",
        &[],
    );
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("info: out"), "{text}");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn ten_thousand_messages_come_through() {
    let text = "#check Nat\n".repeat(10_000);
    let (_folder, name) = file(text.as_bytes());
    // Half a minute on a machine with nothing else to do.
    let output = eval(&["--json", "--timeout", "10m", &name]);
    assert_eq!(output.status.code(), Some(0));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.matches("\"severity\"").count(), 10_000);
}

/// The first JSON object that a command wrote, which must have gone well.
fn json(command: &mut Command) -> serde_json::Value {
    let output = command.arg("--json").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(stdout.lines().next().unwrap()).unwrap()
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_pickle_with_a_prelude_is_made_and_files_start_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(
        path("p.lean"),
        "open Nat -- `succ` for short\nset_option pp.explicit true\nuniverse u\nvariable {α : Type u} (n : Nat)\n",
    )
    .unwrap();
    let text = "import Lean\n#check succ\ntheorem t : n + 0 = n := by simp\n#check (id : α → α)\n";
    std::fs::write(path("A.lean"), text).unwrap();
    let mut pickle = command("pickle");
    pickle
        .args(["--import", "Lean", "--prelude"])
        .arg(path("p.lean"))
        .arg("--output")
        .arg(path("env.olean"));
    let made = json(&mut pickle);
    assert_eq!(made["sidecar"]["imports"], serde_json::json!(["Lean"]));
    let mut on_pickle = command("eval");
    on_pickle
        .args(["--base", "pickle", "--pickle"])
        .arg(path("env.olean"))
        .arg(path("A.lean"));
    let line = json(&mut on_pickle);
    assert_eq!(line["verdict"], "accepted", "{line}");
    assert_eq!(line["base"], "pickle");
    let said: Vec<&str> = line["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["data"].as_str().unwrap())
        .collect();
    assert_eq!(said, ["Nat.succ (n : Nat) : Nat", "@id α : α → α"]);
    let (code, text) = said_without(&path("A.lean"));
    assert_eq!(code, Some(1), "{text}");
}

/// The code and everything that is said about a file that starts from its imports.
fn said_without(path: &std::path::Path) -> (Option<i32>, String) {
    let output = command("eval").arg(path).output().unwrap();
    let all = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(all).unwrap())
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_tactic_that_needs_an_initialized_extension_runs_on_a_pickle() {
    let folder = tempfile::tempdir().unwrap();
    let modules = folder.path().join("modules");
    let pickle = folder.path().join("lucky.olean");
    let file = folder.path().join("A.lean");
    let probe = "example : Lucky.Number 7 := by lucky";
    std::fs::write(&file, format!("import Lucky\n{probe}\n")).unwrap();
    compile_package(&modules);
    // Both the process that makes it and the fresh one run the probe.
    let mut made = command("pickle");
    made.env("LEAN_PATH", &modules)
        .args(["--import", "Lucky", "--probe", probe, "--output"])
        .arg(&pickle);
    let probes = &json(&mut made)["sidecar"]["probes"];
    assert_eq!(probes[2], "#check «Lucky».«seven»", "found by Lean itself");
    assert_eq!(probes[3], probe);
    let mut eval = command("eval");
    eval.env("LEAN_PATH", &modules)
        .arg("--pickle")
        .arg(&pickle)
        .arg(&file);
    let line = json(&mut eval);
    assert_eq!(line["verdict"], "accepted", "{line}");
    assert_eq!(line["base"], "pickle");
}

/// Compiles the package of users that the tests have.
fn compile_package(out: &std::path::Path) {
    let deadline = Deadline::after(Duration::from_secs(180));
    let core = CoreLean::new(DataDir::locate().unwrap());
    let core = core.ensure(deadline, &Unobserved, &CancelFlag::default());
    let compiler = core.unwrap().compiler();
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/core_package");
    let status = Command::new(compiler.program)
        .args(compiler.args)
        .args([&sources, out])
        .args(["Lucky.Basic", "Lucky.Tactic", "Lucky"])
        .envs(compiler.vars)
        .status();
    assert!(status.unwrap().success());
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn the_examples_say_the_same_in_a_sandbox() {
    let examples = [
        "examples/hello.lean",
        "examples/structures.lean",
        "examples/import_lean.lean",
        "examples/wrong.lean",
    ];
    let free = seen(&examples);
    assert!(free.ends_with("4 files: 3 accepted, 1 rejected"), "{free}");
    for mode in ["auto", "strict"] {
        let confined = [&["--sandbox", mode], &examples[..]].concat();
        assert_eq!(seen(&confined), free);
    }
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn the_code_of_a_text_reaches_nothing_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("key"), "a-secret-key").unwrap();
    let attempts = [
        format!("#eval IO.FS.writeFile {:?} \"x\"", path("outside")),
        format!("#eval IO.FS.readFile {:?}", path("key")),
        format!(
            "#eval IO.FS.readFile \"/proc/{}/environ\"",
            std::process::id()
        ),
        "#eval IO.FS.readFile \"/proc/self/environ\"".to_owned(),
        "#eval IO.Process.spawn { cmd := \"/bin/true\" } >>= fun child => child.wait".to_owned(),
    ];
    for mode in ["off", "strict"] {
        let (code, text) = said(attempts.join("\n").as_bytes(), &["--sandbox", mode]);
        assert_eq!(code, 1, "{text}");
        assert!(!text.contains("a-secret-key"), "{text}");
        // Files of the machine are not there for this Lean, and it has no processes.
        assert_eq!(text.matches("error: no such file").count(), 4, "{text}");
        assert_eq!(text.matches("error: unsupported").count(), 1, "{text}");
        assert_eq!(text.matches("error: ").count(), attempts.len(), "{text}");
        // A text that sees to the failure itself is accepted.
        let text = format!(
            "#eval show IO String from try IO.FS.readFile {:?} catch _ => pure \"closed\"",
            path("key")
        );
        let (code, text) = said(text.as_bytes(), &["--sandbox", mode]);
        assert!(code == 0 && text.contains("closed"), "{text}");
    }
    assert!(!folder.path().join("outside").exists());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let text = format!(
        "import Std.Internal.UV.TCP\nopen Std.Internal.UV TCP\n#eval show IO Unit from do\n  let socket ← Socket.new\n  let _ ← socket.connect (.v4 ⟨.ofParts 127 0 0 1, {port}⟩)\n"
    );
    // This Lean was built without sockets and gives up.
    let (code, text) = said(text.as_bytes(), &["--sandbox", "strict"]);
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("with libuv"), "{text}");
    assert!(listener.accept().is_err());
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_proof_is_made_in_the_shell_and_written_into_its_text() {
    let script = "theorem swap (p q : Prop) : p ∧ q → q ∧ p := by\n  intro h\n  constructor\n  · sorry\n  · exact h.1\n\n\
                  def gone : Nat := true\n:prove\nexact h.3\nexact h.2\n";
    let mut child = command("repl")
        .arg("-q")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(script.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @"
    error: Type mismatch
             true
           has type
             Bool
           but is expected to have type
             Nat
     --> input:1:19
      |
    1 | def gone : Nat := true
      |                   ^^^^

    case left
    p q : Prop
    h : p ∧ q
    ⊢ q
    error: Invalid projection: Index `3` is invalid for this structure; it must be between 1 and 2

           Note: The expression
             h
           has type `p ∧ q` which has only 2 fields
    theorem swap (p q : Prop) : p ∧ q → q ∧ p := by
      intro h
      constructor
      · exact h.2
      · exact h.1
    ");
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_source_that_fails_without_a_process_is_undecided() {
    let lacks = "this Lean lacks processes, and the source starts one";
    for text in [
        "import Std.Tactic.BVDecide\n\
         example (a b : BitVec 8) (h : a &&& b = 0#8) : a + b = a ||| b := by bv_decide",
        "#eval do IO.println (← IO.Process.output { cmd := \"echo\", args := #[\"hi\"] }).stdout",
    ] {
        let (code, said) = said(text.as_bytes(), &[]);
        assert_eq!(code, 3, "{said}");
        assert!(said.contains(lacks), "{said}");
    }
    // What does not fail is judged as it is, and so is an error in these words.
    let caught = "#eval do\n  try discard <| IO.Process.output { cmd := \"echo\" }\n  catch _ => IO.println \"none\"";
    assert_eq!(said(caught.as_bytes(), &[]).0, 0);
    let thrown =
        "#eval (throw (IO.userError \"unsupported operation (error code: 52)\") : IO Unit)";
    assert_eq!(said(thrown.as_bytes(), &[]).0, 1);
}

/// The verdict on each file of a run that keeps results, and whether it was kept.
fn kept(folder: &std::path::Path, names: &[&str]) -> Vec<(String, String, bool)> {
    let output = command("eval")
        .args(["--json", "--cache", "kept"])
        .args(names)
        .current_dir(folder)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines = stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut found: Vec<_> = lines
        .filter(|line| line["type"] == "file")
        .map(|line| {
            assert_eq!(line["isolation"], "source");
            let text = |key: &str| line[key].as_str().unwrap().to_owned();
            (
                text("name"),
                text("verdict"),
                line["cached"].as_bool().unwrap(),
            )
        })
        .collect();
    found.sort();
    found
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn results_are_kept_but_for_those_that_would_differ() {
    let folder = tempfile::tempdir().unwrap();
    let sources = [
        ("bad.lean", "example : 1 = 2 := by decide\n"),
        ("chance.lean", "#eval IO.rand 0 1000000\n"),
        (
            "deep.lean",
            "set_option maxRecDepth 50\nexample : 200 + 200 = 400 := by simp [Nat.add_assoc, List.length]\n#reduce (List.range 90).length\n",
        ),
        (
            "good.lean",
            "theorem t (a b : Nat) (h : a < b) : a + 1 ≤ b := by omega\n",
        ),
    ];
    for (name, text) in sources {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let names = sources.map(|(name, _)| name);
    let first = kept(folder.path(), &names);
    let again = kept(folder.path(), &names);
    let is_kept =
        |found: &[(String, String, bool)]| found.iter().map(|file| file.2).collect::<Vec<_>>();
    assert_eq!(is_kept(&first), [false; 4]);
    assert_eq!(is_kept(&again), [true, false, false, true]);
    let verdicts = |found: &[(String, String, bool)]| {
        found.iter().map(|file| file.1.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        verdicts(&first),
        ["rejected", "accepted", "rejected", "accepted"]
    );
    assert_eq!(verdicts(&again), verdicts(&first));
}
