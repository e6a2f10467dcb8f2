//! One build of a REPL, step by step, in a temporary folder that is put in its place at the end.
//! Never looks whether it is needed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::data_dir::{DataDir, Lock};
use crate::digest;
use crate::elan::lake::Lake;
use crate::event::{Event, Observer, step};
use crate::failure::{Failure, Kind};
use crate::lean::repl_tag::{self, Source};
use crate::limits::Bytes;
use crate::setup::build::built::Built;
use crate::setup::build::git::{Refs, Repository, Target};
use crate::setup::build::record::{self, Record};
use crate::setup::build::wanted::{For, Wanted};
use crate::setup::build::{handshake, patch};
use crate::work::WorkContext;

/// Where Lake puts the binary: now, and before v4.4.
const BINARIES: [&str; 2] = [".lake/build/bin/repl", "build/bin/repl"];

/// Where it is in the cache.
const BINARY: &str = "bin/repl";

/// With less than this left, whatever failed is taken to have failed for lack of room.
const FULL: Bytes = Bytes::mib(1);

/// A build under way, under its lock.
pub(crate) struct Job<'a> {
    pub(crate) cache: &'a DataDir,
    pub(crate) lock: &'a Lock,
    /// The folder of all REPLs for this toolchain.
    pub(crate) folder: PathBuf,
    pub(crate) whose: &'a For,
    pub(crate) wanted: &'a Wanted,
    pub(crate) why_toolchain: &'a str,
    pub(crate) lake: &'a Lake,
    pub(crate) work: WorkContext<'a>,
}

/// The source that was chosen.
struct Chosen {
    target: Target,
    /// The tag, branch or commit, as a user writes it.
    source: String,
    why: String,
}

impl Job<'_> {
    pub(crate) fn run(&self) -> Result<Built, Failure> {
        let repository = self.repository();
        let chosen = step(self.observer(), "asking for the tags of the REPL", || {
            self.choose(&repository.refs()?)
        })?;
        let short: String = chosen.target.commit.chars().take(12).collect();
        let place = self.folder.join(short);
        let stage = self.lock.stage(&place)?;
        // Before the stage goes away: then there is room again.
        let record = self
            .fill(stage.dir(), &repository, chosen)
            .map_err(|failure| self.explained(failure))?;
        stage.publish()?;
        Ok(Built { dir: place, record })
    }

    /// Builds it in that folder.
    fn fill(
        &self,
        dir: &Path,
        repository: &Repository<'_>,
        chosen: Chosen,
    ) -> Result<Record, Failure> {
        let source = dir.join("source");
        step(
            self.observer(),
            &format!("fetching the REPL {}", chosen.source),
            || repository.check_out(&chosen.target, &source),
        )?;
        let patches = self.patch(&source)?;
        let label = format!(
            "building the REPL {} for Lean {}",
            chosen.source, self.whose.lean
        );
        step(self.observer(), &label, || self.compile(&source))?;
        let binary = dir.join(BINARY);
        self.keep_binary(&source, &binary)?;
        let (deadline, interrupt) = (self.work.deadline, self.work.cancel);
        let variables =
            self.lake
                .session_variables(&source, deadline, self.observer(), interrupt)?;
        let lean = step(self.observer(), "checking that the REPL answers", || {
            handshake::shake(&binary, variables, self.whose, self.work)
        })?;
        fs::remove_dir_all(&source).map_err(|err| self.cache.failure("remove", &source, err))?;
        let record = self.record(chosen, patches, lean, &binary)?;
        record
            .write(dir)
            .map_err(|err| self.cache.failure("write", dir, err))?;
        Ok(record)
    }

    /// The repository, bounded as the build is.
    fn repository(&self) -> Repository<'_> {
        Repository {
            address: &self.wanted.repository,
            lock: self.lock,
            deadline: self.work.deadline,
            observer: self.observer(),
            interrupt: self.work.cancel,
        }
    }

    /// Chooses what is built, and says so; out loud if it is not the tag of this very release.
    fn choose(&self, refs: &Refs) -> Result<Chosen, Failure> {
        let (chosen, is_plain) = match &self.wanted.reference {
            Some(reference) => (self.named(reference, refs)?, true),
            None => self.by_release(refs)?,
        };
        let text = format!("building the REPL at `{}`, {}", chosen.source, chosen.why);
        self.observer().tell(if is_plain {
            Event::Chosen { text: &text }
        } else {
            Event::Noted { text: &text }
        });
        Ok(chosen)
    }

    /// What `--repl-ref` names.
    fn named(&self, reference: &str, refs: &Refs) -> Result<Chosen, Failure> {
        let target = refs.find(reference).ok_or_else(|| {
            Failure::new(
                Kind::Build,
                format!(
                    "`{}` has no tag or branch `{reference}`, and that is no whole commit",
                    self.wanted.repository
                ),
                "check the spelling of `--repl-ref`; a commit is named by all of its 40 digits",
            )
        })?;
        Ok(Chosen {
            target,
            source: reference.to_owned(),
            why: "which `--repl-ref` names".to_owned(),
        })
    }

    /// What fits the toolchain's release, and whether it is the tag of that release.
    fn by_release(&self, refs: &Refs) -> Result<(Chosen, bool), Failure> {
        let tags = refs.tags();
        let release = self.whose.release().ok_or_else(|| {
            let newest = tags
                .iter()
                .filter_map(|tag| tag.strip_prefix('v')?.parse().ok());
            let newest = newest.max().map(crate::lean::release::Release::tag);
            self.no_tag(newest.as_slice())
        })?;
        let choice = repl_tag::choose(release, &tags).map_err(|none| self.no_tag(&none.near))?;
        let is_plain = choice.source == Source::Tag(release.tag());
        let (Source::Tag(source) | Source::Commit(source)) = choice.source;
        let target = refs
            .find(&source)
            .ok_or_else(|| Failure::bug(format!("the tag `{source}` was listed and is lost")))?;
        let chosen = Chosen {
            target,
            source,
            why: choice.why,
        };
        Ok((chosen, is_plain))
    }

    /// The failure if no tag fits.
    fn no_tag(&self, near: &[String]) -> Failure {
        let near: Vec<String> = near.iter().map(|tag| format!("`{tag}`")).collect();
        let near = if near.is_empty() {
            String::new()
        } else {
            format!("; the nearest tags are {}", near.join(", "))
        };
        Failure::new(
            Kind::Build,
            format!(
                "`{}` has no REPL that is known to fit Lean {}",
                self.wanted.repository, self.whose.lean
            ),
            format!("name a tag, branch or commit with `--repl-ref`{near}"),
        )
    }

    /// Changes in the source what has to be changed.
    fn patch(&self, source: &Path) -> Result<Vec<String>, Failure> {
        let toolchain = self.whose.toolchain.to_string();
        let patches = patch::overwrite_toolchain(source, &toolchain)
            .and_then(|first| Ok([first, patch::flush_replies(source)?]))
            .map_err(|err| self.cache.failure("patch", source, err))?;
        let patches: Vec<String> = patches.into_iter().flatten().collect();
        for patch in &patches {
            self.observer().tell(Event::Chosen { text: patch });
        }
        Ok(patches)
    }

    fn compile(&self, source: &Path) -> Result<(), Failure> {
        self.lake
            .lake()?
            .args(["build", "repl"])
            .dir(source)
            // A killed leanrepl leaves Lake running; with the lock as its stdin, the next one waits
            // for it.
            .stdin(self.lock.file()?)
            .purpose("building the REPL")
            .deadline(self.work.deadline)
            .hint("read what Lake says; try another commit with `--repl-ref`, or give it more time with `--timeout`")
            .finish(self.observer(), self.work.cancel)
            .map(|_output| ())
    }

    /// Moves the binary out of the source, which is not needed to run it.
    fn keep_binary(&self, source: &Path, binary: &Path) -> Result<(), Failure> {
        let found = BINARIES
            .iter()
            .map(|name| source.join(name))
            .find(|path| path.is_file())
            .ok_or_else(|| {
                Failure::new(
                    Kind::Build,
                    format!(
                        "Lake built the REPL, but there is no `{}`",
                        BINARIES.join("` or `")
                    ),
                    "check that `--repl-repo` and `--repl-ref` name a REPL",
                )
            })?;
        let parent = binary.parent().unwrap_or(binary);
        fs::create_dir_all(parent)
            .and_then(|()| fs::rename(&found, binary))
            .map_err(|err| self.cache.failure("create", binary, err))
    }

    /// What is written down about it.
    fn record(
        &self,
        chosen: Chosen,
        patches: Vec<String>,
        lean: String,
        binary: &Path,
    ) -> Result<Record, Failure> {
        let (binary_sha256, binary_bytes) =
            digest::of_file(binary).map_err(|err| self.cache.failure("read", binary, err))?;
        Ok(Record {
            version: record::VERSION,
            toolchain: self.whose.toolchain.to_string(),
            toolchain_origin: self.why_toolchain.to_owned(),
            repository: self.wanted.repository.clone(),
            reference: self.wanted.reference.clone(),
            source: chosen.source,
            commit: chosen.target.commit,
            why: chosen.why,
            patches,
            needs_priming: self.wanted.reference.is_some() || repl_tag::needs_priming(&lean),
            lean,
            binary: BINARY.to_owned(),
            binary_sha256,
            binary_bytes,
            built_by: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    /// The failure as a user should meet it: what git and Lake say of a full disk is prose, the room
    /// that is left is not.
    fn explained(&self, failure: Failure) -> Failure {
        let is_full = self.cache.free_bytes().is_some_and(|free| free < FULL);
        let full = self.cache.full();
        if !is_full || failure.kind() == Kind::Interrupted || failure.problem() == full.problem() {
            return failure;
        }
        full.caused_by(failure)
    }

    fn observer(&self) -> &dyn Observer {
        self.work.observer.as_ref()
    }
}
