//! The id of a request, for finding it again in the logs: the client's own, or a new one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use tower_http::request_id::{MakeRequestId, RequestId};

/// The header with the id, in requests and in responses.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a client.
const LONGEST: usize = 64;

/// Makes ids that differ within a run by a count, and between runs by a nonce.
#[derive(Debug, Clone)]
pub(crate) struct RequestIds {
    /// What the ids of this run begin with.
    nonce: Arc<str>,
    count: Arc<AtomicU64>,
}

impl RequestIds {
    /// Ids that begin with the nonce.
    pub(crate) fn new(nonce: &str) -> Self {
        Self {
            nonce: Arc::from(nonce),
            count: Arc::new(AtomicU64::new(1)),
        }
    }
}

impl MakeRequestId for RequestIds {
    fn make_request_id<B>(&mut self, _request: &axum::http::Request<B>) -> Option<RequestId> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let id = HeaderValue::from_str(&format!("{}-{count}", self.nonce)).ok()?;
        Some(RequestId::new(id))
    }
}

/// The request without an id of the client's that could do harm in a log.
pub(crate) async fn without_harmful(mut request: Request) -> Request {
    let is_harmless = |id: &HeaderValue| {
        let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(letter)
    };
    if !request.headers().get(REQUEST_ID).is_some_and(is_harmless) {
        request.headers_mut().remove(REQUEST_ID);
    }
    request
}

/// The id of a request that has passed the layer for it.
pub(crate) fn of(request: &Request) -> String {
    let id = request.headers().get(REQUEST_ID);
    let id = id.and_then(|id| id.to_str().ok());
    id.unwrap_or_default().to_owned()
}
