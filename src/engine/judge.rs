//! What Lean replied to a source and a policy → the verdict. The only place that decides one, for every
//! door. Never asks a session and never renders.

use std::sync::Arc;

use serde_json::Value;

use crate::engine::evaluated::{Evaluated, Ground, Times, Verdict};
use crate::engine::hints::hints;
use crate::engine::undecided::UndecidedReason;
use crate::failure::{Failure, Kind};
use crate::lean::infotree::InfoTree;
use crate::lean::message::{Extra, Message, Severity};
use crate::protocol::wire::CommandReply;
use crate::session::opening::has_errors;

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

/// A source that Lean has replied to.
pub(crate) struct Answered<'a> {
    /// How it is called.
    pub(crate) name: &'a str,
    /// The whole source.
    pub(crate) source: &'a Arc<str>,
    /// The reply to it.
    pub(crate) reply: CommandReply,
    /// Its declarations that depend on `sorryAx`, if its environment was asked.
    pub(crate) sorry_decls: Option<Vec<String>>,
    /// What it was evaluated on.
    pub(crate) ground: Option<Ground>,
    /// How long it took.
    pub(crate) times: Times,
}

/// What core Lean's REPL reports in fields beyond the protocol; all that is absent is as it should be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// What this Lean lacks for the source: its errors say nothing about the source then.
    unsupported: Vec<String>,
    /// The declarations of the source that depend on `sorryAx`, if they were looked for.
    pub(crate) sorry_decls: Option<Vec<String>>,
    /// Whether Lean stopped before the end of the source.
    is_cut_short: bool,
    /// Whether an error was reported, even if it is in no message.
    had_errors: bool,
}

impl Findings {
    /// Reads the fields.
    ///
    /// # Errors
    /// The name of a field that holds something else.
    pub(crate) fn read(extra: &Extra) -> Result<Self, &'static str> {
        Ok(Self {
            unsupported: names(extra, "unsupported")?.unwrap_or_default(),
            sorry_decls: names(extra, "sorryDecls")?,
            is_cut_short: flag(extra, "endReached")? == Some(false),
            had_errors: flag(extra, "hadErrors")? == Some(true),
        })
    }

    /// Why the source is undecided if this Lean lacks a part that it needs.
    pub(crate) fn lack(&self) -> Option<Failure> {
        let what = self.unsupported.join(", ");
        (!what.is_empty()).then(|| {
            Failure::new(
                Kind::Project,
                format!("this Lean lacks {what}"),
                "evaluate it with the whole Lean of a project: `--project DIR` or `--repl PATH`",
            )
        })
    }
}

/// A list of names, if the field is there.
fn names(extra: &Extra, field: &'static str) -> Result<Option<Vec<String>>, &'static str> {
    let Some(value) = extra.get(field) else {
        return Ok(None);
    };
    let texts = value.as_array().and_then(|items| {
        let text = |item: &Value| item.as_str().map(str::to_owned);
        items.iter().map(text).collect()
    });
    texts.map(Some).ok_or(field)
}

/// A flag, if the field is there.
fn flag(extra: &Extra, field: &'static str) -> Result<Option<bool>, &'static str> {
    match extra.get(field) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(field),
    }
}

/// The verdict on a source, with all that Lean reported.
pub(crate) fn judge(answered: Answered<'_>, policy: Policy) -> Evaluated {
    let Answered {
        name,
        source,
        reply,
        sorry_decls,
        ground,
        times,
    } = answered;
    let decision = decide(source, &reply, sorry_decls.as_deref(), policy);
    let (verdict, reason, failure, reasons) = match decision {
        Decision::Accepted => (Verdict::Accepted, None, None, Vec::new()),
        Decision::Rejected(reasons) => (Verdict::Rejected, None, None, reasons),
        Decision::Undecided(reason, failure) => {
            (Verdict::Undecided, Some(reason), Some(failure), Vec::new())
        }
    };
    let has_sorry = sorry_decls.is_some_and(|names| !names.is_empty()) || reports_sorry(&reply);
    Evaluated {
        name: name.to_owned(),
        text: Arc::clone(source),
        verdict,
        hints: hints(source, &reply.messages),
        messages: reply.messages,
        sorries: reply.sorries,
        has_sorry,
        tactics: reply.tactics,
        infotree: reply
            .infotree
            .map(|trees| trees.into_iter().map(InfoTree::into_value).collect()),
        reason,
        failure,
        reasons,
        ground,
        lean_options: None,
        times,
    }
}

/// A verdict with what it stands on.
enum Decision {
    /// Nothing is against it.
    Accepted,
    /// Lean reported an error, or one of these reasons holds.
    Rejected(Vec<String>),
    /// The reply does not decide, and why.
    Undecided(UndecidedReason, Failure),
}

/// Decides.
fn decide(
    source: &str,
    reply: &CommandReply,
    sorry_decls: Option<&[String]>,
    policy: Policy,
) -> Decision {
    if let Some(failure) = unknown_severity(&reply.messages) {
        return Decision::Undecided(UndecidedReason::ProtocolError, failure);
    }
    let findings = match Findings::read(&reply.extra) {
        Ok(findings) => findings,
        Err(field) => return Decision::Undecided(UndecidedReason::ProtocolError, odd_field(field)),
    };
    if let Some(failure) = findings.lack() {
        return Decision::Undecided(UndecidedReason::Unsupported, failure);
    }
    let mut reasons = Vec::new();
    let has_errors = has_errors(&reply.messages);
    if findings.had_errors && !has_errors {
        reasons.push("Lean reported an error that the source took out of the messages".to_owned());
    }
    if policy.fail_on_warning && has(&reply.messages, &Severity::Warning) {
        reasons.push("Lean reported a warning".to_owned());
    }
    if policy.fail_on_sorry {
        reasons.extend(sorry_reasons(source, reply, sorry_decls));
    }
    if has_errors || !reasons.is_empty() {
        Decision::Rejected(reasons)
    } else if findings.is_cut_short {
        Decision::Undecided(UndecidedReason::Cancelled, cut_short())
    } else {
        Decision::Accepted
    }
}

/// Why the source leaves something unproven, one phrase each. The axioms of its declarations say so
/// where they are known; else what Lean reports, and the names that keep Lean from reporting.
fn sorry_reasons(
    source: &str,
    reply: &CommandReply,
    sorry_decls: Option<&[String]>,
) -> Vec<String> {
    let mut reasons = Vec::new();
    // A declaration with an error depends on `sorryAx` too, which says nothing new.
    let sorry_decls = sorry_decls.map(|names| {
        if has_errors(&reply.messages) {
            &[]
        } else {
            names
        }
    });
    match sorry_decls {
        Some([]) if !reply.sorries.is_empty() => reasons.push(CONTAINS_SORRY.to_owned()),
        Some([]) => {}
        Some(names) => reasons.push(depends(names)),
        None => {
            if reports_sorry(reply) {
                reasons.push(CONTAINS_SORRY.to_owned());
            }
            // Lean reads `«warn».«sorry»` as `warn.sorry`. A comment that has such a name rejects as well.
            let unquoted = source.replace(['«', '»'], "");
            for name in HIDING.iter().filter(|name| unquoted.contains(**name)) {
                reasons.push(format!(
                    "the source names `{name}`, which can hide a `sorry`"
                ));
            }
        }
    }
    reasons
}

/// Names by which a `sorry` gets into a declaration without a report.
const HIDING: [&str; 3] = ["sorryAx", "warn.sorry", "byAsSorry"];

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

/// Whether Lean reports a `sorry`. Some tactics leave one that is in no list, only in Lean's warning,
/// whose wording differs between toolchains: any warning that names `sorry` counts.
fn reports_sorry(reply: &CommandReply) -> bool {
    let warns =
        |message: &Message| message.severity == Severity::Warning && message.data.contains("sorry");
    !reply.sorries.is_empty() || reply.messages.iter().any(warns)
}

/// Whether a message has that severity.
fn has(messages: &[Message], severity: &Severity) -> bool {
    messages.iter().any(|message| message.severity == *severity)
}

/// The failure for a message whose severity is none of Lean's: it may be an error.
fn unknown_severity(messages: &[Message]) -> Option<Failure> {
    messages.iter().find_map(|message| {
        let Severity::Other(word) = &message.severity else {
            return None;
        };
        Some(Failure::new(
            Kind::Session,
            format!("the REPL sent a message of the unknown severity `{word}`"),
            "use a leanrepl that knows this REPL's version",
        ))
    })
}

/// The failure for a field of ours that holds something else.
fn odd_field(field: &str) -> Failure {
    Failure::new(
        Kind::Session,
        format!("the REPL sent a field `{field}` that cannot be understood"),
        "use a leanrepl that knows this REPL's version",
    )
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
    use serde_json::json;

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
        let answered = Answered {
            name: "A.lean",
            source: &Arc::from(source),
            reply,
            sorry_decls: sorry_decls
                .map(|names| names.iter().copied().map(str::to_owned).collect()),
            ground: None,
            times: Times::default(),
        };
        let evaluated = judge(answered, policy);
        assert_eq!(
            evaluated.failure.is_some(),
            evaluated.verdict == Verdict::Undecided
        );
        (evaluated.verdict, evaluated.reason, evaluated.reasons)
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
