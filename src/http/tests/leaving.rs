//! Sources that nothing waits for any more: their engine learns it.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::engine::evaluate::Done;
use crate::http::tests::fake_engine::{
    Outcome, ask, by_name, post, post_for_stream, read, router_on,
};
use crate::limits::CancelFlag;

/// A request that an engine holds.
type Held = (CancelFlag, Done<Outcome>);

/// The longest wait of a test.
const LONGEST: Duration = Duration::from_secs(60);

/// A router whose engine answers all but the source `held`, and what it holds.
fn holding() -> (Router, UnboundedReceiver<Held>) {
    let (sender, held) = unbounded_channel();
    let router = router_on(move |request, done| match &*request.source {
        "held" => sender
            .send((request.terms.cancel.clone(), done))
            .unwrap_or_else(|_gone| panic!("the test is over")),
        source => done(Ok(by_name(source))),
    });
    (router, held)
}

/// The flag of the first request that is held.
async fn flag(held: &mut UnboundedReceiver<Held>) -> Held {
    timeout(LONGEST, held.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_sources() {
    let eval = json!({ "sources": ["held"] }).to_string();
    let check = json!({ "snippets": [{ "id": "a", "code": "held" }] }).to_string();
    let requests: [Request; 3] = [
        post("/v1/eval", eval),
        post("/api/check", check),
        post("/", "held"),
    ];
    for request in requests {
        let path = request.uri().clone();
        let (router, mut held) = holding();
        let (cancel, _done) = {
            let response = ask(&router, request);
            tokio::pin!(response);
            tokio::select! {
                response = &mut response => panic!("{path}: {response:?}"),
                held = flag(&mut held) => {
                    assert!(!held.0.is_set(), "{path}");
                    held
                }
            }
        };
        assert!(cancel.is_set(), "{path}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_its_stream_cancels_what_still_runs() {
    let (router, mut held) = holding();
    let body = json!({ "sources": ["accepted", "held"] });
    let response = ask(&router, post_for_stream("/v1/eval", body)).await;
    let mut stream = response.into_body().into_data_stream();
    let line = timeout(LONGEST, stream.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let line: Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(line["result"]["verdict"], "accepted");
    let (cancel, _done) = flag(&mut held).await;
    assert!(!cancel.is_set());
    drop(stream);
    assert!(cancel.is_set());
}

#[tokio::test]
async fn the_first_accepted_source_cancels_the_others() {
    let (router, mut held) = holding();
    let body = json!({ "sources": ["held", "accepted"], "first_accepted": true });
    let (status, _, reply) = read(ask(&router, post("/v1/eval", body)).await).await;
    assert_eq!(status, 200, "{reply}");
    assert!(flag(&mut held).await.0.is_set());
    let results = reply["results"].as_array().unwrap();
    let found: Vec<Value> = results
        .iter()
        .map(|result| json!([result["verdict"], result["reason"]]))
        .collect();
    assert_eq!(
        found,
        [json!(["undecided", "skipped"]), json!(["accepted", null])]
    );
    assert_eq!(
        (&reply["accepted"], &reply["undecided"]),
        (&json!(1), &json!(1))
    );
}
