//! What one request in a client's own session is answered with. A client that reads only the messages never
//! takes a reply that decides nothing for a success.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::engine::findings::Findings;
use crate::engine::judge::Policy;
use crate::engine::record::EvalRecord;
use crate::engine::report::seconds;
use crate::engine::undecided::UndecidedReason;
use crate::http::replies;
use crate::lean::message::Extra;
use crate::protocol::wire::{CommandReply, ProofStepReply, Reply};
use crate::service::evaluations::Evaluated;

/// What the REPL answers in a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StepReply {
    /// The REPL's reply: with `env` after a source, with `proofState` after a tactic, with `message` if
    /// it could not do what was asked; the session lives on in each case.
    #[schema(value_type = Object)]
    reply: Value,
    /// Why the reply decides nothing, in the words of `/v1/eval`, such as `unsupported`: then an error at
    /// 1:0 among its messages says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Seconds that it took.
    seconds: f64,
}

impl StepReply {
    /// The answer for a reply that took so long.
    pub(super) fn new(reply: Reply, took: Duration) -> Self {
        let (reply, reason) = match reply {
            Reply::Command(reply) => of_command(reply),
            Reply::ProofStep(reply) => of_tactic(reply),
            Reply::Error { message, extra } => {
                let reason = lack(&extra).map(|(reason, _)| reason);
                (Reply::Error { message, extra }, reason)
            }
        };
        Self {
            reply: reply.into_value(),
            reason: reason.map(UndecidedReason::as_str),
            seconds: seconds(took),
        }
    }
}

/// The reply to a source, with an error in front if it is not accepted and no message says why.
fn of_command(mut reply: CommandReply) -> (Reply, Option<UndecidedReason>) {
    let said = CommandReply {
        sorries: Vec::new(),
        tactics: Vec::new(),
        infotree: None,
        ..reply.clone()
    };
    let record = EvalRecord::from_reply("", said, None);
    let evaluated = Evaluated::new(Ok(record), Policy::default());
    let undecided = evaluated.judgement.failure();
    let undecided = undecided.map(|failure| failure.problem().to_owned());
    if let Some(why) = undecided.or_else(|| replies::objection(&evaluated)) {
        reply.messages.insert(0, replies::error_at_start(why));
    }
    (Reply::Command(reply), evaluated.judgement.reason())
}

/// The reply to a tactic; it tells no state of the proof if it decides nothing.
fn of_tactic(mut reply: ProofStepReply) -> (Reply, Option<UndecidedReason>) {
    let Some((reason, why)) = lack(&reply.extra) else {
        return (Reply::ProofStep(reply), None);
    };
    reply.proof_status = None;
    reply.messages.insert(0, replies::error_at_start(why));
    (Reply::ProofStep(reply), Some(reason))
}

/// Why a reply decides nothing, by its fields beyond the protocol.
fn lack(extra: &Extra) -> Option<(UndecidedReason, String)> {
    match Findings::read(extra) {
        Ok(findings) => {
            let failure = findings.lack()?;
            Some((UndecidedReason::Unsupported, failure.problem().to_owned()))
        }
        Err(failure) => {
            let problem = failure.problem().to_owned();
            Some((UndecidedReason::ProtocolError, problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The answer for what the REPL wrote.
    fn answer(reply: Value) -> (Value, Option<&'static str>) {
        let Value::Object(object) = reply else {
            panic!("no object");
        };
        let reply = StepReply::new(Reply::from_object(object).unwrap(), Duration::ZERO);
        (reply.reply, reply.reason)
    }

    #[test]
    fn a_reply_that_decides_nothing_holds_an_error() {
        let lacks = "this Lean lacks the body of `f`";
        for (reply, reason, why) in [
            (
                json!({"env": 1, "unsupported": ["the body of `f`"]}),
                Some("unsupported"),
                lacks,
            ),
            (
                json!({"proofState": 1, "goals": [], "proofStatus": "Completed",
                    "unsupported": ["the body of `f`"]}),
                Some("unsupported"),
                lacks,
            ),
            (
                json!({"env": 1, "endReached": false}),
                Some("cancelled"),
                "elaboration stopped before the end of the source",
            ),
            (
                json!({"env": 1, "hadErrors": true}),
                None,
                "Lean reported an error that the source took out of the messages",
            ),
        ] {
            let (answered, found) = answer(reply);
            assert_eq!(found, reason, "{answered}");
            assert_eq!(answered["messages"][0]["severity"], "error", "{answered}");
            assert_eq!(answered["messages"][0]["data"], why);
            assert!(answered.get("proofStatus").is_none(), "{answered}");
        }
    }

    #[test]
    fn a_reply_that_decides_is_as_the_repl_wrote_it() {
        let error = json!({"severity": "error", "pos": {"line": 1, "column": 0}, "endPos": null,
            "data": "no"});
        for reply in [
            json!({"env": 1, "messages": [error]}),
            json!({"env": 1}),
            json!({"proofState": 1, "goals": [], "proofStatus": "Completed"}),
            json!({"message": "Unknown environment."}),
        ] {
            assert_eq!(answer(reply.clone()), (reply, None));
        }
    }
}
