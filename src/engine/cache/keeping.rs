//! Which records are kept, those that would come out the same again, and what they are without their session. Pure.

use std::time::Duration;

use crate::engine::record::EvalRecord;
use crate::lean::message::Message;

/// Words by which a source reads the clock, chance, files, variables or how it is run. A word is a part of a
/// dotted name. A comment that has one counts as well.
const WORDS: [&str; 32] = [
    "monoMsNow",
    "monoNanosNow",
    "getNumHeartbeats",
    "getRandomBytes",
    "rand",
    "randBool",
    "randFin",
    "randNat",
    "stdGenRef",
    "setRandSeed",
    "Timestamp",
    "PlainDateTime",
    "ZonedDateTime",
    "timeit",
    "allocprof",
    "dbg_trace",
    "dbgTrace",
    "dbgSleep",
    "sleep",
    "FS",
    "Process",
    "getStdin",
    "getEnv",
    "appPath",
    "currentDir",
    "getTID",
    "include_str",
    "include_bytes",
    "profiler",
    "count_heartbeats",
    "ptrAddrUnsafe",
    "ptrEq",
];

/// Parts of messages about limits that depend on the machine or on what ran before.
const LIMITS: [&str; 7] = [
    "(deterministic) timeout",
    "maximum recursion",
    "deep recursion",
    "stack overflow",
    "maximum number of heartbeats",
    "out of memory",
    "excessive memory consumption",
];

/// Whether a source may be answered from what was kept: it names nothing that changes from run to run.
pub(crate) fn is_repeatable(source: &str) -> bool {
    let is_letter =
        |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '\'' | '!' | '?');
    let mut words = source.split(|letter| !is_letter(letter));
    !words.any(|word| WORDS.contains(&word))
}

/// Whether a record may be kept: Lean has said all that it would say again.
pub(crate) fn is_final(record: &EvalRecord) -> bool {
    let is_of_limit = |message: &Message| LIMITS.iter().any(|part| message.data.contains(part));
    record.undecided.is_none()
        && record.end_reached
        && record.lean.is_some()
        && record.isolation.is_some()
        && !record.messages.iter().any(is_of_limit)
}

/// A record that answers another request than its own.
pub(super) fn as_kept(mut record: EvalRecord) -> EvalRecord {
    record.cached = true;
    record.times.queue = Duration::ZERO;
    record
}

/// A record without what means something only where it was made.
pub(super) fn without_session(record: &EvalRecord) -> EvalRecord {
    EvalRecord {
        session: None,
        peak_memory_bytes: None,
        ..record.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::engine::record::LeanIdentity;
    use crate::engine::undecided::UndecidedReason;
    use crate::failure::{Failure, Kind};
    use crate::isolation::Isolation;
    use crate::protocol::wire::Reply;
    use crate::session::identity::Identity;

    #[test]
    fn what_changes_from_run_to_run_is_seen_by_its_words() {
        for source in [
            "#eval IO.monoMsNow",
            "open IO in #eval rand 0 9",
            "#eval «IO».FS.readFile \"x\"",
            "set_option profiler true",
            "#eval do let t ← Std.Time.Timestamp.now; IO.println t",
            "def s := include_str \"x\"",
        ] {
            assert!(!is_repeatable(source), "{source}");
        }
        for source in [
            "theorem t : 1 + 1 = 2 := rfl",
            "def operand (random : Nat) := random",
            "example : STATE := FSA",
        ] {
            assert!(is_repeatable(source), "{source}");
        }
    }

    fn lean() -> LeanIdentity {
        LeanIdentity {
            version: "4.28.0".to_owned(),
            identity: Identity {
                toolchain: "t".to_owned(),
                repl: "r".to_owned(),
                manifest: None,
            },
            pickle: None,
        }
    }

    /// Whether a record is kept, changed so.
    fn is_kept(change: impl FnOnce(&mut EvalRecord)) -> bool {
        let mut record = EvalRecord::empty();
        record.isolation = Some(Isolation::Source);
        record.lean = Some(Arc::new(lean()));
        change(&mut record);
        is_final(&record)
    }

    #[test]
    fn only_what_lean_said_to_the_end_is_kept() {
        let message = |data: &str| {
            let reply = json!({"env": 0, "messages": [
                {"severity": "error", "pos": {"line": 1, "column": 0}, "endPos": null, "data": data}
            ]});
            let Value::Object(object) = reply else {
                panic!("no object");
            };
            let Ok(Reply::Command(reply)) = Reply::from_object(object) else {
                panic!("no reply to a command");
            };
            reply.messages
        };
        assert!(is_kept(|_record| ()));
        assert!(is_kept(|record| record.messages = message("type mismatch")));
        for limit in LIMITS {
            let text = format!("{limit} at `whnf`");
            assert!(
                !is_kept(|record| record.messages = message(&text)),
                "{limit}"
            );
        }
        assert!(!is_kept(|record| record.end_reached = false));
        assert!(!is_kept(|record| record.isolation = None));
        assert!(!is_kept(|record| record.lean = None));
        let failure = Failure::new(Kind::Session, "it died", "try again");
        let undecided = EvalRecord::undecided(UndecidedReason::Crash, failure).undecided;
        assert!(!is_kept(|record| record.undecided = undecided));
    }
}
