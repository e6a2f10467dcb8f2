//! Tactic rows as a large project would give them, made from the recorded ones.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// The recorded rows.
const RECORDED: &str = "tests/extract_golden/tactics.rows.jsonl";

/// How many times a tactic of the same spelling comes back, about.
const REPEATED: usize = 4;

/// So many rows, one a line. They are always the same.
pub(super) fn lines(root: &Path, count: usize) -> Result<String> {
    let recorded =
        fs::read_to_string(root.join(RECORDED)).context("cannot read the recorded rows")?;
    let recorded = recorded.lines().map(serde_json::from_str);
    let recorded: Vec<Value> = recorded.collect::<Result<_, _>>()?;
    let mut lines = String::new();
    for number in 0..count {
        let row = recorded.get(number % recorded.len().max(1));
        let mut row = row.context("no rows were recorded")?.clone();
        vary(&mut row, number, count);
        writeln!(lines, "{row}")?;
    }
    Ok(lines)
}

/// Gives a row a place, a module, a tactic and goals of its own.
fn vary(row: &mut Value, number: usize, count: usize) {
    let spelling = number % (count / REPEATED).max(1);
    let names = [("/module", number / 400), ("/ppTac", spelling)];
    for (pointer, suffix) in names {
        if let Some(Value::String(text)) = row.pointer_mut(pointer) {
            // Writing to a string cannot fail.
            let _written = write!(text, " {suffix}");
        }
    }
    for pointer in ["/startPos/line", "/endPos/line", "/nextStartPos/line"] {
        if let Some(line) = row.pointer_mut(pointer) {
            *line = (number % 400).into();
        }
    }
    let goals = row.pointer_mut("/goals").and_then(Value::as_array_mut);
    for goal in goals.into_iter().flatten() {
        if let Some(Value::String(text)) = goal.pointer_mut("/pp") {
            let hypotheses: Vec<String> = (0..8)
                .map(|h| format!("h{h} : a + {number} = b * {h}\n"))
                .collect();
            text.insert_str(0, &hypotheses.concat());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leanrepl::internals::table::schema::Schema;

    #[test]
    fn rows_fit_the_schema_and_differ() {
        let schema = include_str!("../../../../tests/extract_golden/tactics.schema.json");
        let schema = Schema::from_json(&serde_json::from_str(schema).unwrap()).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let lines = lines(&root, 200).unwrap();
        let mut rows: Vec<&str> = lines.lines().collect();
        assert!(rows.iter().all(|row| schema.check(row).is_ok()));
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), 200);
    }
}
