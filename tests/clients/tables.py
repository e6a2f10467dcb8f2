"""Reads the result directory in the first argument with every reader that people use, and compares the rows.

The second argument is a file of the rows that must be found, one JSON object a line. Needs the packages
pyarrow, duckdb, polars and datasets.
"""

import json
import os
import pathlib
import sys
import tempfile

folder = pathlib.Path(sys.argv[1])
data = folder / "data"
parts = sorted(data.glob("part-*.parquet"))
schema = json.loads((folder / "_schema.json").read_text(encoding="utf-8"))
scratch = tempfile.TemporaryDirectory()
# Read when the package is imported. Nothing may be fetched, and no cache of the user's be used.
os.environ |= {"HF_HOME": scratch.name, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}

import datasets  # noqa: E402
import duckdb  # noqa: E402
import polars  # noqa: E402
import pyarrow  # noqa: E402
import pyarrow.dataset  # noqa: E402
import pyarrow.parquet  # noqa: E402


def full(value, of):
    """A value with all the fields of its type: one that is missing is null."""
    if value is None:
        return None
    if of["datatype"] == "list":
        return [full(item, of["item"]) for item in value]
    if of["datatype"] == "struct":
        return struct(value, of["children"])
    return value


def struct(value, fields):
    assert value.keys() <= {field["name"] for field in fields}, value
    return {field["name"]: full(value.get(field["name"]), field["type"]) for field in fields}


def canonical(rows):
    return sorted(json.dumps(struct(row, schema["fields"]), sort_keys=True) for row in rows)


def with_duckdb():
    table = duckdb.read_parquet(str(data / "part-*.parquet"))
    return [dict(zip(table.columns, row)) for row in table.fetchall()]


def with_datasets():
    datasets.disable_progress_bars()
    return datasets.load_dataset(str(folder), split="train").to_list()


readers = {
    "pyarrow": lambda: [row for part in parts for row in pyarrow.parquet.read_table(part).to_pylist()],
    "pyarrow.dataset": lambda: pyarrow.dataset.dataset(data).to_table().to_pylist(),
    "duckdb": with_duckdb,
    "polars": lambda: polars.read_parquet(data / "part-*.parquet").to_dicts(),
    "datasets": with_datasets,
}

lines = pathlib.Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()
expected = canonical(json.loads(line) for line in lines)
assert expected and parts
for name, reader in readers.items():
    found = canonical(reader())
    assert found == expected, f"{name}: {len(found)} rows for {len(expected)}, or others"

manifest = json.loads((folder / "_manifest.json").read_text(encoding="utf-8"))
shards = {shard["file"]: shard["rows"] for shard in manifest["shards"]}
# Files of a manifest are named from its folder on.
assert shards == {str(part.relative_to(folder)): pyarrow.parquet.read_metadata(part).num_rows for part in parts}, shards
print("all is well")
