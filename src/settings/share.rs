//! Which share of its work a process does, as the command line and the variables of a cluster say.

use crate::env_vars::{self, Variable};
use crate::failure::{Failure, Kind};
use crate::work::share::Share;

/// The share, and the sentence that says why; none if it does all.
///
/// # Errors
/// What is no share; an array of Slurm that does not start at 0 or leaves numbers out; an index without the
/// number of shares.
pub(crate) fn choose(named: Option<&str>) -> Result<Option<(Share, String)>, Failure> {
    choose_by(named, &|variable| {
        env_vars::read(variable).and_then(|value| value.into_string().ok())
    })
}

/// As [`choose`], with the variables that `read` gives.
fn choose_by(
    named: Option<&str>,
    read: &dyn Fn(Variable) -> Option<String>,
) -> Result<Option<(Share, String)>, Failure> {
    let number = |variable: Variable| -> Result<Option<u32>, Failure> {
        let Some(value) = read(variable) else {
            return Ok(None);
        };
        let parsed = value.trim().parse().map_err(|_err| {
            wrong(format!(
                "the variable `{}` is `{value}`, and no number",
                variable.name
            ))
        });
        parsed.map(Some)
    };
    if let Some(text) = named {
        let no_share = || wrong(format!("`{text}` is not a share"));
        let (index, count) = match text.split_once('/') {
            Some((index, count)) if !index.trim().is_empty() => (
                Some(index.trim().parse().map_err(|_err| no_share())?),
                count,
            ),
            Some((_, count)) => (None, count),
            None => (None, text),
        };
        let count: u32 = count.trim().parse().map_err(|_err| no_share())?;
        if let Some(index) = index {
            return checked(index, count, "`--shard` says so".to_owned()).map(Some);
        }
        for variable in [
            env_vars::SLURM_ARRAY_TASK_ID,
            env_vars::JOB_COMPLETION_INDEX,
        ] {
            if let Some(index) = number(variable)? {
                check_array(&number)?;
                return checked(index, count, format!("`{}` is {index}", variable.name)).map(Some);
            }
        }
        return Err(wrong(
            "`--shard` names no index, and no variable of a cluster does".to_owned(),
        ));
    }
    if let Some(index) = number(env_vars::SLURM_ARRAY_TASK_ID)? {
        check_array(&number)?;
        let Some(count) = number(env_vars::SLURM_ARRAY_TASK_COUNT)? else {
            return Err(without_count(env_vars::SLURM_ARRAY_TASK_ID));
        };
        let why = format!("`{}` is {index}", env_vars::SLURM_ARRAY_TASK_ID.name);
        return checked(index, count, why).map(Some);
    }
    match number(env_vars::JOB_COMPLETION_INDEX)? {
        Some(_) => Err(without_count(env_vars::JOB_COMPLETION_INDEX)),
        None => Ok(None),
    }
}

/// Fails for an array of Slurm whose numbers are not 0, 1, 2, …: some of the work would be in no share.
fn check_array(number: &dyn Fn(Variable) -> Result<Option<u32>, Failure>) -> Result<(), Failure> {
    let first = number(env_vars::SLURM_ARRAY_TASK_MIN)?;
    let last = number(env_vars::SLURM_ARRAY_TASK_MAX)?;
    let count = number(env_vars::SLURM_ARRAY_TASK_COUNT)?;
    let is_whole = first.is_none_or(|first| first == 0)
        && last
            .zip(count)
            .is_none_or(|(last, count)| last.checked_add(1) == Some(count));
    if is_whole {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Usage,
        "the Slurm array does not count 0, 1, 2, …",
        "submit it with `--array=0-N`, without steps, or name the share with `--shard I/N`",
    ))
}

/// A share whose index is less than its count.
fn checked(index: u32, count: u32, why: String) -> Result<(Share, String), Failure> {
    if index < count {
        return Ok((Share { index, count }, why));
    }
    Err(wrong(format!(
        "there is no share {index} of {count}: they are counted from 0"
    )))
}

fn wrong(problem: String) -> Failure {
    Failure::new(
        Kind::Usage,
        problem,
        "write for example `--shard 0/8`, the first of eight shares",
    )
}

fn without_count(variable: Variable) -> Failure {
    Failure::new(
        Kind::Usage,
        format!(
            "the variable `{}` names a share, but not of how many",
            variable.name
        ),
        "name their number with `--shard N`, or take all of the work with `--shard 0/1`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share, or the problem.
    fn choice(
        named: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<Option<(u32, u32)>, String> {
        let read = |variable: Variable| {
            let found = variables.iter().find(|(name, _)| *name == variable.name);
            found.map(|(_, value)| (*value).to_owned())
        };
        choose_by(named, &read)
            .map(|found| found.map(|(share, _)| (share.index, share.count)))
            .map_err(|failure| failure.problem().to_owned())
    }

    #[test]
    fn a_flag_comes_first_and_a_cluster_fills_in() {
        let slurm =
            |id: &'static str, min: &'static str, max: &'static str, count: &'static str| {
                [
                    ("SLURM_ARRAY_TASK_ID", id),
                    ("SLURM_ARRAY_TASK_MIN", min),
                    ("SLURM_ARRAY_TASK_MAX", max),
                    ("SLURM_ARRAY_TASK_COUNT", count),
                ]
            };
        assert_eq!(choice(None, &[]), Ok(None));
        assert_eq!(
            choice(Some("1/3"), &slurm("0", "0", "7", "8")),
            Ok(Some((1, 3)))
        );
        assert_eq!(choice(None, &slurm("5", "0", "7", "8")), Ok(Some((5, 8))));
        assert_eq!(
            choice(Some("8"), &slurm("5", "0", "7", "8")),
            Ok(Some((5, 8)))
        );
        assert_eq!(
            choice(Some("/4"), &[("JOB_COMPLETION_INDEX", "3")]),
            Ok(Some((3, 4)))
        );
        for (named, variables, problem) in [
            (None, &slurm("1", "1", "8", "8")[..], "does not count 0"),
            (None, &slurm("2", "0", "6", "4"), "does not count 0"),
            (None, &[("SLURM_ARRAY_TASK_ID", "1")], "not of how many"),
            (None, &[("JOB_COMPLETION_INDEX", "1")], "not of how many"),
            (None, &[("SLURM_ARRAY_TASK_ID", "x")], "no number"),
            (Some("3/3"), &[], "no share 3 of 3"),
            (Some("0/0"), &[], "no share 0 of 0"),
            (Some("a/3"), &[], "not a share"),
            (Some("-1/3"), &[], "not a share"),
            (Some("3"), &[], "names no index"),
        ] {
            let found = choice(named, variables).unwrap_err();
            assert!(found.contains(problem), "{named:?} {variables:?}: {found}");
        }
    }
}
