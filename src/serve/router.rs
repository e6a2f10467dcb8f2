//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::serve::problem::Problem;
use crate::serve::server::Server;
use crate::serve::{eval, front, health, kimina, openapi, page, raw, sessions};

/// All paths of a server.
pub(crate) fn router(server: &Arc<Server>) -> Router {
    Router::new()
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
        .route("/api/check/", post(kimina::check))
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
        .layer(from_fn_with_state(Arc::clone(server), front::handle))
        .with_state(Arc::clone(server))
}

/// A path that is there, but not for this method.
async fn not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path does not take this method",
    )
}
