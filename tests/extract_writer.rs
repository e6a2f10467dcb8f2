//! The Parquet files of a table against those of Lean Scout's own writer, as recorded in
//! `tests/extract_golden`: names of files, keys in order, row groups, schemas, encodings; and rows that do not
//! fit.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot read its files has failed"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field, Fields};
use leanrepl::internals::table::parquet::{Shard, ShardOptions, ShardWriter, WriteError};
use leanrepl::internals::table::schema::Schema;
use leanrepl::internals::{Failure, Kind, digest};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::schema::printer::print_schema;
use serde_json::{Value, json};

/// The text of a recorded file.
fn golden(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/extract_golden");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// A recorded schema.
fn schema(name: &str) -> Schema {
    let json = serde_json::from_str(&golden(&format!("{name}.schema.json")));
    Schema::from_json(&json.unwrap()).unwrap()
}

/// Options with one thread.
fn options(key: &str, shards: u32, batch_rows: usize) -> ShardOptions {
    ShardOptions {
        key: key.to_owned(),
        shards: NonZeroU32::new(shards).unwrap(),
        batch_rows: NonZeroUsize::new(batch_rows).unwrap(),
        threads: NonZeroUsize::MIN,
    }
}

/// Writes a table.
fn write<'a>(
    dir: &Path,
    schema: Schema,
    options: ShardOptions,
    rows: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<Shard>, WriteError> {
    let mut writer = ShardWriter::new(dir, schema, options)?;
    for row in rows {
        writer.push(row)?;
    }
    writer.finish()
}

/// A file that was read back.
struct Read {
    metadata: ParquetMetaData,
    batches: Vec<RecordBatch>,
}

fn read(path: &Path) -> Read {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let metadata = builder.metadata().as_ref().clone();
    let batches = builder.build().unwrap().map(Result::unwrap).collect();
    Read { metadata, batches }
}

impl Read {
    /// The values of a column of strings.
    fn strings(&self, column: &str) -> Vec<String> {
        let values = self.batches.iter().flat_map(|batch| {
            let column = batch.column_by_name(column).unwrap();
            let strings = column.as_any().downcast_ref::<StringArray>().unwrap();
            strings
                .iter()
                .map(|value| value.unwrap().to_owned())
                .collect::<Vec<_>>()
        });
        values.collect()
    }

    /// The schema in the words of parquet-cpp.
    fn parquet_schema(&self) -> String {
        let mut text = Vec::new();
        print_schema(&mut text, self.metadata.file_metadata().schema());
        // Both print the same but for the case of words and the id of a field, which none has.
        normal(&String::from_utf8(text).unwrap())
    }
}

/// A schema of Parquet as text, without what its two printers do differently.
fn normal(text: &str) -> String {
    let text = text.to_lowercase().replace(" field_id=-1", "");
    let text = text
        .replace("binary", "byte_array")
        .replace("string", "utf8");
    let text = text.replace("int(bitwidth=64, issigned=false)", "integer(64,false)");
    let text = text.replacen("message schema", "required group schema", 1);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A row group in the words of the record.
fn row_group(group: &RowGroupMetaData, recorded: &Value) -> Value {
    let columns = group.columns().iter().map(|column| {
        let mut encodings: Vec<String> =
            column.encodings().map(|encoding| encoding.to_string()).collect();
        encodings.sort();
        encodings.dedup();
        json!({
            "path": column.column_path().string(),
            "physical": column.column_type().to_string(),
            "compression": if column.compression().to_string().starts_with("ZSTD") { "ZSTD" } else { "another" },
            "encodings": encodings,
            "stats": column.statistics().is_some(),
            "dict": column.dictionary_page_offset().is_some(),
        })
    });
    match recorded.get("columns") {
        Some(_) => json!({"rows": group.num_rows(), "columns": columns.collect::<Vec<_>>()}),
        None => json!({"rows": group.num_rows()}),
    }
}

/// A type of Arrow as pyarrow prints it.
fn arrow_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "bool".to_owned(),
        DataType::UInt64 => "uint64".to_owned(),
        DataType::Int64 => "int64".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Utf8 => "string".to_owned(),
        DataType::List(item) => format!("list<{}>", arrow_field(item)),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields.iter().map(|field| arrow_field(field)).collect();
            format!("struct<{}>", fields.join(", "))
        }
        other => panic!("not of the schema language: {other}"),
    }
}

/// A field of Arrow as pyarrow prints it.
fn arrow_field(field: &Field) -> String {
    let required = if field.is_nullable() { "" } else { " not null" };
    format!(
        "{}: {}{required}",
        field.name(),
        arrow_type(field.data_type())
    )
}

/// Checks the fields of a schema against the lines that pyarrow printed: those of children are indented and
/// numbered, and a long type is cut in the middle.
fn check_arrow(fields: &Fields, lines: &mut std::str::Lines<'_>, depth: usize) {
    for (index, field) in fields.iter().enumerate() {
        let line = lines.next().unwrap();
        let prefix = match depth {
            0 => String::new(),
            _ => format!("{}child {index}, ", " ".repeat(4 * depth - 2)),
        };
        let line = line
            .strip_prefix(&prefix)
            .unwrap_or_else(|| panic!("{line}"));
        let whole = arrow_field(field);
        match line.split_once(" (... ") {
            Some((start, rest)) => {
                let (_, end) = rest.split_once(" chars omitted)").unwrap();
                assert!(
                    whole.starts_with(start) && whole.ends_with(end),
                    "{whole}\n{line}"
                );
            }
            None => assert_eq!(whole, line),
        }
        match field.data_type() {
            DataType::List(item) => {
                check_arrow(&Fields::from(vec![item.as_ref().clone()]), lines, depth + 1);
            }
            DataType::Struct(children) => check_arrow(children, lines, depth + 1),
            _ => {}
        }
    }
}

#[test]
fn the_files_are_those_of_lean_scout() {
    let runs: BTreeMap<String, Value> = serde_json::from_str(&golden("golden.json")).unwrap();
    assert_eq!(runs.len(), 4);
    for (name, run) in runs {
        let table = name.split('/').next().unwrap();
        let key = run["key"].as_str().unwrap();
        let number = |name: &str| usize::try_from(run[name].as_u64().unwrap()).unwrap();
        let options = options(
            key,
            number("numShards").try_into().unwrap(),
            number("batchRows"),
        );
        let dir = tempfile::tempdir().unwrap();
        let rows = golden(&format!("{table}.rows.jsonl"));
        let shards = write(dir.path(), schema(table), options, rows.lines()).unwrap();

        let recorded = run["files"].as_object().unwrap();
        let names: Vec<&str> = shards.iter().map(|shard| shard.file.as_str()).collect();
        assert_eq!(names, recorded.keys().collect::<Vec<_>>(), "{name}");
        for shard in &shards {
            let recorded = &recorded[&shard.file];
            let file = read(&dir.path().join(&shard.file));
            assert_eq!(
                json!(file.strings(key)),
                recorded["rows"],
                "{name} {}",
                shard.file
            );
            let recorded = recorded["row_groups"].as_array().unwrap();
            let groups = file.metadata.row_groups().iter().zip(recorded);
            let groups: Vec<Value> = groups
                .map(|(group, recorded)| row_group(group, recorded))
                .collect();
            assert_eq!(file.metadata.num_row_groups(), recorded.len());
            assert_eq!(&groups, recorded, "{name} {}", shard.file);

            assert_eq!(
                file.parquet_schema(),
                normal(run["parquet_schema"].as_str().unwrap())
            );
            let mut lines = run["arrow_schema"].as_str().unwrap().lines();
            check_arrow(file.batches[0].schema().fields(), &mut lines, 0);
            assert_eq!(lines.next(), None);
            let kv = file.metadata.file_metadata().key_value_metadata().unwrap();
            let keys: Vec<&str> = kv.iter().map(|pair| pair.key.as_str()).collect();
            assert_eq!(json!(keys), run["kv"]);
        }
    }
}

#[test]
fn a_shard_is_described_as_it_lies_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let rows = golden("tactics.rows.jsonl");
    let shards = write(
        dir.path(),
        schema("tactics"),
        options("ppTac", 4, 8),
        rows.lines(),
    )
    .unwrap();
    let mut total = 0;
    for shard in &shards {
        let path = dir.path().join(&shard.file);
        assert_eq!(
            digest::of_file(&path).unwrap(),
            (shard.sha256.clone(), shard.bytes)
        );
        let groups = read(&path).metadata.file_metadata().num_rows();
        assert_eq!(groups, i64::try_from(shard.rows).unwrap());
        total += shard.rows;
    }
    assert_eq!(total, rows.lines().count() as u64);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), shards.len());
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let one = golden("tactics.rows.jsonl");
    // Enough for many chunks and row groups.
    let rows: Vec<String> = (0..20)
        .flat_map(|turn| {
            one.lines()
                .map(move |line| line.replacen("\"ppTac\": \"", &format!("\"ppTac\": \"{turn}"), 1))
        })
        .collect();
    let digests = [1, 2, 3, 7].map(|threads| {
        let dir = tempfile::tempdir().unwrap();
        let threads = NonZeroUsize::new(threads).unwrap();
        let options = ShardOptions {
            threads,
            ..options("ppTac", 5, 64)
        };
        write(
            dir.path(),
            schema("tactics"),
            options,
            rows.iter().map(String::as_str),
        )
        .unwrap()
    });
    assert_eq!(digests[0].len(), 5);
    assert!(digests.iter().all(|other| *other == digests[0]));
}

#[test]
fn what_a_row_holds_is_read_back() {
    let field =
        |name: &str, data_type: Value| json!({"name": name, "type": data_type, "nullable": true});
    let pair = json!({"datatype": "struct", "children": [
        {"name": "n", "type": {"datatype": "nat"}, "nullable": false},
        field("l", json!({"datatype": "list", "item": {"datatype": "bool"}})),
    ]});
    let schema = Schema::from_json(&json!({"fields": [
        field("f", json!({"datatype": "float"})),
        field("i", json!({"datatype": "int"})),
        field("n", json!({"datatype": "nat"})),
        field("s", json!({"datatype": "string"})),
        field("p", pair.clone()),
        field("ps", json!({"datatype": "list", "item": pair})),
    ]}));
    let rows = [
        json!({"f": null, "i": null, "n": null, "s": null, "p": null, "ps": null}),
        json!({"f": -0.5, "i": i64::MIN, "n": u64::MAX, "s": "\0𝔸", "p": null, "ps": []}),
        json!({
            "f": 3.0,
            "i": 0,
            "n": 0,
            "s": "",
            "p": {"n": 1, "l": [true, null, false]},
            "ps": [null, {"n": 2, "l": null}, {"n": 3, "l": []}],
        }),
    ];
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    // A nullable field may be left out.
    let lines = std::iter::once("{}").chain(lines.iter().map(String::as_str));
    let dir = tempfile::tempdir().unwrap();
    let shards = write(dir.path(), schema.unwrap(), options("n", 1, 3), lines).unwrap();
    let file = read(&dir.path().join(&shards[0].file));
    let found: Vec<Value> = file.batches.iter().flat_map(batch_rows).collect();
    assert_eq!(found, [&rows[..1], &rows[..]].concat());
}

/// The rows of a batch.
fn batch_rows(batch: &RecordBatch) -> Vec<Value> {
    let rows = StructArray::from(batch.clone());
    (0..rows.len()).map(|row| value(&rows, row)).collect()
}

/// A value of an array.
fn value(array: &dyn Array, row: usize) -> Value {
    match array.data_type() {
        _ if array.is_null(row) => Value::Null,
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|item| value(&items, item)).collect()
        }
        DataType::Struct(fields) => {
            let children = array.as_struct().columns();
            let children = fields.iter().zip(children);
            children
                .map(|(field, child)| (field.name().clone(), value(child, row)))
                .collect()
        }
        other => panic!("not of the schema language: {other}"),
    }
}

#[test]
fn a_row_that_does_not_fit_is_an_error_with_its_number_and_column() {
    let good =
        r#"{"name": "x", "module": "m", "type": "t", "docString": null, "allowCompletion": true}"#;
    // By the names of the record. Lean Scout drops an unknown field and skips a blank line.
    let cases: BTreeMap<&str, (String, &str)> = [
        (
            "null in non-null",
            (
                good.replace("\"t\"", "null"),
                "column `type`: null in a required column",
            ),
        ),
        (
            "missing non-null",
            (
                good.replace("\"type\": \"t\", ", ""),
                "column `type`: missing, but required",
            ),
        ),
        (
            "unknown field",
            (
                good.replace('}', ", \"more\": 1}"),
                "column `more`: unknown field",
            ),
        ),
        (
            "wrong type",
            (
                good.replace("\"t\"", "3"),
                "column `type`: expected string, found 3",
            ),
        ),
        (
            "malformed",
            (
                "{".to_owned(),
                "malformed JSON: EOF while parsing an object at line 1 column 1",
            ),
        ),
        (
            "blank line",
            (
                String::new(),
                "malformed JSON: EOF while parsing a value at line 1 column 0",
            ),
        ),
        (
            "bool as 1",
            (
                good.replace("true", "1"),
                "column `allowCompletion`: expected bool, found 1",
            ),
        ),
        (
            "not an object",
            ("[1]".to_owned(), "expected an object, found a list"),
        ),
        (
            "missing nullable",
            (good.replace("\"docString\": null, ", ""), ""),
        ),
    ]
    .into();
    let recorded: BTreeMap<String, Value> =
        serde_json::from_str(&golden("strictness.json")).unwrap();
    assert_eq!(
        recorded.keys().collect::<Vec<_>>(),
        cases.keys().collect::<Vec<_>>()
    );
    for (name, (row, problem)) in cases {
        for threads in [1, 2] {
            let dir = tempfile::tempdir().unwrap();
            let threads = NonZeroUsize::new(threads).unwrap();
            let options = ShardOptions {
                threads,
                ..options("name", 4, 1)
            };
            let result = write(dir.path(), schema("types"), options, [good, &row, good]);
            match result {
                Ok(shards) => {
                    assert_eq!(problem, "", "{name}");
                    assert_eq!(recorded[name]["exit"], 0);
                    assert_eq!(shards.iter().map(|shard| shard.rows).sum::<u64>(), 3);
                }
                Err(err) => assert_eq!(err.to_string(), format!("row 2: {problem}"), "{name}"),
            }
        }
    }
}

#[test]
fn an_error_ends_a_long_push_and_nothing_hangs() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = ShardWriter::new(dir.path(), schema("types"), options("name", 2, 8)).unwrap();
    let bad = r#"{"name": "x", "type": "t", "allowCompletion": null}"#;
    let error = (0..1_000_000).find_map(|_| writer.push(bad).err()).unwrap();
    assert_eq!(
        error.to_string(),
        "row 1: column `allowCompletion`: null in a required column"
    );
    assert!(matches!(writer.push(bad), Err(WriteError::Lost)) || writer.finish().is_err());
}

#[test]
fn a_writer_can_be_dropped_at_any_time() {
    let rows = golden("types.rows.jsonl");
    let dir = tempfile::tempdir().unwrap();
    let options = ShardOptions {
        threads: NonZeroUsize::new(3).unwrap(),
        ..options("name", 4, 2)
    };
    let mut writer = ShardWriter::new(dir.path(), schema("types"), options).unwrap();
    for row in rows.lines().cycle().take(1_000) {
        writer.push(row).unwrap();
    }
    drop(writer);
    fs::remove_dir_all(dir.path()).unwrap();
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let rows = golden("types.rows.jsonl");
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone");
    let part = gone.join("part-000.parquet");
    let failure = |dir: &Path| {
        let result = write(dir, schema("types"), options("name", 1, 8), rows.lines());
        Failure::from(result.unwrap_err())
    };
    let missing = failure(&gone);
    assert_eq!(
        missing.problem(),
        format!("cannot write `{}`", part.display())
    );
    assert_eq!(missing.kind(), Kind::Build);
    // A file of an earlier run is never written over.
    fs::create_dir(&gone).unwrap();
    fs::write(&part, "earlier").unwrap();
    assert_eq!(failure(&gone).problem(), missing.problem());
    assert_eq!(fs::read_to_string(&part).unwrap(), "earlier");
}

#[test]
fn the_key_must_be_a_column() {
    let dir = tempfile::tempdir().unwrap();
    let result = write(dir.path(), schema("types"), options("doc", 1, 8), []);
    let failure = Failure::from(result.unwrap_err());
    assert_eq!(failure.kind(), Kind::Usage);
    assert_eq!(
        failure.problem(),
        "there is no column `doc` to choose the shard of a row by"
    );
}

#[test]
fn no_rows_make_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let shards = write(dir.path(), schema("types"), options("name", 4, 8), []).unwrap();
    assert_eq!(shards, []);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
