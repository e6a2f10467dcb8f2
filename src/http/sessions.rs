//! `/v1/sessions`: leases over HTTP, for clients that work step by step. What a client may ask is a
//! choice from what the REPL can do: never reading or writing files.

mod step;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use tokio::sync::{OwnedMutexGuard, oneshot};
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::engine::evaluate::SubmitError;
use crate::engine::pool::Lease;
use crate::engine::report::seconds;
use crate::http::body;
use crate::http::kimina::Infotree;
use crate::http::numbers::Natural;
use crate::http::problem::{Problem, json_response};
use crate::http::sessions::step::StepReply;
use crate::lean::header;
use crate::lean::message::{EnvId, ProofStateId};
use crate::limits::Deadline;
use crate::protocol::wire::{self, InfoTreeKind, Options};
use crate::service::error::ServiceError;
use crate::service::principal::Principal;
use crate::service::server::Service;
use crate::session::error::SessionError;

/// How much longer than its limit a request may take before it is given up.
const SLACK: Duration = Duration::from_secs(60);

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionReply {
    /// Its name: a client that knows it and has the same key may use it.
    id: String,
    /// Seconds without a request after which it is given back.
    expires_in: f64,
}

/// The request for a session; there is nothing to choose.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRequest {}

/// A source to run in a session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandRequest {
    /// The source; may begin with imports if there is no `env`.
    cmd: String,
    /// The environment to build on, from an earlier reply.
    #[serde(default)]
    env: Option<Natural>,
    /// Longest run in seconds, from 0.1 to `--max-timeout`; what lies beyond is taken as the nearer one.
    #[serde(default)]
    #[schema(exclusive_minimum = 0.0)]
    timeout: Option<f64>,
    /// Whether to list every tactic with its goals and proof state.
    #[serde(default)]
    tactics: bool,
    /// Parts of the infotree to return.
    #[serde(default)]
    infotree: Option<Infotree>,
}

/// A tactic to run in a session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct TacticRequest {
    /// The tactic.
    tactic: String,
    /// The proof state to run it in, from an earlier reply.
    proof_state: Natural,
    /// Longest run in seconds, from 0.1 to `--max-timeout`; what lies beyond is taken as the nearer one.
    #[serde(default)]
    #[schema(exclusive_minimum = 0.0)]
    timeout: Option<f64>,
}

/// Takes a session.
#[utoipa::path(
    post, path = "/v1/sessions", tag = "sessions", request_body = Option<CreateRequest>,
    responses(
        (status = 201, description = "A session of the client's own, in which no source of anyone has run. It is given back when the client does not use it for a while, and earlier where sessions of clients hold all of this server and others wait: after 30 s without a request, or when it is as old as it may be unused.", body = SessionReply),
        (status = 429, description = "as many sessions are held as may be, by this client or by all, or none was free in time", body = Object),
    )
)]
pub(crate) async fn create(
    State(service): State<Arc<Service>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let text = body::text(&head.headers, body, &service.options).await?;
    if !matches!(text.trim(), "" | "null") {
        let _nothing_to_choose: CreateRequest = body::from_json(&text)?;
    }
    let place = service.leases.reserve(&principal.client)?;
    let waited = service.options.queue_timeout;
    let pool = service.pool_within(waited).await;
    let pool = pool.map_err(ServiceError::from)?;
    let (sender, receiver) = oneshot::channel();
    pool.lease(
        Arc::clone(&principal.client),
        Deadline::after(waited),
        // If the client is gone the session is dropped here, and so given back.
        Box::new(move |lease| drop(sender.send(lease))),
    );
    let lease = match timeout(waited + SLACK, receiver).await {
        Ok(Ok(Ok(lease))) => lease,
        Ok(Ok(Err(refusal))) => return Err(ServiceError::from(refusal).into()),
        Ok(Err(_)) | Err(_) => {
            return Err(ServiceError::Refused(SubmitError::QueueTimeout { waited }).into());
        }
    };
    let id = service.leases.keep(place, lease)?;
    let reply = SessionReply {
        id,
        expires_in: seconds(service.options.lease_idle),
    };
    Ok(json_response(StatusCode::CREATED, &reply))
}

/// Says whether a session is there.
#[utoipa::path(
    get, path = "/v1/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "the name of the session")),
    responses((status = 200, body = SessionReply), (status = 410, description = "it is gone", body = Object))
)]
pub(crate) async fn show(
    State(service): State<Arc<Service>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    service.leases.find(&id, &principal.client)?;
    let reply = SessionReply {
        id,
        expires_in: seconds(service.options.lease_idle),
    };
    Ok(json_response(StatusCode::OK, &reply))
}

/// Gives a session back.
#[utoipa::path(
    delete, path = "/v1/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "the name of the session")),
    responses((status = 204, description = "it is given back"), (status = 410, description = "it is gone", body = Object))
)]
pub(crate) async fn delete(
    State(service): State<Arc<Service>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    service.leases.find(&id, &principal.client)?;
    service.leases.remove(&id, "deleted");
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Runs a source in a session.
#[utoipa::path(
    post, path = "/v1/sessions/{id}/commands", tag = "sessions", request_body = CommandRequest,
    params(("id" = String, Path, description = "the name of the session")),
    responses(
        (status = 200, body = StepReply),
        (status = 408, description = "it took too long, and the session is lost", body = Object),
        (status = 410, description = "the session is gone", body = Object),
    )
)]
pub(crate) async fn command(
    State(service): State<Arc<Service>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let asked: CommandRequest = body::json(&head.headers, body, &service.options).await?;
    let limit = run_timeout(&service, asked.timeout)?;
    let mut command = wire::Command {
        cmd: asked.cmd,
        env: asked.env.map(|env| EnvId(env.0)),
        options: Options {
            all_tactics: asked.tactics.then_some(true),
            infotree: asked.infotree.map(InfoTreeKind::from),
            ..Options::default()
        },
        extra: Map::new(),
    };
    let mut turn = LeaseTurn::take(&service, &principal, &id).await?;
    if command.env.is_none() {
        let source: Arc<str> = Arc::from(command.cmd);
        command.env = Some(turn.prove(&source).await?);
        command.cmd = header::split(&source).command(&source);
    }
    Ok(turn.ask(wire::Request::Command(command), limit).await?)
}

/// Runs a tactic in a session.
#[utoipa::path(
    post, path = "/v1/sessions/{id}/tactics", tag = "sessions", request_body = TacticRequest,
    params(("id" = String, Path, description = "the name of the session")),
    responses(
        (status = 200, body = StepReply),
        (status = 408, description = "it took too long, and the session is lost", body = Object),
        (status = 410, description = "the session is gone", body = Object),
    )
)]
pub(crate) async fn tactic(
    State(service): State<Arc<Service>>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let asked: TacticRequest = body::json(&head.headers, body, &service.options).await?;
    let limit = run_timeout(&service, asked.timeout)?;
    let request = wire::Request::Tactic(wire::TacticStep {
        tactic: asked.tactic,
        proof_state: ProofStateId(asked.proof_state.0),
        extra: Map::new(),
    });
    let mut turn = LeaseTurn::take(&service, &principal, &id).await?;
    Ok(turn.ask(request, limit).await?)
}

/// The longest run that a client asks for.
fn run_timeout(service: &Service, asked: Option<f64>) -> Result<Duration, Problem> {
    match asked {
        None => Ok(service.options.run_timeout),
        Some(seconds) => service
            .run_timeout(seconds)
            .ok_or_else(|| Problem::unfit(&["timeout"], "must be a number of seconds above 0")),
    }
}

/// The session was there once.
fn gone(why: &str) -> ServiceError {
    ServiceError::LeaseGone {
        why: why.to_owned(),
    }
}

/// One request's turn at a session. A request that ends halfway takes the session with it, because
/// its reply would be left to the next one.
struct LeaseTurn<'a> {
    service: &'a Service,
    id: &'a str,
    lease: OwnedMutexGuard<Lease>,
    is_lost: bool,
}

impl Drop for LeaseTurn<'_> {
    fn drop(&mut self) {
        if self.is_lost {
            self.service.leases.remove(self.id, "lost");
        } else {
            self.service.leases.touch(self.id);
        }
    }
}

impl<'a> LeaseTurn<'a> {
    async fn take(
        service: &'a Service,
        principal: &Principal,
        id: &'a str,
    ) -> Result<Self, ServiceError> {
        let lease = service.leases.find(id, &principal.client)?;
        let lease = lease.lock_owned().await;
        // It may have been lost while this request waited.
        service.leases.find(id, &principal.client)?;
        let is_lost = lease.is_lost();
        let turn = Self {
            service,
            id,
            lease,
            is_lost,
        };
        if is_lost { Err(gone("lost")) } else { Ok(turn) }
    }

    /// The proven environment of a source's imports.
    async fn prove(&mut self, source: &Arc<str>) -> Result<EnvId, ServiceError> {
        let (sender, receiver) = oneshot::channel();
        let done = Box::new(move |env| drop(sender.send(env)));
        let longest = self.service.options.import_timeout + SLACK;
        self.is_lost = true;
        let started = self.service.started();
        let options = started.and_then(|started| started.lean_options.clone());
        self.lease.prove(Arc::clone(source), options, done);
        let proven = timeout(longest, receiver).await;
        self.is_lost = self.lease.is_lost();
        match proven {
            Ok(Ok(Ok(env))) => Ok(env),
            Ok(Ok(Err(failure))) if self.is_lost => Err(gone(failure.problem())),
            Ok(Ok(Err(failure))) => Err(ServiceError::HeaderFailed(failure.problem().to_owned())),
            Ok(Err(_)) | Err(_) => {
                self.is_lost = true;
                Err(gone("lost"))
            }
        }
    }

    /// The reply to a request.
    async fn ask(
        &mut self,
        request: wire::Request,
        limit: Duration,
    ) -> Result<Response, ServiceError> {
        let start = Instant::now();
        let (sender, receiver) = oneshot::channel();
        let done = Box::new(move |reply| drop(sender.send(reply)));
        self.is_lost = true;
        self.lease.ask(request, limit, done);
        match timeout(limit + SLACK, receiver).await {
            Ok(Ok(Ok(reply))) => {
                self.is_lost = false;
                let reply = StepReply::new(reply, start.elapsed());
                Ok(json_response(StatusCode::OK, &reply))
            }
            Ok(Ok(Err(error))) => Err(lost(error, limit)),
            Ok(Err(_)) | Err(_) => Err(gone("lost")),
        }
    }
}

/// The session ended with this request.
fn lost(error: SessionError, limit: Duration) -> ServiceError {
    match error {
        SessionError::Timeout { .. } => ServiceError::LeaseTimedOut { limit },
        error => gone(error.into_failure().problem()),
    }
}
