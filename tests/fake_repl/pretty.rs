//! JSON in the looks of Lean's own printer: up to 80 columns a line, keys from Z to A.

use serde_json::Value;

/// The widest line that is not broken.
const WIDTH: usize = 80;

/// The text of a value.
pub(crate) fn print(value: &Value) -> String {
    fit(value, 0)
}

/// The text of a value that begins after `column` columns.
fn fit(value: &Value, column: usize) -> String {
    let flat = flat(value);
    if column + flat.len() <= WIDTH {
        return flat;
    }
    let margin = " ".repeat(column + 1);
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| fit(item, column + 1)).collect();
            format!("[{}]", items.join(&format!(",\n{margin}")))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .rev()
                .map(|(key, value)| {
                    let key = Value::from(key.as_str());
                    let text = fit(value, column + 1);
                    if text.contains('\n') {
                        format!("{key}:\n{margin}{text}")
                    } else {
                        format!("{key}: {text}")
                    }
                })
                .collect();
            format!("{{{}}}", fields.join(&format!(",\n{margin}")))
        }
        _ => flat,
    }
}

/// The text of a value on one line.
fn flat(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flat).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .rev()
                .map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), flat(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_replies_are_broken_but_hold_no_blank_line() {
        assert_eq!(print(&json!({"env": 0})), r#"{"env": 0}"#);
        let reply = json!({
            "env": 0,
            "messages": [{"severity": "info", "data": "a\n\nb ∀ 😀", "endPos": null,
                "pos": {"line": 1, "column": 0}}, {}],
        });
        let text = print(&reply);
        assert!(text.lines().count() > 1 && !text.contains("\n\n"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), reply);
    }
}
