//! Which REPL is wanted, and what bounds its build. Builds nothing.

use crate::elan::lake::Lake;
use crate::failure::Failure;
use crate::lean::release::Release;
use crate::lean::toolchain::Toolchain;
use crate::work::WorkContext;

/// The repository that is built unless another one is named.
pub(crate) const COMMUNITY: &str = "https://github.com/leanprover-community/repl";

/// A toolchain for which a REPL is there or wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct For {
    pub(crate) toolchain: Toolchain,
    /// Its Lean's version: that in its name, else what it says.
    pub(crate) lean: String,
}

impl For {
    /// The toolchain with its Lean's version. Lean is asked only if the name does not say it.
    ///
    /// # Errors
    /// A Lean that cannot be run.
    pub(crate) fn of(
        toolchain: &Toolchain,
        lake: &Lake,
        work: WorkContext<'_>,
    ) -> Result<Self, Failure> {
        let lean = match toolchain.release() {
            Some(release) => release.to_string(),
            None => lake.lean_version(work.deadline, work.observer.as_ref(), work.cancel)?,
        };
        Ok(Self {
            toolchain: toolchain.clone(),
            lean,
        })
    }

    /// The release, if its Lean is one.
    pub(super) fn release(&self) -> Option<Release> {
        self.lean.parse().ok()
    }

    /// A name for its folder. What a channel, a link or a folder stands for may change, so their
    /// version is part of it.
    pub(super) fn key(&self) -> String {
        let slug = self.toolchain.slug();
        if self.toolchain.release().is_some() {
            return slug;
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let lean = self.lean.chars();
        let lean: String = lean.map(|c| if plain(c) { c } else { '_' }).collect();
        format!("{slug}@{lean}")
    }
}

/// Which source is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) repository: String,
    /// A tag, branch or commit; chosen by the toolchain's release if absent.
    pub(crate) reference: Option<String>,
}
