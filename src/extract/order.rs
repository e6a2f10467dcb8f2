//! What is asked of an extraction. Does nothing.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::extract::extractor::Extractor;
use crate::lean::module_name::ModuleName;
use crate::lean::options::ModuleOptions;
use crate::limits::Wait;
use crate::session::factory::SessionFactory;
use crate::work::share::Share;

/// One extraction.
pub(crate) struct Order {
    pub(crate) extractor: Extractor,
    pub(crate) config: Value,
    pub(crate) target: Target,
    /// Starts its sessions, which belong to it alone. Its flag ends them.
    pub(crate) factory: SessionFactory,
    /// What this Lean cannot know, one sentence each.
    pub(crate) limits: Vec<String>,
    /// The part of the units that is extracted; all if absent.
    pub(crate) share: Option<Share>,
    pub(crate) jobs: usize,
    pub(crate) page_rows: u64,
    pub(crate) timeout: Wait,
    /// Whether a unit that fails is left out; else it ends the extraction.
    pub(crate) keep_going: bool,
    pub(crate) packing: Packing,
}

/// How rows are to become shards, before the extractor is known.
#[derive(Debug, Clone)]
pub(crate) struct Packing {
    pub(crate) shards: NonZeroU32,
    pub(crate) batch_rows: NonZeroUsize,
    /// The column that chooses shards; that of the extractor if absent.
    pub(crate) shard_key: Option<String>,
}

/// How rows become shards. None of it changes what the rows are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackOptions {
    pub(crate) shards: NonZeroU32,
    /// Rows of a row group.
    pub(crate) batch_rows: NonZeroUsize,
    /// The column whose value chooses the shard of a row.
    pub(crate) key: String,
}

/// What is extracted from.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// Modules with all that they import.
    Imports(Vec<ModuleName>),
    /// Modules of a library, without what they import.
    Library {
        name: String,
        modules: Vec<ModuleName>,
    },
    /// Sources; `library` is that which they make up, if that is what was asked for.
    Sources {
        library: Option<String>,
        files: Vec<SourceFile>,
    },
}

/// A source.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    /// What it is in messages and in the manifest.
    pub(crate) name: String,
    pub(crate) text: Arc<str>,
    pub(crate) module: Option<String>,
    pub(crate) options: Arc<ModuleOptions>,
}

impl Target {
    /// The modules that a worker imports.
    pub(crate) fn roots(&self) -> Vec<ModuleName> {
        match self {
            Self::Imports(modules) | Self::Library { modules, .. } => modules.clone(),
            Self::Sources { .. } => Vec::new(),
        }
    }

    /// What was asked for, as a run file has it.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Imports(modules) => {
                let names: Vec<String> = modules.iter().map(ToString::to_string).collect();
                json!({ "imports": names })
            }
            Self::Library { name, .. }
            | Self::Sources {
                library: Some(name),
                ..
            } => {
                json!({ "library": name })
            }
            Self::Sources { library: None, .. } => json!("read"),
        }
    }
}

impl Packing {
    /// The same with the column; `key` is that of the extractor.
    pub(crate) fn with_key_of(&self, key: &str) -> PackOptions {
        PackOptions {
            shards: self.shards,
            batch_rows: self.batch_rows,
            key: self.shard_key.clone().unwrap_or_else(|| key.to_owned()),
        }
    }
}
