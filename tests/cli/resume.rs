//! `leanrepl eval --resume` on a fake REPL: what is kept, what is evaluated again, and every file that cannot be
//! used.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::running::{Finished, Output};
use crate::world::{World, snapshot};

/// The file that verdicts are kept in.
const LOG: &str = "log.ndjson";

/// A world with these files, whose REPL writes down its requests.
fn world(files: &[(&str, &str)]) -> World {
    let world = World::new().fake_repl("--log requests.log");
    files
        .iter()
        .fold(world, |world, (name, text)| world.file(name, text))
}

/// Evaluates files with `--resume` and more options.
fn eval(world: &World, words: &[&str]) -> Finished {
    let usual = ["eval", "--repl", "./repl", "--resume", LOG];
    world.leanrepl(usual.iter().chain(words))
}

/// The lines of the file, and nothing else is in it.
fn kept(world: &World) -> Vec<Value> {
    let text = fs::read_to_string(world.work(LOG)).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The names and verdicts in the file.
fn verdicts(world: &World) -> Vec<(String, String)> {
    let word = |line: &Value, field: &str| line[field].as_str().unwrap().to_owned();
    let lines = kept(world);
    lines
        .iter()
        .map(|line| (word(line, "name"), word(line, "verdict")))
        .collect()
}

/// How often REPLs were asked for something that has that word in it.
fn asked(world: &World, word: &str) -> usize {
    let log = fs::read_to_string(world.work("requests.log")).unwrap_or_default();
    log.lines().filter(|line| line.contains(word)).count()
}

/// A file of each kind of result.
const ALL_KINDS: [(&str, &str); 5] = [
    ("fine.lean", "def fine := 1\n"),
    ("error.lean", "--! error 1:4 1:9 not good\n"),
    ("warning.lean", "--! warning 1:4 1:9 unused\n"),
    ("sorry.lean", "--! sorry 1:4 1:9 ⊢ 1 = 2\n"),
    (
        "tree.lean",
        "--! tactic 1:4 1:9 simp\n--! infotree {\"node\": {\"deep\": [1]}, \"kind\": \"X\", \"children\": []}\n",
    ),
];

#[test]
fn a_second_run_says_the_same_and_evaluates_nothing() {
    let world = world(&ALL_KINDS);
    let names = ALL_KINDS.map(|(name, _)| name);
    let options = ["--tactics", "--infotree", "full", "--fail-on-warning"];
    let words = [&options[..], &names[..]].concat();
    let first = eval(&world, &words);
    assert_eq!(first.exit(), Some(1), "{}", first.stderr());
    let lines = kept(&world);
    let requests = asked(&world, "");
    assert_eq!((lines.len(), requests > 0), (5, true));
    // The last words are how long it took.
    let timeless = |seen: &Finished| seen.text().rsplit_once(" in ").unwrap().0.to_owned();
    let again = timeless(&eval(&world, &words)).replace("; 5 kept from before", "");
    assert_eq!(again, timeless(&first));
    assert_eq!((kept(&world), asked(&world, "")), (lines.clone(), requests));

    // As JSON, each is its line in the file.
    let mut seen = eval(&world, &[&["--json"], &words[..]].concat()).json_lines();
    let summary = seen.pop().unwrap();
    assert_eq!(
        [
            &summary["accepted"],
            &summary["rejected"],
            &summary["with_sorry"],
            &summary["exit_code"]
        ],
        [2, 3, 0, 1]
    );
    assert_eq!(seen.len(), 5);
    for mut line in seen {
        let object = line.as_object_mut().unwrap();
        assert_eq!(object.remove("resumed"), Some(true.into()));
        let mut found = lines.iter().filter(|kept| kept["name"] == object["name"]);
        let mut kept = found.next().unwrap().clone();
        let basis = kept.as_object_mut().unwrap().remove("resume").unwrap();
        assert_eq!(basis["source"].as_str().unwrap().len(), 64);
        assert_eq!(kept, line);
    }
}

#[test]
fn undecided_files_are_tried_again_and_the_last_line_counts() {
    let world = world(&[("A.lean", "--! once flag hang\ndef a := 1\n")]);
    let words = ["--timeout", "1s", "A.lean"];
    assert_eq!(eval(&world, &words).exit(), Some(5));
    assert_eq!(eval(&world, &words).exit(), Some(0));
    assert_eq!(eval(&world, &words).exit(), Some(0));
    let verdict = |word: &str| ("A.lean".to_owned(), word.to_owned());
    assert_eq!(
        verdicts(&world),
        [verdict("undecided"), verdict("accepted")]
    );
    // A file that cannot be read is in it too, and is no obstacle once it can.
    fs::rename(world.work("A.lean"), world.work("B.lean")).unwrap();
    let seen = eval(&world, &words);
    assert_eq!(seen.exit(), Some(2), "{}", seen.stderr());
    fs::rename(world.work("B.lean"), world.work("A.lean")).unwrap();
    assert_eq!(eval(&world, &words).exit(), Some(0));
    assert_eq!(
        verdicts(&world)[2..],
        [verdict("undecided"), verdict("accepted")]
    );
}

#[test]
fn another_source_or_policy_is_evaluated_again_and_other_files_are_left_alone() {
    let world = world(&[
        ("A.lean", "--! warning 1:4 1:9 unused\n"),
        ("B.lean", "def b := 1\n"),
    ]);
    assert_eq!(eval(&world, &["A.lean", "B.lean"]).exit(), Some(0));
    let other = kept(&world);
    assert_eq!(
        eval(&world, &["--fail-on-warning", "A.lean"]).exit(),
        Some(1)
    );
    assert_eq!(eval(&world, &["A.lean"]).exit(), Some(0));
    assert_eq!(asked(&world, "unused"), 3);
    let world = world.file("A.lean", "def changed := 1\n");
    assert_eq!(eval(&world, &["A.lean"]).exit(), Some(0));
    assert_eq!(eval(&world, &["A.lean", "B.lean"]).exit(), Some(0));
    assert_eq!((asked(&world, "changed"), asked(&world, "def b")), (1, 1));
    let lines = kept(&world);
    assert_eq!((&lines[..2], lines.len()), (&other[..], 5));
}

#[test]
fn a_run_that_is_killed_again_and_again_evaluates_nothing_twice_and_loses_nothing() {
    let files: Vec<(String, String)> = (0..5)
        .map(|number| {
            // Slow enough at first that the first kill comes before it is done.
            let last = if number == 4 {
                "once flag slow 1000"
            } else {
                "slow 20"
            };
            let text = format!("--! {last}\ndef n{number} := 1\n");
            (format!("{number}.lean"), text)
        })
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let world = world(&files);
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let words = [
        &["eval", "--repl", "./repl", "--json", "--resume", LOG][..],
        &names,
    ]
    .concat();
    let mut decided: BTreeSet<String> = BTreeSet::new();
    let mut kills = 0;
    for _ in 0..files.len() {
        fs::write(world.work("requests.log"), "").unwrap();
        let mut running = world.start(&words);
        // A line that was evaluated now: one that was taken from the file ends otherwise.
        running.wait_for(Output::Stdout, "names it\"}}\n");
        running.signal(Signal::KILL);
        let seen = running.finish();
        for name in &decided {
            let word = format!("def n{}", name_number(name));
            assert_eq!(asked(&world, &word), 0, "{name} was evaluated twice");
        }
        // What was seen is kept.
        let whole = seen.stdout();
        let text = fs::read_to_string(world.work(LOG)).unwrap();
        for line in whole
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
        {
            let line: Value = serde_json::from_str(line).unwrap();
            if line["type"] == "file" {
                let start = format!("\"name\":{},", line["name"]);
                assert!(text.contains(&start), "{start} is lost");
            }
        }
        decided = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| {
                serde_json::from_str::<Value>(line).unwrap()["name"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        kills += 1;
        if decided.len() == files.len() {
            break;
        }
    }
    assert!(kills > 1, "it was never killed in the middle");
    fs::write(world.work("requests.log"), "").unwrap();
    assert_eq!(decided.len(), files.len());
    let seen = world.leanrepl(&words);
    assert_eq!(seen.exit(), Some(0), "{}", seen.stderr());
    assert_eq!(asked(&world, ""), 0);
    let found: BTreeSet<String> = verdicts(&world).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        (found.len(), kept(&world).len()),
        (files.len(), files.len())
    );
    world.assert_nothing_runs();
}

/// The number in the name of a file.
fn name_number(name: &str) -> &str {
    name.trim_end_matches(".lean")
}

#[test]
fn a_last_line_that_was_cut_is_removed_with_a_note() {
    let world = world(&[("A.lean", "def a := 1\n"), ("B.lean", "def b := 1\n")]);
    assert_eq!(eval(&world, &["A.lean", "B.lean"]).exit(), Some(0));
    let whole = fs::read(world.work(LOG)).unwrap();
    fs::write(world.work(LOG), &whole[..whole.len() - 40]).unwrap();
    snapshot!(eval(&world, &["A.lean", "B.lean"]), @"
    exit: 0
    ----- stderr -----
    note: the last line of `log.ndjson` was cut, and is removed
    2 files: 2 accepted; 1 kept from before in [TIME]
    ");
    assert_eq!((asked(&world, "def a"), asked(&world, "def b")), (1, 2));
    assert_eq!(kept(&world).len(), 2);
}

#[test]
fn a_file_that_is_no_resume_file_is_refused_and_stays_as_it_is() {
    let world = world(&[("A.lean", "def a := 1\n")]);
    let json = world
        .leanrepl(["eval", "--repl", "./repl", "--json", "A.lean"])
        .stdout();
    assert_eq!(eval(&world, &["A.lean"]).exit(), Some(0));
    let good = fs::read_to_string(world.work(LOG)).unwrap();
    for (text, line) in [
        ("theorem t : True := trivial".to_owned(), 1),
        (format!("{good}{{\"type\":\"file\",\"version\n{good}"), 2),
        (format!("{good}\n{good}"), 2),
        (format!("{good}\u{0}\u{1}"), 2),
        // What `--json` prints has not all that is needed.
        (json, 1),
        (good.replace("accepted", "perhaps"), 1),
    ] {
        fs::write(world.work(LOG), &text).unwrap();
        let seen = eval(&world, &["A.lean"]);
        assert_eq!(seen.exit(), Some(2), "{text}");
        let problem = format!("error: line {line} of `{LOG}` is not one that `--resume` wrote");
        assert!(seen.stderr().contains(&problem), "{}", seen.stderr());
        assert_eq!(fs::read_to_string(world.work(LOG)).unwrap(), text);
    }
    assert_eq!(asked(&world, "def a"), 2);
    fs::write(world.work(LOG), "theorem t : True := trivial").unwrap();
    snapshot!(eval(&world, &["A.lean"]), @"
    exit: 2
    ----- stderr -----
    error: line 1 of `log.ndjson` is not one that `--resume` wrote
      caused by: it does not begin as one

    hint: take it out if the file is a resume file, else name another file with `--resume`; nothing was changed
    ");
    // A line that is whole, but whose parts are not what they should be.
    fs::write(
        world.work(LOG),
        good.replace("\"messages\":[]", "\"messages\":[3]"),
    )
    .unwrap();
    snapshot!(eval(&world, &["A.lean"]), @"
    exit: 2
    ----- stderr -----
    error: the line about `A.lean` in `log.ndjson` cannot be understood
      caused by: expected a message, found 3

    hint: take the line out of the file, and run the same command again
    ");
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_anything_is_evaluated() {
    let world = world(&[("A.lean", "def a := 1\n")]);
    fs::create_dir(world.work("folder")).unwrap();
    for (place, problem) in [
        ("no/log.ndjson", "cannot open `no/log.ndjson`"),
        ("folder", "cannot open `folder`"),
        ("/dev/null", "`/dev/null` is not a regular file"),
        // Not even root can make a file there.
        ("/proc/log.ndjson", "cannot open `/proc/log.ndjson`"),
    ] {
        let seen = world.leanrepl(["eval", "--repl", "./repl", "--resume", place, "A.lean"]);
        assert_eq!(seen.exit(), Some(2), "{place}");
        assert!(seen.stderr().contains(problem), "{}", seen.stderr());
        assert!(seen.stderr().contains("hint: "), "{}", seen.stderr());
    }
    assert_eq!(asked(&world, ""), 0);
}

#[test]
fn a_full_disk_keeps_what_was_written_and_all_results_are_shown() {
    let world = world(&[
        ("A.lean", "--! error a\n"),
        ("B.lean", "--! error b\n"),
        ("C.lean", "--! error c\n"),
    ])
    .var("LEAN_FAKE_REPL", "");
    // Two blocks of 512 bytes hold one line, and not two.
    let line = "trap '' XFSZ; ulimit -f 2; exec leanrepl eval --repl ./repl --resume log.ndjson A.lean B.lean C.lean";
    snapshot!(world.start_program("sh", ["-c", line]).finish(), @"
    exit: 2
    ----- stdout -----
    error: a
     --> A.lean:1:1
      |
    1 | --! error a
      | ^

    error: b
     --> B.lean:1:1
      |
    1 | --! error b
      | ^

    error: c
     --> C.lean:1:1
      |
    1 | --! error c
      | ^

    ----- stderr -----
    note: cannot write `log.ndjson`: verdicts are shown, but not all are kept there
    3 files: 3 rejected in [TIME]
    error: 2 verdicts are not in `log.ndjson`
      caused by: cannot write `log.ndjson`
      caused by: File too large (os error 27)

    hint: free some space there, and run the same command again; what is in the file is kept
    ");
    assert_eq!(kept(&world).len(), 1);
    assert_eq!(
        eval(&world, &["A.lean", "B.lean", "C.lean"]).exit(),
        Some(1)
    );
    assert_eq!(kept(&world).len(), 3);
}

#[test]
fn two_runs_never_write_one_file() {
    let world = world(&[("A.lean", "--! error no\n"), ("B.lean", "--! hang\n")]);
    let mut running = world.start([
        "eval", "--repl", "./repl", "--resume", LOG, "A.lean", "B.lean",
    ]);
    running.wait_for(Output::Stdout, "error: no");
    snapshot!(eval(&world, &["A.lean"]), @"
    exit: 2
    ----- stderr -----
    error: another process writes `log.ndjson`

    hint: wait until it is done, or name another file with `--resume`: each process needs its own
    ");
    running.ctrl_c();
    assert_eq!(running.finish().exit(), Some(130));
    // The one that was stopped has no verdict.
    assert_eq!(kept(&world).len(), 1);
    assert_eq!(eval(&world, &["A.lean"]).exit(), Some(1));
    world.assert_nothing_runs();
}
