//! Requests that cannot be used, each with the status that is documented for it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::chaos::client::{Client, PAUSE};
use crate::chaos::http::Message;
use crate::chaos::ledger::{Violation, Wrong};
use crate::chaos::plan::Request;

/// The longest body that the server is told to take, in bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// How long such a request may take: nothing runs for it.
const LIMIT: Duration = Duration::from_secs(1);

/// Asks, and checks the status and the shape of the error.
pub(crate) fn ask(client: &mut Client<'_>, request: &Request) -> Result<(), Violation> {
    let (message, expected) = message(client, request);
    loop {
        let response = client.exchange(request, &message, LIMIT)?;
        // A key that makes too many requests is told so first.
        if response.status == 429 && response.header("retry-after").is_some() {
            std::thread::sleep(PAUSE);
            continue;
        }
        let reply: Value = serde_json::from_str(&response.body).unwrap_or_default();
        let has_shape = reply.get("ok") == Some(&Value::Bool(false))
            && reply.get("error").is_some_and(Value::is_string)
            && reply.get("elapsed").is_some_and(Value::is_f64);
        if response.status != expected || !has_shape {
            let what = format!("expected {expected}: {} {}", response.status, response.body);
            return Err(Violation::of(request, Wrong::Misshapen, what));
        }
        client.field.ledger().settle(request, false);
        return Ok(());
    }
}

/// The message and the status that it has to get.
fn message(client: &Client<'_>, request: &Request) -> (Message, u16) {
    let mut message = Message {
        method: "POST",
        path: "/v1/eval".to_owned(),
        headers: client.headers(request),
        body: json!({"sources": "--! info x"}).to_string().into_bytes(),
    };
    let expected = match request.variant % 9 {
        0 => {
            message.headers.retain(|(name, _)| *name != "authorization");
            401
        }
        1 => {
            message.headers.retain(|(name, _)| *name != "authorization");
            message
                .headers
                .push(("authorization", "Bearer nobody".to_owned()));
            401
        }
        2 => {
            message.body = b"{\"sources\": ".to_vec();
            422
        }
        3 => {
            "/".clone_into(&mut message.path);
            message.body = b"theorem \xff".to_vec();
            400
        }
        4 => {
            message.body = vec![b' '; MAX_BODY + 1];
            413
        }
        5 => {
            message.method = "GET";
            "/v1/sessions/none".clone_into(&mut message.path);
            message.body.clear();
            404
        }
        6 => {
            "/any".clone_into(&mut message.path);
            message.headers.push(("x-lean-timeout", "soon".to_owned()));
            400
        }
        7 => {
            message.method = "DELETE";
            405
        }
        _ => {
            "/api/check".clone_into(&mut message.path);
            let twin = json!({"id": "a", "code": "--! info x"});
            message.body = json!({"snippets": [twin, twin]}).to_string().into_bytes();
            422
        }
    };
    (message, expected)
}
