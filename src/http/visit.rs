//! One request from its head to the head of its response: the span that names it in the log, its log line,
//! its count, and the body of an error. Never looks at a key.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use crate::engine::report::Counts;
use crate::http::problem::Problem;
use crate::http::request_id;
use crate::service::principal::Principal;
use crate::service::server::Service;

/// The status in the log for a client that went away.
const CLIENT_GONE: u16 = 499;

/// The most letters of a path in the log.
const LONGEST_PATH: usize = 64;

/// Where the name of a request's client is left for its log line, once it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct VisitorName(Arc<OnceLock<Arc<str>>>);

impl VisitorName {
    /// Leaves the name. Only the first one counts.
    pub(crate) fn set(&self, principal: &Principal) {
        let _ = self.0.set(Arc::clone(&principal.client));
    }
}

/// Handles one request under its id.
pub(crate) async fn observe(
    State(service): State<Arc<Service>>,
    mut request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let id = request_id::of(&request);
    let client = VisitorName::default();
    let mut visit = Visit {
        service,
        method: request.method().clone(),
        path: request.uri().path().chars().take(LONGEST_PATH).collect(),
        id,
        start,
        client: client.clone(),
        status: None,
        counts: None,
    };
    request.extensions_mut().insert(client);
    // Of the highest level, so that a quiet log names the request as well.
    let span = tracing::error_span!("request", id = visit.id);
    let response = next.run(request).instrument(span).await;
    let mut response = finish(response, start, &visit.id);
    // The layer for CORS answers these with 200, but there is nothing to read.
    if visit.method == Method::OPTIONS && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    visit.status = Some(response.status());
    visit.counts = response.extensions().get().copied();
    response
}

/// Gives an error its body.
fn finish(mut response: Response, start: Instant, id: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let mut finished = problem.finish(start.elapsed(), id);
    // What handlers and layers have added, such as the methods that a path does take.
    for (name, value) in response.headers() {
        if !finished.headers().contains_key(name) {
            finished.headers_mut().append(name, value.clone());
        }
    }
    finished
}

/// One request, for its log line and its count. Dropped without a status if the client went away.
struct Visit {
    service: Arc<Service>,
    method: Method,
    path: String,
    id: String,
    start: Instant,
    /// Who asked, once that is known.
    client: VisitorName,
    status: Option<StatusCode>,
    /// How many of its sources had which verdict, if its handler says so.
    counts: Option<Counts>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        let status = self.status.map_or(CLIENT_GONE, |status| status.as_u16());
        self.service.metrics.response(status);
        // Probes come every few seconds and would drown the rest.
        let is_probe = self.path == "/health" || self.path == "/ready" || self.path == "/metrics";
        let millis = millis(self.start.elapsed());
        let client = self.client.0.get().map_or("", |client| &**client);
        if let Some(counts) = self.counts {
            let Counts {
                accepted,
                rejected,
                undecided,
                ..
            } = counts;
            tracing::info!(id = self.id, method = %self.method, path = self.path, status, millis, client, accepted, rejected, undecided, "request");
        } else if is_probe && status < 400 {
            tracing::debug!(id = self.id, method = %self.method, path = self.path, status, millis, client, "request");
        } else {
            tracing::info!(id = self.id, method = %self.method, path = self.path, status, millis, client, "request");
        }
    }
}

/// Milliseconds to the microsecond.
fn millis(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_shows_a_time_in_no_more_digits_than_it_is_good_for() {
        for (nanos, line) in [
            (24_123_573_999, "24123.574"),
            (1_500_000, "1.5"),
            (400, "0"),
        ] {
            assert_eq!(millis(Duration::from_nanos(nanos)).to_string(), line);
        }
    }
}
