//! Batches in the shapes of Kimina Lean Server 2, for its clients. A text that fails never harms
//! the others of its batch.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::StreamExt;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::failure::Failure;
use crate::pool::job::{Answer, Refusal};
use crate::repl::judge::Policy;
use crate::repl::undecided::UndecidedReason;
use crate::repl::wire::{InfoTreeKind, Options};
use crate::serve::front::Caller;
use crate::serve::metrics::Surface;
use crate::serve::numbers::{CustomId, Natural};
use crate::serve::problem::{Problem, json_response, seconds};
use crate::serve::raw;
use crate::serve::server::Server;
use crate::serve::work::{Outcome, Task};
use crate::serve::{body, replies, verdict, work};

/// Seconds that a snippet of `/api/check` may run.
fn check_timeout() -> Natural {
    Natural(30)
}

/// Seconds that a text of `/verify` may run.
fn verify_timeout() -> Natural {
    Natural(300)
}

/// Parts of the infotree that a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Infotree {
    /// Everything.
    Full,
    /// Tactics that change goals.
    Tactics,
    /// Steps that stand in the text.
    Original,
    /// Tactics that stand in the text, without combinators.
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

/// One text of `/api/check`.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Snippet {
    /// The client's name for it, unique in the request.
    id: String,
    /// The text.
    code: String,
}

/// The request of `/api/check`.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CheckRequest {
    /// The texts.
    #[schema(min_items = 1)]
    snippets: Vec<Snippet>,
    /// Longest run of a text, in seconds.
    #[serde(default = "check_timeout")]
    timeout: Natural,
    /// Whether to tell which session ran a text, and its memory.
    #[serde(default)]
    debug: bool,
    /// Of no effect: an environment is never shared between texts, and imports always are.
    #[serde(default, rename = "reuse")]
    _reuse: Option<bool>,
    /// Parts of the infotree.
    #[serde(default)]
    infotree: Option<Infotree>,
}

/// What ran a text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Diagnostics {
    /// The session.
    repl_uuid: String,
    /// The most resident memory of the session so far, in bytes.
    memory_max: u64,
}

/// The result of one snippet: `error` or `response`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckResult {
    /// The client's name for the text.
    id: String,
    /// Seconds that the text ran, without its imports.
    time: f64,
    /// Why there is no response.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What the REPL said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    response: Option<Map<String, Value>>,
    /// What ran it, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnostics: Option<Diagnostics>,
}

/// The response of `/api/check`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckReply {
    /// In the order of the request.
    results: Vec<CheckResult>,
}

/// One text of `/verify`.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct VerifyText {
    /// The client's name for it.
    custom_id: CustomId,
    /// The text.
    #[serde(default)]
    proof: Option<String>,
    /// The text, under its older name.
    #[serde(default)]
    code: Option<String>,
}

/// The request of `/verify`.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct VerifyRequest {
    /// The texts.
    codes: Vec<VerifyText>,
    /// Longest run of a text, in seconds.
    #[serde(default = "verify_timeout")]
    timeout: Natural,
    /// Parts of the infotree.
    #[serde(default)]
    infotree_type: Option<Infotree>,
    /// Of no effect: see `reuse` of `/api/check`.
    #[serde(default, rename = "disable_cache")]
    _disable_cache: Option<bool>,
}

/// The result of one text of `/verify`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerifyResult {
    /// The client's name for the text.
    custom_id: String,
    /// Why there is no response.
    error: Option<String>,
    /// What the REPL said, with the seconds in `time`.
    #[schema(value_type = Option<Object>)]
    response: Option<Map<String, Value>>,
}

/// The response of `/verify`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerifyReply {
    /// In the order of the request.
    results: Vec<VerifyResult>,
}

/// Evaluates a batch, in the shape of Kimina Lean Server 2.
#[utoipa::path(
    post, path = "/api/check", tag = "kimina", request_body = CheckRequest,
    responses((status = 200, description = "one result for each snippet", body = CheckReply))
)]
pub(crate) async fn check(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
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
    if !asked.snippets.iter().all(|snippet| ids.insert(&snippet.id)) {
        let why = "`snippets` must have unique ids";
        return Err(Problem::unfit(&["snippets"], why));
    }
    let texts = asked.snippets.into_iter();
    let texts = texts.map(|snippet| (snippet.id, snippet.code)).collect();
    let batch = Batch::new(&server, texts, asked.timeout, asked.infotree);
    let mut results = batch.run(&server, &caller).await?;
    if !asked.debug {
        for result in &mut results {
            result.diagnostics = None;
        }
    }
    Ok(json_response(StatusCode::OK, &CheckReply { results }))
}

/// Evaluates a batch, in the older shape of Kimina Lean Server. `/one_pass_verify_batch` is the
/// same.
#[utoipa::path(
    post, path = "/verify", tag = "kimina", request_body = VerifyRequest,
    responses((status = 200, description = "one result for each text", body = VerifyReply))
)]
pub(crate) async fn verify(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let asked: VerifyRequest = body::json(&head.headers, body, &server.options).await?;
    // A text that is missing is a failure of its own, which never harms the others.
    let mut texts = Vec::new();
    let mut missing = Vec::new();
    for (place, code) in asked.codes.into_iter().enumerate() {
        match code.proof.or(code.code) {
            Some(text) => texts.push((code.custom_id.0, text)),
            None => missing.push((place, VerifyResult::missing(code.custom_id.0))),
        }
    }
    let batch = Batch::new(&server, texts, asked.timeout, asked.infotree_type);
    let results = batch.run(&server, &caller).await?;
    let mut results: Vec<VerifyResult> = results.into_iter().map(VerifyResult::new).collect();
    for (place, result) in missing {
        results.insert(place.min(results.len()), result);
    }
    Ok(json_response(StatusCode::OK, &VerifyReply { results }))
}

/// Texts to run.
struct Batch {
    /// With their limits.
    tasks: Vec<Task>,
}

impl Batch {
    /// The texts with the limits that hold for all.
    fn new(
        server: &Server,
        texts: Vec<(String, String)>,
        timeout: Natural,
        infotree: Option<Infotree>,
    ) -> Self {
        let options = Options {
            infotree: infotree.map(InfoTreeKind::from),
            ..Options::default()
        };
        let task = |(name, text): (String, String)| Task {
            name,
            text: Arc::from(text),
            options: options.clone(),
            timeout: Duration::from_secs(timeout.0).min(server.options.max_timeout),
            policy: Policy::default(),
            surface: Surface::Kimina,
        };
        Self {
            tasks: texts.into_iter().map(task).collect(),
        }
    }

    /// The results in the order of the texts.
    ///
    /// # Errors
    /// 429 or 503 if none of the texts was let in.
    async fn run(self, server: &Server, caller: &Caller) -> Result<Vec<CheckResult>, Problem> {
        let runs = self.tasks.into_iter().map(|task| async move {
            let outcome = work::run_patiently(server, caller, &task).await;
            (task, outcome)
        });
        let done: Vec<(Task, Outcome)> = stream::iter(runs)
            .buffered(server.options.batch_width)
            .collect()
            .await;
        let mut refusal: Option<&Refusal> = None;
        let mut is_any_in = done.is_empty();
        for (_, outcome) in &done {
            match outcome {
                Ok(_) => is_any_in = true,
                Err(refused) => refusal = Some(refused),
            }
        }
        match refusal {
            Some(refusal) if !is_any_in => Err(raw::refused(refusal)),
            _ => Ok(done
                .iter()
                .map(|(task, outcome)| CheckResult::new(task, outcome))
                .collect()),
        }
    }
}

impl CheckResult {
    /// What came of one text.
    fn new(task: &Task, outcome: &Outcome) -> Self {
        let mut result = Self {
            id: task.name.clone(),
            time: 0.0,
            error: None,
            response: None,
            diagnostics: None,
        };
        match outcome {
            Ok(answer) => {
                result.time = seconds(answer.evaluated.times.body);
                result.diagnostics = Some(Diagnostics {
                    repl_uuid: uuid(answer.session),
                    memory_max: answer.peak_memory,
                });
                result.fill(answer, task.timeout);
            }
            Err(refusal) => result.error = Some(verdict::refused(refusal)),
        }
        result
    }

    /// Says what Lean said, or why it said nothing.
    fn fill(&mut self, answer: &Answer, timeout: Duration) {
        let evaluated = &answer.evaluated;
        let Some(failure) = &evaluated.failure else {
            self.response = Some(replies::repl_reply(evaluated));
            return;
        };
        match evaluated.reason {
            Some(UndecidedReason::Timeout) => {
                self.time = timeout.as_secs_f64();
                self.error = Some(timed_out(timeout));
            }
            // An answer of the REPL, of the kind that has a message and nothing else.
            Some(UndecidedReason::Import | UndecidedReason::Unsupported) => {
                let mut reply = Map::new();
                reply.insert("message".to_owned(), Value::from(told(failure)));
                self.response = Some(reply);
            }
            _ => self.error = Some(told(failure)),
        }
    }
}

impl VerifyResult {
    /// A text that is not there.
    fn missing(custom_id: String) -> Self {
        Self {
            error: Some(format!("Snippet {custom_id:?} has no proof/code content")),
            custom_id,
            response: None,
        }
    }

    /// The same in the older shape: the time is part of the response.
    fn new(result: CheckResult) -> Self {
        let response = result.response.map(|mut response| {
            response.insert("time".to_owned(), Value::from(result.time));
            response
        });
        Self {
            custom_id: result.id,
            error: result.error,
            response,
        }
    }
}

/// The text by which clients know a timeout.
fn timed_out(timeout: Duration) -> String {
    let seconds = timeout.as_secs_f64();
    format!("Lean REPL command timed out in {seconds:?} seconds")
}

/// A failure as one text.
fn told(failure: &Failure) -> String {
    let mut text = failure.problem().to_owned();
    for cause in failure.causes() {
        text.push_str(": ");
        text.push_str(&cause);
    }
    text
}

/// The number of a session in the form of a UUID, which is what clients expect.
fn uuid(session: u64) -> String {
    let process = std::process::id();
    format!("{process:08x}-0000-4000-8000-{session:012x}")
}
