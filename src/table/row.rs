//! The check of a row: one line of JSON that must fit a schema exactly. Pure.

use serde_json::Value;

pub use super::fault::RowError;
use super::fault::malformed;
use super::schema::Schema;
use super::walk::{self, Misfit, Sink};

impl Schema {
    /// Checks one row and gives its value. A nullable field may be `null` or missing, and so may an item of a
    /// list be `null`; nothing else may differ from the schema.
    ///
    /// # Errors
    /// The first thing that is wrong: a line that is not one JSON object, an unknown or repeated field, a
    /// required one that is missing or `null`, a value of another type.
    pub fn check(&self, line: &str) -> Result<Value, RowError> {
        walk::row(&self.fields, line, &mut Nowhere)?;
        serde_json::from_str(line).map_err(|err| malformed(&err))
    }
}

/// Where values go that are only checked.
struct Nowhere;

impl Sink for Nowhere {
    fn null(&mut self) -> Result<(), Misfit> {
        Ok(())
    }

    fn bool(&mut self, _: bool) -> Result<(), Misfit> {
        Ok(())
    }

    fn nat(&mut self, _: u64) -> Result<(), Misfit> {
        Ok(())
    }

    fn int(&mut self, _: i64) -> Result<(), Misfit> {
        Ok(())
    }

    fn float(&mut self, _: f64) -> Result<(), Misfit> {
        Ok(())
    }

    fn string(&mut self, _: &str) -> Result<(), Misfit> {
        Ok(())
    }

    fn item(&mut self) -> Result<&mut Self, Misfit> {
        Ok(self)
    }

    fn end_list(&mut self) -> Result<(), Misfit> {
        Ok(())
    }

    fn child(&mut self, _: usize) -> Result<&mut Self, Misfit> {
        Ok(self)
    }

    fn end_struct(&mut self) -> Result<(), Misfit> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// A schema and rows that fit it, all of Lean Scout's own.
    const PUBLISHED: [(&str, &str); 3] = [
        (
            include_str!("../../tests/extract_golden/types.schema.json"),
            include_str!("../../tests/extract_golden/types.rows.jsonl"),
        ),
        (
            include_str!("../../tests/extract_golden/const_dep.schema.json"),
            include_str!("../../tests/extract_golden/const_dep.rows.jsonl"),
        ),
        (
            TACTICS,
            include_str!("../../tests/extract_golden/tactics.rows.jsonl"),
        ),
    ];

    /// The deepest of them.
    const TACTICS: &str = include_str!("../../tests/extract_golden/tactics.schema.json");

    fn schema(text: &str) -> Schema {
        Schema::from_json(&serde_json::from_str(text).unwrap()).unwrap()
    }

    /// A table with a column of each type, named as its type; only `int` is nullable.
    fn all_types() -> Schema {
        let field = |(name, nullable): (&str, bool)| json!({"name": name, "type": {"datatype": name}, "nullable": nullable});
        let plain = [
            ("bool", false),
            ("nat", false),
            ("int", true),
            ("float", false),
            ("string", false),
        ];
        let mut fields: Vec<Value> = plain.map(field).to_vec();
        let pair = json!({"datatype": "struct", "children": [field(("nat", false)), field(("int", true))]});
        fields.push(
            json!({"name": "list", "type": {"datatype": "list", "item": pair}, "nullable": false}),
        );
        Schema::from_json(&json!({"fields": fields})).unwrap()
    }

    /// A row of [`all_types`] with some of its values replaced by others; an empty one is left out.
    fn row(changes: &[(&str, &str)]) -> String {
        let plain = [
            ("bool", "true"),
            ("nat", "1"),
            ("int", "-1"),
            ("float", "0.5"),
            ("string", "\"x\""),
            ("list", "[]"),
        ];
        let value = |name, plain| {
            let mut changes = changes.iter().filter(|(changed, _)| *changed == name);
            changes.next().map_or(plain, |(_, value)| *value)
        };
        let entries = plain.map(|(name, plain)| (name, value(name, plain)));
        let entries = entries.iter().filter(|(_, value)| !value.is_empty());
        let entries: Vec<String> = entries
            .map(|(name, value)| format!("\"{name}\": {value}"))
            .collect();
        format!("{{{}}}", entries.join(", "))
    }

    #[test]
    fn published_rows_fit_and_come_back_as_they_are() {
        for (text, rows) in PUBLISHED {
            let schema = schema(text);
            for line in rows.lines() {
                let value: Value = serde_json::from_str(line).unwrap();
                assert_eq!(schema.check(line), Ok(value));
            }
        }
    }

    #[test]
    fn values_at_the_edge_of_their_types_fit() {
        for changes in [
            &[][..],
            &[("int", "")],
            &[("int", "null")],
            &[
                ("nat", "18446744073709551615"),
                ("int", "9223372036854775807"),
            ],
            &[("nat", "0"), ("int", "-9223372036854775808")],
            &[("float", "-9007199254740992")],
            &[("float", "1e308")],
            &[("string", r#""\ud835\udd38\u0000""#)],
            &[(
                "list",
                r#"[null, {"nat": 1}, {"int": null, "nat": 2}, {"int": 3, "nat": 4}]"#,
            )],
        ] {
            let line = row(changes);
            assert_eq!(all_types().check(&line).map(|_| ()), Ok(()), "{line}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        for (name, value, column, problem) in [
            ("bool", "1", "bool", "expected bool, found 1"),
            ("bool", "null", "bool", "null in a required column"),
            ("bool", "", "bool", "missing, but required"),
            ("nat", "-1", "nat", "expected nat, found -1"),
            ("nat", "1.5", "nat", "expected nat, found 1.5"),
            ("nat", "1.0", "nat", "expected nat, found 1.0"),
            ("nat", "true", "nat", "expected nat, found true"),
            ("nat", "\"1\"", "nat", "expected nat, found a string"),
            (
                "nat",
                "18446744073709551616",
                "nat",
                "expected nat, found 1.8446744073709552e19",
            ),
            (
                "int",
                "9223372036854775808",
                "int",
                "expected int, found 9223372036854775808",
            ),
            ("int", "\"\"", "int", "expected int, found a string"),
            (
                "float",
                "9007199254740993",
                "float",
                "9007199254740993 has no exact float",
            ),
            (
                "float",
                "-9007199254740993",
                "float",
                "-9007199254740993 has no exact float",
            ),
            (
                "float",
                "\"NaN\"",
                "float",
                "expected float, found a string",
            ),
            ("string", "1", "string", "expected string, found 1"),
            (
                "string",
                "[\"x\"]",
                "string",
                "expected string, found a list",
            ),
            ("string", "{}", "string", "expected string, found an object"),
            ("list", "{}", "list", "expected list, found an object"),
            ("list", "null", "list", "null in a required column"),
            ("list", "[3]", "list[0]", "expected struct, found 3"),
            (
                "list",
                "[null, []]",
                "list[1]",
                "expected struct, found a list",
            ),
            (
                "list",
                "[{\"nat\": 1}, {}]",
                "list[1].nat",
                "missing, but required",
            ),
            (
                "list",
                "[{\"nat\": null}]",
                "list[0].nat",
                "null in a required column",
            ),
            (
                "list",
                "[{\"nat\": 1, \"x\": 2}]",
                "list[0].x",
                "unknown field",
            ),
            (
                "list",
                "[{\"nat\": 1, \"nat\": 2}]",
                "list[0].nat",
                "given twice",
            ),
        ] {
            let line = row(&[(name, value)]);
            let error = all_types().check(&line).unwrap_err();
            assert_eq!(
                (error.column.as_str(), error.problem.as_str()),
                (column, problem),
                "{line}"
            );
        }
    }

    #[test]
    fn a_line_that_is_not_an_object_is_refused_as_a_whole() {
        for (line, problem) in [
            ("[]", "expected an object, found a list"),
            ("null", "expected an object, found null"),
            ("3", "expected an object, found 3"),
            (
                "",
                "malformed JSON: EOF while parsing a value at line 1 column 0",
            ),
            (
                "{\"bool\": true",
                "malformed JSON: EOF while parsing an object at line 1 column 13",
            ),
            (
                "{\"bool\": treu}",
                "malformed JSON: expected ident at line 1 column 12",
            ),
            (
                "{\"string\": \"\\ud835\"}",
                "malformed JSON: unexpected end of hex escape at line 1 column 19",
            ),
            ("{\n}", "the row is not on one line"),
        ] {
            let error = all_types().check(line).unwrap_err();
            assert_eq!(
                (error.column.as_str(), error.problem.as_str()),
                ("", problem),
                "{line}"
            );
        }
        let two = format!("{} {{}}", row(&[]));
        let error = all_types().check(&two).unwrap_err();
        assert!(
            error
                .problem
                .starts_with("malformed JSON: trailing characters"),
            "{error}"
        );
    }

    #[test]
    fn a_deep_value_is_refused_where_it_leaves_the_schema() {
        let deep = "[".repeat(1_000_000);
        let error = all_types().check(&row(&[("string", &deep)])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "column `string`: expected string, found a list"
        );
        let error = all_types().check(&format!("{{\"x\": {deep}")).unwrap_err();
        assert_eq!(error.to_string(), "column `x`: unknown field");
    }

    #[test]
    fn the_name_of_an_unknown_field_is_cut() {
        let line = format!("{{\"{}\": 1}}", "é".repeat(100_000));
        let error = all_types().check(&line).unwrap_err();
        assert_eq!(error.column, format!("{}…", "é".repeat(64)));
    }

    #[test]
    fn the_deepest_schema_is_followed_to_its_end() {
        let item = |item, _| json!({"datatype": "list", "item": item});
        let deepest = (0..super::super::schema::MAX_DEPTH).fold(json!({"datatype": "nat"}), item);
        let json = json!({"fields": [{"name": "a", "type": deepest, "nullable": true}]});
        let schema = Schema::from_json(&json).unwrap();
        let (open, close) = ("[".repeat(32), "]".repeat(32));
        assert!(schema.check(&format!("{{\"a\": {open}7{close}}}")).is_ok());
        let error = schema
            .check(&format!("{{\"a\": {open}x{close}}}"))
            .unwrap_err();
        assert_eq!(error.column, "");
        let error = schema
            .check(&format!("{{\"a\": {open}true{close}}}"))
            .unwrap_err();
        assert_eq!(error.column, format!("a{}", "[0]".repeat(32)));
    }

    proptest! {
        #[test]
        fn any_line_fits_or_is_refused(line in r#"[{}\[\],:" \\a-c0-9.eE+u-]{0,60}"#) {
            let _either = all_types().check(&line);
        }

        #[test]
        fn what_fits_is_the_value_of_the_line(name in "bool|nat|int|float|string|list", value in r#"-?[0-9]{1,3}(\.5)?|null|"[a-z]*"|\[(null)?\]|true"#) {
            let line = row(&[(&name, &value)]);
            if let Ok(found) = all_types().check(&line) {
                prop_assert_eq!(found, serde_json::from_str::<Value>(&line).unwrap());
            }
        }
    }
}
