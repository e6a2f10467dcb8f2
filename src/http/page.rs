//! The page for a browser: everything it needs comes from this server. Never knows a key: the browser
//! keeps it.

use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::response::{IntoResponse, Response};

/// What the page may load and do: its own script and style, and requests to this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn html() -> Response {
    asset("text/html", include_str!("../../templates/page.html"))
}

pub(crate) async fn style() -> Response {
    asset("text/css", include_str!("../../templates/page.css"))
}

pub(crate) async fn script() -> Response {
    asset("text/javascript", include_str!("../../templates/page.js"))
}

/// The abbreviations of Lean's unicode input.
pub(crate) async fn abbreviations() -> Response {
    asset(
        "text/javascript",
        include_str!("../../templates/abbreviations.js"),
    )
}

/// One file of the page.
fn asset(kind: &str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, format!("{kind}; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (X_FRAME_OPTIONS, "DENY".to_owned()),
        (REFERRER_POLICY, "no-referrer".to_owned()),
        // An update of leanrepl must be seen at once; the files are small.
        (CACHE_CONTROL, "no-cache".to_owned()),
    ];
    (StatusCode::OK, headers, text).into_response()
}
