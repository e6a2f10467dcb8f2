//! What a user sees of whole results.

use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::engine::judge::{Judged, Judgement, Policy, Verdict, judge};
use crate::engine::record::{BaseKind, EvalRecord, Times};
use crate::engine::report::Counts;
use crate::engine::undecided::{Undecided, UndecidedReason};
use crate::event::Event;
use crate::failure::{Failure, Kind};
use crate::lean::message::{Extra, Message, ProofStateId, Severity, Sorry, Tactic};
use crate::lean::position::Position;
use crate::ui::human::{self, Look};
use crate::ui::mode::{Color, Format, Loudness, Mode, Output, Streams, Surroundings};
use crate::ui::paint::Paint;
use crate::ui::{Ui, Written};

/// A place as Lean counts it.
fn at(line: u64, column: u64) -> Position {
    Position { line, column }
}

/// A message from `pos` to `end`.
fn message(severity: Severity, pos: Position, end: Option<Position>, data: &str) -> Message {
    Message {
        severity,
        pos,
        end_pos: end,
        data: data.to_owned(),
        extra: Extra::new(),
    }
}

/// An error from `pos` to `end`.
fn error(pos: Position, end: Option<Position>, data: &str) -> Message {
    message(Severity::Error, pos, end, data)
}

/// A file named `A.lean` in which Lean said `messages`.
fn file(text: &str, messages: Vec<Message>) -> Judged {
    let mut record = EvalRecord::empty();
    record.messages = messages;
    record.base = Some(BaseKind::Import);
    record.times = Times {
        header: Duration::from_micros(250_400),
        body: Duration::from_millis(1500),
        ..Times::default()
    };
    Judged {
        name: "A.lean".to_owned(),
        source: text.into(),
        record,
        judgement: Judgement {
            verdict: Verdict::Rejected,
            reasons: Vec::new(),
            undecided: None,
        },
        is_resumed: false,
    }
}

/// The hole in [`holes`].
fn hole() -> Sorry {
    Sorry {
        pos: Some(at(2, 2)),
        end_pos: Some(at(2, 7)),
        goal: "n : Nat\n⊢ n + 0 = n".to_owned(),
        proof_state: Some(ProofStateId(0)),
        extra: Extra::new(),
    }
}

/// A file with a hole, a warning before it and an output behind it.
fn holes() -> Judged {
    let text = "theorem t (n : Nat) : n + 0 = n := by\n  sorry\n#eval 1\n";
    let said = "declaration uses `sorry`";
    let warning = message(Severity::Warning, at(1, 8), Some(at(1, 9)), said);
    let info = message(Severity::Info, at(3, 0), Some(at(3, 5)), "1");
    let mut file = file(text, vec![warning, info]);
    file.record.sorries.push(hole());
    file
}

/// A file nobody could decide, with a name that needs care.
fn undecided() -> Judged {
    let mut file = file("", Vec::new());
    file.name = "b,\u{1b}[2J.lean".to_owned();
    let failure = Failure::new(Kind::Session, "the REPL died", "raise `--memory`");
    let failure = failure.caused_by(io::Error::other("exit code 134"));
    file.record.undecided = Some(Undecided {
        reason: UndecidedReason::Crash,
        failure,
    });
    file.judgement = judge(&file.record, Policy::default());
    file
}

/// What a person sees, without colour.
fn human(file: &Judged) -> String {
    human::file(file, look(false))
}

/// 100 columns, not quiet.
fn look(color: bool) -> Look {
    Look {
        paint: Paint::new(color),
        columns: 100,
        quiet: false,
    }
}

#[test]
fn an_error_marks_its_range_and_keeps_the_shape_of_its_text() {
    let text = "theorem a : 1 = 2 := by rfl\ntheorem b : 1 = 2 :=\n  (h : 2 = 1)\n";
    let mismatch = "Type mismatch\n  h\nhas type\n  2 = 1\nbut is expected to have type\n\n  1 = 2";
    let messages = vec![
        error(at(1, 24), Some(at(1, 27)), "The rfl tactic failed"),
        error(at(3, 2), Some(at(3, 13)), mismatch),
    ];
    assert_snapshot!(human(&file(text, messages)), @r"
    error: The rfl tactic failed
     --> A.lean:1:25
      |
    1 | theorem a : 1 = 2 := by rfl
      |                         ^^^

    error: Type mismatch
             h
           has type
             2 = 1
           but is expected to have type

             1 = 2
     --> A.lean:3:3
      |
    3 |   (h : 2 = 1)
      |   ^^^^^^^^^^^
    ");
}

#[test]
fn a_range_of_several_lines_is_folded() {
    let text = "theorem a : p := by\n  simp\n  intro x\n  intro y\n  intro z\n  intro w\n  done\n";
    let messages = vec![
        error(at(1, 17), Some(at(3, 9)), "unsolved goals\nx : Nat\n⊢ p"),
        error(at(1, 17), Some(at(7, 6)), "unsolved goals"),
        error(at(2, 2), Some(at(3, 0)), "up to the end of its line"),
    ];
    assert_snapshot!(human(&file(text, messages)), @r"
    error: unsolved goals
           x : Nat
           ⊢ p
     --> A.lean:1:18
      |
    1 |   theorem a : p := by
      |  __________________^
    2 | |   simp
    3 | |   intro x
      | |_________^

    error: unsolved goals
     --> A.lean:1:18
      |
    1 |   theorem a : p := by
      |  __________________^
    2 | |   simp
    3 | |   intro x
    4 | |   intro y
    5 | |   intro z
    6 | |   intro w
    7 | |   done
      | |______^

    error: up to the end of its line
     --> A.lean:2:3
      |
    2 |   simp
      |   ^^^^
    ");
}

#[test]
fn a_range_of_thousands_of_lines_shows_its_first() {
    let text = "  simp\n".repeat(5000);
    let messages = vec![error(at(7, 2), Some(at(4000, 1)), "long")];
    assert_snapshot!(human(&file(&text, messages)), @r"
    error: long
     --> A.lean:7:3
      |
    7 |   simp
      |   ^^^^ and on to 4000:2
    ");
}

#[test]
fn tabs_and_wide_characters_are_marked_in_place() {
    let text = "\tdef 数学 := foo\ndef s := \"👩‍💻é\" + bar -- α→β\n";
    let messages = vec![
        error(at(1, 5), Some(at(1, 7)), "wide"),
        error(at(1, 11), Some(at(1, 14)), "behind wide"),
        error(
            at(2, 18),
            Some(at(2, 21)),
            "behind an emoji of three codepoints",
        ),
    ];
    assert_snapshot!(human(&file(text, messages)), @r#"
    error: wide
     --> A.lean:1:6
      |
    1 |     def 数学 := foo
      |         ^^^^

    error: behind wide
     --> A.lean:1:12
      |
    1 |     def 数学 := foo
      |                 ^^^

    error: behind an emoji of three codepoints
     --> A.lean:2:19
      |
    2 | def s := "👩💻é" + bar -- α→β
      |                    ^^^
    "#);
}

#[test]
fn places_at_and_beyond_the_end_are_named() {
    let text = "def x :=\r\n";
    let messages = vec![
        error(at(1, 4), None, "no end"),
        error(at(1, 8), None, "at the line's end"),
        error(at(1, 99), Some(at(1, 100)), "beyond the line"),
        error(at(2, 0), None, "unexpected end of input"),
        error(at(12, 3), None, "beyond the text"),
    ];
    assert_snapshot!(human(&file(text, messages)), @r"
    error: no end
     --> A.lean:1:5
      |
    1 | def x :=
      |     ^

    error: at the line's end
     --> A.lean:1:9
      |
    1 | def x :=
      |         ^

    error: beyond the line
     --> A.lean:1:100
      |
    1 | def x :=
      |         ^

    error: unexpected end of input
     --> A.lean:2:1
      |
    2 |
      | ^

    error: beyond the text
     --> A.lean:12:4
    ");
    assert_snapshot!(human(&file("", vec![error(at(1, 0), None, "empty file")])), @r"
    error: empty file
     --> A.lean:1:1
      |
    1 |
      | ^
    ");
}

#[test]
fn a_goal_follows_the_warning_about_its_declaration() {
    assert_snapshot!(human(&holes()), @r"
    warning: declaration uses `sorry`
     --> A.lean:1:9
      |
    1 | theorem t (n : Nat) : n + 0 = n := by
      |         ^

    goal: n : Nat
          ⊢ n + 0 = n
     --> A.lean:2:3
      |
    2 |   sorry
      |   ^^^^^ left open here

    info: 1
     --> A.lean:3:1
      |
    3 | #eval 1
      | ^^^^^
    ");
}

#[test]
fn tactics_and_infotrees_can_be_read() {
    let mut file = file("theorem t : p := by simp\n", Vec::new());
    file.record.tactics.push(Tactic {
        tactic: "simp".to_owned(),
        goals: "n : Nat\n⊢ p".to_owned(),
        proof_state: None,
        pos: Some(at(1, 20)),
        end_pos: Some(at(1, 24)),
        used_constants: None,
        extra: Extra::new(),
    });
    file.record.infotree = Some(json!([{ "kind": "TacticInfo", "children": [] }]));
    assert_snapshot!(human(&file), @r#"
    tactic: simp
     --> A.lean:1:21
     goals: n : Nat
            ⊢ p

    infotree of A.lean:
    [
      {
        "children": [],
        "kind": "TacticInfo"
      }
    ]
    "#);
}

#[test]
fn nothing_of_others_reaches_the_terminal_raw() {
    let text = "def x := \"\u{1b}[31m\u{9b}\u{202e}\" -- \u{7}\rend\n";
    let mut file = file(
        text,
        vec![
            error(
                at(1, 9),
                Some(at(1, 18)),
                "bad\u{1b}]0;title\u{7}\r\n\u{1b}[2J\tnext",
            ),
            message(Severity::Other("\u{1b}c".to_owned()), at(1, 0), None, "odd"),
        ],
    );
    file.name = "\u{1b}[2J\n.lean".to_owned();
    let shown = human(&file);
    let raw = |c: char| c.is_control() && c != '\n' && c != '\t' || c == '\u{202e}';
    assert_eq!(shown.find(raw), None, "{shown:?}");
    assert_snapshot!(shown, @r#"
    error: bad␛]0;title␇
           ␛[2J	next
     --> ␛[2J␊.lean:1:10
      |
    1 | def x := "␛[31m��" -- ␇␍end
      |          ^^^^^^^^^

    ␛c: odd
     --> ␛[2J␊.lean:1:1
      |
    1 | def x := "␛[31m��" -- ␇␍end
      | ^
    "#);
}

#[test]
fn colour_changes_no_text() {
    let file = holes();
    let colored = human::file(&file, look(true));
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some((before, escape)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = escape.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_ne!(plain, colored);
    let trimmed: Vec<&str> = plain.lines().map(str::trim_end).collect();
    assert_eq!(trimmed, human(&file).lines().collect::<Vec<_>>());
}

#[test]
fn no_place_breaks_the_drawing() {
    let pieces = [
        "a",
        "\t",
        "数",
        "\u{200d}",
        "👩",
        "\r",
        "\n",
        "\u{301}",
        "\0",
        " ",
        "\u{1b}",
        "a longer word",
    ];
    // A linear congruential generator (Knuth's constants): the same texts in every run.
    let mut seed = 1_u64;
    let mut next = |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let narrow = Look {
        columns: 40,
        ..look(false)
    };
    for _ in 0..5000 {
        let text: String = (0..next(60))
            .map(|_| pieces[usize::try_from(next(12)).unwrap()])
            .collect();
        let pos = at(next(8), next(60));
        let end = (next(4) > 0).then(|| at(next(8), next(60)));
        let shown = human::file(&file(&text, vec![error(pos, end, "m")]), narrow);
        let place = format!("--> A.lean:{}:{}\n", pos.line, pos.column + 1);
        assert!(shown.contains(&place), "{text:?} {pos:?} {end:?}");
        let line = usize::try_from(pos.line).unwrap();
        let inside = line > 0 && line <= text.split('\n').count();
        let marked = shown.contains('^');
        assert_eq!(marked, inside, "{text:?} {pos:?} {end:?}\n{shown}");
    }
}

/// A stream that can be read while it is written.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Tape {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A stream that always fails in one way.
struct Broken(ErrorKind);

impl Write for Broken {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

/// A mode without terminals.
fn mode(format: Format, loudness: Loudness) -> Mode {
    let output = Output {
        format,
        loudness,
        color: Color::Never,
    };
    Mode::decide(Streams::default(), output, Surroundings::default())
}

/// Both streams after a run over a file with a hole and an undecided one.
fn run(format: Format, loudness: Loudness) -> String {
    let (out, err) = (Tape::default(), Tape::default());
    let ui = Ui::on(
        mode(format, loudness),
        Box::new(out.clone()),
        Box::new(err.clone()),
    );
    let toolchain = json!({ "name": "core" });
    let mut rejected = holes();
    rejected
        .judgement
        .reasons
        .push("a sorry was found (`--fail-on-sorry`)".to_owned());
    let mut counts = Counts::default();
    ui.files_started(2);
    for file in [rejected, undecided()] {
        counts.add(file.judgement.verdict, file.record.has_sorry());
        assert_eq!(ui.file_done(&file, &toolchain).unwrap(), Written::Done);
    }
    let written = ui.summary(&counts, Duration::from_millis(2149), 5).unwrap();
    assert_eq!(written, Written::Done);
    format!("{}----- stderr -----\n{}", out.text(), err.text())
}

#[test]
fn a_run_for_people() {
    assert_snapshot!(run(Format::Human, Loudness::Verbose), @r"
    warning: declaration uses `sorry`
     --> A.lean:1:9
      |
    1 | theorem t (n : Nat) : n + 0 = n := by
      |         ^

    goal: n : Nat
          ⊢ n + 0 = n
     --> A.lean:2:3
      |
    2 |   sorry
      |   ^^^^^ left open here

    info: 1
     --> A.lean:3:1
      |
    3 | #eval 1
      | ^^^^^

    ----- stderr -----
    error: A.lean: a sorry was found (`--fail-on-sorry`)
    rejected: A.lean (header 0.3 s, body 1.5 s)
    error: b,␛[2J.lean: the REPL died
      caused by: exit code 134

    hint: raise `--memory`

    undecided: b,␛[2J.lean (header 0.3 s, body 1.5 s)
    2 files: 1 rejected, 1 undecided in 2.1 s
    ");
}

#[test]
fn quiet_leaves_only_errors() {
    assert_snapshot!(run(Format::Human, Loudness::Quiet), @"
    warning: declaration uses `sorry`
     --> A.lean:1:9
      |
    1 | theorem t (n : Nat) : n + 0 = n := by
      |         ^

    ----- stderr -----
    error: A.lean: a sorry was found (`--fail-on-sorry`)
    error: b,␛[2J.lean: the REPL died
      caused by: exit code 134

    hint: raise `--memory`
    ");
}

#[test]
fn a_run_in_json() {
    assert_snapshot!(run(Format::Json, Loudness::Normal), @r#"
    {"type":"file","version":2,"name":"A.lean","verdict":"rejected","messages":[{"data":"declaration uses `sorry`","endPos":{"column":9,"line":1},"pos":{"column":8,"line":1},"severity":"warning"},{"data":"1","endPos":{"column":5,"line":3},"pos":{"column":0,"line":3},"severity":"info"}],"sorries":[{"endPos":{"column":7,"line":2},"goal":"n : Nat\n⊢ n + 0 = n","pos":{"column":2,"line":2},"proofState":0}],"reasons":["a sorry was found (`--fail-on-sorry`)"],"base":"import","cached":false,"seconds":{"queue":0.0,"header":0.2504,"body":1.5},"toolchain":{"name":"core"}}
    {"type":"file","version":2,"name":"b,\u001b[2J.lean","verdict":"undecided","messages":[],"sorries":[],"reasons":[],"reason":"crash","failure":{"kind":"session","problem":"the REPL died","hint":"raise `--memory`","causes":["exit code 134"]},"base":"import","cached":false,"seconds":{"queue":0.0,"header":0.2504,"body":1.5},"toolchain":{"name":"core"}}
    {"type":"summary","version":2,"accepted":0,"rejected":1,"undecided":1,"with_sorry":0,"unfinished":0,"seconds":2.149,"exit_code":5}
    ----- stderr -----
    error: A.lean: a sorry was found (`--fail-on-sorry`)
    error: b,␛[2J.lean: the REPL died
      caused by: exit code 134

    hint: raise `--memory`

    2 files: 1 rejected, 1 undecided in 2.1 s
    "#);
}

#[test]
fn a_run_on_github() {
    assert_snapshot!(run(Format::Github, Loudness::Normal), @"
    ::warning file=A.lean,line=1,endLine=1,col=9,endColumn=10,title=Lean warning::declaration uses `sorry`
    ::notice file=A.lean,line=3,endLine=3,col=1,endColumn=6,title=Lean info::1
    ::notice file=A.lean,line=2,endLine=2,col=3,endColumn=8,title=goal left open::n : Nat%0A⊢ n + 0 = n
    ::error file=A.lean,title=rejected::a sorry was found (`--fail-on-sorry`)
    ::error file=b%2C␛[2J.lean,title=undecided::the REPL died%0Acaused by: exit code 134%0Ahint: raise `--memory`
    ----- stderr -----
    warning: declaration uses `sorry`
     --> A.lean:1:9
      |
    1 | theorem t (n : Nat) : n + 0 = n := by
      |         ^

    goal: n : Nat
          ⊢ n + 0 = n
     --> A.lean:2:3
      |
    2 |   sorry
      |   ^^^^^ left open here

    info: 1
     --> A.lean:3:1
      |
    3 | #eval 1
      | ^^^^^

    error: A.lean: a sorry was found (`--fail-on-sorry`)
    error: b,␛[2J.lean: the REPL died
      caused by: exit code 134

    hint: raise `--memory`

    2 files: 1 rejected, 1 undecided in 2.1 s
    ");
}

#[test]
fn github_annotations_are_escaped_and_cannot_be_forged() {
    let (out, err) = (Tape::default(), Tape::default());
    let mode = mode(Format::Github, Loudness::Normal);
    let ui = Ui::on(mode, Box::new(out.clone()), Box::new(err.clone()));
    let text = "#eval IO.println \"x\"\n";
    let forged = "50%\r\n ::error::forged\n##[error]forged";
    let mut file = file(text, vec![error(at(1, 0), Some(at(2, 0)), forged)]);
    file.name = "./a:b,c%.lean".to_owned();
    assert_eq!(ui.file_done(&file, &Value::Null).unwrap(), Written::Done);
    assert_snapshot!(out.text(), @r"
    ::error file=a%3Ab%2Cc%25.lean,line=1,endLine=2,title=Lean error::50%25%0A ::error::forged%0A##[error]forged
    ");
    for line in err.text().lines() {
        assert!(
            !line.trim_start().starts_with("::") && !line.contains("##["),
            "{line:?}"
        );
    }
    assert!(err.text().contains(":\u{200b}:error::forged"));
}

#[test]
fn a_failed_run_is_the_last_json_line_too() {
    let (out, err) = (Tape::default(), Tape::default());
    let mode = mode(Format::Json, Loudness::Quiet);
    let ui = Ui::on(mode, Box::new(out.clone()), Box::new(err.clone()));
    ui.failure(&Failure::new(
        Kind::Project,
        "no `npm` is found",
        "install it",
    ));
    assert_snapshot!(out.text() + &err.text(), @r#"
    {"type":"failure","version":2,"kind":"project","problem":"no `npm` is found","hint":"install it","causes":[]}
    error: no `npm` is found

    hint: install it
    "#);
}

#[test]
fn a_reader_that_left_is_no_failure() {
    let out = Box::new(Broken(ErrorKind::BrokenPipe));
    let ui = Ui::on(
        mode(Format::Human, Loudness::Normal),
        out,
        Box::new(io::sink()),
    );
    assert!(!ui.stdout_closed());
    assert_eq!(ui.data_line("x").unwrap(), Written::Closed);
    assert!(ui.stdout_closed());
    let written = ui.file_done(&holes(), &Value::Null).unwrap();
    assert_eq!(written, Written::Closed);
}

#[test]
fn a_full_disk_under_stdout_is_a_failure() {
    let out = Box::new(Broken(ErrorKind::StorageFull));
    let ui = Ui::on(
        mode(Format::Human, Loudness::Normal),
        out,
        Box::new(io::sink()),
    );
    let failure = ui.data_line("x").unwrap_err();
    assert_eq!(failure.problem(), "cannot write the result to stdout");
    assert_eq!(failure.causes().len(), 1);
    assert!(!ui.stdout_closed());
}

#[test]
fn an_unwritable_stderr_is_ignored() {
    let err = Box::new(Broken(ErrorKind::StorageFull));
    let ui = Ui::on(
        mode(Format::Human, Loudness::Normal),
        Box::new(io::sink()),
        err,
    );
    ui.observer().tell(Event::Noted { text: "lost" });
    let written = ui.summary(&Counts::default(), Duration::ZERO, 0).unwrap();
    assert_eq!(written, Written::Done);
}

#[test]
fn ten_thousand_messages_on_a_large_file_are_drawn_whole() {
    let text = "example (n : Nat) : n + 0 = n := by simp\n".repeat(50_000);
    let messages = (0..10_000).map(|at_line| error(at(at_line * 5 + 1, 33), None, "slow"));
    let shown = human(&file(&text, messages.collect()));
    assert_eq!(shown.matches("error: slow\n").count(), 10_000);
    assert!(shown.contains("\n49996 | example"));
}
