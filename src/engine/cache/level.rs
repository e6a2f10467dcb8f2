//! The level of isolation that records need to answer for sessions whose user names none. Which one that is
//! shows when a session has evaluated; it depends on the REPL alone, and is kept like a record.

use std::sync::Arc;
use std::sync::OnceLock;

use crate::engine::cache::key::{Environment, Key, KeyMaker, LAYOUT};
use crate::engine::cache::store::{Entry, Store, StoreError};
use crate::isolation::Isolation;
use crate::session::identity::Identity;
use crate::session::spec::SessionSpec;

/// The class of what is kept.
const CLASS: &str = "level";

/// The level, as far as it is known.
pub(crate) struct KnownLevel {
    /// What the user names.
    named: Option<Isolation>,
    key: Key,
    /// That of no source: the level depends on the REPL alone.
    environment: Environment,
    known: OnceLock<Isolation>,
}

impl KnownLevel {
    /// Of sessions of that specification. A store that fails knows nothing.
    pub(crate) fn new(spec: &SessionSpec, store: &dyn Store) -> Self {
        let key = key_of(&spec.lean.identity);
        let known = OnceLock::new();
        if spec.isolation.is_none()
            && let Ok(Some(value)) = store.get(&key)
            && let Some(level) = read(&value)
        {
            // Just made, and so empty.
            let _set = known.set(level);
        }
        let identity = &spec.lean.identity;
        Self {
            named: spec.isolation,
            key,
            environment: Environment {
                digest: key.to_string(),
                toolchain: identity.toolchain.clone(),
                repl: identity.repl.clone(),
                modules: Arc::from([]),
            },
            known,
        }
    }

    /// The level that a record needs: the highest while it is not known.
    pub(crate) fn wanted(&self) -> Isolation {
        self.named
            .or_else(|| self.known.get().copied())
            .unwrap_or(Isolation::Source)
    }

    /// Takes note of the level at which a session has evaluated.
    pub(crate) fn learn(&self, level: Isolation, store: &dyn Store) -> Result<(), StoreError> {
        if self.named.is_some() || self.known.set(level).is_err() {
            return Ok(());
        }
        let entry = Entry {
            value: &[LAYOUT, level as u8],
            environment: &self.environment,
            class: CLASS,
        };
        store.put(&self.key, entry)
    }
}

/// Where the level of sessions of a REPL is kept.
fn key_of(identity: &Identity) -> Key {
    KeyMaker::new()
        .with(CLASS.as_bytes())
        .with(identity.toolchain.as_bytes())
        .with(identity.repl.as_bytes())
        .key()
}

/// The level of a value, if it is one.
fn read(value: &[u8]) -> Option<Isolation> {
    let [first, level] = value else { return None };
    let mut levels = Isolation::ALL.into_iter();
    (*first == LAYOUT).then(|| levels.find(|known| *known as u8 == *level))?
}
