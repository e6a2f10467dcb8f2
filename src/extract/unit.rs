//! The pieces in which an extraction is done, kept and done again: a compiled module or a source. Reads
//! nothing.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::digest;
use crate::lean::options::ModuleOptions;

/// One piece.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unit {
    /// What it is in messages and in the manifest; units are sorted by it, and no two have the same.
    pub(crate) name: String,
    /// What its rows depend on, as a digest; see [`Unit::digest`].
    pub(crate) digest: String,
    pub(crate) input: Input,
}

/// What the rows are made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Input {
    /// The constants of a compiled module.
    Module {
        /// The parts of its name.
        parts: Vec<String>,
        /// How many constants its file holds, with those that make no row.
        constants: u64,
    },
    /// A source to elaborate.
    Source {
        path: PathBuf,
        text: Arc<str>,
        /// The module that it is, if that is known.
        module: Option<String>,
        /// Those that the Lake file sets for it.
        options: Arc<ModuleOptions>,
    },
}

/// A unit as run files and manifests name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnitName {
    pub(crate) name: String,
    pub(crate) digest: String,
}

impl Unit {
    /// The digest of all that its rows depend on: the identity of the run, its name, and its input with all
    /// that this imports. Names the file of its rows.
    pub(crate) fn digest(identity: &str, name: &str, input: &str) -> String {
        digest::of_bytes(json!([identity, name, input]).to_string().as_bytes())
    }

    /// Its name and digest.
    pub(crate) fn name(&self) -> UnitName {
        UnitName {
            name: self.name.clone(),
            digest: self.digest.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_tells_its_parts_apart() {
        let digests = [
            ("a", "b", "c"),
            ("ab", "", "c"),
            ("a", "bc", ""),
            ("a", "b", "d"),
        ]
        .map(|(identity, name, input)| Unit::digest(identity, name, input));
        for (index, one) in digests.iter().enumerate() {
            assert_eq!(one.len(), 64);
            assert!(digests.iter().skip(index + 1).all(|other| other != one));
        }
    }
}
