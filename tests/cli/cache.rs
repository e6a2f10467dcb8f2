//! Results that are kept: found again, and only where that is right.

use std::fs;

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::Value;

use crate::mount::Mount;
use crate::olean_file::OleanFile;
use crate::running::{Finished, Output};
use crate::world::{World, snapshot};

/// A world with three files: one accepted, one rejected, one undecided.
fn world() -> World {
    World::new()
        .fake_repl("")
        .file("Good.lean", "--! info fine\n--! warning unused\n")
        .file("Bad.lean", "--! error 1:0 1:3 wrong\n")
        .file("Lost.lean", "--! die\n")
}

/// Evaluates files with results kept in `kept`.
fn eval(world: &World, args: &[&str]) -> Finished {
    let fixed = ["eval", "--repl", "./repl", "--cache", "kept", "--json"];
    world.leanrepl(fixed.iter().chain(args))
}

/// The name, the verdict and whether it was kept, for each file.
fn verdicts(seen: &Finished) -> Vec<(String, String, bool)> {
    let lines = seen.json_lines().into_iter();
    let mut all: Vec<_> = lines
        .filter(|line| line["type"] == "file")
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap().to_owned();
            (
                text("name"),
                text("verdict"),
                line["cached"].as_bool().unwrap(),
            )
        })
        .collect();
    all.sort();
    all
}

/// That of one file.
fn verdict(seen: &Finished) -> (String, bool) {
    let all = verdicts(seen);
    assert_eq!(all.len(), 1, "{}", seen.stdout());
    (all[0].1.clone(), all[0].2)
}

/// A verdict that was kept or not.
fn is(verdict: &str, is_cached: bool) -> (String, bool) {
    (verdict.to_owned(), is_cached)
}

#[test]
fn verdicts_of_lean_are_found_again_and_no_others() {
    let world = world();
    let files = ["--cache-trust", "Good.lean", "Bad.lean", "Lost.lean"];
    let first = eval(&world, &files);
    let again = eval(&world, &files);
    let expected = |is_cached| {
        [
            ("Bad", "rejected", is_cached),
            ("Good", "accepted", is_cached),
            ("Lost", "undecided", false),
        ]
        .map(|(name, verdict, is_cached)| (format!("{name}.lean"), verdict.to_owned(), is_cached))
    };
    assert_eq!(first.json_lines().last().unwrap()["kept"], Value::Null);
    assert_eq!(again.json_lines().last().unwrap()["kept"], 2);
    let plain = [
        "eval",
        "--repl",
        "./repl",
        "--cache",
        "kept",
        "--cache-trust",
        "Good.lean",
    ];
    let said = world.leanrepl(plain).stderr();
    assert!(
        said.contains("1 file: 1 accepted; 1 kept from before in "),
        "{said}"
    );
    assert_eq!(verdicts(&first), expected(false));
    assert_eq!(verdicts(&again), expected(true));
    assert_eq!(first.exit(), again.exit());
    // All but the times, the session and the mark is the same.
    let line = |seen: &Finished| {
        let mut lines = seen.json_lines().into_iter();
        let mut line = lines.find(|line| line["name"] == "Good.lean").unwrap();
        for key in ["seconds", "session", "cached"] {
            line.as_object_mut().unwrap().remove(key);
        }
        line
    };
    assert_eq!(line(&first), line(&again));
    world.assert_nothing_runs();
}

#[test]
fn what_is_kept_is_judged_by_the_policy_of_each_run() {
    let world = world();
    let run = |args: &[&str]| {
        verdict(&eval(
            &world,
            &[&["--cache-trust", "Good.lean"], args].concat(),
        ))
    };
    assert_eq!(run(&[]), is("accepted", false));
    assert_eq!(run(&["--fail-on-warning"]), is("rejected", true));
    assert_eq!(run(&["--timeout", "7s"]), is("accepted", true));
    // What is asked of Lean is another question.
    assert_eq!(run(&["--tactics"]), is("accepted", false));
}

#[test]
fn a_lower_level_of_isolation_never_answers_a_higher_one() {
    let world = world();
    let cached = |level: &str| {
        // Two files share a session; one would have it alone.
        let files = [
            "--cache-trust",
            "--isolation",
            level,
            "Good.lean",
            "Bad.lean",
        ];
        let all = verdicts(&eval(&world, &files));
        assert_eq!((&*all[0].1, &*all[1].1), ("rejected", "accepted"));
        assert_eq!(all[0].2, all[1].2);
        all[0].2
    };
    assert!(!cached("none"));
    assert!(!cached("client"));
    assert!(!cached("source"));
    assert!(
        ["none", "client", "source"]
            .map(cached)
            .iter()
            .all(|is| *is)
    );
    // What was made at the highest level answers all.
    world.leanrepl(["cache", "--cache", "kept", "clear"]);
    assert!(!cached("source"));
    assert!(cached("client") && cached("none"));
}

#[test]
fn a_module_that_is_built_anew_makes_all_that_imports_it_anew() {
    let world = World::new()
        .fake_repl("--module Own")
        .var("LEAN_PATH", "lib")
        .file("Top.lean", "import Own\n--! info fine\n")
        .file("Plain.lean", "--! info fine\n");
    let write = |filling| {
        let file = OleanFile {
            filling,
            ..OleanFile::default()
        };
        fs::create_dir_all(world.work("lib")).unwrap();
        fs::write(world.work("lib/Own.olean"), file.bytes()).unwrap();
    };
    write(3);
    let run = |name: &str| verdict(&eval(&world, &["--cache-trust", name]));
    for name in ["Top.lean", "Plain.lean"] {
        assert_eq!(run(name), is("accepted", false));
        assert_eq!(run(name), is("accepted", true));
    }
    write(99);
    assert_eq!(run("Top.lean"), is("accepted", false));
    assert_eq!(run("Top.lean"), is("accepted", true));
    assert_eq!(run("Plain.lean"), is("accepted", true));
    let forget = ["cache", "--cache", "kept", "invalidate", "--module", "Own"];
    assert!(world.leanrepl(forget).stdout().starts_with("2 forgotten"));
    assert_eq!(run("Top.lean"), is("accepted", false));
    assert_eq!(run("Plain.lean"), is("accepted", true));
}

#[test]
fn sessions_that_are_not_confined_keep_nothing_unless_they_are_trusted() {
    let world = world();
    let seen = eval(&world, &["Good.lean"]);
    assert_eq!(verdict(&seen), is("accepted", false));
    assert!(
        seen.stderr()
            .contains("no results are kept, since the sessions are not confined")
    );
    assert!(!world.work("kept").exists());
}

#[test]
fn the_variable_names_the_place_and_the_flag_wins() {
    let world = world().var("LEANREPL_CACHE", "auto");
    let run = |args: &[&str]| {
        let fixed = [
            "eval",
            "--repl",
            "./repl",
            "--cache-trust",
            "--json",
            "Good.lean",
        ];
        verdict(&world.leanrepl(fixed.iter().chain(args)))
    };
    assert_eq!(run(&[]), is("accepted", false));
    assert_eq!(run(&[]), is("accepted", true));
    assert!(world.cache("results/results.sqlite").exists());
    assert_eq!(run(&["--cache", "off"]), is("accepted", false));
    snapshot!(world.leanrepl(["cache", "clear"]), @r"
    exit: 0
    ----- stdout -----
    2 forgotten, 0 kept in [CACHE]/results (36.0 KiB; environments: 0)
    ");
    assert_eq!(run(&[]), is("accepted", false));
}

#[test]
fn kept_results_are_counted_and_forgotten() {
    let world = world();
    eval(&world, &["--cache-trust", "Good.lean", "Bad.lean"]);
    let cache =
        |args: &[&str]| world.leanrepl(["cache", "--cache", "kept", "--json"].iter().chain(args));
    let read = |seen: Finished| serde_json::from_str::<Value>(&seen.stdout()).unwrap();
    let stats = read(cache(&["stats"]));
    // The level of isolation of these sessions is kept like a result.
    assert_eq!(
        (&stats["results"], &stats["environments"]),
        (&2.into(), &1.into())
    );
    assert_eq!(
        read(cache(&["invalidate", "--class", "eval"]))["forgotten"],
        2
    );
    assert_eq!(read(cache(&["stats"]))["results"], 0);
    snapshot!(world.leanrepl(["cache", "--cache", "none", "stats"]), @r"
    exit: 2
    ----- stderr -----
    error: there are no results in `[WORK]/none`

    hint: name the folder with `--cache`; `eval --cache auto` makes one in the cache folder
    ");
    snapshot!(world.leanrepl(["cache", "--cache", "kept", "invalidate"]), @r"
    exit: 2
    ----- stderr -----
    error: the following required arguments were not provided:
      <--module <MODULE>|--class <CLASS>>

    Usage: leanrepl cache invalidate <--module <MODULE>|--class <CLASS>>

    For more information, try '--help'.
    ");
    snapshot!(world.leanrepl(["cache", "--cache", "off", "stats"]), @r"
    exit: 2
    ----- stderr -----
    error: the cache is off, so there is nothing to look at

    hint: name a folder with `--cache`, or `auto` for the cache folder
    ");
}

/// Evaluates a file where results cannot be kept; gives the note.
fn note(world: &World) -> String {
    let seen = eval(world, &["--cache-trust", "Good.lean"]);
    assert_eq!(
        (verdict(&seen), seen.exit()),
        (is("accepted", false), Some(0))
    );
    let said = seen.stderr();
    let notes = said
        .lines()
        .filter(|line| line.contains("results cannot be kept"));
    let notes: Vec<_> = notes.map(str::to_owned).collect();
    assert_eq!(notes.len(), 1, "{}", seen.stderr());
    notes[0].clone()
}

#[test]
fn a_cache_that_cannot_be_used_is_noted_once_and_nothing_of_it_is_lost() {
    let foreign = world().file("kept/results.sqlite", &"notes of mine\n".repeat(500));
    let before = fs::read(foreign.work("kept/results.sqlite")).unwrap();
    assert!(note(&foreign).contains("is not a file of leanrepl's cache"));
    assert_eq!(
        fs::read(foreign.work("kept/results.sqlite")).unwrap(),
        before
    );

    let newer = world();
    eval(&newer, &["--cache-trust", "Good.lean"]);
    let connection = Connection::open(newer.work("kept/results.sqlite")).unwrap();
    connection.pragma_update(None, "user_version", 7).unwrap();
    drop(connection);
    assert!(note(&newer).contains("made by a newer leanrepl (layout 7"));

    let nowhere = world();
    let seen = nowhere.leanrepl([
        "eval",
        "--repl",
        "./repl",
        "--cache",
        "/proc/kept",
        "--cache-trust",
        "Good.lean",
    ]);
    assert_eq!(seen.exit(), Some(0));
    assert!(
        seen.stderr()
            .contains("results cannot be kept in `/proc/kept`")
    );

    let file = world().file("kept", "a file");
    assert!(note(&file).contains("results cannot be kept in `"));
    assert_eq!(fs::read_to_string(file.work("kept")).unwrap(), "a file");
}

#[test]
fn half_a_value_is_made_again() {
    let world = world();
    eval(&world, &["--cache-trust", "Good.lean"]);
    let connection = Connection::open(world.work("kept/results.sqlite")).unwrap();
    let cut = "UPDATE r SET v = substr(v, 1, length(v) / 2) WHERE class = 'eval'";
    assert_eq!(connection.execute(cut, []).unwrap(), 1);
    drop(connection);
    for is_cached in [false, true] {
        let seen = eval(&world, &["--cache-trust", "Good.lean"]);
        assert_eq!(verdict(&seen), is("accepted", is_cached));
    }
}

#[test]
fn a_place_that_is_none_is_named() {
    snapshot!(world().leanrepl(["eval", "--repl", "./repl", "--cache", "memcached://host", "Good.lean"]), @r"
    exit: 2
    ----- stderr -----
    error: results cannot be kept in `memcached://host`

    hint: name `auto`, `off`, a folder or `redis://HOST`
    ");
}

#[test]
fn several_processes_share_results_and_one_that_is_killed_harms_no_other() {
    let mut world = World::new().fake_repl("");
    let names: Vec<String> = (0..40_u32)
        .map(|number| format!("F{number}.lean"))
        .collect();
    for (number, name) in names.iter().enumerate() {
        let verdict = if number.is_multiple_of(3) {
            "error 1:0 1:1 wrong"
        } else {
            "info fine"
        };
        world = world.file(
            name,
            &format!("--! {verdict}\n--! slow 20\ndef f{number} := 0\n"),
        );
    }
    let fixed = [
        "eval",
        "--repl",
        "./repl",
        "--cache",
        "kept",
        "--json",
        "--cache-trust",
    ];
    let args: Vec<&str> = fixed
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .collect();
    let mut running: Vec<_> = (0..4).map(|_| world.start(&args)).collect();
    let mut killed = running.remove(0);
    killed.wait_for(Output::Stdout, "F1");
    killed.signal(Signal::KILL);
    let expected = |(name, verdict, _): &(String, String, bool)| {
        let number: u32 = name
            .trim_matches(|letter: char| !letter.is_ascii_digit())
            .parse()
            .unwrap();
        verdict
            == if number.is_multiple_of(3) {
                "rejected"
            } else {
                "accepted"
            }
    };
    for process in running {
        let all = verdicts(&process.finish());
        assert_eq!(all.len(), names.len());
        assert!(all.iter().all(expected), "{all:?}");
    }
    let all = verdicts(&world.leanrepl(&args));
    assert!(
        all.iter().all(|found| expected(found) && found.2),
        "{all:?}"
    );
}

#[test]
#[ignore = "needs root to mount a small disk; run cargo xtask test"]
fn a_disk_without_room_turns_the_cache_off_and_harms_no_evaluation() {
    let world = world();
    let mount = Mount::new(&world.work("kept"), 1 << 20);
    assert!(note(&world).contains("a cache begins with 16.0 MiB"));
    drop(mount);
    let mount = Mount::new(&world.work("kept"), 18 << 20);
    eval(&world, &["--cache-trust", "Bad.lean"]);
    fs::write(world.work("kept/filler"), vec![1; 18 << 20]).unwrap_err();
    let seen = eval(&world, &["--cache-trust", "Good.lean", "Bad.lean"]);
    let all: Vec<_> = verdicts(&seen)
        .into_iter()
        .map(|(_, verdict, _)| verdict)
        .collect();
    assert_eq!(all, ["rejected", "accepted"]);
    // It shows when the file is opened, or when a result is put in.
    let said = seen.stderr();
    let is_note =
        |line: &&str| line.contains("is off: ") || line.contains("results cannot be kept");
    assert_eq!(said.lines().filter(is_note).count(), 1, "{said}");
    drop(mount);
}
