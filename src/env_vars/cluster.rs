//! Variables by which clusters number the tasks of one job.

use crate::env_vars::variable::Variable;

/// Which task of a Slurm array this is.
pub const SLURM_ARRAY_TASK_ID: Variable = Variable {
    name: "SLURM_ARRAY_TASK_ID",
    doc: "Number of a task of a Slurm array: the share that `leanrepl eval` and `extract` take, unless `--shard` names one.",
};

/// How many tasks a Slurm array has.
pub const SLURM_ARRAY_TASK_COUNT: Variable = Variable {
    name: "SLURM_ARRAY_TASK_COUNT",
    doc: "Number of the tasks of a Slurm array.",
};

/// The least number of a task of a Slurm array.
pub const SLURM_ARRAY_TASK_MIN: Variable = Variable {
    name: "SLURM_ARRAY_TASK_MIN",
    doc: "Least number of a task of a Slurm array, which must be 0.",
};

/// The greatest number of a task of a Slurm array.
pub const SLURM_ARRAY_TASK_MAX: Variable = Variable {
    name: "SLURM_ARRAY_TASK_MAX",
    doc: "Greatest number of a task of a Slurm array.",
};

/// Which pod of an indexed job of Kubernetes this is.
pub const JOB_COMPLETION_INDEX: Variable = Variable {
    name: "JOB_COMPLETION_INDEX",
    doc: "Number of a pod of an indexed job of Kubernetes: the index of `leanrepl eval --shard N` and `extract --shard N`.",
};
