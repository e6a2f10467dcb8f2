//! What a worker's extractors print: rows and the end of each item. Pure.

use serde::Deserialize;
use serde_json::Value;

use crate::table::schema::Schema;

/// How the line after the rows of an item begins.
const END: &str = "{\"$end\":";

/// The rows of one item of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemRows {
    /// The rows as Lean wrote them, one JSON object each.
    pub(crate) rows: Vec<String>,
    /// Where to go on, if the rows so far are as many as a reply may hold.
    pub(crate) next: Option<u64>,
}

/// A module of the closure of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) parts: Vec<String>,
    /// How many constants its file holds.
    pub(crate) constants: u64,
}

/// The end of an item.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    #[serde(rename = "$end")]
    end: EndFields,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndFields {
    module: Option<String>,
    rows: usize,
    next: Option<u64>,
}

/// A line of the list of modules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModuleLine {
    module: String,
    parts: Vec<Value>,
    constants: u64,
}

/// A plugin's schema and key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaLine {
    schema: Value,
    key: String,
}

/// The rows of the items, whose modules are `names`, in their order. The last item may have been left
/// unfinished, and those after it untouched.
///
/// # Errors
/// A phrase, for output that does not fit: nothing of it may be used then.
pub(crate) fn items(output: &str, names: &[Option<&str>]) -> Result<Vec<ItemRows>, String> {
    let mut items = Vec::new();
    let mut rows = Vec::new();
    for line in output.lines() {
        if !line.starts_with(END) {
            rows.push(line.to_owned());
            continue;
        }
        let end: End = serde_json::from_str(line)
            .map_err(|err| format!("the end of an item cannot be understood: {err}"))?;
        let end = end.end;
        let expected = names.get(items.len());
        if expected != Some(&end.module.as_deref()) {
            return Err("an item that was not asked for has an end".to_owned());
        }
        if end.rows != rows.len() {
            return Err(format!(
                "{} rows were announced, and {} came",
                end.rows,
                rows.len()
            ));
        }
        if items
            .last()
            .is_some_and(|last: &ItemRows| last.next.is_some())
        {
            return Err("an item follows one that was not finished".to_owned());
        }
        items.push(ItemRows {
            rows: std::mem::take(&mut rows),
            next: end.next,
        });
    }
    let is_cut = items.last().is_some_and(|last| last.next.is_some());
    if !rows.is_empty() || (items.len() < names.len() && !is_cut) {
        return Err("the output ends early".to_owned());
    }
    Ok(items)
}

/// The modules that Lean lists.
///
/// # Errors
/// A phrase, for output that does not fit.
pub(crate) fn modules(output: &str) -> Result<Vec<Module>, String> {
    let module = |line: &str| {
        let line: ModuleLine = serde_json::from_str(line)
            .map_err(|err| format!("a module of the list cannot be understood: {err}"))?;
        let part = |part: Value| match part {
            Value::String(part) => part,
            other => other.to_string(),
        };
        Ok(Module {
            name: line.module,
            parts: line.parts.into_iter().map(part).collect(),
            constants: line.constants,
        })
    };
    output.lines().map(module).collect()
}

/// The schema that a plugin says it has, and the column that chooses shards.
///
/// # Errors
/// A phrase, for what is no schema, or has no such column.
pub(crate) fn schema(output: &str) -> Result<(Schema, String), String> {
    let line: SchemaLine = serde_json::from_str(output.trim())
        .map_err(|err| format!("its schema cannot be understood: {err}"))?;
    let schema = Schema::from_json(&line.schema).map_err(|err| err.to_string())?;
    if let Some(field) = schema
        .fields
        .iter()
        .find(|field| field.name.starts_with('$'))
    {
        return Err(format!(
            "a column cannot be called `{}`: no name begins with `$`",
            field.name
        ));
    }
    if schema.field(&line.key).is_none() {
        return Err(format!("its key `{}` is not one of its columns", line.key));
    }
    Ok((schema, line.key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: &str = "{\"$end\":{\"module\":\"A\",\"next\":null,\"rows\":2}}";

    #[test]
    fn rows_go_to_their_items() {
        let output = format!(
            "{{\"n\":1}}\n{{\"n\":2}}\n{A}\n{{\"$end\":{{\"module\":\"B\",\"next\":7,\"rows\":0}}}}\n"
        );
        let found = items(&output, &[Some("A"), Some("B"), Some("C")]).unwrap();
        assert_eq!(found[0].rows, ["{\"n\":1}", "{\"n\":2}"]);
        assert_eq!(
            found[1],
            ItemRows {
                rows: Vec::new(),
                next: Some(7)
            }
        );
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn output_that_does_not_fit_is_refused_as_a_whole() {
        for (output, why) in [
            (A.to_owned(), "2 rows were announced"),
            (format!("{{}}\n{{}}\n{{}}\n{A}"), "2 rows were announced"),
            ("{}".to_owned(), "ends early"),
            (String::new(), "ends early"),
            (format!("{{}}\n{{}}\n{A}\n{{}}"), "ends early"),
            (format!("{{}}\n{{}}\n{A}\n{{}}\n{{}}\n{A}"), "not asked for"),
            (
                "{\"$end\":{\"module\":\"B\",\"next\":null,\"rows\":0}}".to_owned(),
                "not asked for",
            ),
            (
                "{\"$end\":{\"module\":\"A\",\"rows\":0,\"more\":1}}".to_owned(),
                "cannot be understood",
            ),
            ("{\"$end\":".to_owned(), "cannot be understood"),
        ] {
            let problem = items(&output, &[Some("A")]).unwrap_err();
            assert!(problem.contains(why), "{output}: {problem}");
        }
    }

    #[test]
    fn parts_of_names_may_be_numbers() {
        let listed = modules("{\"constants\":3,\"module\":\"A.1\",\"parts\":[\"A\",1]}\n").unwrap();
        assert_eq!(listed[0].parts, ["A", "1"]);
        assert!(modules("{}").is_err());
    }

    #[test]
    fn a_plugin_has_a_schema_and_a_key_in_it() {
        let with = |name: &str, key: &str| {
            schema(&format!(
                "{{\"schema\":{{\"fields\":[{{\"name\":\"{name}\",\"type\":{{\"datatype\":\"string\"}},\"nullable\":false}}]}},\"key\":\"{key}\"}}"
            ))
        };
        assert_eq!(with("a", "a").unwrap().1, "a");
        assert!(with("a", "b").unwrap_err().contains("`b`"));
        assert!(with("$end", "$end").unwrap_err().contains("`$`"));
        assert!(schema("no").is_err());
    }

    proptest! {
        #[test]
        fn noise_never_panics(noise in "(\\{\"\\$end\":|[a-z{}:\"\n0-9])*") {
            let _ = items(&noise, &[Some("a")]);
            let _ = modules(&noise);
            let _ = schema(&noise);
        }
    }
}
