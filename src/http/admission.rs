//! Who may pass: by key if keys are asked for, and under which name the request is queued. Never looks
//! into a body.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION, HeaderValue};
use axum::http::{HeaderName, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::cache_use;
use crate::http::forwarded;
use crate::http::own_machine;
use crate::http::problem::Problem;
use crate::http::request_id;
use crate::http::visit::VisitorName;
use crate::service::error::ServiceError;
use crate::service::principal::Principal;
use crate::service::server::Service;

/// The header in which clients of Kimina's server may show their key.
pub(crate) const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// A body of so many bytes is read together with the head, if a client sends them together.
const SHORT_BODY: u64 = 4096;

/// The address that a request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Lets a request pass with its [`Principal`], or answers why it may not.
pub(crate) async fn admit(
    State(service): State<Arc<Service>>,
    mut request: Request,
    next: Next,
) -> Response {
    let admitted = own_machine::check(&service.options, &request)
        .and_then(|()| Ok(principal(&service, &request)?))
        .and_then(|principal| Ok((principal, cache_use::wanted(request.headers())?)));
    match admitted {
        Ok((mut principal, cache)) => {
            principal.cache = cache;
            principal.request_id = request_id::of(&request).into();
            if let Some(name) = request.extensions().get::<VisitorName>() {
                name.set(&principal);
            }
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(problem) => turned_away(&request, problem),
    }
}

fn principal(service: &Service, request: &Request) -> Result<Principal, ServiceError> {
    let options = &service.options;
    let headers = request.headers();
    let now = Instant::now();
    if options.keys.is_empty() || is_open(request.method(), request.uri().path()) {
        let peer = request.extensions().get::<Peer>();
        let forwarded = options
            .trusts_proxy
            .then(|| forwarded::forwarded(headers))
            .flatten();
        let address = forwarded.or_else(|| peer.map(|peer| peer.0.ip()));
        return Ok(Principal::from_address(address, now));
    }
    let shown = headers
        .get(AUTHORIZATION)
        .or_else(|| headers.get(X_AUTH_TOKEN));
    options.keys.admit(shown.map(HeaderValue::as_bytes), now)
}

/// Whether a request needs no key: what a load balancer, a browser without a key yet, or a
/// generator of clients has to see.
fn is_open(method: &Method, path: &str) -> bool {
    let reads = method == Method::GET || method == Method::HEAD;
    reads && path != "/metrics" && !path.starts_with("/v1/")
}

/// The answer to a request whose body is not read. The connection cannot be used again after a long one,
/// and a client that does not know so would lose its next request.
fn turned_away(request: &Request, problem: Problem) -> Response {
    let mut response = problem.into_response();
    let length = request.body().size_hint().upper();
    if length.is_none_or(|length| length > SHORT_BODY) {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
