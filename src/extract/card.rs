//! The dataset card of a result: `README.md`, as Hugging Face reads it. Pure.

use std::fmt::Write as _;

use crate::extract::manifest::Manifest;
use crate::table::schema::{DataType, Schema};

/// Sizes of datasets, by the number of rows below which each holds.
const SIZES: [(u64, &str); 7] = [
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
];

/// The card of a result.
pub(crate) fn card(manifest: &Manifest, schema: &Schema) -> String {
    let size = SIZES
        .iter()
        .find(|(below, _)| manifest.rows < *below)
        .map_or("1B<n<10B", |(_, name)| name);
    let identity = &manifest.identity;
    let mut text = format!(
        "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: \"data/part-*.parquet\"\n\
         tags:\n- lean4\n- theorem-proving\nsize_categories:\n- {size}\n---\n\n\
         # {} of Lean {}\n\n\
         {} rows in {} shards, made by leanrepl {} from {} of `{}`.\n\n\
         ```python\nfrom datasets import load_dataset\nrows = load_dataset(\"PATH_OF_THIS_DIRECTORY\", split=\"train\")\n```\n\n\
         | column | type | may be null |\n|---|---|---|\n",
        plain(&identity.extractor),
        plain(&identity.lean),
        manifest.rows,
        manifest.shards.len(),
        manifest.leanrepl,
        plain(&identity.target.to_string()),
        plain(&identity.toolchain),
    );
    for field in &schema.fields {
        let null = if field.nullable { "yes" } else { "no" };
        // Writing to a string cannot fail.
        let _written = writeln!(
            text,
            "| `{}` | {} | {null} |",
            plain(&field.name),
            kind(&field.data_type)
        );
    }
    if !manifest.limits.is_empty() {
        text.push_str("\nWhat this Lean does not know:\n\n");
        for limit in &manifest.limits {
            let _written = writeln!(text, "- {limit}");
        }
    }
    if !manifest.failed.is_empty() {
        let count = manifest.failed.len();
        let _written = writeln!(
            text,
            "\nUnits that failed and are left out: {count}, listed in `_manifest.json`."
        );
    }
    text.push_str("\nA row is in the shard that the BLAKE2b digest of its key chooses; `_manifest.json` names the key, the\nunits with their digests, and the SHA-256 of each shard.\n");
    text
}

/// What is safe in a line of Markdown.
fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '|' | '`' | '<' | '>' => '_',
            letter if letter.is_control() => ' ',
            letter => letter,
        })
        .collect()
}

/// A type as a reader of the table knows it.
fn kind(data_type: &DataType) -> String {
    match data_type {
        DataType::Bool => "bool".to_owned(),
        DataType::Nat => "uint64".to_owned(),
        DataType::Int => "int64".to_owned(),
        DataType::Float => "float64".to_owned(),
        DataType::String => "string".to_owned(),
        DataType::List(item) => format!("list of {}", kind(item)),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| format!("{}: {}", plain(&field.name), kind(&field.data_type)))
                .collect();
            format!("struct ({})", fields.join(", "))
        }
    }
}
