//! What happens to every request before and after its handler: number, CORS, key, log line, and
//! the form of errors. Never looks into a body.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::engine::evaluated::Counts;
use crate::http::forwarded;
use crate::http::problem::Problem;
use crate::service::error::ServiceError;
use crate::service::options::Cors;
use crate::service::principal::Principal;
use crate::service::server::Service;
use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, AUTHORIZATION, CONNECTION, HeaderValue,
    ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The number of a request, for finding it again in the logs.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header in which clients of Kimina's server may show their key.
const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// The longest number of a request that is taken from a client.
const LONGEST_ID: usize = 64;

/// A body of so many bytes is read together with the head, if a client sends them together.
const SHORT_BODY: u64 = 4096;

/// The status in the log for a client that went away.
const CLIENT_GONE: u16 = 499;

/// The address that a request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Handles one request from its head to the head of its response.
pub(crate) async fn handle(
    State(service): State<Arc<Service>>,
    mut request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let id = request_id(&service, request.headers());
    let origin = request.headers().get(ORIGIN).cloned();
    let mut visit = Visit {
        service: Arc::clone(&service),
        method: request.method().clone(),
        path: request.uri().path().chars().take(LONGEST_ID).collect(),
        id,
        start,
        client: None,
        status: None,
        counts: None,
    };
    let response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        match admit(&service, &request, start) {
            Ok(caller) => {
                visit.client = Some(Arc::clone(&caller.client));
                request.extensions_mut().insert(caller);
                next.run(request).await
            }
            Err(error) => turned_away(&request, error.into()),
        }
    };
    let mut response = finish(response, start, &visit.id);
    if let Ok(value) = HeaderValue::from_str(&visit.id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    allow_origin(
        &service.options.cors,
        origin.as_ref(),
        response.headers_mut(),
    );
    visit.status = Some(response.status());
    visit.counts = response.extensions().get().copied();
    response
}

/// The answer to a request whose body nobody reads. The connection cannot be used again after a long
/// one, and a client that is not told so would send its next request into nothing.
fn turned_away(request: &Request, problem: Problem) -> Response {
    let mut response = problem.into_response();
    let length = request.body().size_hint().upper();
    if length.is_none_or(|length| length > SHORT_BODY) {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// Gives an error its body.
fn finish(mut response: Response, start: Instant, id: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let mut finished = problem.finish(start.elapsed(), id);
    // What a handler has added, such as the methods that a path does take.
    for (name, value) in response.headers() {
        if !finished.headers().contains_key(name) {
            finished.headers_mut().append(name, value.clone());
        }
    }
    finished
}

/// Lets a request in, by its key if keys are asked for.
fn admit(service: &Service, request: &Request, start: Instant) -> Result<Principal, ServiceError> {
    let options = &service.options;
    let headers = request.headers();
    if options.keys.is_empty() || is_open(request.method(), request.uri().path()) {
        let peer = request.extensions().get::<Peer>();
        let forwarded = options
            .trusts_proxy
            .then(|| forwarded::forwarded(headers))
            .flatten();
        let address = forwarded.or_else(|| peer.map(|peer| peer.0.ip()));
        return Ok(Principal::at(address, start));
    }
    let shown = headers
        .get(AUTHORIZATION)
        .or_else(|| headers.get(X_AUTH_TOKEN));
    options.keys.admit(shown.map(HeaderValue::as_bytes), start)
}

/// Whether a request needs no key: what a load balancer, a browser without a key yet, or a
/// generator of clients has to see.
fn is_open(method: &Method, path: &str) -> bool {
    let reads = method == Method::GET || method == Method::HEAD;
    reads && path != "/metrics" && !path.starts_with("/v1/")
}

/// The client's own number for the request if it is harmless in a log, else a new one.
fn request_id(service: &Service, headers: &HeaderMap) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let is_harmless = |id: &&str| {
        let letters = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        !id.is_empty() && id.len() <= LONGEST_ID && id.chars().all(letters)
    };
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    match given.filter(is_harmless) {
        Some(id) => id.to_owned(),
        None => format!(
            "{}-{}",
            service.nonce,
            COUNT.fetch_add(1, Ordering::Relaxed)
        ),
    }
}

/// Tells a browser which pages may read the response.
fn allow_origin(cors: &Cors, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    let allowed = match cors {
        Cors::Off => return,
        Cors::Any => HeaderValue::from_static("*"),
        Cors::Origins(known) => {
            headers.append(VARY, HeaderValue::from_static("Origin"));
            match origin {
                Some(origin) if known.iter().any(|known| origin == known.as_str()) => {
                    origin.clone()
                }
                _ => return,
            }
        }
    };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE, OPTIONS"),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "Content-Type, Authorization, X-Lean-Timeout, X-Request-Id, X-Auth-Token",
        ),
        (ACCESS_CONTROL_EXPOSE_HEADERS, "X-Request-Id, Retry-After"),
        (ACCESS_CONTROL_MAX_AGE, "86400"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// One request, for its log line and its count. Dropped without a status if the client went away.
struct Visit {
    /// What counts it.
    service: Arc<Service>,
    /// What was asked for.
    method: Method,
    /// The beginning of the path.
    path: String,
    /// The number of the request.
    id: String,
    /// When it came.
    start: Instant,
    /// Who asked, once that is known.
    client: Option<Arc<str>>,
    /// What it was answered with.
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
        let client = self.client.as_deref().unwrap_or_default();
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
    fn the_log_tells_a_time_in_no_more_digits_than_it_is_good_for() {
        for (nanos, line) in [
            (24_123_573_999, "24123.574"),
            (1_500_000, "1.5"),
            (400, "0"),
        ] {
            assert_eq!(millis(Duration::from_nanos(nanos)).to_string(), line);
        }
    }

    #[test]
    fn a_key_is_asked_for_where_lean_runs_or_others_can_be_watched() {
        let is_open = |method: Method, path| is_open(&method, path);
        for path in ["/", "/health", "/ready", "/version", "/openapi.json"] {
            assert!(is_open(Method::GET, path), "{path}");
            assert!(!is_open(Method::POST, path), "{path}");
        }
        assert!(!is_open(Method::GET, "/metrics"));
        assert!(!is_open(Method::GET, "/v1/sessions/x"));
        assert!(!is_open(Method::DELETE, "/v1/sessions/x"));
    }

    #[test]
    fn only_the_named_origins_may_read() {
        let cors = Cors::Origins(vec!["https://a.example".to_owned()]);
        let allowed = |origin: &'static str| {
            let mut headers = HeaderMap::new();
            allow_origin(&cors, Some(&HeaderValue::from_static(origin)), &mut headers);
            headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).cloned()
        };
        assert_eq!(allowed("https://a.example").unwrap(), "https://a.example");
        assert_eq!(allowed("https://b.example"), None);
    }
}
