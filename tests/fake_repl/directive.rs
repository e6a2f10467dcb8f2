//! Lines `--! …` in the text of a command, which say how this REPL is to answer it.
//!
//! `\n` in a TEXT is a line break. L:C is a place in the text as the REPL was given it: line from
//! 1, column from 0. Without a place a message stands at the directive itself and has no end.
//!
//! | directive | what the answer is like |
//! |---|---|
//! | `error [L:C [L:C]] TEXT`, `warning …`, `info …`, `trace …` | has this message |
//! | `sorry L:C [L:C] GOAL` | has this sorry, and the warning that goes with one |
//! | `tactic L:C L:C TEXT` | has this tactic, if tactics were asked for |
//! | `infotree JSON` | has this info tree, if trees were asked for |
//! | `many N` | has N infos |
//! | `huge BYTES` | has an info of this size |
//! | `print-env` | has an info with all variables of the process |
//! | `try NAME [ARGUMENT]` | has an info with what came of this attempt (`attempt`) |
//! | `poison TEXT` | comes; every later source of the process is recorded and answered as accepted with `poisoned by TEXT` |
//! | `spy` | comes; later sources of the process are recorded |
//! | `steal` | has an info with the sources that were recorded |
//! | `grown BYTES` | comes; with `--restore` the memory is said to have grown by this at each way back |
//! | `break-restore other-number`, `… no-number`, `… no-growth`, `… die` | comes; with `--restore` each later way back goes wrong so |
//! | `unknown-field` | has the field `fromTheFuture` at each level |
//! | `wrong-type` | has an `env` and `messages` of wrong types |
//! | `refuse TEXT` | says that the request cannot be done, and why |
//! | `lacking TEXT` | has the field by which core Lean names what it lacks |
//! | `refuse-lacking TEXT` | says so with the field by which core Lean names what it lacks |
//! | `garbage` | is no JSON |
//! | `slow-bytes` | comes byte by byte |
//! | `twice` | comes twice |
//! | `stale` | comes after the reply to the text before, if there was one with a directive |
//! | `once FILE DIRECTIVE` | is like DIRECTIVE unless FILE is there, and makes FILE |
//! | `slow MILLIS` | comes later |
//! | `noise TEXT` | comes after a stray line |
//! | `noise-blank TEXT` | comes after a stray line and a blank line |
//! | `noise-bytes` | comes after a stray line that is not UTF-8 |
//! | `fake-reply JSON` | comes after a forged one |
//! | `late-fake-reply MILLIS JSON` | is followed by a forged one, from a child that lives on |
//! | `stderr TEXT` | comes with a line on stderr |
//! | `flood-stderr BYTES` | comes after this much on stderr |
//! | `flood-stdout BYTES`, `flood-stdout endless` | comes after one line of this length; never |
//! | `hang` | never comes |
//! | `grow BYTES` | never comes, and the memory is used |
//! | `leak BYTES` | comes, and the memory stays in use |
//! | `spin` | comes; a thread goes on using a processor |
//! | `spawn-hang` | never comes; a grandchild in the group holds stdout, its pid is on stderr |
//! | `spawn-setsid` | comes; a grandchild in a session of its own holds stdout, likewise |
//! | `spawn-orphan BYTES` | comes; a process in a session of its own that has lost its parent holds this much memory |
//! | `die [CODE]` | never comes: exit, with 1 if not said |
//! | `die-mid-reply` | breaks off in its middle: exit 1 |
//! | `abort`, `segv` | never comes: SIGABRT, SIGSEGV |
//! | `stack-overflow` | never comes: Lean's text on stderr, then SIGABRT |

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::attempt::Attempt;
use crate::flags::number;
use crate::memory::RestoreFault;
use crate::misdeed::Misdeed;

/// A place in a text: line from 1, column from 0.
pub(crate) type Place = (usize, usize);

/// The field by which core Lean names what it lacks for a source.
pub(crate) const LACKING: &str = "unsupported";

/// What one line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Directive {
    /// A message.
    Message {
        /// The severity as on the wire.
        severity: &'static str,
        /// Where it begins and ends, if said.
        place: Option<(Place, Option<Place>)>,
        /// The text.
        data: String,
    },
    /// A hole.
    Sorry {
        /// Where it begins.
        start: Place,
        /// Where it ends.
        end: Place,
        /// The open goal.
        goal: String,
    },
    /// A tactic.
    Tactic {
        /// Where it begins.
        start: Place,
        /// Where it ends.
        end: Place,
        /// Its text.
        tactic: String,
    },
    /// An info tree.
    Infotree(Value),
    /// So many messages.
    Many(usize),
    /// All variables of the process in a message.
    PrintEnv,
    /// What came of an attempt in a message.
    Try(Attempt),
    /// The field by which core Lean names what it lacks.
    Lacking(String),
    /// This in place of the answer to every later source.
    Poison(String),
    /// Later sources are recorded.
    Spy,
    /// The recorded sources in a message.
    Steal,
    /// So much growth at each way back.
    Grown(u64),
    /// A way back that goes wrong.
    BreakRestore(RestoreFault),
    /// Fields of a newer REPL.
    UnknownField,
    /// This text in place of the reply.
    Instead(String),
    /// The reply byte by byte.
    SlowBytes,
    /// The reply twice.
    Twice,
    /// The reply to the text before this one, and then the reply.
    Stale,
    /// Something that happens only if a file is not there, which is made then.
    Once(PathBuf, Box<Self>),
    /// Something that happens before the reply.
    Before(Misdeed),
}

impl Directive {
    /// Reads the line if it is a directive. The error says what does not fit: a misspelt scenario
    /// must not look like an honest REPL.
    pub(crate) fn parse(line: &str) -> Option<Result<Self, String>> {
        let wish = line.trim().strip_prefix("--!")?.trim();
        let problem = |why| format!("fake-repl: `{wish}`: {why}");
        Some(Self::of_wish(wish).map_err(problem))
    }

    /// Reads what follows the mark of a directive.
    fn of_wish(wish: &str) -> Result<Self, String> {
        let (name, rest) = wish.split_once(' ').unwrap_or((wish, ""));
        if name == "once" {
            let (file, then) = rest.split_once(' ').unwrap_or((rest, ""));
            return Ok(Self::Once(file.into(), Box::new(Self::of_wish(then)?)));
        }
        content(name, rest)
            .or_else(|| lasting(name, rest))
            .or_else(|| before(name, rest))
            .unwrap_or_else(|| Err("no such directive".to_owned()))
    }
}

/// The directives that decide what the reply holds.
fn content(name: &str, rest: &str) -> Option<Result<Directive, String>> {
    Some(match name {
        "error" => Ok(message("error", rest)),
        "warning" => Ok(message("warning", rest)),
        "info" => Ok(message("info", rest)),
        "trace" => Ok(message("trace", rest)),
        "sorry" => span(rest).map(|(start, end, goal)| Directive::Sorry { start, end, goal }),
        "tactic" => span(rest).map(|(start, end, tactic)| Directive::Tactic { start, end, tactic }),
        "infotree" => json_value(rest).map(Directive::Infotree),
        "many" => number(rest).map(Directive::Many),
        "huge" => number(rest).map(|size| Directive::Message {
            severity: "info",
            place: None,
            data: "x".repeat(size),
        }),
        "print-env" => Ok(Directive::PrintEnv),
        "try" => Attempt::parse(rest).map(Directive::Try),
        "lacking" => Ok(Directive::Lacking(unescape(rest))),
        "unknown-field" => Ok(Directive::UnknownField),
        "wrong-type" => Ok(instead(r#"{"messages": {}, "env": "zero"}"#)),
        "refuse" => Ok(Directive::Instead(
            json!({"message": unescape(rest)}).to_string(),
        )),
        "refuse-lacking" => Ok(Directive::Instead(
            json!({"message": "not possible", LACKING: [unescape(rest)]}).to_string(),
        )),
        "garbage" => Ok(instead("this is no JSON")),
        "slow-bytes" => Ok(Directive::SlowBytes),
        "twice" => Ok(Directive::Twice),
        "stale" => Ok(Directive::Stale),
        _ => return None,
    })
}

/// The directives that decide what becomes of later sources.
fn lasting(name: &str, rest: &str) -> Option<Result<Directive, String>> {
    Some(match name {
        "poison" => Ok(Directive::Poison(format!("poisoned by {rest}"))),
        "spy" => Ok(Directive::Spy),
        "steal" => Ok(Directive::Steal),
        "grown" => number(rest).map(Directive::Grown),
        "break-restore" => restore_fault(rest).map(Directive::BreakRestore),
        _ => return None,
    })
}

/// Reads how the way back goes wrong.
fn restore_fault(name: &str) -> Result<RestoreFault, String> {
    Ok(match name {
        "other-number" => RestoreFault::OtherNumber,
        "no-number" => RestoreFault::NoNumber,
        "no-growth" => RestoreFault::NoGrowth,
        "die" => RestoreFault::Die,
        other => return Err(format!("no way back is `{other}`")),
    })
}

/// This text in place of the reply.
fn instead(text: &str) -> Directive {
    Directive::Instead(text.to_owned())
}

/// The directives that decide what happens before the reply.
fn before(name: &str, rest: &str) -> Option<Result<Directive, String>> {
    let misdeed = match name {
        "slow" => number(rest).map(|millis| Misdeed::Slow(Duration::from_millis(millis))),
        "noise" => Ok(Misdeed::Noise(unescape(rest))),
        "noise-blank" => Ok(Misdeed::Noise(unescape(rest) + "\n")),
        "noise-bytes" => Ok(Misdeed::NoiseBytes),
        "fake-reply" => json_value(rest).map(|_| Misdeed::Noise(format!("{rest}\n"))),
        "late-fake-reply" => late(rest),
        "stderr" => Ok(Misdeed::Stderr(unescape(rest) + "\n")),
        "flood-stderr" => number(rest).map(|size| Misdeed::Stderr(lines(size))),
        "flood-stdout" if rest == "endless" => Ok(Misdeed::FloodStdout(None)),
        "flood-stdout" => number(rest).map(|size| Misdeed::FloodStdout(Some(size))),
        "hang" => Ok(Misdeed::Hang),
        "grow" => number(rest).map(Misdeed::Grow),
        "leak" => number(rest).map(Misdeed::Leak),
        "spin" => Ok(Misdeed::Spin),
        "spawn-hang" => Ok(Misdeed::SpawnAndHang),
        "spawn-setsid" => Ok(Misdeed::SpawnSession),
        "spawn-orphan" => number(rest).map(Misdeed::SpawnOrphan),
        "die" if rest.is_empty() => Ok(Misdeed::Die(1)),
        "die" => number(rest).map(Misdeed::Die),
        "die-mid-reply" => Ok(Misdeed::DieMidReply),
        "abort" => Ok(Misdeed::Abort),
        "segv" => Ok(Misdeed::Segv),
        "stack-overflow" => Ok(Misdeed::StackOverflow),
        _ => return None,
    };
    Some(misdeed.map(Directive::Before))
}

/// Reads `[L:C [L:C]] TEXT`.
fn message(severity: &'static str, rest: &str) -> Directive {
    let (start, after) = leading_place(rest);
    let (end, text) = match start {
        Some(_) => leading_place(after),
        None => (None, rest),
    };
    Directive::Message {
        severity,
        place: start.map(|start| (start, end)),
        data: unescape(text),
    }
}

/// Reads `L:C [L:C] TEXT`; an end that is not said is five columns on, as for `sorry`.
fn span(rest: &str) -> Result<(Place, Place, String), String> {
    let (start, rest) = leading_place(rest);
    let start = start.ok_or_else(|| "a place L:C must come first".to_owned())?;
    let (end, text) = leading_place(rest);
    let end = end.unwrap_or((start.0, start.1 + "sorry".len()));
    Ok((start, end, unescape(text)))
}

/// Reads `MILLIS JSON`.
fn late(rest: &str) -> Result<Misdeed, String> {
    let (millis, json) = rest.split_once(' ').unwrap_or((rest, ""));
    json_value(json)?;
    Ok(Misdeed::LateReply {
        after_millis: number(millis)?,
        json: json.to_owned(),
    })
}

/// Takes a place off the front of a text.
fn leading_place(text: &str) -> (Option<Place>, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let place = word
        .split_once(':')
        .and_then(|(line, column)| Some((line.parse().ok()?, column.parse().ok()?)));
    match place {
        Some(place) => (Some(place), rest),
        None => (None, text),
    }
}

/// Checks that a text is JSON.
fn json_value(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|err| format!("`{text}` is no JSON: {err}"))
}

/// Puts in the line breaks.
fn unescape(text: &str) -> String {
    text.replace("\\n", "\n")
}

/// Lines of 79 letters, `size` bytes in all.
fn lines(size: usize) -> String {
    let line = format!("{}\n", "e".repeat(79));
    let mut text = line.repeat(size / line.len() + 1);
    text.truncate(size);
    text
}

/// A place as on the wire.
pub(crate) fn place_json((line, column): Place) -> Value {
    json!({"line": line, "column": column})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_may_say_where_it_stands() {
        let parse = |line| Directive::parse(line).unwrap().unwrap();
        let message = |place, data: &str| Directive::Message {
            severity: "error",
            place,
            data: data.to_owned(),
        };
        assert_eq!(
            parse("  --! error 3:4 3:9 some\\ntext"),
            message(Some(((3, 4), Some((3, 9)))), "some\ntext")
        );
        assert_eq!(
            parse("--! error 3:4 text"),
            message(Some(((3, 4), None)), "text")
        );
        assert_eq!(
            parse("--! error expected: 1:2"),
            message(None, "expected: 1:2")
        );
    }

    #[test]
    fn a_misspelt_directive_is_refused() {
        for line in [
            "--! hagn",
            "--! die soon",
            "--! sorry x",
            "--! fake-reply {",
            "--! once file",
            "--! once file hagn",
            "--! break-restore a-bit",
            "--!",
        ] {
            assert!(Directive::parse(line).unwrap().is_err(), "{line}");
        }
        assert_eq!(Directive::parse("-- ! die"), None);
    }

    #[test]
    fn a_flood_has_the_size_asked_for() {
        assert_eq!(lines(0), "");
        assert_eq!(lines(1000).len(), 1000);
    }
}
