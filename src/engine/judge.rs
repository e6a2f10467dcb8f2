//! A record and a policy → the verdict. The only place that decides one, for every door. Never asks a
//! session and never renders.

use std::sync::Arc;

use crate::engine::record::EvalRecord;
use crate::engine::undecided::{Undecided, UndecidedReason};
use crate::failure::{Failure, Kind};
use crate::lean::message::Severity;

/// How many declarations a reason names.
const NAMED: usize = 5;

/// What rejects a source that Lean accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// A `sorry`, written or hidden.
    pub fail_on_sorry: bool,
    /// A warning.
    pub fail_on_warning: bool,
}

/// What a record means for a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Lean had no objection, nor had the policy.
    Accepted,
    /// Lean reported an error, or the policy rejects what it reported.
    Rejected,
    /// Nothing is known.
    Undecided,
}

impl Verdict {
    /// The word for it, in text and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Undecided => "undecided",
        }
    }
}

/// A verdict with its grounds.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why the source is rejected beyond Lean's errors, one phrase each.
    pub reasons: Vec<String>,
    /// Why it is undecided; present exactly if it is.
    pub undecided: Option<Undecided>,
}

impl Judgement {
    /// Why the source is undecided, in a word.
    pub fn reason(&self) -> Option<UndecidedReason> {
        self.undecided.as_ref().map(|undecided| undecided.reason)
    }

    /// Why the source is undecided, in full.
    pub fn failure(&self) -> Option<&Failure> {
        self.undecided.as_ref().map(|undecided| &undecided.failure)
    }

    /// A judgement without grounds.
    fn plain(verdict: Verdict) -> Self {
        Self {
            verdict,
            reasons: Vec::new(),
            undecided: None,
        }
    }

    /// The judgement on a source about which nothing is known.
    fn undecided(undecided: Undecided) -> Self {
        Self {
            undecided: Some(undecided),
            ..Self::plain(Verdict::Undecided)
        }
    }
}

/// A source with the record of its evaluation and the judgement on it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The path as the user wrote it, `<stdin>` for `-`.
    pub name: String,
    /// The whole source, empty if it could not be read.
    pub source: Arc<str>,
    /// What was found.
    pub record: EvalRecord,
    /// What that means.
    pub judgement: Judgement,
    /// Whether an earlier run found all this, and it was taken from its file.
    pub is_resumed: bool,
}

impl Judged {
    /// Judges a source by its record.
    pub fn new(name: String, source: Arc<str>, record: EvalRecord, policy: Policy) -> Self {
        Self {
            judgement: judge(&record, policy),
            name,
            source,
            record,
            is_resumed: false,
        }
    }
}

/// The verdict that a policy makes of a record.
pub fn judge(record: &EvalRecord, policy: Policy) -> Judgement {
    if let Some(undecided) = &record.undecided {
        return Judgement::undecided(undecided.clone());
    }
    let mut reasons = Vec::new();
    let has_errors = record.has_errors();
    if record.had_errors && !has_errors {
        reasons.push("Lean reported an error that the source took out of the messages".to_owned());
    }
    let is_warning = |severity: &Severity| *severity == Severity::Warning;
    let mut messages = record.messages.iter();
    if policy.fail_on_warning && messages.any(|message| is_warning(&message.severity)) {
        reasons.push("Lean reported a warning".to_owned());
    }
    if policy.fail_on_sorry {
        reasons.extend(sorry_reasons(record));
    }
    if has_errors || !reasons.is_empty() {
        Judgement {
            reasons,
            ..Judgement::plain(Verdict::Rejected)
        }
    } else if record.end_reached {
        Judgement::plain(Verdict::Accepted)
    } else {
        Judgement::undecided(Undecided {
            reason: UndecidedReason::Cancelled,
            failure: cut_short(),
        })
    }
}

/// Why the source leaves something unproven, one phrase each. The axioms of its declarations say so
/// where they are known; else what Lean reports, and the names that keep Lean from reporting.
fn sorry_reasons(record: &EvalRecord) -> Vec<String> {
    let mut reasons = Vec::new();
    // A declaration with an error depends on `sorryAx` too, which says nothing new.
    let sorry_decls = record.sorry_decls.as_deref();
    match sorry_decls.map(|names| if record.has_errors() { &[] } else { names }) {
        Some([]) if !record.sorries.is_empty() => reasons.push(CONTAINS_SORRY.to_owned()),
        Some([]) => {}
        Some(names) => reasons.push(depends(names)),
        None => {
            if record.reports_sorry() {
                reasons.push(CONTAINS_SORRY.to_owned());
            }
            for name in &record.hiding_names {
                reasons.push(format!(
                    "the source names `{name}`, which can hide a `sorry`"
                ));
            }
        }
    }
    reasons
}

/// The reason for a `sorry` that Lean reports.
const CONTAINS_SORRY: &str = "the source contains `sorry`";

/// The reason for declarations that depend on `sorryAx`.
fn depends(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(NAMED)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let verb = if names.len() == 1 {
        "depends"
    } else {
        "depend"
    };
    format!("{}{more} {verb} on `sorryAx`", shown.join(", "))
}

/// The failure for a source that Lean did not read to its end.
fn cut_short() -> Failure {
    Failure::new(
        Kind::Session,
        "elaboration stopped before the end of the source",
        "look for code in the source that cancels its own elaboration",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::wire::Reply;

    /// The verdict on a source with that reply, with its reason or reasons.
    fn verdict(reply: Value, policy: Policy) -> (Verdict, Option<UndecidedReason>, Vec<String>) {
        judged("theorem t : p := q", reply, None, policy)
    }

    /// The same for a source whose environment was asked.
    fn judged(
        source: &str,
        reply: Value,
        sorry_decls: Option<&[&str]>,
        policy: Policy,
    ) -> (Verdict, Option<UndecidedReason>, Vec<String>) {
        let Value::Object(object) = reply else {
            panic!("no object");
        };
        let Ok(Reply::Command(reply)) = Reply::from_object(object) else {
            panic!("no reply to a command");
        };
        let sorry_decls =
            sorry_decls.map(|names| names.iter().copied().map(str::to_owned).collect());
        let record = EvalRecord::from_reply(source, reply, sorry_decls);
        let judged = judge(&record, policy);
        assert_eq!(
            judged.failure().is_some(),
            judged.verdict == Verdict::Undecided
        );
        (judged.verdict, judged.reason(), judged.reasons)
    }

    /// A message of that severity.
    fn message(severity: &str, data: &str) -> Value {
        json!({"severity": severity, "pos": {"line": 1, "column": 0}, "endPos": null, "data": data})
    }

    /// Rejects sorries.
    const STRICT: Policy = Policy {
        fail_on_sorry: true,
        fail_on_warning: false,
    };

    #[test]
    fn only_a_reply_without_any_objection_is_accepted() {
        let plain = Policy::default();
        let accepted = (Verdict::Accepted, None, Vec::new());
        for reply in [
            json!({"env": 1}),
            json!({"env": 1, "messages": [message("info", "1"), message("warning", "declaration uses `sorry`"), message("trace", "")]}),
            json!({"env": 1, "endReached": true, "hadErrors": false, "unsupported": [], "sorryDecls": []}),
        ] {
            assert_eq!(verdict(reply, plain), accepted);
        }
        let rejected = json!({"env": 1, "messages": [message("error", "no")]});
        assert_eq!(
            verdict(rejected, plain),
            (Verdict::Rejected, None, Vec::new())
        );
        let hidden = verdict(json!({"env": 1, "hadErrors": true}), plain);
        assert_eq!((hidden.0, hidden.2.len()), (Verdict::Rejected, 1));
        for (reply, reason) in [
            (
                json!({"env": 1, "messages": [message("panic", "no"), message("error", "no")]}),
                UndecidedReason::ProtocolError,
            ),
            (
                json!({"env": 1, "unsupported": ["the body of `f`"], "messages": [message("error", "no")]}),
                UndecidedReason::Unsupported,
            ),
            (
                json!({"env": 1, "unsupported": "the body of `f`"}),
                UndecidedReason::ProtocolError,
            ),
            (
                json!({"env": 1, "hadErrors": 0}),
                UndecidedReason::ProtocolError,
            ),
            (
                json!({"env": 1, "endReached": false}),
                UndecidedReason::Cancelled,
            ),
        ] {
            assert_eq!(
                verdict(reply, plain),
                (Verdict::Undecided, Some(reason), Vec::new())
            );
        }
        // Lean said no before it stopped.
        let both = json!({"env": 1, "endReached": false, "messages": [message("error", "no")]});
        assert_eq!(verdict(both, plain).0, Verdict::Rejected);
    }

    #[test]
    fn axioms_tell_a_sorry_where_they_are_known_and_reports_and_names_elsewhere() {
        let source = "-- not sorryAx\ntheorem t : p := q";
        let reply = || json!({"env": 1, "messages": [message("warning", "sorry, `t` is unused")]});
        let with = |decls| judged(source, reply(), decls, STRICT);
        assert_eq!(with(Some(&[])).0, Verdict::Accepted);
        assert_eq!(
            with(Some(&["t"])).2,
            ["`t` depends on `sorryAx`".to_owned()]
        );
        let many = with(Some(&["a", "b", "c", "d", "e", "f", "g"]));
        assert_eq!(
            many.2,
            ["`a`, `b`, `c`, `d`, `e` and 2 more depend on `sorryAx`".to_owned()]
        );
        let (verdict, _, reasons) = with(None);
        assert_eq!((verdict, reasons.len()), (Verdict::Rejected, 2));
        // An `example` is no declaration, but its `sorry` is in the list.
        let sorry = json!({"env": 1, "sorries": [{"goal": "⊢ p", "proofState": 0}]});
        assert_eq!(
            judged(source, sorry.clone(), Some(&[]), STRICT).0,
            Verdict::Rejected
        );
        assert_eq!(
            judged(source, sorry, Some(&["t"]), Policy::default()).0,
            Verdict::Accepted
        );
    }

    #[test]
    fn a_warning_rejects_on_request_only() {
        let reply = || json!({"env": 1, "messages": [message("warning", "unused")]});
        let policy = Policy {
            fail_on_warning: true,
            fail_on_sorry: false,
        };
        assert_eq!(verdict(reply(), policy).0, Verdict::Rejected);
        assert_eq!(verdict(reply(), STRICT).0, Verdict::Accepted);
    }
}
