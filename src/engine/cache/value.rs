//! A record as bytes: a byte for the layout, the length of the JSON (u32, little-endian), and a zstd frame of it
//! with a checksum. What cannot be read is no record.

use std::cell::RefCell;
use std::io::{self, Write as _};

use zstd::bulk::Decompressor;
use zstd::stream::write::Encoder;

use crate::engine::cache::key::LAYOUT;
use crate::engine::cache::store::MAX_VALUE;
use crate::engine::record::EvalRecord;
use crate::engine::request::VERSION;

/// How hard is packed: a record is read more often than written, and both have to be quick.
const LEVEL: i32 = 1;

/// The most bytes of JSON of a record.
const MAX_JSON: usize = 64 << 20;

/// The bytes of a record; none if it is too long to be kept.
pub(crate) fn encode(record: &EvalRecord) -> io::Result<Option<Vec<u8>>> {
    let json = serde_json::to_vec(record)?;
    if json.len() > MAX_JSON {
        return Ok(None);
    }
    let Ok(length) = u32::try_from(json.len()) else {
        return Ok(None);
    };
    let mut value = Vec::with_capacity(json.len() / 4 + 32);
    value.push(LAYOUT);
    value.extend(length.to_le_bytes());
    let mut encoder = Encoder::new(value, LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.write_all(&json)?;
    let value = encoder.finish()?;
    Ok((value.len() <= MAX_VALUE).then_some(value))
}

thread_local! {
    /// Making one takes longer than what it does for most records.
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The record of bytes; none if they are damaged, of another layout, or too long.
pub(crate) fn decode(value: &[u8]) -> Option<EvalRecord> {
    let (first, rest) = value.split_first()?;
    let (length, frame) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if *first != LAYOUT || length > MAX_JSON {
        return None;
    }
    let json = UNPACKER.with_borrow_mut(|unpacker| {
        if unpacker.is_none() {
            *unpacker = Decompressor::new().ok();
        }
        unpacker.as_mut()?.decompress(frame, length).ok()
    })?;
    if json.len() != length {
        return None;
    }
    let record: EvalRecord = serde_json::from_slice(&json).ok()?;
    (record.version == VERSION).then_some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_and_no_damaged_byte_does() {
        let mut record = EvalRecord::empty();
        record.hints = vec!["one".to_owned(), "two".repeat(500)];
        let value = encode(&record).unwrap().unwrap();
        let read = decode(&value).unwrap();
        assert_eq!(read.hints, record.hints);
        for at in 0..value.len() {
            let mut damaged = value.clone();
            damaged[at] ^= 0x10;
            let hints = decode(&damaged).map(|record| record.hints);
            assert!(hints.is_none_or(|hints| hints == record.hints), "{at}");
            assert!(decode(&value[..at]).is_none(), "{at}");
        }
    }

    #[test]
    fn a_frame_that_unpacks_to_more_than_any_record_is_none() {
        let bomb = zstd::bulk::compress(&vec![b' '; MAX_JSON + 2], 1).unwrap();
        assert!(bomb.len() < 1 << 20);
        for length in [u32::MAX, 100, u32::try_from(MAX_JSON + 2).unwrap()] {
            let value = [&[LAYOUT][..], &length.to_le_bytes(), &bomb].concat();
            assert!(decode(&value).is_none());
        }
    }
}
