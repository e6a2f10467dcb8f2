//! Where kept records lie, as the cache sees it. Knows bytes and keys, not what they mean.

use std::time::Duration;

use crate::engine::cache::key::{Environment, Key};

/// The most bytes of a value; longer ones are not kept.
pub const MAX_VALUE: usize = 16 << 20;

/// Why a store failed. No evaluation depends on it: the cache goes on without.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be used any more in this process: the disk is full or broken, or the server refuses.
    #[error("{0}")]
    Broken(String),
    /// It did not answer in time; it may the next time.
    #[error("{0}")]
    Busy(String),
}

/// What is put into a store.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The value; at most [`MAX_VALUE`] bytes.
    pub value: &'a [u8],
    /// The environment that the record was made in, by which entries are found again to be forgotten.
    pub environment: &'a Environment,
    /// What was asked for: `eval`.
    pub class: &'static str,
}

/// Who computes a value that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// This process; the token is given back with [`Store::end_turn`].
    Ours(Option<String>),
    /// Another process, which will put it there soon.
    Theirs,
}

/// What a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holdings {
    /// How many values.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The environments that they were made in.
    pub environments: u64,
}

/// Which values are forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those whose environment has the module.
    Module(String),
    /// Those of a class.
    Class(String),
}

/// Where kept records lie. Every call returns within seconds.
pub trait Store: Send + Sync {
    /// What it is, for messages: the folder, or the address without a password.
    fn name(&self) -> String;

    /// The value of a key.
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError>;

    /// Whether [`Self::get_at_once`] can tell anything.
    fn is_quick(&self) -> bool {
        false
    }

    /// The value of a key, if that can be told at once: without waiting for other threads, other processes or a
    /// network. None if it cannot.
    fn get_at_once(&self, _key: &Key) -> Option<Vec<u8>> {
        None
    }

    /// Puts a value in, over one that is there.
    fn put(&self, key: &Key, entry: Entry<'_>) -> Result<(), StoreError>;

    /// Forgets a value.
    fn remove(&self, key: &Key) -> Result<(), StoreError>;

    /// Asks for the turn to compute the value of a key, for at most so long. A store that one process at a
    /// time asks has no others to wait for.
    fn take_turn(&self, _key: &Key, _lease: Duration) -> Result<Turn, StoreError> {
        Ok(Turn::Ours(None))
    }

    /// Gives the turn back.
    fn end_turn(&self, _key: &Key, _token: &str) -> Result<(), StoreError> {
        Ok(())
    }

    /// What it holds.
    fn holdings(&self) -> Result<Holdings, StoreError>;

    /// Forgets values; gives how many.
    fn forget(&self, which: &Which) -> Result<u64, StoreError>;
}
