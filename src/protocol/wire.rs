//! Requests and replies of the REPL ↔ JSON, for its tags v4.9 to v4.33. Pure. Decides by key,
//! keeps what it does not know, and never looks into the sources.
//!
//! The fields are those of REPL/JSON.lean.

mod reply;
mod request;

pub use reply::{CommandReply, ProofStatus, ProofStepReply, Reply};
pub use request::{
    Command, File, InfoTreeKind, Options, PickleEnvironment, PickleProofState, Request, TacticStep,
    UnpickleEnvironment, UnpickleProofState,
};

pub use crate::lean::fields::DecodeError;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::lean::message::{EnvId, Severity};

    /// The reply that a value is.
    fn reply(value: Value) -> Result<Reply, DecodeError> {
        match value {
            Value::Object(object) => Reply::from_object(object),
            other => panic!("{other} is no object"),
        }
    }

    /// An infotree of so many nodes from root to leaf.
    fn chain(nodes: usize) -> Value {
        (1..nodes).fold(
            json!({"goalState": "⊢ p"}),
            |inner, _| json!({"kind": "LaterInfo", "node": null, "children": [inner]}),
        )
    }

    #[test]
    fn a_reply_that_reports_a_result_and_a_failure_is_neither() {
        for contradicts in [
            json!({"env": 1, "message": "Unknown environment."}),
            json!({"env": 1, "message": null}),
            json!({"env": 1, "error": "no"}),
            json!({"env": 1, "Error": "no"}),
            json!({"env": 1, "ERROR": {}}),
            json!({"env": 1, "Message": "no"}),
            json!({"env": 1, "exception": "no"}),
            json!({"env": 1, "Failed": []}),
            json!({"env": 1, "Éxception": []}),
            json!({"env": 1, "proofState": 0, "goals": []}),
            json!({"proofState": 0, "goals": [], "message": "Lean error:"}),
            json!({"proofState": 0, "goals": [], "Err": 1}),
            json!({"env": null, "proofState": null}),
            json!({"error": "no"}),
            json!({"messages": []}),
            json!({}),
        ] {
            let read = reply(contradicts.clone());
            assert!(read.is_err(), "{contradicts} was read as {read:?}");
        }
        for fits in [
            json!({"env": 1, "declarations": [], "time": 0.1}),
            json!({"env": 1, "proofState": null}),
            json!({"proofState": 0, "goals": [], "env": null}),
            json!({"message": "Unknown environment.", "hint": "none"}),
        ] {
            let read = reply(fits.clone());
            assert!(read.is_ok(), "{fits}: {read:?}");
        }
    }

    #[test]
    fn an_error_says_where_and_what() {
        let message = json!({
            "severity": "error", "pos": {"line": 1, "column": 0}, "endPos": null, "data": ""
        });
        let mut bad = message.clone();
        bad["pos"]["line"] = json!(-1);
        let stx = json!({"range": {"synthetic": 0}});
        let node = json!({"kind": "CommandInfo", "node": {"stx": stx}, "children": []});
        for (value, expected) in [
            (
                json!({"env": 0, "messages": [message, bad]}),
                "expected a natural number at `messages[1].pos.line`, found -1",
            ),
            (
                json!({"env": 1.0}),
                "expected a natural number at `env`, found 1.0",
            ),
            (
                json!({"env": 0, "sorries": [{"goal": null}]}),
                "expected a string at `sorries[0].goal`, found null",
            ),
            (
                json!({"env": 0, "sorries": [{}]}),
                "expected a value at `sorries[0].goal`, found nothing",
            ),
            (
                json!({"env": 0, "tactics": "x".repeat(100)}),
                "expected an array at `tactics`, found the string \
                 \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"…",
            ),
            (
                json!({"env": 0, "infotree": [node]}),
                "expected true or false at `infotree[0].node.stx.range.synthetic`, found 0",
            ),
            (
                json!({"proofState": 0, "goals": [1]}),
                "expected a string at `goals[0]`, found 1",
            ),
            (
                json!({"greeting": "hello"}),
                "expected a reply with `env`, `proofState` or `message`, \
                 found an object with the fields [greeting]",
            ),
        ] {
            assert_eq!(reply(value).unwrap_err().to_string(), expected);
        }
        let err = Request::from_value(json!({"cmd": "x", "infotree": true})).unwrap_err();
        assert_eq!(err.path(), "infotree");
    }

    #[test]
    fn long_texts_are_moved_and_not_copied() {
        let data = "x".repeat(1 << 20);
        let address = data.as_ptr();
        let mut value = json!({
            "env": 0,
            "messages": [{"severity": "info", "pos": {"line": 1, "column": 0}}],
        });
        value["messages"][0]["data"] = Value::String(data);
        let Reply::Command(it) = reply(value).unwrap() else {
            panic!("no command reply");
        };
        assert_eq!(it.messages[0].severity, Severity::Info);
        assert_eq!(it.messages[0].data.as_ptr(), address);
        let value = Reply::Command(it).into_value();
        let text = value["messages"][0]["data"].as_str().unwrap();
        assert_eq!(text.as_ptr(), address);
    }

    #[test]
    fn the_deepest_infotree_is_read_copied_and_written_on_a_usual_stack() {
        let nodes = crate::protocol::frame::MAX_DEPTH / 2 - 2;
        let work = move || {
            let mut value = json!({"env": 0});
            value["infotree"] = Value::Array(vec![chain(nodes)]);
            let decoded = reply(value.clone()).unwrap();
            assert_eq!(decoded.clone().into_value(), value);
        };
        let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
        thread.spawn(work).unwrap().join().unwrap();
    }

    #[test]
    fn a_request_is_one_line_with_raw_characters() {
        let request = Request::Command(Command {
            cmd: "#eval \"𝔸\"\n\t".to_owned(),
            env: Some(EnvId(3)),
            options: Options {
                all_tactics: Some(true),
                infotree: Some(InfoTreeKind::Full),
                ..Options::default()
            },
            ..Command::default()
        });
        assert_eq!(
            request.to_line(),
            r##"{"allTactics":true,"cmd":"#eval \"𝔸\"\n\t","env":3,"infotree":"full"}"##
        );
    }

    #[test]
    fn a_request_that_fits_two_shapes_is_what_the_repl_takes_it_for() {
        for (value, is_first) in [
            (json!({"tactic": "rfl", "proofState": 0, "cmd": ""}), true),
            (json!({"pickleTo": "f", "env": 0, "proofState": 0}), true),
            (json!({"tactic": "rfl", "cmd": ""}), false),
            (json!({"pickleTo": "f", "env": null, "cmd": ""}), false),
        ] {
            let request = Request::from_value(value.clone()).unwrap();
            assert_eq!(!matches!(request, Request::Command(_)), is_first);
            assert_eq!(request.into_value(), value);
        }
    }
}
