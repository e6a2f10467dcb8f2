//! What the server says about itself. Answers while Lean is still loading.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::engine::pool::Sessions;
use crate::http::page;
use crate::http::problem::{Problem, json_response};
use crate::isolation::Isolation;
use crate::lean::options::ModuleOptions;
use crate::service::options::Mode;
use crate::service::readiness::Readiness;
use crate::service::server::Service;

/// The answer of `/health` in the mode `repl`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthReply {
    /// Whether sources are taken.
    ready: bool,
    /// Whether a session runs.
    alive: bool,
    /// Whether a source without imports can use Mathlib.
    mathlib: bool,
    /// Always true: this server answers with messages.
    repl: bool,
    /// 0 once there is a session.
    base_env: Option<u64>,
    /// `ready`, `importing Mathlib`, `starting`, or `error: ` and why.
    status: String,
}

/// The answer of `/ready`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadyReply {
    /// Whether sources are taken.
    ready: bool,
    /// Why not, if not.
    status: String,
    /// Sources that wait for a session.
    queue: usize,
    /// Sessions that work.
    busy: usize,
    /// Sessions that can work at a time.
    sessions: usize,
}

/// The answer of `/version`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionReply {
    /// Of leanrepl.
    leanrepl: &'static str,
    /// Of Lean, once a session has reported it.
    lean: Option<String>,
    /// `core`, `project` or `repl`.
    source: &'static str,
    /// Why that Lean was chosen.
    why: String,
    /// The toolchain, and the tag or digest of the REPL, once they are known.
    toolchain: Option<String>,
    /// See `toolchain`.
    repl: Option<String>,
    /// The digest of the project's manifest, if there is one.
    manifest: Option<String>,
    /// The SHA-256 of the pickle that sources start from; null if they start from their imports.
    pickle: Option<String>,
    /// The options of Lean that the project's Lake file sets for all sources; null if none says.
    #[schema(value_type = Option<Object>)]
    options: Option<Value>,
    /// The imports of a source that has none.
    base_header: String,
    /// What a source may find of those before it, once a session is up: `source` (nothing), `client` (what
    /// sources of the same client left) or `none` (what any source left).
    #[schema(value_type = Option<String>)]
    isolation: Option<Isolation>,
    /// How sessions are confined, once that is known.
    sandbox: Option<SandboxReply>,
}

/// How sessions are confined.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SandboxReply {
    /// Whether they are kept from files that are not theirs.
    files: bool,
    /// Whether they are kept from the network and from starting and signalling processes.
    system_calls: bool,
}

/// Whether the server lives. Always 200.
#[utoipa::path(get, path = "/health", tag = "state", responses((status = 200, body = HealthReply)))]
pub(crate) async fn health(State(service): State<Arc<Service>>) -> Response {
    let state = service.state();
    if service.options.mode == Mode::Lean {
        let version = state.and_then(|state| state.lean_version);
        let version = version.as_deref().unwrap_or("still loading");
        let reply = json!({"version": format!("Lean (version {version})"), "status": "ok"});
        return json_response(StatusCode::OK, &reply);
    }
    let ready = state.as_ref().is_some_and(|state| state.is_ready);
    let reply = HealthReply {
        ready,
        alive: state
            .as_ref()
            .is_some_and(|state| is_alive(&state.sessions)),
        mathlib: ready && service.has_mathlib(),
        repl: true,
        base_env: ready.then_some(0),
        status: service.readiness(state.as_ref()).to_string(),
    };
    json_response(StatusCode::OK, &reply)
}

fn is_alive(sessions: &Sessions) -> bool {
    sessions.spare + sessions.idle + sessions.busy + sessions.leased > 0
}

/// Whether sources are taken: 200, or 503 while the first session loads and when the server stops.
#[utoipa::path(get, path = "/ready", tag = "state", responses(
    (status = 200, description = "sources are taken", body = ReadyReply),
    (status = 503, description = "sources are not taken", body = ReadyReply),
))]
pub(crate) async fn ready(State(service): State<Arc<Service>>) -> Response {
    let state = service.state();
    let readiness = service.readiness(state.as_ref());
    let ready = matches!(readiness, Readiness::Ready);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let sessions = state
        .as_ref()
        .map(|state| state.sessions)
        .unwrap_or_default();
    let reply = ReadyReply {
        ready,
        status: readiness.to_string(),
        queue: state.as_ref().map_or(0, |state| state.queued),
        busy: sessions.busy + sessions.leased,
        sessions: state.as_ref().map_or(0, |state| state.capacity),
    };
    json_response(status, &reply)
}

/// What runs here.
#[utoipa::path(get, path = "/version", tag = "state", responses((status = 200, body = VersionReply)))]
pub(crate) async fn version(State(service): State<Arc<Service>>) -> Response {
    let started = service.started();
    let identity = started.map(|started| &started.identity);
    let state = service.state();
    let reply = VersionReply {
        leanrepl: env!("CARGO_PKG_VERSION"),
        isolation: state.as_ref().and_then(|state| state.isolation),
        lean: state.and_then(|state| state.lean_version),
        source: service.options.toolchain.source,
        why: service.options.toolchain.why.clone(),
        toolchain: identity.map(|identity| identity.toolchain.clone()),
        repl: identity.map(|identity| identity.repl.clone()),
        manifest: identity.and_then(|identity| identity.manifest.clone()),
        pickle: started.and_then(|started| started.pickle.clone()),
        options: started
            .and_then(|started| started.lean_options.as_deref())
            .map(ModuleOptions::to_json),
        base_header: service.options.base_header.clone(),
        sandbox: started.map(|started| SandboxReply {
            files: started.confinement.files,
            system_calls: started.confinement.calls,
        }),
    };
    json_response(StatusCode::OK, &reply)
}

/// Counters, times and states in the text form that Prometheus reads.
#[utoipa::path(get, path = "/metrics", tag = "state", responses(
    (status = 200, body = String, content_type = "application/openmetrics-text"),
))]
pub(crate) async fn metrics(State(service): State<Arc<Service>>) -> Result<Response, Problem> {
    let cache = service.started().and_then(|started| started.cache.as_ref());
    let text = service.metrics.text_form(
        service.state().as_ref(),
        service.leases.len(),
        cache.map(|cache| cache.counted()),
    );
    let text =
        text.map_err(|err| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, err.to_string()))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}

/// The answer of `/` to a program.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RootReply {
    /// Always `ok`.
    status: &'static str,
}

/// The page for a browser; `{"status":"ok"}` for a program.
#[utoipa::path(get, path = "/", tag = "state", responses((
    status = 200, content((RootReply = "application/json"), (String = "text/html")),
)))]
pub(crate) async fn root(headers: HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    if accepted.is_some_and(|accepted| accepted.contains("text/html")) {
        return page::html();
    }
    json_response(StatusCode::OK, &RootReply { status: "ok" })
}
