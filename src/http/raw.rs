//! A raw source in the body of a POST, to any path that has no other meaning. Answers as the Python
//! servers did that people have pages and scripts for.

mod foreign;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::engine::judge::{Judgement, Policy, Verdict};
use crate::engine::report::seconds;
use crate::engine::request::EvalRequest;
use crate::engine::undecided::UndecidedReason;
use crate::failure::Failure;
use crate::http::base_header::Prefixed;
use crate::http::cache_use::X_LEANREPL_CACHE;
use crate::http::problem::{Problem, json_response};
use crate::http::{body, replies};
use crate::lean::message::{Message, Severity};
use crate::service::error::ServiceError;
use crate::service::evaluations::{Asked, Evaluated};
use crate::service::metrics::Surface;
use crate::service::options::Mode;
use crate::service::principal::Principal;
use crate::service::server::Service;

/// The header in which a client says how long its source may run, in seconds.
pub(crate) const X_LEAN_TIMEOUT: HeaderName = HeaderName::from_static("x-lean-timeout");

/// The header that names the level of isolation that held for a source.
pub(crate) const X_LEAN_ISOLATION: HeaderName = HeaderName::from_static("x-lean-isolation");

/// How a source is called in what Lean prints.
const NAME: &str = "<stdin>";

/// The answer in the mode `repl`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplReply {
    /// Whether the source is accepted.
    ok: bool,
    /// What Lean said; with an error at 1:0 if the source is undecided.
    #[schema(value_type = Vec<Object>)]
    messages: Vec<Value>,
    /// The holes that Lean found.
    #[schema(value_type = Vec<Object>)]
    sorries: Vec<Value>,
    /// A number that means nothing; null if Lean did not answer.
    env: Option<u64>,
    /// Why the source is undecided.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The same in a word, as in `/v1/eval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// What to do about it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Seconds since the request came, the wait included.
    elapsed: f64,
}

/// The answer in the mode `lean`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LeanReply {
    /// Whether the source is accepted.
    ok: bool,
    /// What `lean` prints.
    stdout: String,
    /// Why Lean did not answer.
    stderr: String,
    /// 0, 1 for an error of Lean's, -1 if it did not answer.
    exit_code: i32,
    /// Why the source is undecided, in a word as in `/v1/eval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// What to do about it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Seconds since the request came, the wait included.
    elapsed: f64,
}

/// Evaluates a raw source. Any other path that has no meaning of its own does the same, except those that
/// begin with `/v1`, `/api`, `/mcp` or `/rpc`. On every path the header `X-Leanrepl-Cache: off` says that no kept
/// result may answer and none is kept, and `refresh` that the result takes the place of the kept one.
#[utoipa::path(
    post,
    path = "/",
    tag = "raw",
    request_body(content = Option<String>, content_type = "text/plain", description = "The whole source, UTF-8, no JSON. The declared type of the body does not matter."),
    params(("x-lean-timeout" = f64, Header, exclusive_minimum = 0.0, description = "Longest run in seconds, from 0.1 to `--max-timeout`; what lies beyond is taken as the nearer one.")),
    responses(
        (status = 200, description = "Lean reported no error", body = ReplReply, headers(("x-leanrepl-cache" = String, description = "`hit` if the answer was kept from an earlier evaluation of the same source"), ("x-lean-isolation" = String, description = "What the source could find of those before it: `source` (nothing), `client` (what sources of the same client left) or `none` (what any source left). Every answer about a source that was evaluated has it."))),
        (status = 400, description = "Lean reported an error, or the request cannot be used", body = Object),
        (status = 408, description = "Lean did not answer in time", body = Object),
        (status = 422, description = "the source cannot be judged: an import fails, or this Lean lacks a part", body = Object),
        (status = 502, description = "the session died; another one takes its place", body = Object),
        (status = 503, description = "no session yet, or the server is stopping", body = Object),
    )
)]
pub(crate) async fn evaluate(
    State(server): State<Arc<Service>>,
    Extension(caller): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let timeout = timeout(&head.headers, &server)?;
    let text = body::text(&head.headers, body, &server.options).await?;
    if let Some(problem) = foreign::json(&text) {
        return Err(problem);
    }
    // Many requests may wait for long: none of them holds what it does not need.
    drop(head);
    server.check_ready()?;
    let prefixed = Prefixed::new(&server.options.base_header, text);
    let asked = Asked {
        surface: Surface::Raw,
        policy: Policy::default(),
    };
    let request = EvalRequest::new(Arc::clone(&prefixed.source), timeout);
    let mut evaluated = server
        .evaluate(&caller, request, prefixed.added_bytes, asked)
        .await;
    let elapsed = caller.start.elapsed();
    if let Some(refused) = &evaluated.refused {
        return Err(ServiceError::from(refused.clone()).into());
    }
    prefixed.restore(&mut evaluated.record);
    let mut response = match server.options.mode {
        Mode::Repl => in_repl_mode(&evaluated, timeout, elapsed),
        Mode::Lean => in_lean_mode(&evaluated, timeout, elapsed),
    };
    if let Some(level) = evaluated.record.isolation {
        let level = HeaderValue::from_static(level.as_str());
        response.headers_mut().insert(X_LEAN_ISOLATION, level);
    }
    if evaluated.record.cached {
        let hit = HeaderValue::from_static("hit");
        response.headers_mut().insert(X_LEANREPL_CACHE, hit);
    }
    Ok(response)
}

/// The first parts of paths that belong to interfaces. A misspelt one is never taken for the path of a raw
/// source: what was sent there is not one.
const RESERVED: [&str; 4] = ["v1", "api", "mcp", "rpc"];

/// Any path that has no other meaning: a POST is a raw source, a GET finds nothing.
pub(crate) async fn anywhere(
    state: State<Arc<Service>>,
    caller: Extension<Principal>,
    request: Request,
) -> Response {
    let first = request.uri().path().split('/').nth(1);
    if first.is_some_and(|first| RESERVED.contains(&first)) {
        let error = format!("there is nothing at `{}`", request.uri().path());
        return Problem::new(StatusCode::NOT_FOUND, error)
            .hint("`GET /openapi.json` lists the paths of this server")
            .into_response();
    }
    match *request.method() {
        Method::POST => evaluate(state, caller, request).await.into_response(),
        Method::GET | Method::HEAD => {
            Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path").into_response()
        }
        _ => {
            let problem = Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path takes a raw Lean source by POST only",
            );
            ([("allow", "POST, OPTIONS")], problem).into_response()
        }
    }
}

/// The longest run that a client asks for in the header, within what it may ask for.
fn timeout(headers: &HeaderMap, server: &Service) -> Result<Duration, Problem> {
    let Some(value) = headers.get(X_LEAN_TIMEOUT) else {
        return Ok(server.options.run_timeout);
    };
    let seconds = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    seconds
        .and_then(|seconds| server.run_timeout(seconds))
        .ok_or_else(|| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "the header X-Lean-Timeout is not a number of seconds above 0",
            )
        })
}

/// Why Lean did not answer, and the status for it.
fn unanswered(judgement: &Judgement, timeout: Duration) -> (StatusCode, String) {
    let problem = judgement.failure().map_or("", Failure::problem).to_owned();
    match judgement.reason() {
        Some(UndecidedReason::Timeout) => (
            StatusCode::REQUEST_TIMEOUT,
            format!("Lean process timed out after {}s", timeout.as_secs_f64()),
        ),
        // Lean said nothing about the source itself, so this is not the status of one that is wrong.
        Some(UndecidedReason::Import | UndecidedReason::Unsupported) => {
            (StatusCode::UNPROCESSABLE_ENTITY, problem)
        }
        Some(UndecidedReason::QueueTimeout) => (StatusCode::TOO_MANY_REQUESTS, problem),
        Some(
            UndecidedReason::Cancelled | UndecidedReason::Unavailable | UndecidedReason::Skipped,
        ) => (StatusCode::SERVICE_UNAVAILABLE, problem),
        Some(
            UndecidedReason::Memory
            | UndecidedReason::ReplyTooLarge
            | UndecidedReason::ProtocolError,
        ) => (StatusCode::BAD_GATEWAY, problem),
        Some(UndecidedReason::Crash) | None => (
            StatusCode::BAD_GATEWAY,
            "REPL process crashed, restarting".to_owned(),
        ),
    }
}

fn in_repl_mode(evaluated: &Evaluated, timeout: Duration, elapsed: Duration) -> Response {
    let Evaluated {
        record, judgement, ..
    } = evaluated;
    let (status, error) = match judgement.verdict {
        Verdict::Accepted => (StatusCode::OK, None),
        Verdict::Rejected => (StatusCode::BAD_REQUEST, None),
        Verdict::Undecided => {
            let (status, error) = unanswered(judgement, timeout);
            (status, Some(error))
        }
    };
    // Pages show messages and nothing else.
    let objection = error.clone().or_else(|| replies::objection(evaluated));
    let reply = ReplReply {
        ok: judgement.verdict == Verdict::Accepted,
        messages: replies::messages_of(&record.messages, objection),
        sorries: replies::sorries(&record.sorries),
        env: error.is_none().then_some(replies::ENV),
        error,
        reason: judgement.reason().map(UndecidedReason::as_str),
        hint: hint_of(evaluated),
        elapsed: seconds(elapsed),
    };
    json_response(status, &reply)
}

/// What `lean` prints.
fn in_lean_mode(evaluated: &Evaluated, timeout: Duration, elapsed: Duration) -> Response {
    let Evaluated {
        record, judgement, ..
    } = evaluated;
    let (status, stderr, exit_code) = match judgement.verdict {
        Verdict::Accepted => (StatusCode::OK, String::new(), 0),
        Verdict::Rejected => {
            let objection = replies::objection(evaluated).unwrap_or_default();
            (StatusCode::BAD_REQUEST, objection, 1)
        }
        Verdict::Undecided => {
            let (status, error) = unanswered(judgement, timeout);
            (status, error, -1)
        }
    };
    let reply = LeanReply {
        ok: judgement.verdict == Verdict::Accepted,
        stdout: printed(&record.messages),
        stderr,
        exit_code,
        reason: judgement.reason().map(UndecidedReason::as_str),
        hint: hint_of(evaluated),
        elapsed: seconds(elapsed),
    };
    json_response(status, &reply)
}

/// What to do about a source that is not accepted: what its failure suggests, or what Lean's errors do.
fn hint_of(evaluated: &Evaluated) -> Option<String> {
    let judgement = &evaluated.judgement;
    if judgement.verdict == Verdict::Accepted {
        return None;
    }
    let failure = judgement.failure().map(|failure| failure.hint().to_owned());
    failure.or_else(|| evaluated.record.hints.first().cloned())
}

/// Messages in the form of `Lean.Message.toString`: infos are bare text.
fn printed(messages: &[Message]) -> String {
    let mut text = String::new();
    for message in messages {
        let (line, column) = (message.pos.line, message.pos.column);
        if !matches!(message.severity, Severity::Info | Severity::Trace) {
            let severity = message.severity.name();
            // Writing to a string does not fail.
            let _ = write!(text, "{NAME}:{line}:{column}: {severity}: ");
        }
        text.push_str(&message.data);
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}
