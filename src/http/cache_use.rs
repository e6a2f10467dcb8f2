//! What a client says of kept results, in a header of its request.

use axum::http::{HeaderMap, HeaderName, StatusCode};

use crate::engine::request::CacheUse;
use crate::http::problem::Problem;

/// `off` or `refresh` in a request; `hit` in the answer to a raw source that was answered from kept results.
pub(crate) const X_LEANREPL_CACHE: HeaderName = HeaderName::from_static("x-leanrepl-cache");

/// What kept results may do for the sources of a request.
///
/// # Errors
/// Any other word.
pub(crate) fn wanted(headers: &HeaderMap) -> Result<CacheUse, Problem> {
    let Some(value) = headers.get(X_LEANREPL_CACHE) else {
        return Ok(CacheUse::Use);
    };
    match value.to_str().unwrap_or_default().trim() {
        "off" => Ok(CacheUse::Off),
        "refresh" => Ok(CacheUse::Refresh),
        _ => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "the header X-Leanrepl-Cache is neither `off` nor `refresh`",
        )),
    }
}
