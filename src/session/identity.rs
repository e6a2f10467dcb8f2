//! Which Lean and which REPL a process is, so that what one wrote is never read by another. Never
//! starts anything.

use serde::{Deserialize, Serialize};

use crate::process::launch::Launch;

/// A REPL that can be started, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeanRepl {
    /// How it is started.
    pub launch: Launch,
    /// What it is.
    pub identity: Identity,
    /// The Lean version that it must say it is, such as `4.27.0`; any if absent.
    pub expected_lean: Option<String>,
}

/// What a pickle depends on besides its own header: two processes of the same identity read each
/// other's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The toolchain as `lean-toolchain` writes it, such as `leanprover/lean4:v4.27.0`; for core Lean
    /// its package and version; for a binary of the user's its path.
    pub toolchain: String,
    /// The tag and the commit of the REPL, such as `v4.27.0 (0b4cb1d…)`; for core Lean the digest of
    /// its scripts; for a binary of the user's its digest.
    pub repl: String,
    /// The digest of the project's `lake-manifest.json`, as hexadecimal SHA-256; none without one.
    pub manifest: Option<String>,
}
