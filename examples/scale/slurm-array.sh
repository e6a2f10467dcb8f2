#!/bin/bash
#SBATCH --job-name=leanrepl
#SBATCH --array=0-3
#SBATCH --cpus-per-task=4
#SBATCH --mem=32G
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --output=leanrepl-%a.log
#
# Evaluates the files that a list names, one a line, with one share of them for each task of a Slurm array:
#
#   ls proofs/*.lean > files.txt
#   sbatch slurm-array.sh files.txt verdicts
#   python3 verdicts.py verdicts/*.ndjson > all.ndjson       # when all tasks are done
#
# leanrepl takes the share from Slurm's variables, so that an array that leaves a share out is refused. The list and
# the folder of verdicts are on a disk that all nodes have. A task that was preempted, or ran out of time, goes on
# where it was: `scontrol requeue JOB_TASK`. Options for `leanrepl eval` are in the variable EVAL_OPTIONS.
set -euo pipefail

list="${1:?name a file with a list of files}"
verdicts="${2:-verdicts}"
read -r -a options <<< "${EVAL_OPTIONS:-}"
mapfile -t files < "$list"
mkdir -p "$verdicts"

status=0
leanrepl eval --jobs "${SLURM_CPUS_PER_TASK:-1}" "${options[@]}" \
    --resume "$verdicts/$SLURM_ARRAY_TASK_ID.ndjson" --json "${files[@]}" > /dev/null || status=$?
# With 1 some files are rejected, which is a result. Anything above is a task that is not done.
exit $((status > 1 ? status : 0))
