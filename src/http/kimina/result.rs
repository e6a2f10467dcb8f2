//! Results in the shapes of Kimina Lean Server. A client that reads only `error` and `messages` never
//! takes an undecided source for one that is valid, nor for one in which Lean found an error.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::engine::judge::Verdict;
use crate::engine::report::{self, seconds};
use crate::engine::undecided::UndecidedReason;
use crate::failure::Failure;
use crate::http::replies;
use crate::isolation::Isolation;
use crate::lean::message::{Extra, Message, Severity, Sorry, Tactic};
use crate::lean::position::Position;
use crate::service::evaluations::Evaluated;

/// The words for a `sorry` up to Lean 4.27, in a warning. Kimina's older judge looks for nothing else.
const USES_SORRY: &str = "declaration uses 'sorry'";

/// What ran a source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Diagnostics {
    /// The session.
    repl_uuid: String,
    /// The most resident memory of the session so far, in bytes.
    memory_max: u64,
    /// What the source could find of those before it: `source`, `client` or `none`, as in `/v1/eval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    isolation: Option<Isolation>,
}

/// The result of one snippet: `error` or `response`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckResult {
    /// The client's name for the source.
    id: String,
    /// Seconds that the source ran, without its imports.
    time: f64,
    /// Why the source is undecided.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What the REPL said; absent if the source is undecided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    response: Option<Map<String, Value>>,
    /// What ran it, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) diagnostics: Option<Diagnostics>,
}

/// The result of one source of `/verify`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerifyResult {
    /// The client's name for the source.
    custom_id: String,
    /// Why the source is undecided.
    error: Option<String>,
    /// What the REPL said, with the seconds in `time`; null if the source is undecided.
    #[schema(value_type = Option<Object>)]
    response: Option<Map<String, Value>>,
}

impl CheckResult {
    /// The result of one source, which was to run so long at most.
    pub(super) fn new(id: String, evaluated: &Evaluated, timeout: Duration) -> Self {
        let Evaluated {
            record, judgement, ..
        } = evaluated;
        let mut result = Self {
            id,
            time: seconds(record.times.body),
            error: None,
            response: None,
            diagnostics: record.session.map(|session| Diagnostics {
                repl_uuid: uuid(session),
                memory_max: record.peak_memory_bytes.unwrap_or_default(),
                isolation: record.isolation,
            }),
        };
        match &judgement.undecided {
            None => result.response = Some(response(evaluated)),
            Some(undecided) if undecided.reason == UndecidedReason::Timeout => {
                result.time = timeout.as_secs_f64();
                result.error = Some(timed_out(timeout));
            }
            Some(undecided) => result.error = Some(told(&undecided.failure)),
        }
        result
    }
}

impl VerifyResult {
    /// A source that is not there.
    pub(super) fn missing(custom_id: String) -> Self {
        Self {
            error: Some(format!("Snippet {custom_id:?} has no proof/code content")),
            custom_id,
            response: None,
        }
    }

    /// The same in the older shape: the time is part of the response.
    pub(super) fn new(result: CheckResult) -> Self {
        let response = result.response.map(|mut response| {
            response.insert("time".to_owned(), Value::from(result.time));
            response
        });
        Self {
            custom_id: result.id,
            error: result.error,
            response,
        }
    }
}

/// A decided source in the shape of a REPL's reply: lists that are empty are left out.
fn response(evaluated: &Evaluated) -> Map<String, Value> {
    let record = &evaluated.record;
    let (messages, sorries) = with_sorry_shown(evaluated);
    let mut reply = Map::new();
    reply.insert("env".to_owned(), Value::from(replies::ENV));
    let mut tactics: Vec<Value> = record
        .tactics
        .iter()
        .cloned()
        .map(Tactic::into_value)
        .collect();
    report::without_proof_states(&mut tactics);
    let lists = [
        (
            "messages",
            replies::messages_of(&messages, replies::objection(evaluated)),
        ),
        ("sorries", replies::sorries(&sorries)),
        ("tactics", tactics),
    ];
    for (name, list) in lists {
        if !list.is_empty() {
            reply.insert(name.to_owned(), Value::Array(list));
        }
    }
    if let Some(infotree) = &record.infotree {
        reply.insert("infotree".to_owned(), infotree.clone());
    }
    reply
}

/// Messages and sorries in which both judges of `kimina-client` see a `sorry` of an accepted source.
/// `parse_client_response` looks for [`USES_SORRY`] in the warnings, which Lean writes in backticks
/// since 4.28; `analyze` counts `sorries`, where the REPL leaves out some of those that Lean warns of.
fn with_sorry_shown(evaluated: &Evaluated) -> (Vec<Message>, Vec<Sorry>) {
    let mut messages = evaluated.record.messages.clone();
    let mut sorries = evaluated.record.sorries.clone();
    let is_warning = |message: &&mut Message| message.severity == Severity::Warning;
    for message in messages.iter_mut().filter(is_warning) {
        message.data = message.data.replace("`sorry`", "'sorry'");
    }
    if !evaluated.record.has_sorry() || evaluated.judgement.verdict != Verdict::Accepted {
        return (messages, sorries);
    }
    let warns = |message: &&Message| {
        message.severity == Severity::Warning && message.data.contains("sorry")
    };
    let warning = messages.iter().find(warns);
    let start = Position { line: 1, column: 0 };
    let (pos, end_pos) = match (warning, sorries.first()) {
        (Some(message), _) => (message.pos, message.end_pos),
        (None, Some(sorry)) => (sorry.pos.unwrap_or(start), sorry.end_pos),
        (None, None) => (start, None),
    };
    let has_words = |message: &Message| {
        message.severity == Severity::Warning && message.data.contains(USES_SORRY)
    };
    if !messages.iter().any(has_words) {
        messages.push(Message {
            severity: Severity::Warning,
            pos,
            end_pos,
            data: USES_SORRY.to_owned(),
            extra: Extra::new(),
        });
    }
    if sorries.is_empty() {
        sorries.push(Sorry {
            pos: Some(pos),
            end_pos: Some(end_pos.unwrap_or(pos)),
            goal: String::new(),
            proof_state: None,
            extra: Extra::new(),
        });
    }
    (messages, sorries)
}

/// The text by which clients know a timeout.
fn timed_out(timeout: Duration) -> String {
    let seconds = timeout.as_secs_f64();
    format!("Lean REPL command timed out in {seconds:?} seconds")
}

/// A failure as one text.
fn told(failure: &Failure) -> String {
    let mut text = failure.problem().to_owned();
    for cause in failure.causes() {
        text.push_str(": ");
        text.push_str(&cause);
    }
    text
}

/// The number of a session in the form of a UUID, which is what clients expect.
fn uuid(session: u64) -> String {
    let process = std::process::id();
    format!("{process:08x}-0000-4000-8000-{session:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::judge::Policy;
    use crate::engine::record::EvalRecord;

    /// A source with what Lean reported, judged without a policy.
    fn evaluated(messages: Vec<Message>) -> Evaluated {
        let mut record = EvalRecord::empty();
        record.messages = messages;
        Evaluated::new(Ok(record), Policy::default())
    }

    /// A message at 2:3.
    fn message(severity: Severity, data: &str) -> Message {
        Message {
            severity,
            pos: Position { line: 2, column: 3 },
            end_pos: None,
            data: data.to_owned(),
            extra: Extra::new(),
        }
    }

    #[test]
    fn a_sorry_is_shown_in_both_forms_that_clients_look_for() {
        for warning in [
            "declaration uses `sorry`",
            "declaration uses 'sorry'",
            "`t` depends on sorry",
        ] {
            let evaluated = evaluated(vec![message(Severity::Warning, warning)]);
            let (messages, sorries) = with_sorry_shown(&evaluated);
            let words = messages.iter().any(|message| {
                message.data.contains(USES_SORRY) && message.severity == Severity::Warning
            });
            assert!(words, "{messages:?}");
            assert_eq!(sorries.len(), 1);
            assert_eq!(sorries[0].pos, Some(Position { line: 2, column: 3 }));
        }
    }

    #[test]
    fn a_sorry_that_lean_does_not_report_is_shown_at_the_beginning() {
        let mut evaluated = evaluated(Vec::new());
        evaluated.record.sorry_decls = Some(vec!["t".to_owned()]);
        let (messages, sorries) = with_sorry_shown(&evaluated);
        assert_eq!(messages[0].data, USES_SORRY);
        assert_eq!(sorries[0].pos, Some(Position { line: 1, column: 0 }));
    }

    #[test]
    fn what_has_no_sorry_is_left_as_it_is() {
        let evaluated = evaluated(vec![message(Severity::Info, "the word `sorry`")]);
        let (messages, sorries) = with_sorry_shown(&evaluated);
        assert_eq!((messages, sorries.len()), (evaluated.record.messages, 0));
    }

    #[test]
    fn a_rejected_source_has_an_error_among_its_messages() {
        let mut evaluated = evaluated(Vec::new());
        evaluated.judgement.verdict = Verdict::Rejected;
        evaluated.judgement.reasons = vec!["not so".to_owned()];
        let error = |evaluated: &Evaluated| response(evaluated)["messages"][0].clone();
        assert_eq!(error(&evaluated)["severity"], "error");
        assert_eq!(error(&evaluated)["data"], "not so");
        evaluated.record.messages = vec![message(Severity::Error, "Lean's own")];
        assert_eq!(error(&evaluated)["data"], "Lean's own");
    }
}
