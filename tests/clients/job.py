"""Prints how many pods an indexed Job of Kubernetes has, and the script of its container.

Usage: job.py JOB.yaml
"""

import sys

import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    spec = yaml.safe_load(file)["spec"]
container = spec["template"]["spec"]["containers"][0]
shards = {variable["name"]: variable["value"] for variable in container["env"]}["SHARDS"]
assert container["command"][:2] == ["/bin/sh", "-c"], container["command"]
assert spec["completionMode"] == "Indexed", spec["completionMode"]
assert str(spec["completions"]) == shards, shards
print(shards)
print(container["command"][2])
