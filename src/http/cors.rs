//! Which web pages may call, as browsers ask for it. Never refuses a request itself.

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer, Vary};

use crate::http::admission::X_AUTH_TOKEN;
use crate::http::cache_use::X_LEANREPL_CACHE;
use crate::http::raw::{X_LEAN_ISOLATION, X_LEAN_TIMEOUT};
use crate::http::request_id::REQUEST_ID;
use crate::service::options::Cors;

/// How long a browser may keep what it was allowed.
const MAX_AGE: Duration = Duration::from_secs(86400);

/// The layer that answers every OPTIONS request and adds to every other response who may read it.
pub(crate) fn layer(cors: &Cors) -> CorsLayer {
    let layer = CorsLayer::new().vary(Vary::list([]));
    let layer = match cors {
        Cors::Off => return layer,
        Cors::Any => layer.allow_origin(AllowOrigin::any()),
        Cors::Origins(origins) => {
            // An origin that cannot stand in a header is never sent by a browser either.
            let origins = origins
                .iter()
                .filter_map(|origin| HeaderValue::from_str(origin).ok());
            layer
                .vary(Vary::list([ORIGIN]))
                .allow_origin(AllowOrigin::list(origins))
        }
    };
    layer
        .allow_methods([Method::GET, Method::POST, Method::DELETE, Method::OPTIONS])
        .allow_headers([
            CONTENT_TYPE,
            AUTHORIZATION,
            X_LEAN_TIMEOUT,
            X_LEANREPL_CACHE,
            REQUEST_ID,
            X_AUTH_TOKEN,
        ])
        .expose_headers([REQUEST_ID, RETRY_AFTER, X_LEAN_ISOLATION, X_LEANREPL_CACHE])
        .max_age(MAX_AGE)
}
