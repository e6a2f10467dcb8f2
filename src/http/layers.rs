//! What happens to every request before and after its handler, in order. The parts are in files of their
//! own.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn_with_state, map_request};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{PropagateRequestIdLayer, SetRequestIdLayer};

use crate::http::problem::Problem;
use crate::http::request_id::{self, REQUEST_ID, RequestIds};
use crate::http::{admission, cors, visit};
use crate::service::server::Service;

/// The paths with all layers around them, outermost first.
pub(crate) fn around(paths: Router, service: &Arc<Service>) -> Router {
    let ids = RequestIds::new(&service.nonce);
    paths.layer((
        map_request(request_id::without_harmful),
        SetRequestIdLayer::new(REQUEST_ID, ids),
        PropagateRequestIdLayer::new(REQUEST_ID),
        from_fn_with_state(Arc::clone(service), visit::observe),
        // A page must be able to read why its request was refused.
        cors::layer(&service.options.cors),
        from_fn_with_state(Arc::clone(service), admission::admit),
        CatchPanicLayer::custom(panicked),
    ))
}

/// The answer of a handler that panicked. This is logged in the span of the request; the hook has written
/// where it was.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer gives what was thrown away"
)]
fn panicked(thrown: Box<dyn Any + Send>) -> Response {
    let message = thrown
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| thrown.downcast_ref::<&str>().copied());
    tracing::error!(panic = message.unwrap_or_default(), "a handler panicked");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the server failed on this request by an error of its own",
    )
    .hint("report this as a bug, with the log lines that hold the id of the request")
    .into_response()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use axum::body::{Body, to_bytes};
    use axum::extract::Request;
    use axum::http::header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, ORIGIN, VARY,
    };
    use axum::http::{HeaderName, Method};
    use axum::routing::get;
    use serde_json::Value;
    use tower_service::Service as _;

    use super::*;
    use crate::http::tests::fake_engine::options;
    use crate::service::keys::{KeyLimits, Keys};
    use crate::service::options::{Cors, ServiceOptions};

    /// A handler with an error of ours.
    async fn break_down() -> StatusCode {
        panic!("the moon is gone")
    }

    /// A service without a pool whose paths are `/ok` and `/broken`.
    fn router(cors: Cors, keys: &str) -> Router {
        let options = ServiceOptions {
            cors,
            keys: Keys::parse(keys, KeyLimits::default()).unwrap(),
            ..options()
        };
        let service = Arc::new(Service::new(options).unwrap());
        let paths = Router::new()
            .route("/ok", get(async || "fine"))
            .route("/broken", get(break_down));
        around(paths, &service)
    }

    /// The response to a request with one header.
    async fn ask(
        router: &Router,
        method: Method,
        path: &str,
        header: (HeaderName, &str),
    ) -> Response {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header.0, header.1).body(Body::empty());
        router.clone().call(request.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn a_handler_that_panics_answers_and_is_logged_under_the_id_of_its_request() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let lines = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(Arc::new(log.reopen().unwrap()));
        let _guard = tracing::subscriber::set_default(lines.finish());
        let router = router(Cors::Any, "");
        let id = (REQUEST_ID, "find-me");
        let response = ask(&router, Method::GET, "/broken", id.clone()).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[REQUEST_ID], "find-me");
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (&body["ok"], &body["request_id"]),
            (&Value::from(false), &Value::from("find-me"))
        );
        assert!(!body.to_string().contains("moon"), "{body}");
        // The next one is answered as if nothing had been.
        assert_eq!(
            ask(&router, Method::GET, "/ok", id).await.status(),
            StatusCode::OK
        );
        let log = fs::read_to_string(log.path()).unwrap();
        let line = log.lines().find(|line| line.contains("the moon is gone"));
        assert!(line.unwrap().contains(r#"request{id="find-me"}"#), "{log}");
        let line = log.lines().find(|line| line.contains("/broken")).unwrap();
        assert!(line.contains("status=500"), "{line}");
    }

    #[tokio::test]
    async fn only_the_named_origins_may_read_whatever_the_answer_is() {
        let cors = Cors::Origins(vec!["https://a.example".to_owned()]);
        let router = router(cors, "s3cret");
        for (path, status) in [("/ok", 200), ("/broken", 500), ("/v1/nothing", 401)] {
            for (origin, allowed) in [
                ("https://a.example", Some("https://a.example")),
                ("https://b.example", None),
            ] {
                let response = ask(&router, Method::GET, path, (ORIGIN, origin)).await;
                let found = response.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN);
                let found = found.map(|value| value.to_str().unwrap());
                assert_eq!(
                    (response.status().as_u16(), found),
                    (status, allowed),
                    "{path}"
                );
                assert_eq!(response.headers()[VARY], "origin");
            }
        }
    }

    #[tokio::test]
    async fn a_browser_that_asks_first_needs_no_key() {
        for (cors, allowed) in [(Cors::Any, true), (Cors::Off, false)] {
            let router = router(cors, "s3cret");
            let origin = (ORIGIN, "https://a.example");
            let response = ask(&router, Method::OPTIONS, "/v1/nothing", origin).await;
            assert_eq!(response.status(), StatusCode::NO_CONTENT);
            let headers = response.headers();
            assert_eq!(headers.contains_key(ACCESS_CONTROL_ALLOW_HEADERS), allowed);
            assert_eq!(headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), allowed);
            assert!(headers.contains_key(REQUEST_ID));
        }
    }
}
