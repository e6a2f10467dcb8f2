//! Which path leads where. A slash at the end, or two in a row, change no meaning.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::uri::{PathAndQuery, Uri};
use axum::middleware::map_request;
use axum::routing::{get, post};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::problem::{Problem, json_response};
use crate::http::{eval, health, kimina, layers, openapi, page, raw, sessions};
use crate::service::server::Service;

/// All paths of the service.
pub(crate) fn router(service: &Arc<Service>) -> Router {
    let (described, mut document) = described().split_for_parts();
    openapi::add_common(&mut document);
    let document = Arc::new(document);
    let paths = described
        .route("/page.css", get(page::style))
        .route("/page.js", get(page::script))
        .route("/abbreviations.js", get(page::abbreviations))
        .route(
            "/openapi.json",
            get(async move || json_response(StatusCode::OK, &*document)),
        )
        .route("/one_pass_verify_batch", post(kimina::verify))
        .method_not_allowed_fallback(not_allowed)
        .fallback(raw::anywhere)
        .with_state(Arc::clone(service));
    // What changes a path has to stand before what looks at it.
    Router::new()
        .fallback_service(layers::around(paths, service))
        .layer(map_request(with_plain_path))
}

/// The paths that are described; each handler names its own.
fn described() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(openapi::without_paths())
        .routes(routes!(health::root, raw::evaluate))
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(health::version))
        .routes(routes!(health::metrics))
        .routes(routes!(kimina::check))
        .routes(routes!(kimina::verify))
        .routes(routes!(eval::eval))
        .routes(routes!(sessions::create))
        .routes(routes!(sessions::show, sessions::delete))
        .routes(routes!(sessions::command))
        .routes(routes!(sessions::tactic))
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
