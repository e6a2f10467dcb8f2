"""Evaluates the expressions of a JSON array on stdin; writes what Lean must print for each as one on stdout."""

import json
import math
import sys


def lean(value):
    """A string, or a list of strings, as Lean writes it."""
    if isinstance(value, list):
        return "[" + ", ".join(map(lean, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def collatz(n):
    """How many steps it takes to 1."""
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


NAMES = {"lean": lean, "collatz": collatz, "math": math, "json": json}
print(json.dumps([str(eval(expression, NAMES)) for expression in json.load(sys.stdin)]))
