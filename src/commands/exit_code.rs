//! The exit codes of a run that came to its end. Those of failures are theirs.

use crate::engine::judge::{Judgement, Verdict};
use crate::failure::Kind;

/// The exit code of a source or run that Lean accepted, or of a command that did what it should.
pub(super) const DONE: u8 = 0;

/// The exit code of a run in which Lean answered no.
pub(super) const REJECTED: u8 = 1;

/// The exit code for one source: an undecided one has that of its failure, which outranks
/// a rejection.
pub(super) fn of(judgement: &Judgement) -> u8 {
    match (judgement.failure(), judgement.verdict) {
        (Some(failure), _) => failure.kind().exit_code(),
        (None, Verdict::Accepted) => DONE,
        (None, Verdict::Rejected) => REJECTED,
        (None, Verdict::Undecided) => Kind::Bug.exit_code(),
    }
}
