//! Which path leads where. A slash at the end, or two in a row, change no meaning.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::uri::{PathAndQuery, Uri};
use axum::middleware::map_request;
use axum::routing::{get, post};

use crate::http::problem::Problem;
use crate::http::{eval, health, kimina, layers, openapi, page, raw, sessions};
use crate::service::server::Service;

/// All paths of the service.
pub(crate) fn router(service: &Arc<Service>) -> Router {
    let paths = Router::new()
        .route("/", get(health::root).post(raw::evaluate))
        .route("/page.css", get(page::style))
        .route("/page.js", get(page::script))
        .route("/abbreviations.js", get(page::abbreviations))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/version", get(health::version))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi::openapi))
        .route("/api/check", post(kimina::check))
        .route("/verify", post(kimina::verify))
        .route("/one_pass_verify_batch", post(kimina::verify))
        .route("/v1/eval", post(eval::eval))
        .route("/v1/sessions", post(sessions::create))
        .route(
            "/v1/sessions/{id}",
            get(sessions::show).delete(sessions::delete),
        )
        .route("/v1/sessions/{id}/commands", post(sessions::command))
        .route("/v1/sessions/{id}/tactics", post(sessions::tactic))
        .method_not_allowed_fallback(not_allowed)
        .fallback(raw::anywhere)
        .with_state(Arc::clone(service));
    // What changes a path has to stand before what looks at it.
    Router::new()
        .fallback_service(layers::around(paths, service))
        .layer(map_request(with_plain_path))
}

/// The request with the plain form of its path.
async fn with_plain_path(mut request: Request) -> Request {
    if let Some(uri) = plain(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// The address with a path without empty parts, if it has some.
fn plain(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if path == "/" || !(path.ends_with('/') || path.contains("//")) {
        return None;
    }
    let mut plain = String::with_capacity(path.len());
    for part in path.split('/').filter(|part| !part.is_empty()) {
        plain.push('/');
        plain.push_str(part);
    }
    if plain.is_empty() {
        plain.push('/');
    }
    if let Some(query) = uri.query() {
        plain.push('?');
        plain.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(plain).ok()?);
    Uri::from_parts(parts).ok()
}

/// A path that is there, but not for this method.
async fn not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path does not take this method",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_parts_of_a_path_mean_nothing() {
        for (given, expected) in [
            ("/verify/", Some("/verify")),
            ("/v1/eval//?x=/", Some("/v1/eval?x=/")),
            ("//v1/eval", Some("/v1/eval")),
            ("//", Some("/")),
            ("http://host/health/", Some("http://host/health")),
            ("/", None),
            ("/v1/eval", None),
            ("/v1/eval?a=//", None),
            ("*", None),
        ] {
            let uri: Uri = given.parse().unwrap();
            let found = plain(&uri).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), expected, "{given}");
        }
    }
}
