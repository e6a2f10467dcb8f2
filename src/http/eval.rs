//! `POST /v1/eval`: one source or many, the verdict in words, and results as a stream if asked for.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::engine::evaluated::{Counts, Verdict};
use crate::engine::judge::Policy;
use crate::engine::pool::job::Refusal;
use crate::http::kimina::Infotree;
use crate::http::problem::{Problem, json_response, seconds};
use crate::http::results::EvalResult;
use crate::http::sources::Sources;
use crate::http::work::{Outcome, Task};
use crate::http::{body, work};
use crate::protocol::wire::{InfoTreeKind, Options};
use crate::service::error::ServiceError;
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
    /// The text is rejected.
    Reject,
}

/// The request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvalRequest {
    /// One source, or a list of sources; `texts` is another name for it.
    #[serde(alias = "texts")]
    sources: Sources,
    /// Longest run of each source, in seconds; what the server was started with if absent.
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

/// The response.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvalReply {
    /// Of this shape.
    version: u32,
    /// In the order of the request.
    results: Vec<EvalResult>,
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
    /// Of this shape.
    version: u32,
    /// The result.
    result: &'a EvalResult,
}

/// The last line of the stream.
#[derive(Debug, Serialize)]
struct SummaryLine {
    /// Always `summary`.
    r#type: &'static str,
    /// Of this shape.
    version: u32,
    /// How many were accepted.
    accepted: usize,
    /// How many were rejected.
    rejected: usize,
    /// How many are undecided.
    undecided: usize,
    /// Seconds since the request came.
    seconds: f64,
}

/// Evaluates one source or many.
#[utoipa::path(
    post, path = "/v1/eval", tag = "eval", request_body = EvalRequest,
    responses((
        status = 200,
        description = "One result for each source. With `Accept: application/x-ndjson` each is a line \
            `{\"type\":\"result\",\"version\":2,\"result\":…}` as it finishes, and the last line is a `summary`.",
        content((EvalReply = "application/json"), (String = "application/x-ndjson")),
    ))
)]
pub(crate) async fn eval(
    State(server): State<Arc<Service>>,
    Extension(caller): Extension<Principal>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let asked: EvalRequest = body::json(&head.headers, body, &server.options).await?;
    let mut run = Run::start(&server, &caller, asked)?;
    if wants_stream(&head.headers) {
        let lines = stream::unfold(run, |mut run| async {
            let line = run.next_line().await?;
            Some((Ok::<_, std::convert::Infallible>(line), run))
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
        return Err(ServiceError::from(refusal).into());
    }
    results.sort_by_key(|result| result.index);
    let reply = EvalReply {
        version: VERSION,
        results,
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

/// Texts that run and results that come.
struct Run {
    /// The texts that run or will.
    pending: Pin<Box<dyn Stream<Item = (usize, Outcome)> + Send>>,
    /// The names of the texts without a result, by their place.
    waiting: BTreeMap<usize, String>,
    /// Whether to stop at the first that is accepted.
    first_accepted: bool,
    /// Whether no more are run.
    stopped: bool,
    /// Whether the summary was written.
    summed_up: bool,
    /// What came so far.
    counts: Counts,
    /// Whether any text was let in.
    is_any_in: bool,
    /// Why one was not.
    refusal: Option<Refusal>,
    /// When the request came.
    start: Instant,
}

impl Run {
    /// Starts the texts of a request.
    fn start(
        server: &Arc<Service>,
        caller: &Principal,
        asked: EvalRequest,
    ) -> Result<Self, Problem> {
        let timeout = match asked.timeout {
            None => server.options.run_timeout,
            Some(seconds) => server.run_timeout(seconds).ok_or_else(|| {
                Problem::unfit(&["timeout"], "must be a number of seconds above 0")
            })?,
        };
        let options = Options {
            all_tactics: asked.tactics.then_some(true),
            infotree: asked.infotree.map(InfoTreeKind::from),
            ..Options::default()
        };
        let policy = Policy {
            fail_on_sorry: asked.sorries == Holes::Reject,
            ..Policy::default()
        };
        let mut waiting = BTreeMap::new();
        let mut tasks = Vec::new();
        for (index, item) in asked.sources.0.into_iter().enumerate() {
            let id = item.id.unwrap_or_else(|| index.to_string());
            waiting.insert(index, id.clone());
            tasks.push(Task {
                name: id,
                text: Arc::from(item.source),
                options: options.clone(),
                timeout,
                policy,
                surface: Surface::Eval,
            });
        }
        // Made when it is their turn: a batch may be of many thousand texts.
        let (server, caller, start) = (Arc::clone(server), caller.clone(), caller.start);
        let width = server.options.batch_width;
        let runs = tasks.into_iter().enumerate().map(move |(index, task)| {
            let (server, caller) = (Arc::clone(&server), caller.clone());
            async move { (index, work::run_patiently(&server, &caller, &task).await) }
        });
        Ok(Self {
            pending: stream::iter(runs).buffer_unordered(width).boxed(),
            waiting,
            first_accepted: asked.first_accepted,
            stopped: false,
            summed_up: false,
            counts: Counts::default(),
            is_any_in: false,
            refusal: None,
            start,
        })
    }

    /// The next result, in the order in which they come.
    async fn next(&mut self) -> Option<EvalResult> {
        if !self.stopped {
            match self.pending.next().await {
                Some((index, outcome)) => return Some(self.take(index, outcome)),
                None => self.stopped = true,
            }
        }
        let (index, id) = self.waiting.pop_first()?;
        self.counts.undecided += 1;
        Some(EvalResult::skipped(index, id))
    }

    /// Takes one result into account.
    fn take(&mut self, index: usize, outcome: Outcome) -> EvalResult {
        let id = self.waiting.remove(&index).unwrap_or_default();
        let result = EvalResult::new(index, id, &outcome);
        match outcome {
            Ok(answer) => {
                self.is_any_in = true;
                self.counts.add(&answer.evaluated);
                if self.first_accepted && answer.evaluated.verdict == Verdict::Accepted {
                    self.stopped = true;
                    // What still runs is cancelled by this.
                    self.pending = stream::empty().boxed();
                }
            }
            Err(refusal) => {
                self.counts.undecided += 1;
                self.refusal = Some(refusal);
            }
        }
        result
    }

    /// The next line of the stream.
    async fn next_line(&mut self) -> Option<String> {
        let line = match self.next().await {
            Some(result) => serde_json::to_string(&ResultLine {
                r#type: "result",
                version: VERSION,
                result: &result,
            }),
            None if self.summed_up => return None,
            None => {
                self.summed_up = true;
                serde_json::to_string(&SummaryLine {
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
