//! `leanrepl eval` on a fake REPL: verdicts, and everything that must not change them.

use crate::world::{World, snapshot};

/// A world with a fake REPL and one file.
fn world(text: &str) -> World {
    World::new().fake_repl("").file("A.lean", text)
}

/// The usual command on that file, with more options.
fn eval(world: &World, options: &[&str]) -> crate::running::Finished {
    world.leanrepl(
        ["eval", "--repl", "./repl", "A.lean"]
            .iter()
            .chain(options)
            .copied(),
    )
}

#[test]
fn a_file_without_errors_is_accepted() {
    let world = world("theorem t : True := trivial\n");
    snapshot!(eval(&world, &[]), @"
    exit: 0
    ----- stderr -----
    1 file: 1 accepted in [TIME]
    ");
    world.assert_nothing_runs();
}

#[test]
fn an_error_is_shown_at_its_place_in_the_file_and_rejects() {
    let world = world("import Lean\n\n--! error 3:4 3:9 not a good name\n");
    snapshot!(eval(&world, &[]), @"
    exit: 1
    ----- stdout -----
    error: not a good name
     --> A.lean:3:5
      |
    3 | --! error 3:4 3:9 not a good name
      |     ^^^^^

    ----- stderr -----
    1 file: 1 rejected in [TIME]
    ");
}

#[test]
fn a_sorry_is_shown_with_its_goal_and_rejects_only_on_request() {
    let world = world("--! sorry 1:4 1:9 ⊢ 1 = 2\n");
    snapshot!(eval(&world, &[]), @"
    exit: 0
    ----- stdout -----
    warning: declaration uses `sorry`
     --> A.lean:1:5
      |
    1 | --! sorry 1:4 1:9 ⊢ 1 = 2
      |     ^^^^^

    goal: ⊢ 1 = 2
     --> A.lean:1:5
      |
    1 | --! sorry 1:4 1:9 ⊢ 1 = 2
      |     ^^^^^ left open here

    ----- stderr -----
    1 file: 1 accepted (1 with a sorry) in [TIME]
    ");
    snapshot!(eval(&world, &["--fail-on-sorry", "-q"]), @"
    exit: 1
    ----- stdout -----
    warning: declaration uses `sorry`
     --> A.lean:1:5
      |
    1 | --! sorry 1:4 1:9 ⊢ 1 = 2
      |     ^^^^^

    ----- stderr -----
    error: A.lean: the source contains `sorry`
    ");
    snapshot!(eval(&world, &["--fail-on-warning", "-q"]), @"
    exit: 1
    ----- stdout -----
    warning: declaration uses `sorry`
     --> A.lean:1:5
      |
    1 | --! sorry 1:4 1:9 ⊢ 1 = 2
      |     ^^^^^

    ----- stderr -----
    error: A.lean: Lean reported a warning
    ");
}

#[test]
fn a_session_that_hangs_is_undecided_not_rejected() {
    let world = world("--! hang\n");
    snapshot!(eval(&world, &["--timeout", "1s"]), @"
    exit: 5
    ----- stderr -----
    error: A.lean: the REPL did not answer within 1s and was stopped

    hint: raise `--timeout` (`--import-timeout` for a start or an import), or look for a command or tactic that does not end

    1 file: 1 undecided in [TIME]
    ");
    world.assert_nothing_runs();
}

#[test]
fn a_hanging_text_takes_its_grandchildren_along() {
    let world = world("--! spawn-hang\n");
    assert_eq!(eval(&world, &["--timeout", "1s"]).exit(), Some(5));
    world.assert_nothing_runs();
}

#[test]
fn a_process_that_a_text_leaves_behind_is_killed() {
    let world = world("--! spawn-setsid\n");
    snapshot!(eval(&world, &[]), @"
    exit: 0
    ----- stderr -----
    note: a process that the source had started was still running and was killed
    1 file: 1 accepted in [TIME]
    ");
    world.assert_nothing_runs();
}

#[test]
fn a_text_that_takes_too_much_memory_is_undecided() {
    let world = world("--! grow 400000000\n");
    let seen = eval(&world, &["--memory", "200MiB"]);
    assert_eq!(seen.exit(), Some(5));
    assert!(
        seen.stderr()
            .contains("over the limit of 200.0 MiB, and was stopped"),
        "{}",
        seen.stderr()
    );
    world.assert_nothing_runs();
}

#[test]
fn a_death_says_how_and_with_which_last_words() {
    for text in [
        "--! die 7",
        "--! abort",
        "--! segv",
        "--! stack-overflow",
        "--! die-mid-reply",
    ] {
        let world = world(text);
        let seen = eval(&world, &[]);
        assert_eq!(seen.exit(), Some(5), "{text}");
        world.assert_nothing_runs();
    }
    snapshot!(eval(&world("--! die 7"), &[]), @"
    exit: 5
    ----- stderr -----
    note: the session ended; trying once more in a fresh one
    error: A.lean: the REPL died without an answer (exit code 7)

    hint: run again with `-v` to see the request it died of

    1 file: 1 undecided in [TIME]
    ");
    snapshot!(eval(&world("--! stack-overflow"), &[]), @"
    exit: 5
    ----- stderr -----
    note: the session ended; trying once more in a fresh one
    error: A.lean: the REPL died of a stack overflow
      caused by: its last lines on stderr:

                 Stack overflow detected. Aborting.

    hint: look for a recursion without end in the file

    1 file: 1 undecided in [TIME]
    ");
    snapshot!(eval(&world("--! segv"), &[]), @"
    exit: 5
    ----- stderr -----
    note: the session ended; trying once more in a fresh one
    error: A.lean: the REPL died without an answer (killed by SIGSEGV)

    hint: run again with `-v` to see the request it died of

    1 file: 1 undecided in [TIME]
    ");
}

#[test]
fn an_import_that_fails_in_silence_is_undecided_and_named() {
    let world = world("import Lean\nimport Nope\n\ntheorem t : True := trivial\n");
    snapshot!(eval(&world, &[]), @"
    exit: 3
    ----- stderr -----
    error: A.lean: cannot import `Nope`

    hint: check the spelling; if the module is there, build it with the Lean that the REPL was built with

    1 file: 1 undecided in [TIME]
    ");
}

#[test]
fn a_forged_reply_never_decides() {
    let world = world("--! fake-reply {\"env\": 5}\n--! error 1:0 1:3 the truth\n");
    snapshot!(eval(&world, &[]), @"
    exit: 5
    ----- stderr -----
    error: A.lean: the REPL's replies do not fit the requests: something wrote a reply of its own to its stdout

    hint: check that the program is a Lean REPL; if it is, run again with `-v` to see what was asked

    1 file: 1 undecided in [TIME]
    ");
}

#[test]
fn a_reply_forged_after_the_fact_does_not_harm_the_next_file() {
    let world = world("--! late-fake-reply 300 {\"env\": 9}\n")
        .file("B.lean", "--! slow 600\n--! error 2:0 2:3 the truth\n");
    let seen = world.leanrepl(["eval", "--repl", "./repl", "A.lean", "B.lean", "--json"]);
    assert_eq!(seen.exit(), Some(1), "{}\n{}", seen.stdout(), seen.stderr());
}

#[test]
fn output_beside_the_reply_to_a_source_is_a_protocol_error() {
    for text in [
        "--! noise hello\n",
        "--! noise-blank hello\n",
        "--! noise-bytes\n",
        "--! noise {}\n",
        "--! noise { x := 1 }\n",
    ] {
        let seen = eval(&world(text), &[]);
        assert_eq!(seen.exit(), Some(5), "{text}: {}", seen.stderr());
        assert_eq!(
            seen.stderr()
                .lines()
                .find(|line| line.starts_with("error: ")),
            Some("error: A.lean: something other than the reply was written to the REPL's stdout"),
        );
    }
}

#[test]
fn garbage_is_undecided() {
    for text in ["--! garbage\n", "--! wrong-type\n"] {
        let seen = eval(&world(text), &["--timeout", "2s"]);
        assert_eq!(seen.exit(), Some(5), "{text}: {}", seen.stderr());
    }
}

#[test]
fn a_flood_on_stderr_does_not_block() {
    assert_eq!(
        eval(&world("--! flood-stderr 5000000\n"), &[]).exit(),
        Some(0)
    );
}

#[test]
fn a_reply_over_the_bound_is_undecided() {
    let world = world("--! huge 3000000\n");
    assert_eq!(eval(&world, &[]).exit(), Some(0));
    snapshot!(eval(&world, &["--max-reply", "1MiB"]), @"
    exit: 5
    ----- stderr -----
    error: A.lean: the REPL sent a reply longer than 1.0 MiB and was stopped

    hint: raise `--max-reply`, or ask for less (no `--infotree`)

    1 file: 1 undecided in [TIME]
    ");
}

#[test]
fn ten_thousand_messages_are_all_shown() {
    let seen = eval(&world("--! many 10000\n"), &["--json"]);
    assert_eq!(seen.exit(), Some(0));
    assert_eq!(seen.stdout().matches("\"severity\"").count(), 10_000);
}

#[test]
fn fields_of_a_newer_repl_do_no_harm() {
    assert_eq!(eval(&world("--! unknown-field\n"), &[]).exit(), Some(0));
}

#[test]
fn a_session_sees_no_secrets() {
    let world = world("--! print-env\n").var("MY_SECRET_TOKEN", "hunter2");
    let seen = eval(&world, &[]);
    assert!(seen.stdout().contains("PATH"), "{}", seen.stdout());
    assert!(!seen.stdout().contains("hunter2"), "{}", seen.stdout());
}

#[test]
fn a_program_that_is_no_repl_is_told_apart() {
    let world = World::new().file("A.lean", "#eval 1\n");
    let with = |program: &str| world.leanrepl(["eval", "--repl", program, "A.lean"]);
    snapshot!(with("/bin/true"), @"
    exit: 5
    ----- stderr -----
    error: `/bin/true` did not start up as a Lean REPL
      caused by: the REPL died without an answer (exit code 0)

    hint: check that it is the `repl` binary of leanprover-community/repl, built for this machine, and that LEAN_SYSROOT and LEAN_PATH fit it
    ");
    snapshot!(with("/bin/cat"), @"
    exit: 5
    ----- stderr -----
    error: `/bin/cat` did not start up as a Lean REPL
      caused by: the REPL sent a reply that cannot be understood: expected a reply with `env`, `proofState` or `message`, found an object with the fields [cmd]

    hint: check that it is the `repl` binary of leanprover-community/repl, built for this machine, and that LEAN_SYSROOT and LEAN_PATH fit it
    ");
    snapshot!(with("./not-there"), @"
    exit: 2
    ----- stderr -----
    error: there is no REPL at `./not-there`

    hint: give the path of a REPL binary with `--repl PATH`, or use `--toolchain core`
    ");
}

#[test]
fn a_repl_that_does_not_start_is_undecided() {
    for at_start in ["hang", "die"] {
        let world = World::new()
            .fake_repl(&format!("--at-start {at_start}"))
            .file("A.lean", "");
        assert_eq!(eval(&world, &["--import-timeout", "1s"]).exit(), Some(5));
        world.assert_nothing_runs();
    }
    let world = World::new()
        .fake_repl("--at-start banner")
        .file("A.lean", "");
    assert_eq!(eval(&world, &[]).exit(), Some(0));
}

#[test]
fn a_repl_of_another_version_is_refused() {
    let world = World::new()
        .fake_repl("--lean-version 4.26.0")
        .file("lean-toolchain", "leanprover/lean4:v4.27.0\n")
        .file("lakefile.toml", "name = \"p\"\n")
        .file("A.lean", "");
    snapshot!(eval(&world, &[]), @"
    exit: 3
    ----- stderr -----
    error: the REPL `./repl` runs Lean 4.26.0, but the project's `lean-toolchain` asks for Lean 4.27.0

    hint: name a REPL that was built with the project's toolchain with `--repl PATH`
    ");
}

#[test]
fn a_project_without_a_repl_names_the_ways_out() {
    let world = World::new()
        .file("lean-toolchain", "leanprover/lean4:v4.27.0\n")
        .file("lakefile.toml", "name = \"p\"\n")
        .file("sub/A.lean", "");
    snapshot!(world.leanrepl(["eval", "sub/A.lean"]), @"
    exit: 3
    ----- stderr -----
    error: no REPL was built yet for `leanprover/lean4:v4.27.0`, the toolchain of the project `[WORK]`

    hint: run `leanrepl build` in the project, or use core Lean with `--toolchain core`
    ");
    let none = World::new().file("A.lean", "");
    snapshot!(none.leanrepl(["eval", "--toolchain", "project", "A.lean"]), @"
    exit: 3
    ----- stderr -----
    error: no Lake project is around the files

    hint: name its folder with `--project DIR`, or use core Lean with `--toolchain core`
    ");
}

#[test]
fn an_input_that_cannot_be_read_is_named_and_the_others_are_evaluated() {
    let world = World::new()
        .fake_repl("")
        .file("Good.lean", "theorem t : True := trivial\n")
        .file("folder/x", "")
        .bytes("Latin.lean", b"-- caf\xe9\n");
    snapshot!(
        world.leanrepl(["eval", "--repl", "./repl", "Missing.lean", "folder", "Latin.lean", "Good.lean"]),
        @"
    exit: 2
    ----- stderr -----
    error: Missing.lean: it cannot be read
      caused by: No such file or directory (os error 2)

    hint: check the path and its permissions

    error: folder: this is a folder, not a file

    hint: name the files in it, for example `folder/*.lean`

    error: Latin.lean: it is not UTF-8: the byte at offset 6 fits no character

    hint: save the file as UTF-8, the only encoding that Lean reads

    4 files: 1 accepted, 3 undecided in [TIME]
    "
    );
}

#[test]
fn odd_texts_reach_lean_whole() {
    for text in [
        "",
        "\n\n",
        "\u{feff}theorem t : True := trivial\n",
        "theorem t : True :=\r\n  trivial\r\n",
        "-- \0 nul\n",
    ] {
        assert_eq!(eval(&world(text), &[]).exit(), Some(0), "{text:?}");
    }
    let long = format!("-- {}\n", "x".repeat(2_000_000));
    assert_eq!(eval(&world(&long), &[]).exit(), Some(0));
}

#[test]
fn stdin_is_a_file_like_any_other() {
    let world = World::new().fake_repl("").stdin("--! error 1:0 1:3 no\n");
    snapshot!(world.leanrepl(["eval", "--repl", "./repl", "-"]), @"
    exit: 1
    ----- stdout -----
    error: no
     --> <stdin>:1:1
      |
    1 | --! error 1:0 1:3 no
      | ^^^

    ----- stderr -----
    1 file: 1 rejected in [TIME]
    ");
    assert_eq!(world.leanrepl(["eval", "--repl", "./repl"]).exit(), Some(1));
}

#[test]
fn an_undecided_file_outranks_a_rejected_one() {
    let world = World::new()
        .fake_repl("")
        .file("A.lean", "--! error 1:0 1:3 no\n")
        .file("B.lean", "--! die 1\n")
        .file("C.lean", "theorem t : True := trivial\n");
    snapshot!(world.leanrepl(["eval", "--repl", "./repl", "-q", "A.lean", "B.lean", "C.lean"]), @"
    exit: 5
    ----- stdout -----
    error: no
     --> A.lean:1:1
      |
    1 | --! error 1:0 1:3 no
      | ^^^

    ----- stderr -----
    error: B.lean: the REPL died without an answer (exit code 1)

    hint: run again with `-v` to see the request it died of
    ");
}

#[test]
fn json_is_one_object_a_file_and_a_summary() {
    let world = world("import Lean\n--! sorry 2:4 2:9 ⊢ False\n");
    snapshot!(eval(&world, &["--json"]), @r#"
    exit: 0
    ----- stdout -----
    {"type":"file","version":2,"name":"A.lean","verdict":"accepted","messages":[{"data":"declaration uses `sorry`","endPos":{"column":9,"line":2},"pos":{"column":4,"line":2},"severity":"warning"}],"sorries":[{"endPos":{"column":9,"line":2},"goal":"⊢ False","pos":{"column":4,"line":2},"proofState":0}],"reasons":[],"base":"import","lean":{"version":"4.27.0","toolchain":"./repl","repl":"[SHA256]","manifest":null,"pickle":null},"isolation":"source","session":1,"cached":false,"seconds":{"queue":"[TIME]","header":"[TIME]","body":"[TIME]"},"toolchain":{"lean":"4.27.0","source":"repl","why":"using `./repl` because `--repl` names it"}}
    {"type":"summary","version":2,"accepted":1,"rejected":0,"undecided":0,"with_sorry":1,"unfinished":0,"seconds":"[TIME]","exit_code":0}
    ----- stderr -----
    1 file: 1 accepted (1 with a sorry) in [TIME]
    "#);
}

#[test]
fn json_says_in_a_word_why_a_file_is_undecided() {
    let world = World::new().fake_repl("");
    let files = [
        ("crash", "--! die"),
        ("timeout", "--! hang"),
        ("import", "import Nope"),
        ("protocol_error", "--! wrong-type"),
        ("unsupported", "--! refuse this REPL knows no such option"),
        ("reply_too_large", "--! huge 2000000"),
        ("memory", "--! grow 400000000"),
    ];
    let world = files.iter().fold(world, |world, (name, text)| {
        world.file(&format!("{name}.lean"), text)
    });
    let names = files.map(|(name, _)| format!("{name}.lean"));
    let mut args = vec![
        "eval",
        "--json",
        "--repl",
        "./repl",
        "--timeout",
        "2s",
        "--max-reply",
        "1MiB",
        "--memory",
        "200MiB",
        "unavailable.lean",
        "ok.lean",
    ];
    args.extend(names.iter().map(String::as_str));
    let world = world.file("ok.lean", "def a := 1\n--! error no");
    let seen = world.leanrepl(args);
    let stdout = seen.stdout();
    let lines = stdout.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line
    });
    let files: Vec<_> = lines.filter(|line| line["type"] == "file").collect();
    assert_eq!(files.len(), 9, "{}", seen.text());
    for file in files {
        let word = file["name"].as_str().unwrap().strip_suffix(".lean");
        let is_undecided = word != Some("ok");
        assert_eq!(file["verdict"] == "undecided", is_undecided, "{file}");
        assert_eq!(file["reason"].as_str(), word.filter(|_| is_undecided));
        assert_eq!(file["failure"].is_object(), is_undecided, "{file}");
    }
}

#[test]
fn json_ends_with_the_failure_of_a_whole_run() {
    let world = World::new().file("A.lean", "");
    snapshot!(world.leanrepl(["eval", "--json", "--repl", "/bin/true", "A.lean"]), @r#"
    exit: 5
    ----- stdout -----
    {"type":"failure","version":2,"kind":"session","problem":"`/bin/true` did not start up as a Lean REPL","hint":"check that it is the `repl` binary of leanprover-community/repl, built for this machine, and that LEAN_SYSROOT and LEAN_PATH fit it","causes":["the REPL died without an answer (exit code 0)"]}
    ----- stderr -----
    error: `/bin/true` did not start up as a Lean REPL
      caused by: the REPL died without an answer (exit code 0)

    hint: check that it is the `repl` binary of leanprover-community/repl, built for this machine, and that LEAN_SYSROOT and LEAN_PATH fit it
    "#);
}

#[test]
fn github_gets_annotations() {
    let world = world("--! error 1:4 1:9 50% wrong\\nsecond line\n");
    let seen = eval(&world, &["--format", "github"]);
    snapshot!(seen, @r"
    exit: 1
    ----- stdout -----
    ::error file=A.lean,line=1,endLine=1,col=5,endColumn=10,title=Lean error::50%25 wrong%0Asecond line
    ----- stderr -----
    error: 50% wrong
           second line
     --> A.lean:1:5
      |
    1 | --! error 1:4 1:9 50% wrong\nsecond line
      |     ^^^^^

    1 file: 1 rejected in [TIME]
    ");
}

#[test]
fn verbose_echoes_what_is_run_and_asked() {
    let seen = eval(&world("theorem t : True := trivial\n"), &["-v"]);
    for text in [
        "+ ",
        "./repl",
        "Lean.versionString",
        "because `--repl` names it",
        "theorem t",
    ] {
        assert!(
            seen.stderr().contains(text),
            "{text} is missing in:\n{}",
            seen.stderr()
        );
    }
}

#[test]
fn files_with_the_same_header_share_a_session() {
    let world = World::new()
        .fake_repl("--log requests.log")
        .file("A.lean", "import Lean\ntheorem a : True := trivial\n")
        .file(
            "B.lean",
            "-- comment\nimport   Lean\ntheorem b : True := trivial\n",
        )
        .file("C.lean", "import Std\n");
    let seen = world.leanrepl(["eval", "--repl", "./repl", "A.lean", "B.lean", "C.lean"]);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    let log = std::fs::read_to_string(world.work("requests.log")).unwrap();
    assert_eq!(log.matches("\"import Lean").count(), 1, "{log}");
    let pids: std::collections::BTreeSet<&str> = log
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(pids.len(), 1, "{log}");
}

#[test]
fn files_share_as_much_as_the_level_allows_and_each_result_names_it() {
    for (args, level, processes) in [
        (&[][..], "client", 1),
        (&["--isolation", "none"], "none", 1),
        (&["--isolation", "client"], "client", 1),
        (&["--isolation", "source"], "source", 3),
    ] {
        let world = World::new()
            .fake_repl("--log requests.log")
            .file("A.lean", "def a := 1\n")
            .file("B.lean", "def b := 1\n")
            .file("C.lean", "def c := 1\n");
        let files = ["A.lean", "B.lean", "C.lean"];
        let all = [&["eval", "--repl", "./repl", "--json", "-v"], args, &files].concat();
        let seen = world.leanrepl(all);
        assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
        let field = format!("\"isolation\":\"{level}\"");
        assert_eq!(
            seen.stdout().matches(&field).count(),
            3,
            "{}",
            seen.stdout()
        );
        let note = format!("isolation `{level}`: ");
        assert_eq!(seen.stderr().matches(&note).count(), 1, "{}", seen.stderr());
        let log = std::fs::read_to_string(world.work("requests.log")).unwrap();
        let bodies = log.lines().filter(|line| line.contains("def "));
        let pids: std::collections::BTreeSet<&str> =
            bodies.filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(pids.len(), processes, "{level}: {log}");
    }
}

#[test]
fn jobs_spread_over_sessions() {
    let mut world = World::new().fake_repl("--log requests.log");
    let names: Vec<String> = (0..20).map(|number| format!("F{number}.lean")).collect();
    for name in &names {
        world = world.file(name, "--! slow 30\n");
    }
    let mut args = vec!["eval", "--repl", "./repl", "--jobs", "3"];
    args.extend(names.iter().map(String::as_str));
    assert_eq!(world.leanrepl(args).exit(), Some(0));
    let log = std::fs::read_to_string(world.work("requests.log")).unwrap();
    let pids: std::collections::BTreeSet<&str> = log
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(pids.len(), 3);
    world.assert_nothing_runs();
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let world = world("--! many 10000\n");
    let seen = world
        .start_program(
            "sh",
            [
                "-c",
                "leanrepl eval --repl ./repl A.lean | head -n 1; echo left",
            ],
        )
        .finish();
    assert!(seen.stdout().ends_with("left\n"), "{}", seen.stdout());
    assert!(
        !seen.stderr().contains("panic") && !seen.stderr().contains("error:"),
        "{}",
        seen.stderr()
    );
    world.assert_nothing_runs();
}

#[test]
fn a_name_that_hides_a_sorry_rejects_with_fail_on_sorry() {
    let world = World::new().fake_repl("").file("A.lean", "-- sorryAx\n");
    let args = ["eval", "--repl", "./repl", "A.lean"];
    assert_eq!(world.leanrepl(args).exit(), Some(0));
    snapshot!(world.leanrepl(args.iter().chain(&["--fail-on-sorry"])), @"
    exit: 1
    ----- stderr -----
    error: A.lean: the source names `sorryAx`, which can hide a `sorry`
    1 file: 1 rejected in [TIME]
    ");
}

#[test]
fn stdin_is_read_once() {
    let world = World::new().fake_repl("").stdin("");
    snapshot!(world.leanrepl(["eval", "--repl", "./repl", "-", "-"]), @"
    exit: 2
    ----- stderr -----
    error: `-` is named twice, but stdin can be read only once

    hint: name `-` once
    ");
}

#[test]
fn a_limit_that_ends_the_start_is_named() {
    let world = World::new().fake_repl("--at-start hang").file("A.lean", "");
    snapshot!(
        world.leanrepl(["eval", "--repl", "./repl", "A.lean", "--import-timeout", "300ms"]),
        @"
    exit: 5
    ----- stderr -----
    error: the REPL did not answer within 300ms and was stopped

    hint: raise `--timeout` (`--import-timeout` for a start or an import), or look for a command or tactic that does not end
    "
    );
}
