//! `POST /v1/eval`: one source or many, the verdict in words, and results as a stream if asked for.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tracing::{Instrument as _, Span};
use utoipa::ToSchema;

use crate::engine::evaluate::SubmitError;
use crate::engine::judge::{Policy, Verdict};
use crate::engine::record::EvalRecord;
use crate::engine::report::{Counts, Report, seconds};
use crate::engine::request::EvalRequest;
use crate::engine::undecided::UndecidedReason;
use crate::failure::{Failure, Kind};
use crate::http::body;
use crate::http::kimina::Infotree;
use crate::http::problem::{Problem, json_response};
use crate::http::sources::Sources;
use crate::protocol::wire::{InfoTreeKind, Options};
use crate::service::error::ServiceError;
use crate::service::evaluations::{Asked, Evaluated, Evaluations, Ledger};
use crate::service::metrics::Surface;
use crate::service::principal::Principal;
use crate::service::server::Service;

/// Of the shapes below; changes when a field goes or changes its meaning.
const VERSION: u32 = 2;

/// The type of a stream of results.
const NDJSON: &str = "application/x-ndjson";

/// What a hole (`sorry`) means for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Holes {
    /// Lean only warns about it, and so it does not matter.
    #[default]
    Allow,
    /// The source is rejected.
    Reject,
}

/// The request.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = EvalRequest)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvalBody {
    /// One source, or a list of sources; `texts` is another name for it.
    #[serde(alias = "texts")]
    sources: Sources,
    /// Longest run of each source, in seconds; what the server was started with if absent. Less than 0.1
    /// is taken as 0.1, and more than `--max-timeout` as that.
    #[serde(default)]
    #[schema(exclusive_minimum = 0.0)]
    timeout: Option<f64>,
    /// What a hole means for the verdict.
    #[serde(default)]
    sorries: Holes,
    /// Whether to list every tactic with its goals.
    #[serde(default)]
    tactics: bool,
    /// Parts of the infotree to return.
    #[serde(default)]
    infotree: Option<Infotree>,
    /// Whether to stop at the first source that is accepted; the others are undecided then.
    #[serde(default)]
    first_accepted: bool,
}

/// The result of one source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvalResult<'a> {
    /// Its place in the request, from 0.
    index: usize,
    /// The client's name for it; the index if it has none.
    id: &'a str,
    /// What was found out about it.
    #[serde(flatten)]
    report: Report<'a>,
}

/// The response.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvalReply<'a> {
    /// Of this shape.
    version: u32,
    /// In the order of the request.
    results: Vec<EvalResult<'a>>,
    /// How many were accepted.
    accepted: usize,
    /// How many were rejected.
    rejected: usize,
    /// How many are undecided.
    undecided: usize,
    /// Seconds since the request came.
    seconds: f64,
}

/// A line of the stream with one result.
#[derive(Debug, Serialize)]
struct ResultLine<'a> {
    /// Always `result`.
    r#type: &'static str,
    version: u32,
    result: EvalResult<'a>,
}

/// The last line of the stream.
#[derive(Debug, Serialize)]
struct StreamSummary {
    /// Always `summary`.
    r#type: &'static str,
    version: u32,
    accepted: usize,
    rejected: usize,
    undecided: usize,
    /// Seconds since the request came.
    seconds: f64,
}

/// Evaluates one source or many.
#[utoipa::path(
    post, path = "/v1/eval", tag = "eval", request_body = EvalBody,
    responses((
        status = 200,
        description = "One result for each source. With `Accept: application/x-ndjson` each is a line \
            `{\"type\":\"result\",\"version\":2,\"result\":…}` as it finishes, and the last line is a `summary`.",
        content((EvalReply<'_> = "application/json"), (String = "application/x-ndjson")),
    ))
)]
pub(crate) async fn eval(
    State(server): State<Arc<Service>>,
    Extension(caller): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let asked: EvalBody = body::json(&head.headers, body, &server.options).await?;
    let mut run = EvalRun::start(&server, &caller, asked).await?;
    if wants_stream(&head.headers) {
        // The body is read after the request has left its span.
        let span = Span::current();
        let lines = stream::unfold(run, move |mut run| {
            let next = async {
                let line = run.next_line().await?;
                Some((Ok::<_, Infallible>(line), run))
            };
            next.instrument(span.clone())
        });
        let kind = [(CONTENT_TYPE, NDJSON)];
        return Ok((kind, Body::from_stream(lines)).into_response());
    }
    let mut results = Vec::new();
    while let Some(result) = run.next().await {
        results.push(result);
    }
    if let Some(refusal) = &run.refusal
        && !run.is_any_in
    {
        return Err(ServiceError::from(refusal.clone()).into());
    }
    results.sort_by_key(|done| done.index);
    let reply = EvalReply {
        version: VERSION,
        results: results.iter().map(EvaluatedSource::result).collect(),
        accepted: run.counts.accepted,
        rejected: run.counts.rejected,
        undecided: run.counts.undecided,
        seconds: seconds(run.start.elapsed()),
    };
    let mut response = json_response(StatusCode::OK, &reply);
    // For the log line of the request.
    response.extensions_mut().insert(run.counts);
    Ok(response)
}

/// Whether the client asks for a stream.
fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains(NDJSON))
}

/// A source with its result.
struct EvaluatedSource {
    index: usize,
    id: String,
    evaluated: Evaluated,
}

impl EvaluatedSource {
    /// As the client reads it.
    fn result(&self) -> EvalResult<'_> {
        let Evaluated {
            record, judgement, ..
        } = &self.evaluated;
        EvalResult {
            index: self.index,
            id: &self.id,
            report: Report::new(record, judgement).without_proof_states(),
        }
    }
}

/// Sources that run and results that come.
struct EvalRun {
    /// The sources that run or will; none any more after the first that was to stop them.
    evaluations: Option<Evaluations>,
    ledger: Ledger,
    /// The names of the sources without a result, by their place.
    waiting: BTreeMap<usize, String>,
    /// Whether to stop at the first that is accepted.
    first_accepted: bool,
    summed_up: bool,
    counts: Counts,
    is_any_in: bool,
    /// Why one was not.
    refusal: Option<SubmitError>,
    start: Instant,
}

impl EvalRun {
    /// Starts the sources of a request.
    async fn start(
        service: &Arc<Service>,
        principal: &Principal,
        body: EvalBody,
    ) -> Result<Self, Problem> {
        let run_timeout = match body.timeout {
            None => service.options.run_timeout,
            Some(seconds) => service.run_timeout(seconds).ok_or_else(|| {
                Problem::unfit(&["timeout"], "must be a number of seconds above 0")
            })?,
        };
        let options = Options {
            all_tactics: body.tactics.then_some(true),
            infotree: body.infotree.map(InfoTreeKind::from),
            ..Options::default()
        };
        let asked = Asked {
            surface: Surface::Eval,
            policy: Policy {
                fail_on_sorry: body.sorries == Holes::Reject,
                ..Policy::default()
            },
        };
        let mut waiting = BTreeMap::new();
        let mut requests = Vec::new();
        for (index, item) in body.sources.0.into_iter().enumerate() {
            waiting.insert(index, item.id.unwrap_or_else(|| index.to_string()));
            requests.push(EvalRequest {
                options: options.clone(),
                find_sorry_decls: asked.policy.fail_on_sorry,
                ..EvalRequest::new(Arc::from(item.source), run_timeout)
            });
        }
        let evaluations = Evaluations::start(service, principal, requests, asked).await;
        let evaluations = evaluations.map_err(ServiceError::from)?;
        Ok(Self {
            ledger: evaluations.ledger().clone(),
            evaluations: Some(evaluations),
            waiting,
            first_accepted: body.first_accepted,
            summed_up: false,
            counts: Counts::default(),
            is_any_in: false,
            refusal: None,
            start: principal.start,
        })
    }

    /// The next result, in the order in which they come.
    async fn next(&mut self) -> Option<EvaluatedSource> {
        if let Some(evaluations) = &mut self.evaluations
            && let Some((index, evaluated)) = evaluations.next().await
        {
            return Some(self.take(index, evaluated));
        }
        let (index, id) = self.waiting.pop_first()?;
        let failure = Failure::new(
            Kind::Session,
            "another source was accepted first",
            "leave out `first_accepted` to evaluate all",
        );
        let record = EvalRecord::undecided(UndecidedReason::Skipped, failure);
        let evaluated = Evaluated::new(Ok(record), Policy::default());
        self.counts.add(evaluated.judgement.verdict, false);
        self.ledger.write(index, &evaluated);
        Some(EvaluatedSource {
            index,
            id,
            evaluated,
        })
    }

    /// Takes one result into account.
    fn take(&mut self, index: usize, mut evaluated: Evaluated) -> EvaluatedSource {
        let verdict = evaluated.judgement.verdict;
        self.counts.add(verdict, evaluated.record.has_sorry());
        match evaluated.refused.take() {
            None => self.is_any_in = true,
            refused => self.refusal = refused,
        }
        if self.first_accepted && verdict == Verdict::Accepted {
            // What still runs is cancelled by this.
            self.evaluations = None;
        }
        EvaluatedSource {
            index,
            id: self.waiting.remove(&index).unwrap_or_default(),
            evaluated,
        }
    }

    /// The next line of the stream.
    async fn next_line(&mut self) -> Option<String> {
        let line = match self.next().await {
            Some(done) => serde_json::to_string(&ResultLine {
                r#type: "result",
                version: VERSION,
                result: done.result(),
            }),
            None if self.summed_up => return None,
            None => {
                self.summed_up = true;
                serde_json::to_string(&StreamSummary {
                    r#type: "summary",
                    version: VERSION,
                    accepted: self.counts.accepted,
                    rejected: self.counts.rejected,
                    undecided: self.counts.undecided,
                    seconds: seconds(self.start.elapsed()),
                })
            }
        };
        // These shapes have no part that cannot be written; without a summary a client knows.
        line.ok().map(|line| line + "\n")
    }
}
