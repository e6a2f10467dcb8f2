"""Merges the files that `leanrepl eval --resume` writes, one for each share.

    python3 verdicts.py verdicts/*.ndjson > all.ndjson

Writes the last verdict on each file as one line of JSON, by the names of the files. Needs Python only.
"""

import json
import sys


def merge(paths):
    """The last line about each file, by its name. Of two resume files the later in the list counts."""
    last = {}
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                # A line without an end was cut by a kill; the next run removes it.
                if line.endswith("\n"):
                    last[json.loads(line)["name"]] = line
    return dict(sorted(last.items()))


def count(merged):
    """How many files have which verdict."""
    counts = {"accepted": 0, "rejected": 0, "undecided": 0}
    for line in merged.values():
        counts[json.loads(line)["verdict"]] += 1
    return counts


if __name__ == "__main__":
    merged = merge(sys.argv[1:])
    sys.stdout.writelines(merged.values())
    print(count(merged), file=sys.stderr)
