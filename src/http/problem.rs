//! A request that is not answered as asked: status and JSON. One shape for every status, in which
//! each kind of client finds the field it looks for.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::engine::evaluate::SubmitError;
use crate::engine::report::seconds;
use crate::service::error::ServiceError;

/// Why a request is not answered as asked.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    error: String,
    /// The same for clients of Kimina's server: the text, or a list of what does not fit where.
    detail: Value,
    hint: Option<String>,
    retry_after: Option<Duration>,
}

/// Every error of this server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorReply {
    /// Always false.
    ok: bool,
    /// What is wrong, one line.
    error: String,
    /// The same text, or a list of what does not fit where.
    detail: Value,
    /// What to do about it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Seconds since the request came.
    elapsed: f64,
    /// The number of the request, also in the header `x-request-id`.
    request_id: String,
}

impl Problem {
    /// A problem without more to say.
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        let error = error.into();
        Self {
            status,
            detail: Value::String(error.clone()),
            error,
            hint: None,
            retry_after: None,
        }
    }

    /// A part of the body that does not fit, in the form of the validation of Kimina's server.
    pub(crate) fn unfit(at: &[&str], why: impl Into<String>) -> Self {
        let why = why.into();
        let mut place = vec!["body"];
        place.extend(at);
        let error = format!("{}: {why}", place.join("."));
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: json!([{ "loc": place, "msg": why, "type": "value_error" }]),
            error,
            hint: None,
            retry_after: None,
        }
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Says what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The finished response; `elapsed` since the request came.
    pub(crate) fn finish(&self, elapsed: Duration, request_id: &str) -> Response {
        let reply = ErrorReply {
            ok: false,
            error: self.error.clone(),
            detail: self.detail.clone(),
            hint: self.hint.clone(),
            elapsed: seconds(elapsed),
            request_id: request_id.to_owned(),
        };
        let mut response = json_response(self.status, &reply);
        if let Some(span) = self.retry_after {
            let whole = span.as_secs() + u64::from(span.subsec_nanos() > 0);
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(whole.max(1)));
        }
        response
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let problem = Self::new(status(&error), error.to_string());
        Self {
            retry_after: error.retry_after(),
            hint: error.hint().map(str::to_owned),
            ..problem
        }
    }
}

/// The status of each error of the service.
fn status(error: &ServiceError) -> StatusCode {
    match error {
        ServiceError::MissingKey | ServiceError::UnknownKey => StatusCode::UNAUTHORIZED,
        ServiceError::TooManyRequests { .. }
        | ServiceError::TooManyConcurrent
        | ServiceError::Refused(SubmitError::QueueFull { .. } | SubmitError::QueueTimeout { .. })
        | ServiceError::TooManyLeases { .. }
        | ServiceError::TooManyLeasesOfClient { .. } => StatusCode::TOO_MANY_REQUESTS,
        ServiceError::NotReady(_)
        | ServiceError::Refused(
            SubmitError::ShuttingDown | SubmitError::NoSession(_) | SubmitError::Cancelled,
        ) => StatusCode::SERVICE_UNAVAILABLE,
        ServiceError::NoSuchLease => StatusCode::NOT_FOUND,
        ServiceError::LeaseGone { .. } => StatusCode::GONE,
        ServiceError::LeaseTimedOut { .. } => StatusCode::REQUEST_TIMEOUT,
        ServiceError::HeaderFailed(_) => StatusCode::BAD_REQUEST,
        ServiceError::NoRandomName(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Problem {
    /// A response without a body yet: only the layer that saw the request come knows its time and id.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

pub(crate) fn json_response(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => {
            let kind = HeaderValue::from_static("application/json");
            (status, [(CONTENT_TYPE, kind)], body).into_response()
        }
        Err(err) => {
            tracing::error!(%err, "a reply cannot be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;
    use crate::service::readiness::Readiness;

    #[test]
    fn each_error_of_the_service_has_its_status_and_its_time_to_try_again() {
        let retry_after = Duration::from_millis(1500);
        let why = String::new;
        for (error, status, seconds) in [
            (ServiceError::MissingKey, 401, None),
            (ServiceError::UnknownKey, 401, None),
            (
                ServiceError::TooManyRequests { retry_after },
                429,
                Some("2"),
            ),
            (ServiceError::TooManyConcurrent, 429, Some("1")),
            (
                SubmitError::QueueFull { retry_after }.into(),
                429,
                Some("2"),
            ),
            (
                SubmitError::QueueTimeout {
                    waited: retry_after,
                }
                .into(),
                429,
                Some("1"),
            ),
            (ServiceError::TooManyLeases { retry_after }, 429, Some("2")),
            (
                ServiceError::TooManyLeasesOfClient {
                    most: 1,
                    retry_after,
                },
                429,
                Some("2"),
            ),
            (ServiceError::NotReady(Readiness::Starting), 503, Some("2")),
            (SubmitError::ShuttingDown.into(), 503, Some("5")),
            (
                SubmitError::NoSession(Failure::bug("")).into(),
                503,
                Some("5"),
            ),
            (SubmitError::Cancelled.into(), 503, None),
            (ServiceError::NoSuchLease, 404, None),
            (ServiceError::LeaseGone { why: why() }, 410, None),
            (
                ServiceError::LeaseTimedOut { limit: retry_after },
                408,
                None,
            ),
            (ServiceError::HeaderFailed(why()), 400, None),
        ] {
            let text = format!("{error:?}");
            let response = Problem::from(error).finish(Duration::ZERO, "id");
            let header = response.headers().get(RETRY_AFTER);
            let header = header.map(|value| value.to_str().unwrap());
            assert_eq!(
                (response.status().as_u16(), header),
                (status, seconds),
                "{text}"
            );
        }
    }
}
