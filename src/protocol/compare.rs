//! Compares a REPL's replies with those of a transcript. Pure; never runs a REPL and never judges
//! what a wording means.

use std::fmt;

use serde_json::{Map, Value};

/// The fields whose strings are prose or pretty-printed terms: these differ between toolchains
/// and print widths without the REPL being another. `proofStatus` is not among them, since
/// programs decide by it.
const WORDINGS: [&str; 11] = [
    "data",
    "expectedType",
    "expr",
    "goal",
    "goalState",
    "goals",
    "goalsAfter",
    "goalsBefore",
    "message",
    "pp",
    "traces",
];

/// How a reply relates to the expected one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// The same JSON.
    Passed,
    /// The same structure, places, severities, numbers and counts, in other words.
    Wording(Difference),
    /// Something else.
    Differs(Difference),
}

/// The first place where two replies differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where, as `messages[0].data`; empty for the whole reply.
    pub path: String,
    /// What was expected, as JSON, possibly cut; `nothing` for an absent field.
    pub expected: String,
    /// What was there, likewise.
    pub actual: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            expected,
            actual,
        } = self;
        if !path.is_empty() {
            write!(f, "`{path}`: ")?;
        }
        write!(f, "expected {expected}, found {actual}")
    }
}

/// Compares a reply with the expected one.
pub fn compare(expected: &Value, actual: &Value) -> Comparison {
    let mut walk = Walk {
        path: Vec::new(),
        wording: None,
    };
    match (walk.values(expected, actual, false), walk.wording) {
        (Err(difference), _) => Comparison::Differs(difference),
        (Ok(()), Some(difference)) => Comparison::Wording(difference),
        (Ok(()), None) => Comparison::Passed,
    }
}

/// The blocks of a transcript: what stands between blank lines, without its last line end.
pub fn blocks(text: &str) -> Vec<&str> {
    let mut blocks = Vec::new();
    let (mut start, mut end) = (0, 0);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let next = at + line.len();
        if line.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
            blocks.extend(text.get(start..end).filter(|block| !block.is_empty()));
            (start, end) = (next, next);
        } else {
            end = at + line.trim_end_matches(['\r', '\n']).len();
        }
        at = next;
    }
    blocks.extend(text.get(start..end).filter(|block| !block.is_empty()));
    blocks
}

/// A walk through two values side by side.
struct Walk {
    /// The steps from the whole reply to where the walk is.
    path: Vec<String>,
    /// The first difference in wording.
    wording: Option<Difference>,
}

impl Walk {
    /// Compares two values, `is_wording` if strings in them are prose. Fails at the first
    /// difference that is more than wording.
    fn values(
        &mut self,
        expected: &Value,
        actual: &Value,
        is_wording: bool,
    ) -> Result<(), Difference> {
        match (expected, actual) {
            (Value::Object(expected), Value::Object(actual)) => self.objects(expected, actual),
            (Value::Array(expected), Value::Array(actual)) => {
                for index in 0..expected.len().max(actual.len()) {
                    self.path.push(format!("[{index}]"));
                    self.members(expected.get(index), actual.get(index), is_wording)?;
                    self.path.pop();
                }
                Ok(())
            }
            (Value::String(one), Value::String(other)) if is_wording && one != other => {
                if self.wording.is_none() {
                    self.wording = Some(self.difference(Some(expected), Some(actual)));
                }
                Ok(())
            }
            _ if expected == actual => Ok(()),
            _ => Err(self.difference(Some(expected), Some(actual))),
        }
    }

    /// Compares the fields of two objects.
    fn objects(
        &mut self,
        expected: &Map<String, Value>,
        actual: &Map<String, Value>,
    ) -> Result<(), Difference> {
        let new = actual.keys().filter(|key| !expected.contains_key(*key));
        for key in expected.keys().chain(new) {
            let dot = if self.path.is_empty() { "" } else { "." };
            self.path.push(format!("{dot}{key}"));
            let is_wording = WORDINGS.contains(&key.as_str());
            self.members(expected.get(key), actual.get(key), is_wording)?;
            self.path.pop();
        }
        Ok(())
    }

    /// Compares two fields or items, either of which may be missing.
    fn members(
        &mut self,
        expected: Option<&Value>,
        actual: Option<&Value>,
        is_wording: bool,
    ) -> Result<(), Difference> {
        match (expected, actual) {
            (Some(expected), Some(actual)) => self.values(expected, actual, is_wording),
            _ => Err(self.difference(expected, actual)),
        }
    }

    /// The difference at the current place.
    fn difference(&self, expected: Option<&Value>, actual: Option<&Value>) -> Difference {
        let (expected, actual) = (json(expected), json(actual));
        // A common beginning is cut away, so that what differs is in what is shown.
        let same = expected
            .chars()
            .zip(actual.chars())
            .take_while(|(one, other)| one == other)
            .count();
        let skip = if same > SHOWN / 2 {
            same - SHOWN / 4
        } else {
            0
        };
        Difference {
            path: self.path.concat(),
            expected: excerpt(&expected, skip),
            actual: excerpt(&actual, skip),
        }
    }
}

/// How much of a value is shown, in characters.
const SHOWN: usize = 120;

/// A value as JSON on one line.
fn json(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

/// The part of `text` behind its first `skip` characters, with marks where it is cut.
fn excerpt(text: &str, skip: usize) -> String {
    let mut rest = text.chars().skip(skip);
    let mut shown: String = if skip > 0 { "…" } else { "" }.to_owned();
    shown.extend(rest.by_ref().take(SHOWN));
    if rest.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A reply with one message.
    fn reply() -> Value {
        json!({
            "env": 0,
            "messages": [{
                "severity": "warning",
                "pos": {"line": 1, "column": 8},
                "endPos": null,
                "data": "declaration uses 'sorry'",
            }],
            "sorries": [{"goal": "⊢ 1 = 1", "proofState": 0}],
        })
    }

    /// The comparison with the reply after a change.
    fn changed(change: impl FnOnce(&mut Value)) -> Comparison {
        let mut actual = reply();
        change(&mut actual);
        compare(&reply(), &actual)
    }

    #[test]
    fn other_words_are_only_wording() {
        assert_eq!(changed(|_| ()), Comparison::Passed);
        let Comparison::Wording(difference) = changed(|actual| {
            actual["messages"][0]["data"] = json!("declaration uses `sorry`");
            actual["sorries"][0]["goal"] = json!("⊢ True");
        }) else {
            panic!("not wording");
        };
        assert_eq!(
            difference.to_string(),
            "`messages[0].data`: expected \"declaration uses 'sorry'\", \
             found \"declaration uses `sorry`\""
        );
        let goals = |goals: Value| json!({"proofState": 1, "goals": goals});
        assert!(matches!(
            compare(&goals(json!(["a", "b"])), &goals(json!(["a", "c"]))),
            Comparison::Wording(_)
        ));
    }

    #[test]
    fn anything_else_differs_even_after_other_words() {
        /// One way to change a reply.
        type Change = fn(&mut Value);
        let cases: [(Change, &str); 7] = [
            (|it| it["env"] = json!(1), "`env`: expected 0, found 1"),
            (
                |it| it["messages"][0]["pos"]["column"] = json!(9),
                "`messages[0].pos.column`: expected 8, found 9",
            ),
            (
                |it| it["messages"][0]["severity"] = json!("error"),
                "`messages[0].severity`: expected \"warning\", found \"error\"",
            ),
            (
                |it| it["messages"][0]["data"] = json!(null),
                "`messages[0].data`: expected \"declaration uses 'sorry'\", found null",
            ),
            (
                |it| it["sorries"] = json!([]),
                "`sorries[0]`: expected {\"goal\":\"⊢ 1 = 1\",\"proofState\":0}, found nothing",
            ),
            (
                |it| it["proofStatus"] = json!("Completed"),
                "`proofStatus`: expected nothing, found \"Completed\"",
            ),
            (|it| *it = json!([]), "expected {\"env\":0,"),
        ];
        for (change, expected) in cases {
            let comparison = changed(|actual| {
                actual["messages"][0]["data"] = json!("other words");
                change(actual);
            });
            let Comparison::Differs(difference) = comparison else {
                panic!("{comparison:?}");
            };
            assert!(difference.to_string().starts_with(expected), "{difference}");
        }
        let status = |status: &str| json!({"proofState": 0, "goals": [], "proofStatus": status});
        assert!(matches!(
            compare(&status("Completed"), &status("Incomplete: contains sorry")),
            Comparison::Differs(_)
        ));
    }

    #[test]
    fn a_difference_far_into_a_text_is_shown() {
        let long = "é".repeat(5000);
        let comparison = compare(
            &json!({"message": format!("{long}1 and more")}),
            &json!({"message": format!("{long}2")}),
        );
        let Comparison::Wording(difference) = comparison else {
            panic!("{comparison:?}");
        };
        assert!(difference.expected.ends_with("éé1 and more\""));
        assert!(difference.actual.ends_with("éé2\""));
        assert!(difference.actual.chars().count() < 200);
    }

    #[test]
    fn a_transcript_is_cut_at_blank_lines() {
        for (text, expected) in [
            ("", &[] as &[&str]),
            ("\n \n", &[]),
            ("a", &["a"]),
            ("\n\na\nb\r\n\t\r\nc\n\n\nd", &["a\nb", "c", "d"]),
        ] {
            assert_eq!(blocks(text), expected);
        }
    }
}
