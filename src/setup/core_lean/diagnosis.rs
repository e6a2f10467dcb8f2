//! What the failure of an installing command means, where that can be told without reading prose: by
//! the room on the disk and by the error codes that npm prints. Never hides what the command wrote.

use crate::data_dir::DataDir;
use crate::failure::{Failure, Kind};
use crate::limits::Bytes;

/// With less than this left, whatever failed is taken to have failed for lack of room.
const FULL: Bytes = Bytes::mib(1);

/// The failure as a user should meet it.
pub(crate) fn explained(cache: &DataDir, failure: Failure) -> Failure {
    if failure.kind() == Kind::Interrupted {
        return failure;
    }
    if cache.free_bytes().is_some_and(|free| free < FULL) {
        return cache.full().caused_by(failure);
    }
    let has = |code: &str| failure.causes().iter().any(|cause| cause.contains(code));
    let (problem, hint) = if has("ENOSPC") {
        (
            "there is no room left on a disk that npm writes to",
            format!(
                "free some space for `{}` and for the folder of `npm config get cache`",
                cache.root().display()
            ),
        )
    } else if has("EINTEGRITY") {
        (
            "npm got something else than the pinned packages of core Lean",
            "check the registry of `npm config get registry`, and run `npm cache verify`"
                .to_owned(),
        )
    } else {
        return failure;
    };
    Failure::new(Kind::Build, problem, hint).caused_by(failure)
}
