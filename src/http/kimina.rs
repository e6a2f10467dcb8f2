//! Batches in the shapes of Kimina Lean Server 2, for its clients. A source that fails never harms
//! the others of its batch.

mod result;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::engine::evaluate::SubmitError;
use crate::engine::judge::Policy;
use crate::engine::request::{CacheUse, EvalRequest};
use crate::http::body;
use crate::http::kimina::result::{CheckResult, VerifyResult};
use crate::http::lax::{CustomId, LaxBool, LaxSeconds};
use crate::http::object::Object;
use crate::http::problem::{Problem, json_response};
use crate::protocol::wire::{InfoTreeKind, Options};
use crate::service::error::ServiceError;
use crate::service::evaluations::{Asked, Evaluations};
use crate::service::metrics::Surface;
use crate::service::principal::Principal;
use crate::service::server::Service;

/// Seconds that a snippet of `/api/check` may run.
fn check_timeout() -> LaxSeconds {
    LaxSeconds(30)
}

/// Seconds that a source of `/verify` may run.
fn verify_timeout() -> LaxSeconds {
    LaxSeconds(300)
}

/// Parts of the infotree that a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Infotree {
    /// Everything.
    Full,
    /// Tactics that change goals.
    Tactics,
    /// Steps that stand in the source.
    Original,
    /// Tactics that stand in the source, without combinators.
    Substantive,
}

impl From<Infotree> for InfoTreeKind {
    fn from(wanted: Infotree) -> Self {
        match wanted {
            Infotree::Full => Self::Full,
            Infotree::Tactics => Self::Tactics,
            Infotree::Original => Self::Original,
            Infotree::Substantive => Self::Substantive,
        }
    }
}

/// One source of `/api/check`.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Snippet {
    /// The client's name for it, unique in the request.
    id: String,
    /// The source.
    code: String,
}

/// The request of `/api/check`.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CheckRequest {
    /// The sources.
    #[schema(min_items = 1, value_type = Vec<Snippet>)]
    snippets: Vec<Object<Snippet>>,
    /// Longest run of a source, in seconds; 0 is taken as 0.1, and what is too long as `--max-timeout`.
    #[serde(default = "check_timeout")]
    timeout: LaxSeconds,
    /// Whether to tell which session ran a source, and its memory.
    #[serde(default)]
    debug: LaxBool,
    /// Of no effect: an environment is never shared between sources, and imports always are.
    #[serde(default, rename = "reuse")]
    _reuse: LaxBool,
    /// Parts of the infotree.
    #[serde(default)]
    infotree: Option<Infotree>,
}

/// The response of `/api/check`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckReply {
    /// In the order of the request.
    results: Vec<CheckResult>,
}

/// One source of `/verify`.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct VerifyText {
    /// The client's name for it.
    custom_id: CustomId,
    /// The source.
    #[serde(default)]
    proof: Option<String>,
    /// The source, under its older name.
    #[serde(default)]
    code: Option<String>,
}

/// The request of `/verify`.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct VerifyRequest {
    /// The sources.
    #[schema(value_type = Vec<VerifyText>)]
    codes: Vec<Object<VerifyText>>,
    /// Longest run of a source, in seconds; 0 is taken as 0.1, and what is too long as `--max-timeout`.
    #[serde(default = "verify_timeout")]
    timeout: LaxSeconds,
    /// Parts of the infotree.
    #[serde(default)]
    infotree_type: Option<Infotree>,
    /// Whether no kept result may answer, and none is kept.
    #[serde(default)]
    disable_cache: LaxBool,
}

/// The response of `/verify`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerifyReply {
    /// In the order of the request.
    results: Vec<VerifyResult>,
}

/// Evaluates a batch, in the shape of Kimina Lean Server 2. A source that is undecided (out of time or
/// memory, an import that fails, a Lean that lacks a part of it) has `error` and no `response`.
#[utoipa::path(
    post, path = "/api/check", tag = "kimina", request_body = CheckRequest,
    responses((status = 200, description = "one result for each snippet", body = CheckReply))
)]
pub(crate) async fn check(
    State(server): State<Arc<Service>>,
    Extension(caller): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let asked: CheckRequest = body::json(&head.headers, body, &server.options).await?;
    if asked.snippets.is_empty() {
        return Err(Problem::unfit(
            &["snippets"],
            "`snippets` must be non empty",
        ));
    }
    let mut ids = HashSet::new();
    if !asked
        .snippets
        .iter()
        .all(|snippet| ids.insert(&snippet.0.id))
    {
        let why = "`snippets` must have unique ids";
        return Err(Problem::unfit(&["snippets"], why));
    }
    let texts = asked.snippets.into_iter();
    let texts = texts
        .map(|Object(snippet)| (snippet.id, snippet.code))
        .collect();
    let sources = KiminaSources::new(&server, texts, asked.timeout, asked.infotree);
    let mut results = sources.evaluate(&server, &caller).await?;
    if !asked.debug.0 {
        for result in &mut results {
            result.diagnostics = None;
        }
    }
    Ok(json_response(StatusCode::OK, &CheckReply { results }))
}

/// Evaluates a batch, in the older shape of Kimina Lean Server. In spite of its name it is an evaluation:
/// it says what Lean says about each source, not whether a source proves a given statement. A source that is
/// undecided has `error`, and `response` is null. `/one_pass_verify_batch` is the same.
#[utoipa::path(
    post, path = "/verify", tag = "kimina", request_body = VerifyRequest,
    responses((status = 200, description = "one result for each source", body = VerifyReply))
)]
pub(crate) async fn verify(
    State(server): State<Arc<Service>>,
    Extension(mut caller): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let asked: VerifyRequest = body::json(&head.headers, body, &server.options).await?;
    // A source that is missing is a failure of its own, which never harms the others.
    let mut texts = Vec::new();
    let mut missing = Vec::new();
    for (place, Object(code)) in asked.codes.into_iter().enumerate() {
        match code.proof.or(code.code) {
            Some(text) => texts.push((code.custom_id.0, text)),
            None => missing.push((place, VerifyResult::missing(code.custom_id.0))),
        }
    }
    if asked.disable_cache.0 {
        caller.cache = CacheUse::Off;
    }
    let sources = KiminaSources::new(&server, texts, asked.timeout, asked.infotree_type);
    let results = sources.evaluate(&server, &caller).await?;
    let mut results: Vec<VerifyResult> = results.into_iter().map(VerifyResult::new).collect();
    for (place, result) in missing {
        results.insert(place.min(results.len()), result);
    }
    Ok(json_response(StatusCode::OK, &VerifyReply { results }))
}

/// The sources of a batch, with the names that the client gave them.
struct KiminaSources {
    /// The names, in the order of the sources.
    ids: Vec<String>,
    requests: Vec<EvalRequest>,
    /// The longest run of each.
    run_timeout: Duration,
}

impl KiminaSources {
    /// The sources with the limits that hold for all.
    fn new(
        service: &Service,
        named: Vec<(String, String)>,
        timeout: LaxSeconds,
        infotree: Option<Infotree>,
    ) -> Self {
        let run_timeout = service.within_bounds(Duration::from_secs(timeout.0));
        let options = Options {
            infotree: infotree.map(InfoTreeKind::from),
            ..Options::default()
        };
        let request = |(id, source): (String, String)| {
            let request = EvalRequest {
                options: options.clone(),
                ..EvalRequest::new(Arc::from(source), run_timeout)
            };
            (id, request)
        };
        let (ids, requests) = named.into_iter().map(request).unzip();
        Self {
            ids,
            requests,
            run_timeout,
        }
    }

    /// The results in the order of the sources.
    ///
    /// # Errors
    /// 429 or 503 if none of the sources was let in.
    async fn evaluate(
        self,
        service: &Arc<Service>,
        principal: &Principal,
    ) -> Result<Vec<CheckResult>, Problem> {
        let asked = Asked {
            surface: Surface::Kimina,
            policy: Policy::default(),
        };
        let refused = |error: SubmitError| Problem::from(ServiceError::from(error));
        let mut evaluations = Evaluations::start(service, principal, self.requests, asked)
            .await
            .map_err(refused)?;
        let mut results = BTreeMap::new();
        let mut refusal = None;
        let mut is_any_in = self.ids.is_empty();
        while let Some((index, mut evaluated)) = evaluations.next().await {
            match evaluated.refused.take() {
                None => is_any_in = true,
                refused => refusal = refused,
            }
            let id = self.ids.get(index).cloned().unwrap_or_default();
            results.insert(index, CheckResult::new(id, &evaluated, self.run_timeout));
        }
        match refusal {
            Some(error) if !is_any_in => Err(refused(error)),
            _ => Ok(results.into_values().collect()),
        }
    }
}
