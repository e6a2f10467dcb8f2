//! The body of a request, within bounds of size and time. Never looks at its declared type: clients
//! send whatever their library says.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::http::object::Object;
use crate::http::problem::Problem;
use crate::limits::Bytes;
use crate::service::options::ServiceOptions;

/// How much more than allowed is read and thrown away, so that a client that sends first and reads
/// later sees the answer and not a closed connection.
const DISCARDED: u64 = 16;

/// The body as a string.
///
/// # Errors
/// 400 for bytes that are no UTF-8 or an upload that breaks off, 408 for a slow one, 413 for a long
/// one, 415 for a compressed one.
pub(crate) async fn text(
    headers: &HeaderMap,
    body: Body,
    options: &ServiceOptions,
) -> Result<String, Problem> {
    let bytes = bytes(headers, body, options).await?;
    expect_plain(headers)?;
    String::from_utf8(bytes).map_err(|err| {
        let place = err.utf8_error().valid_up_to();
        Problem::new(
            StatusCode::BAD_REQUEST,
            format!("the body is not UTF-8: the byte at offset {place} begins no character"),
        )
    })
}

/// The body as a JSON object of a certain shape.
///
/// # Errors
/// As for [`text`], and 422 for another shape.
pub(crate) async fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    options: &ServiceOptions,
) -> Result<T, Problem> {
    from_json(&text(headers, body, options).await?)
}

/// A string as a JSON object of a certain shape.
///
/// # Errors
/// 422 for another shape.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let object = serde_json::from_str::<Object<T>>(text);
    let object = object.map_err(|err| Problem::unfit(&[], err.to_string()))?;
    Ok(object.0)
}

/// Refuses a body that is encoded: nothing here undoes a compression.
fn expect_plain(headers: &HeaderMap) -> Result<(), Problem> {
    let codings = headers.get_all(CONTENT_ENCODING).iter();
    let is_plain = |coding: &[u8]| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity");
    if codings.map(HeaderValue::as_bytes).all(is_plain) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "the body is compressed (Content-Encoding); send it as it is",
    ))
}

/// The bytes of the body.
async fn bytes(
    headers: &HeaderMap,
    body: Body,
    options: &ServiceOptions,
) -> Result<Vec<u8>, Problem> {
    let limit = options.max_body;
    let mut stream = body.into_data_stream();
    match timeout(options.body_timeout, collect(headers, &mut stream, limit)).await {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => {
            // Whether it ends does not matter: the answer is known.
            let _ = timeout(options.body_timeout, discard(&mut stream, limit)).await;
            Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body is longer than {limit}"),
            ))
        }
        Ok(Err(err)) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            format!("the body broke off: {err}"),
        )),
        Err(_elapsed) => Err(late(options.body_timeout)),
    }
}

/// All bytes, or nothing if they are too many.
async fn collect(
    headers: &HeaderMap,
    stream: &mut BodyDataStream,
    limit: Bytes,
) -> Result<Option<Vec<u8>>, axum::Error> {
    let declared = headers.get(CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit.get()) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        if bytes.len() + chunk.len() > limit.to_usize() {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

/// Reads on to the end of a body that is too long, within reason.
async fn discard(stream: &mut BodyDataStream, limit: Bytes) {
    let mut left = limit.get().saturating_mul(DISCARDED);
    while let Some(Ok(chunk)) = stream.next().await {
        left = left.saturating_sub(chunk.len() as u64);
        if left == 0 {
            return;
        }
    }
}

/// A body that does not come.
fn late(wait: Duration) -> Problem {
    let span = humantime::format_duration(wait);
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        format!("the body did not arrive within {span}"),
    )
}
