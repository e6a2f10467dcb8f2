//! Bodies that were not meant as they are: JSON for another path. Never evaluates anything.

use axum::http::StatusCode;
use serde_json::Value;

use crate::http::problem::Problem;

/// Fields of requests, and the paths that take them.
const FIELDS: [(&str, &str); 8] = [
    ("sources", "/v1/eval"),
    ("source", "/v1/eval"),
    ("texts", "/v1/eval"),
    ("text", "/v1/eval"),
    ("codes", "/verify"),
    ("snippets", "/api/check"),
    ("cmd", "/v1/sessions/{id}/commands"),
    ("tactic", "/v1/sessions/{id}/tactics"),
];

/// The problem with a body that is JSON. No Lean file can be: no command begins with `{`, `[` or `"`.
pub(super) fn json(body: &str) -> Option<Problem> {
    if !body.trim_start().starts_with(['{', '[', '"']) {
        return None;
    }
    let value: Value = serde_json::from_str(body).ok()?;
    let fits = |field: &str| match &value {
        Value::Object(object) => object.contains_key(field),
        _ => false,
    };
    let hint = match FIELDS.iter().find(|(field, _)| fits(field)) {
        Some((field, path)) => format!("POST a request with `{field}` to `{path}`"),
        None => "POST the source itself, or JSON such as `{\"sources\": \"…\"}` to `/v1/eval`"
            .to_owned(),
    };
    let error = "the body is JSON, but this path takes a raw Lean source";
    Some(Problem::new(StatusCode::BAD_REQUEST, error).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_from_lean() {
        for body in [
            r#"{"codes": []}"#,
            " \n{\"sources\": \"x\"}",
            r#"["example : True := trivial"]"#,
            r#""example : True := trivial""#,
            "{}",
        ] {
            assert!(json(body).is_some(), "{body}");
        }
        for body in [
            "",
            "1",
            "null",
            "example : True := trivial",
            "{ x : Nat }",
            "{\"a\": 1} -- no",
            "[simp]",
        ] {
            assert!(json(body).is_none(), "{body}");
        }
    }
}
