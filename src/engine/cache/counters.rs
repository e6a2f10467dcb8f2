//! What a cache has done so far.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts that only rise.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    skipped: AtomicU64,
    stores: AtomicU64,
    failures: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
    looked_nanos: AtomicU64,
}

/// Those counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Requests that were answered by a kept record, or by the evaluation of another request.
    pub hits: u64,
    /// Requests that were looked for and not found.
    pub misses: u64,
    /// Requests that were not looked for: their sources do not come out the same each time, or the cache had
    /// too much to do.
    pub skipped: u64,
    /// Records that were kept.
    pub stores: u64,
    /// Times that the store failed, or that a record was too much for it.
    pub failures: u64,
    /// Bytes of values that were found.
    pub bytes_read: u64,
    /// Bytes of values that were kept.
    pub bytes_written: u64,
    /// The time of all look-ups together.
    pub looked: Duration,
}

/// Adds one.
fn one(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// Adds a number of bytes.
fn add(count: &AtomicU64, bytes: usize) {
    count.fetch_add(bytes as u64, Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn hit(&self, bytes: usize) {
        one(&self.hits);
        add(&self.bytes_read, bytes);
    }

    pub(crate) fn miss(&self) {
        one(&self.misses);
    }

    pub(crate) fn skip(&self) {
        one(&self.skipped);
    }

    pub(crate) fn store(&self, bytes: usize) {
        one(&self.stores);
        add(&self.bytes_written, bytes);
    }

    pub(crate) fn fail(&self) {
        one(&self.failures);
    }

    pub(crate) fn looked(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.looked_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// The counts now.
    pub(crate) fn now(&self) -> Counted {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counted {
            hits: read(&self.hits),
            misses: read(&self.misses),
            skipped: read(&self.skipped),
            stores: read(&self.stores),
            failures: read(&self.failures),
            bytes_read: read(&self.bytes_read),
            bytes_written: read(&self.bytes_written),
            looked: Duration::from_nanos(read(&self.looked_nanos)),
        }
    }
}
