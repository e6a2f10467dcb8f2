//! The REPL's repository, through the user's git. Knows nothing of Lean.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data_dir::Lock;
use crate::env_vars;
use crate::event::Observer;
use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, CancelFlag, Deadline};
use crate::process::run::Run;

/// Most output that a list of tags and branches is read from.
const REFS: Bytes = Bytes::mib(16);

/// How many digits name a whole commit.
const COMMIT_DIGITS: usize = 40;

/// A repository, and what bounds the work with it.
pub(crate) struct Repository<'a> {
    /// Its address or path, as git takes it.
    pub(crate) address: &'a str,
    /// Held while git runs, even if leanrepl is killed.
    pub(crate) lock: &'a Lock,
    pub(crate) deadline: Deadline,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) interrupt: &'a CancelFlag,
}

/// The tags and branches of a repository.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Refs(BTreeMap<String, String>);

/// Something that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) commit: String,
}

impl Repository<'_> {
    /// Its tags and branches, from the other side.
    pub(crate) fn refs(&self) -> Result<Refs, Failure> {
        let output = self
            .git("listing the tags of the REPL")?
            .args(["ls-remote", "--tags", "--heads", "--", self.address])
            .max_stdout(REFS)
            .finish(self.observer, self.interrupt)?;
        Ok(Refs::read(&output.stdout))
    }

    /// Puts one commit, without its history, into the folder, which is made.
    pub(crate) fn check_out(&self, target: &Target, folder: &Path) -> Result<(), Failure> {
        let purpose = "fetching the source of the REPL";
        let run = |args: &[&str]| {
            self.git(purpose)?
                .arg("-C")
                .arg(folder)
                .args(args.iter().copied())
                .finish(self.observer, self.interrupt)
        };
        self.git(purpose)?
            .args(["init", "--quiet", "--"])
            .arg(folder)
            .finish(self.observer, self.interrupt)?;
        run(&["fetch", "--depth=1", "--", self.address, &target.name])?;
        run(&[
            "-c",
            "advice.detachedHead=false",
            "checkout",
            "--quiet",
            "--detach",
            "FETCH_HEAD",
        ])?;
        let head = run(&["rev-parse", "HEAD"])?.stdout;
        let head = String::from_utf8_lossy(&head);
        if head.trim() == target.commit {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Build,
            format!(
                "`{}` of `{}` changed while it was fetched",
                target.name, self.address
            ),
            "run the same command again",
        )
        .caused_by(format!("it was {} and is {}", target.commit, head.trim())))
    }

    /// A run of git that never asks a person anything.
    fn git(&self, purpose: &str) -> Result<Run, Failure> {
        Ok(Run::new("git")
            .environment(env_vars::for_git())
            .var("GIT_TERMINAL_PROMPT", "0")
            .stdin(self.lock.file()?)
            .purpose(purpose)
            .deadline(self.deadline)
            .hint(format!(
                "check the network and that `{}` can be reached; name a copy of it, or a folder, with `--repl-repo`",
                self.address
            ))
            .hint_if_missing("install `git`, for example with `apt-get install git`"))
    }
}

impl Refs {
    /// Reads what `git ls-remote` prints. The line `…^{}` of a tag that has a message is the commit
    /// it stands for.
    fn read(output: &[u8]) -> Self {
        let text = String::from_utf8_lossy(output);
        let mut refs = BTreeMap::new();
        for (commit, name) in text.lines().filter_map(|line| line.split_once('\t')) {
            // It comes after the line of the tag itself.
            let name = name.strip_suffix("^{}").unwrap_or(name);
            refs.insert(name.to_owned(), commit.to_owned());
        }
        Self(refs)
    }

    /// The names of all tags.
    pub(crate) fn tags(&self) -> Vec<String> {
        let names = self.0.keys();
        names
            .filter_map(|name| name.strip_prefix("refs/tags/"))
            .map(str::to_owned)
            .collect()
    }

    /// What a tag, a branch or a whole commit stands for, in this order.
    pub(crate) fn find(&self, wanted: &str) -> Option<Target> {
        let known = |name: String| {
            let commit = self.0.get(&name)?.clone();
            Some(Target { name, commit })
        };
        known(format!("refs/tags/{wanted}"))
            .or_else(|| known(format!("refs/heads/{wanted}")))
            .or_else(|| {
                let is_commit = wanted.len() == COMMIT_DIGITS
                    && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
                is_commit.then(|| Target {
                    name: wanted.to_ascii_lowercase(),
                    commit: wanted.to_ascii_lowercase(),
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_with_a_message_stands_for_its_commit_and_tags_come_before_branches() {
        let refs = Refs::read(
            b"aaa\trefs/heads/main\nbbb\trefs/heads/v1\nccc\trefs/tags/v1\nddd\trefs/tags/v1^{}\n\
              warning: none of it\n",
        );
        assert_eq!(refs.tags(), ["v1"]);
        let found = |name| refs.find(name).map(|target| (target.name, target.commit));
        let target = |name: &str, commit: &str| Some((name.to_owned(), commit.to_owned()));
        assert_eq!(found("v1"), target("refs/tags/v1", "ddd"));
        assert_eq!(found("main"), target("refs/heads/main", "aaa"));
        let commit = "0123456789abcdef0123456789ABCDEF01234567";
        let lower = commit.to_lowercase();
        assert_eq!(found(commit), target(&lower, &lower));
        assert_eq!(found("0123456"), None);
        assert_eq!(found("--upload-pack=x"), None);
    }
}
