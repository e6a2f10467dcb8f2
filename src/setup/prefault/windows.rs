//! A file of which only some places are read. Never knows what stands there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::lean::olean::Contents;

/// How much of a file is read at once to learn its imports.
const PIECE_BYTES: u64 = 16 * 1024;

/// How many such pieces of a file are kept.
const PIECES: usize = 64;

/// A file, read in pieces as they are needed.
pub(crate) struct Windows<'a> {
    file: File,
    length: u64,
    pieces: RefCell<HashMap<u64, Vec<u8>>>,
    ends: &'a AtomicBool,
}

impl<'a> Windows<'a> {
    /// Opens it; none if that is not possible.
    pub(crate) fn open(path: &Path, length: u64, ends: &'a AtomicBool) -> Option<Self> {
        Some(Self {
            file: File::open(path).ok()?,
            length,
            pieces: RefCell::default(),
            ends,
        })
    }

    fn piece(&self, number: u64) -> Option<Vec<u8>> {
        if self.ends.load(Ordering::Relaxed) {
            return None;
        }
        let start = number.checked_mul(PIECE_BYTES)?;
        let length = self.length.checked_sub(start)?.min(PIECE_BYTES);
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        self.file.read_exact_at(&mut bytes, start).ok()?;
        Some(bytes)
    }

    /// Copies what lies in one piece, from `at` on; says how much that was.
    fn copy(&self, at: u64, into: &mut [u8]) -> Option<usize> {
        let number = at / PIECE_BYTES;
        let mut pieces = self.pieces.borrow_mut();
        if !pieces.contains_key(&number) {
            if pieces.len() == PIECES {
                pieces.clear();
            }
            pieces.insert(number, self.piece(number)?);
        }
        let start = usize::try_from(at % PIECE_BYTES).ok()?;
        let bytes = pieces.get(&number)?.get(start..)?;
        let count = bytes.len().min(into.len());
        into.get_mut(..count)?.copy_from_slice(bytes.get(..count)?);
        (count > 0).then_some(count)
    }
}

impl Contents for Windows<'_> {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, at: u64, into: &mut [u8]) -> bool {
        let (mut at, mut rest) = (at, into);
        while !rest.is_empty() {
            let Some(count) = self.copy(at, rest) else {
                return false;
            };
            let Some(after) = rest.get_mut(count..) else {
                return false;
            };
            rest = after;
            at = at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        }
        true
    }
}
