//! `/v1/sessions`: step by step.

use serde_json::json;

use crate::served::Served;

/// Takes a session and gives its path.
fn take(served: &Served) -> String {
    let answer = served.post("/v1/sessions", "");
    assert_eq!(answer.status, 201, "{answer:?}");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    format!("/v1/sessions/{id}")
}

#[test]
fn environments_and_proof_states_go_by_their_numbers() {
    let served = Served::start(&[]);
    let session = take(&served);
    let commands = format!("{session}/commands");
    let answer = served.post_json(&commands, &json!({"cmd": "import Lean\ndef a := 1"}));
    assert_eq!(answer.status, 200, "{answer:?}");
    let env = answer.json()["reply"]["env"].as_u64().unwrap();
    let answer = served.post_json(
        &commands,
        &json!({"cmd": "by sorry\n--! sorry 1:3 ⊢ True", "env": env}),
    );
    let reply = answer.json()["reply"].clone();
    assert!(reply["env"].as_u64().unwrap() > env);
    let state = reply["sorries"][0]["proofState"].as_u64().unwrap();
    let tactics = format!("{session}/tactics");
    let answer = served.post_json(&tactics, &json!({"tactic": "trivial", "proofState": state}));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.json()["reply"]["proofState"].is_u64(), "{answer:?}");
    served.stop();
}

#[test]
fn what_the_repl_cannot_do_is_said_and_the_session_lives_on() {
    let served = Served::start(&[]);
    let session = take(&served);
    let commands = format!("{session}/commands");
    let answer = served.post_json(&commands, &json!({"cmd": "x", "env": 99}));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["reply"]["message"], "Unknown environment.");
    let answer = served.post_json(&commands, &json!({"cmd": "import Nope"}));
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(
        served.post_json(&commands, &json!({"cmd": "x"})).status,
        200
    );
    for body in [
        json!({}),
        json!({"cmd": 1}),
        json!({"cmd": "x", "env": -1}),
        json!({"cmd": "x", "pickleTo": "f"}),
    ] {
        assert_eq!(served.post_json(&commands, &body).status, 422, "{body}");
    }
    served.stop();
}

#[test]
fn a_reply_from_a_lean_that_lacks_a_part_holds_an_error() {
    let served = Served::start(&[]);
    let commands = format!("{}/commands", take(&served));
    let text = "--! info 1:0 Lean's own\n--! lacking the body of `f`";
    let answer = served.post_json(&commands, &json!({"cmd": text}));
    assert_eq!(answer.status, 200, "{answer:?}");
    let reply = answer.json();
    assert_eq!(reply["reason"], "unsupported");
    let messages = &reply["reply"]["messages"];
    assert_eq!(messages[0]["severity"], "error");
    assert_eq!(messages[0]["pos"], json!({"line": 1, "column": 0}));
    assert_eq!(messages[0]["data"], "this Lean lacks the body of `f`");
    assert_eq!(messages[1]["data"], "Lean's own");
    assert!(reply["reply"]["env"].is_u64());
    let text = "--! refuse-lacking the body of `f`";
    let reply = served.post_json(&commands, &json!({"cmd": text})).json();
    assert_eq!(reply["reason"], "unsupported");
    assert!(reply["reply"]["message"].is_string());
    let reply = served
        .post_json(&commands, &json!({"cmd": "def a := 1"}))
        .json();
    assert!(reply.get("reason").is_none(), "{reply}");
    served.stop();
}

#[test]
fn a_field_that_does_not_exist_is_refused_by_name() {
    let served = Served::start(&[]);
    let session = take(&served);
    assert_eq!(served.delete(&session).status, 204);
    for body in [r#"{"timeuot": 1}"#, r#"{"env": 0, "timeuot": 1}"#] {
        let answer = served.post("/v1/sessions", body);
        assert_eq!(answer.status, 422, "{answer:?}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains("unknown field"), "{error}");
    }
    assert_eq!(served.post("/v1/sessions", "[]x").status, 422);
    let answer = served.post("/v1/sessions", " {} ");
    assert_eq!(answer.status, 201, "{answer:?}");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    for (path, body) in [
        ("commands", json!({"cmd": "x", "timeuot": 1})),
        (
            "tactics",
            json!({"tactic": "x", "proofState": 0, "timeuot": 1}),
        ),
    ] {
        let answer = served.post_json(&format!("/v1/sessions/{id}/{path}"), &body);
        assert_eq!(answer.status, 422, "{answer:?}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains("`timeuot`"), "{error}");
    }
    served.stop();
}

#[test]
fn a_session_that_is_lost_is_410_and_its_place_is_free_again() {
    let served = Served::start(&[]);
    let session = take(&served);
    assert_eq!(
        served.post("/v1/sessions", "").status,
        429,
        "one is left for the others"
    );
    let commands = format!("{session}/commands");
    let answer = served.post_json(&commands, &json!({"cmd": "--! die"}));
    assert_eq!(answer.status, 410, "{answer:?}");
    assert_eq!(
        served.post_json(&commands, &json!({"cmd": "x"})).status,
        410
    );
    assert_eq!(served.get(&session).status, 410);
    let session = take(&served);
    let late = json!({"cmd": "--! hang", "timeout": 0.3});
    assert_eq!(
        served
            .post_json(&format!("{session}/commands"), &late)
            .status,
        408
    );
    assert_eq!(served.get(&session).status, 410);
    served.stop();
}

#[test]
fn a_session_ends_when_it_is_deleted_or_forgotten() {
    let served = Served::start(&["--held-idle", "1s"]);
    let session = take(&served);
    assert_eq!(served.get(&session).status, 200);
    assert_eq!(served.delete(&session).status, 204);
    assert_eq!(served.delete(&session).status, 410);
    assert_eq!(served.get("/v1/sessions/0123").status, 404);
    let session = take(&served);
    let metrics = || served.get("/metrics").text;
    Served::wait_for(|| metrics().contains("leanrepl_leases 0"));
    let answer = served.get(&session);
    assert_eq!(answer.status, 410);
    assert!(answer.json()["error"].as_str().unwrap().contains("expired"));
    served.stop();
}
