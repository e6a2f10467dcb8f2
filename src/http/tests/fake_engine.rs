//! A service whose engine is a closure: doors are tested without a process.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{ACCEPT, RETRY_AFTER};
use axum::response::Response;
use serde_json::{Value, json};
use tower_service::Service as _;

use crate::engine::evaluate::{Done, Evaluate, SubmitError};
use crate::engine::record::EvalRecord;
use crate::engine::request::EvalRequest;
use crate::engine::undecided::UndecidedReason;
use crate::failure::{Failure, Kind};
use crate::http::request_id::REQUEST_ID;
use crate::http::router;
use crate::lean::message::Message;
use crate::limits::{Bytes, Wait};
use crate::process::sandbox::Offer;
use crate::service::keys::{KeyLimits, Keys};
use crate::service::options::{Cors, Mode, ServiceOptions, ToolchainChoice};
use crate::service::server::{Service, StartedPool};
use crate::session::identity::Identity;

/// What an engine gives for a request.
pub(crate) type Outcome = Result<EvalRecord, SubmitError>;

/// An engine that is a closure.
struct FakeEngine<F>(F);

impl<F: Fn(EvalRequest, Done<Outcome>) + Send + Sync> Evaluate for FakeEngine<F> {
    fn submit(&self, request: EvalRequest, done: Done<Outcome>) {
        (self.0)(request, done);
    }
}

/// Options with a second for everything, and no wait for a place in a full queue.
pub(crate) fn options() -> ServiceOptions {
    ServiceOptions {
        mode: Mode::Repl,
        run_timeout: Duration::from_secs(1),
        max_run_timeout: Duration::from_secs(1),
        import_timeout: Duration::from_secs(1),
        queue_timeout: Duration::ZERO,
        max_body: Bytes::mib(1),
        body_timeout: Duration::from_secs(1),
        write_timeout: Duration::from_secs(1),
        max_connections: 1,
        batch_width: 10,
        cors: Cors::Any,
        is_own_machine_only: false,
        trusts_proxy: false,
        keys: Keys::parse("", KeyLimits::default()).unwrap(),
        grace: Wait::secs(1),
        lease_idle: Duration::from_secs(1),
        max_leases: 1,
        max_leases_each: 1,
        base_header: String::new(),
        toolchain: ToolchainChoice {
            source: "core",
            why: String::new(),
        },
        outcome_file: None,
    }
}

/// All paths of a service without a pool whose engine is this closure.
pub(crate) fn router_on(
    engine: impl Fn(EvalRequest, Done<Outcome>) + Send + Sync + 'static,
) -> Router {
    let service = Arc::new(Service::new(options()).unwrap());
    service.start(StartedPool {
        evaluate: Arc::new(FakeEngine(engine)),
        pool: None,
        cache: None,
        identity: Identity {
            toolchain: "fake".to_owned(),
            repl: "fake".to_owned(),
            manifest: None,
        },
        pickle: None,
        confinement: Offer::NOTHING,
        lean_options: None,
    });
    router::router(&service)
}

/// The same, for an engine that answers at once.
pub(crate) fn router_answering(
    answer: impl Fn(EvalRequest) -> Outcome + Send + Sync + 'static,
) -> Router {
    router_on(move |request, done| done(answer(request)))
}

/// What Lean finds in a source that is called by the verdict on it.
pub(crate) fn by_name(source: &str) -> EvalRecord {
    match source {
        "accepted" => EvalRecord::empty(),
        "rejected" => {
            let message = json!({
                "severity": "error",
                "pos": { "line": 1, "column": 0 },
                "endPos": null,
                "data": "no",
            });
            EvalRecord {
                messages: vec![Message::from_value(message).unwrap()],
                had_errors: true,
                ..EvalRecord::empty()
            }
        }
        "undecided" => EvalRecord::undecided(
            UndecidedReason::Timeout,
            Failure::new(Kind::Session, "too slow", "wait longer"),
        ),
        other => panic!("no record for `{other}`"),
    }
}

/// A POST with the id `find-me`; a string is sent as it is.
pub(crate) fn post(path: &str, body: impl Into<Value>) -> Request {
    let body = match body.into() {
        Value::String(text) => text,
        json => json.to_string(),
    };
    Request::post(path)
        .header(REQUEST_ID, "find-me")
        .body(Body::from(body))
        .unwrap()
}

/// The same, for a client that reads a stream.
pub(crate) fn post_for_stream(path: &str, body: impl Into<Value>) -> Request {
    let mut request = post(path, body);
    let kind = "application/x-ndjson".parse().unwrap();
    request.headers_mut().insert(ACCEPT, kind);
    request
}

/// The response to a request.
pub(crate) async fn ask(router: &Router, request: Request) -> Response {
    router.clone().call(request).await.unwrap()
}

/// Status, `Retry-After` and body of a response. Times differ from run to run and are left out.
pub(crate) async fn read(response: Response) -> (u16, Option<String>, Value) {
    let status = response.status().as_u16();
    let header = response.headers().get(RETRY_AFTER);
    let retry_after = header.map(|value| value.to_str().unwrap().to_owned());
    let mut body = serde_json::from_slice(&bytes(response).await).unwrap();
    remove_times(&mut body);
    (status, retry_after, body)
}

/// The lines of a stream, without times.
pub(crate) async fn read_lines(response: Response) -> Vec<Value> {
    let text = String::from_utf8(bytes(response).await).unwrap();
    let mut lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines.iter_mut().for_each(remove_times);
    lines
}

/// The body of a response.
async fn bytes(response: Response) -> Vec<u8> {
    let body = to_bytes(response.into_body(), 100_000).await.unwrap();
    body.to_vec()
}

/// Removes what differs from run to run.
fn remove_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !["seconds", "elapsed", "time"].contains(&name.as_str()));
            fields.values_mut().for_each(remove_times);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_times),
        _ => {}
    }
}
