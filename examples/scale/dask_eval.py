"""Evaluates Lean files on a Dask cluster, with one task for each share of them.

    pip install dask distributed
    python3 dask_eval.py --shards 8 --verdicts /shared/verdicts proofs/*.lean > all.ndjson

`leanrepl`, the files and the folder of verdicts are on all machines under the same paths. A task that is lost with its
machine is run again by Dask and goes on where it was; so does the same command after anything else went wrong.
"""

import argparse
import os
import shlex
import subprocess
import sys

from distributed import Client, LocalCluster

from verdicts import count, merge


def evaluate(share, shards, options, resume, files):
    """Evaluates one share; gives the exit code of leanrepl and the end of what it wrote on stderr."""
    command = ["leanrepl", "eval", "--shard", f"{share}/{shards}", "--resume", resume, "--json"]
    done = subprocess.run(
        [*command, *options, *files],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr[-4000:]


def run(args, files, resumes):
    """Evaluates all shares; gives the results of `evaluate` in their order."""
    options = shlex.split(args.eval_options)
    cluster = LocalCluster(n_workers=args.local, threads_per_worker=1, dashboard_address=None) if args.local else None
    with Client(cluster or args.address) as client:
        # Not pure: the same share may be evaluated again.
        tasks = [
            client.submit(evaluate, i, args.shards, options, resume, files, pure=False, retries=2)
            for i, resume in enumerate(resumes)
        ]
        results = client.gather(tasks)
    if cluster:
        cluster.close()
    return results


def main():
    """Reads the command line, and writes the merged verdicts on stdout."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", help="the scheduler, such as tcp://10.0.0.1:8786")
    parser.add_argument("--local", type=int, metavar="N", help="start Dask on this machine with N workers")
    parser.add_argument("--shards", type=int, required=True, help="number of tasks")
    parser.add_argument("--verdicts", required=True, help="folder for one resume file a share")
    parser.add_argument("--eval-options", default="", help="more options for `leanrepl eval`, as one word")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    if bool(args.address) == bool(args.local):
        parser.error("name a scheduler with --address, or start workers with --local")
    # The share of a file depends on its name, and a worker may have another working directory.
    files = [os.path.abspath(file) for file in args.files]
    folder = os.path.abspath(args.verdicts)
    os.makedirs(folder, exist_ok=True)
    resumes = [os.path.join(folder, f"{share}-of-{args.shards}.ndjson") for share in range(args.shards)]
    worst = 0
    for share, (code, said) in enumerate(run(args, files, resumes)):
        worst = max(worst, code)
        # With 1 some files are rejected, which is a result.
        if code not in (0, 1):
            print(f"share {share} ended with {code}:\n{said}", file=sys.stderr)
    merged = {name: line for name, line in merge(resumes).items() if name in set(files)}
    sys.stdout.writelines(merged.values())
    print(count(merged), file=sys.stderr)
    sys.exit(worst)


if __name__ == "__main__":
    main()
