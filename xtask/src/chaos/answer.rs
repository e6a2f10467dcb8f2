//! What a server's response says about each text, for each way of asking. Knows the shapes, and
//! decides nothing about whether it is true.

use std::time::Duration;

use serde_json::Value;

use crate::chaos::http::Response;
use crate::chaos::plan::{Surface, Verdict, marks};

/// What is said about one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// The client's own name for the text, if the shape has one.
    pub(crate) name: Option<String>,
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// Why it is undecided: a word of the server's, `other` where the shape has none for it, or
    /// empty if it is not.
    pub(crate) reason: String,
    /// The marks in Lean's messages.
    pub(crate) marks: Vec<String>,
    /// How long it waited for a session, where that is told.
    pub(crate) queue: Option<Duration>,
}

/// A response as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Something about each text, in the order of the request.
    Texts(Vec<Said>),
    /// The request was turned away and may be sent again.
    TurnedAway,
    /// There was no session for it.
    Unavailable,
    /// Something that fits no shape that is documented.
    Misshapen(String),
}

/// Reads the response to a request with texts.
pub(crate) fn read(surface: Surface, response: &Response) -> Answer {
    if response.status == 429 {
        return match response.header("retry-after") {
            Some(_) => Answer::TurnedAway,
            None => Answer::Misshapen("429 without `Retry-After`".to_owned()),
        };
    }
    if response.status == 503 && response.header("retry-after").is_some() {
        return Answer::Unavailable;
    }
    let is_expected = match surface {
        Surface::Raw => matches!(response.status, 200 | 400 | 408 | 422 | 502),
        _ => response.status == 200,
    };
    if !is_expected {
        let start: String = response.body.chars().take(200).collect();
        return Answer::Misshapen(format!("status {}: {start}", response.status));
    }
    let texts = match surface {
        Surface::Raw => json(&response.body).and_then(|reply| raw(response.status, &reply)),
        Surface::Stream => stream(&response.body),
        Surface::Check | Surface::Verify => json(&response.body).and_then(|reply| kimina(&reply)),
        _ => json(&response.body).and_then(|reply| eval(&reply)),
    };
    texts.map_or_else(
        || {
            let start: String = response.body.chars().take(200).collect();
            Answer::Misshapen(format!("a body of another shape: {start}"))
        },
        Answer::Texts,
    )
}

/// A body as JSON.
fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// The answer to a raw text.
fn raw(status: u16, reply: &Value) -> Option<Vec<Said>> {
    let messages = reply.get("messages")?;
    let is_ok = reply.get("ok")?.as_bool()?;
    let verdict = match (status, reply.get("error")) {
        (200, None) if is_ok => Verdict::Accepted,
        (400, None) if !is_ok => Verdict::Rejected,
        (400.., Some(_)) if !is_ok => Verdict::Undecided,
        _ => return None,
    };
    let reason = match (verdict, status) {
        (Verdict::Accepted | Verdict::Rejected, _) => "",
        (Verdict::Undecided, 408) => "timeout",
        (Verdict::Undecided, 422) => "import",
        (Verdict::Undecided, _) => "other",
    };
    // Whoever looks at the messages alone must see the same.
    (has_error(messages) != is_ok).then(|| {
        vec![Said {
            name: None,
            verdict,
            reason: reason.to_owned(),
            marks: marks_of(messages),
            queue: None,
        }]
    })
}

/// The answer of `/v1/eval`, with its sums checked.
fn eval(reply: &Value) -> Option<Vec<Said>> {
    let results = reply.get("results")?.as_array()?;
    let texts: Vec<Said> = results
        .iter()
        .enumerate()
        .map(|(place, result)| of_result(place, result))
        .collect::<Option<_>>()?;
    adds_up(reply, &texts).then_some(texts)
}

/// The lines of `/v1/eval` as a stream: each text once, and the sums in the last one.
fn stream(body: &str) -> Option<Vec<Said>> {
    let lines: Vec<Value> = body.lines().map(json).collect::<Option<_>>()?;
    let (summary, results) = lines.split_last()?;
    let mut texts: Vec<Option<Said>> = vec![None; results.len()];
    for line in results {
        let result = line.get("result")?;
        let place = usize::try_from(result.get("index")?.as_u64()?).ok()?;
        let text = texts.get_mut(place)?;
        if text.is_some() || line.get("type")? != "result" {
            return None;
        }
        *text = Some(of_result(place, result)?);
    }
    let texts: Vec<Said> = texts.into_iter().collect::<Option<_>>()?;
    (summary.get("type")? == "summary" && adds_up(summary, &texts)).then_some(texts)
}

/// Whether the counts of a reply are those of its results.
fn adds_up(reply: &Value, texts: &[Said]) -> bool {
    let verdicts = [Verdict::Accepted, Verdict::Rejected, Verdict::Undecided];
    verdicts.iter().all(|verdict| {
        let said = reply.get(verdict.as_str()).and_then(Value::as_u64);
        let count = texts.iter().filter(|text| text.verdict == *verdict).count();
        said == u64::try_from(count).ok()
    })
}

/// One result of `/v1/eval`.
fn of_result(place: usize, result: &Value) -> Option<Said> {
    let verdict = match result.get("verdict")?.as_str()? {
        "accepted" => Verdict::Accepted,
        "rejected" => Verdict::Rejected,
        "undecided" => Verdict::Undecided,
        _ => return None,
    };
    let reason = result.get("reason").and_then(Value::as_str);
    let is_undecided = verdict == Verdict::Undecided;
    if result.get("index")?.as_u64() != u64::try_from(place).ok()
        || reason.is_some() != is_undecided
    {
        return None;
    }
    let messages = result.get("messages")?;
    let queue = result.get("seconds")?.get("queue")?.as_f64()?;
    if !is_undecided && has_error(messages) && verdict == Verdict::Accepted {
        return None;
    }
    Some(Said {
        name: result.get("id").and_then(Value::as_str).map(str::to_owned),
        verdict,
        reason: reason.unwrap_or_default().to_owned(),
        marks: marks_of(messages),
        queue: Some(Duration::try_from_secs_f64(queue).ok()?),
    })
}

/// The answers of `/api/check` and `/verify`.
fn kimina(reply: &Value) -> Option<Vec<Said>> {
    let results = reply.get("results")?.as_array()?;
    results.iter().map(of_snippet).collect()
}

/// One result in Kimina's shape: `error`, or a `response` with Lean's verdict.
fn of_snippet(result: &Value) -> Option<Said> {
    let name = result.get("id").or_else(|| result.get("custom_id"))?;
    let mut said = Said {
        name: name.as_str().map(str::to_owned),
        verdict: Verdict::Undecided,
        reason: "other".to_owned(),
        marks: Vec::new(),
        queue: None,
    };
    let present = |field| result.get(field).filter(|value: &&Value| !value.is_null());
    match (present("error"), present("response")) {
        (Some(error), None) => {
            if error.as_str()?.starts_with("Lean REPL command timed out") {
                "timeout".clone_into(&mut said.reason);
            }
        }
        // A client that looks for messages would take this for a valid source.
        (None, Some(response)) if response.get("message").is_some() => return None,
        (None, Some(response)) => {
            let messages = response.get("messages").unwrap_or(&Value::Null);
            said.reason.clear();
            said.verdict = if has_error(messages) {
                Verdict::Rejected
            } else {
                Verdict::Accepted
            };
            said.marks = marks_of(messages);
        }
        _ => return None,
    }
    Some(said)
}

/// Whether a message is an error.
pub(crate) fn has_error(messages: &Value) -> bool {
    let mut messages = messages.as_array().into_iter().flatten();
    messages.any(|message| message.get("severity").is_some_and(|word| word == "error"))
}

/// The marks in the texts of messages.
pub(crate) fn marks_of(messages: &Value) -> Vec<String> {
    let messages = messages.as_array().into_iter().flatten();
    messages
        .filter_map(|message| message.get("data")?.as_str())
        .flat_map(marks)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a response is read as.
    fn read_as(surface: Surface, status: u16, body: &Value) -> Answer {
        let response = Response {
            status,
            headers: Vec::new(),
            body: body.to_string(),
        };
        read(surface, &response)
    }

    /// The verdict and the reason of the only text.
    fn only(answer: Answer) -> (Verdict, String) {
        match answer {
            Answer::Texts(texts) => (texts[0].verdict, texts[0].reason.clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_raw_text_is_decided_by_status_and_field_together() {
        let error = json!({"severity": "error", "data": "chaos-1-0"});
        let read = |status, body| read_as(Surface::Raw, status, &body);
        let accepted = json!({"ok": true, "messages": []});
        assert_eq!(only(read(200, accepted.clone())).0, Verdict::Accepted);
        let rejected = json!({"ok": false, "messages": [error]});
        assert_eq!(only(read(400, rejected.clone())).0, Verdict::Rejected);
        let died = json!({"ok": false, "messages": [error], "error": "x"});
        let undecided = |reason: &str| (Verdict::Undecided, reason.to_owned());
        assert_eq!(only(read(502, died.clone())), undecided("other"));
        assert_eq!(only(read(408, died.clone())), undecided("timeout"));
        for (status, body) in [
            (400, accepted),
            (200, rejected),
            (200, died),
            (200, json!({})),
        ] {
            assert!(
                matches!(read(status, body), Answer::Misshapen(_)),
                "{status}"
            );
        }
    }

    #[test]
    fn sums_that_do_not_add_up_and_doubled_lines_are_misshapen() {
        let result = json!({"index": 0, "id": "a", "verdict": "accepted", "messages": [],
            "seconds": {"queue": 0.0}});
        let sums = |accepted| json!({"results": [result], "accepted": accepted, "rejected": 0, "undecided": 0});
        assert_eq!(
            only(read_as(Surface::Batch, 200, &sums(1))).0,
            Verdict::Accepted
        );
        assert!(matches!(
            read_as(Surface::Batch, 200, &sums(2)),
            Answer::Misshapen(_)
        ));
        let line = json!({"type": "result", "result": result}).to_string();
        let last = json!({"type": "summary", "accepted": 1, "rejected": 0, "undecided": 0});
        assert!(stream(&format!("{line}\n{last}\n")).is_some());
        assert!(stream(&format!("{line}\n{line}\n{last}\n")).is_none());
        assert!(stream(&format!("{line}\n")).is_none());
    }

    #[test]
    fn kiminas_shapes_have_an_error_or_a_response() {
        let read = |result: Value| read_as(Surface::Check, 200, &json!({"results": [result]}));
        let timed_out = "Lean REPL command timed out in 1.0 seconds";
        assert_eq!(
            only(read(json!({"id": "a", "error": timed_out}))).1,
            "timeout"
        );
        assert_eq!(only(read(json!({"id": "a", "error": "x"}))).1, "other");
        let message = read(json!({"id": "a", "response": {"message": "x"}}));
        assert!(matches!(message, Answer::Misshapen(_)));
        let accepted = json!({"id": "a", "error": null, "response": {"env": 0}});
        assert_eq!(only(read(accepted)).0, Verdict::Accepted);
        let both = json!({"id": "a", "error": "x", "response": {"env": 0}});
        assert!(matches!(read(both), Answer::Misshapen(_)));
    }

    #[test]
    fn turned_away_is_only_who_is_told_when_to_come_back() {
        let away = json!({"error": "x"});
        assert!(matches!(
            read_as(Surface::Raw, 429, &away),
            Answer::Misshapen(_)
        ));
        let told = Response {
            status: 429,
            headers: vec![("retry-after".to_owned(), "1".to_owned())],
            body: String::new(),
        };
        assert_eq!(read(Surface::Eval, &told), Answer::TurnedAway);
    }
}
