"""An ordinary Parquet writer on pyarrow, with the options and the shards of `leanrepl extract`.

    writer.py write ROWS SCHEMA DIR KEY SHARDS BATCH_ROWS     writes a table; prints what it took as JSON
    writer.py compare DIR DIR                                 fails unless both hold the same rows in order
"""

import hashlib
import json
import pathlib
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq

PLAIN = {"bool": pa.bool_(), "nat": pa.uint64(), "int": pa.int64(), "float": pa.float64(), "string": pa.string()}


def data_type(of):
    if of["datatype"] == "list":
        return pa.list_(pa.field("element", data_type(of["item"])))
    if of["datatype"] == "struct":
        return pa.struct(fields(of["children"]))
    return PLAIN[of["datatype"]]


def fields(of):
    return [pa.field(field["name"], data_type(field["type"]), field["nullable"]) for field in of]


def memory(name):
    """A figure of this process in KiB, by its name in /proc/self/status."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise SystemExit(f"no {name}")


def write(rows, schema, folder, key, shards, batch_rows):
    schema = pa.schema(fields(json.loads(pathlib.Path(schema).read_text())["fields"]))
    waiting = {}
    writers = {}

    def flush(shard):
        table = pa.Table.from_pylist(waiting[shard], schema=schema)
        waiting[shard] = []
        if shard not in writers:
            writers[shard] = pq.ParquetWriter(
                pathlib.Path(folder, f"part-{shard:03}.parquet"),
                schema,
                compression="zstd",
                compression_level=1,
                use_dictionary=True,
                write_statistics=True,
                data_page_version="1.0",
            )
        writers[shard].write_table(table)

    with open(rows, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            digest = hashlib.blake2b(row[key].encode(), digest_size=8).digest()
            shard = int.from_bytes(digest, "big") % shards
            batch = waiting.setdefault(shard, [])
            batch.append(row)
            if len(batch) == batch_rows:
                flush(shard)
    for shard, batch in sorted(waiting.items()):
        if batch:
            flush(shard)
    for writer in writers.values():
        writer.close()


def compare(one, other):
    parts = [sorted(pathlib.Path(folder).glob("*.parquet")) for folder in (one, other)]
    names = [[part.name for part in parts] for parts in parts]
    if names[0] != names[1]:
        raise SystemExit(f"other files: {names}")
    for mine, yours in zip(*parts):
        if not pq.read_table(mine).equals(pq.read_table(yours)):
            raise SystemExit(f"other rows in {mine.name}")


if sys.argv[1] == "compare":
    compare(*sys.argv[2:])
else:
    rows, schema, folder, key, shards, batch_rows = sys.argv[2:]
    start_kib = memory("VmRSS")
    clock, cpu = time.monotonic(), time.process_time()
    write(rows, schema, folder, key, int(shards), int(batch_rows))
    took = {
        "cpu_seconds": time.process_time() - cpu,
        "seconds": time.monotonic() - clock,
        "start_kib": start_kib,
        "peak_kib": memory("VmHWM"),
    }
    print(json.dumps(took))
