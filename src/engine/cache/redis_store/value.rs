//! A value as it lies in Redis: in front of it what it is found by when it is to be forgotten, and a seal. Pure.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | layout, [`LAYOUT`] |
//! | 1 + n | digest of the environment, its length first |
//! | 1 + n | class, its length first |
//! | 4 | length of the value, lowest byte first |
//! | 1 | length of the seal: 0 or 32 |
//! | 0 or 32 | seal over the place, all in front of it but its length, and the value |
//! | the rest | the value |

use crate::engine::cache::seal::{SEAL_BYTES, SealKey};

/// Raised when the table above changes.
const LAYOUT: u8 = 1;

/// The most bytes in front of a value.
pub(crate) const MAX_HEAD: usize = 1 + 256 + 256 + 4 + 1 + SEAL_BYTES;

/// What a value is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    /// The digest of its environment.
    pub(crate) environment: &'a [u8],
    /// What was asked for.
    pub(crate) class: &'a [u8],
}

/// A value as it lies at a place; nothing if the head has no room for the environment or the class.
pub(crate) fn wrapped(
    place: &str,
    head: Head<'_>,
    value: &[u8],
    key: Option<&SealKey>,
) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(MAX_HEAD + value.len());
    bytes.push(LAYOUT);
    for part in [head.environment, head.class] {
        bytes.push(u8::try_from(part.len()).ok()?);
        bytes.extend_from_slice(part);
    }
    bytes.extend_from_slice(&u32::try_from(value.len()).ok()?.to_le_bytes());
    match key {
        None => bytes.push(0),
        Some(key) => {
            let seal = key.seal(place, &[&bytes, value]);
            bytes.push(u8::try_from(seal.len()).ok()?);
            bytes.extend_from_slice(&seal);
        }
    }
    bytes.extend_from_slice(value);
    Some(bytes)
}

/// The value that was wrapped for this place with this key; nothing if it is damaged, of another layout, or was
/// not sealed with the key.
pub(crate) fn value(place: &str, bytes: &[u8], key: Option<&SealKey>) -> Option<Vec<u8>> {
    let (_, rest) = split_head(bytes)?;
    let (length, rest) = rest.split_at_checked(4)?;
    let front = bytes.get(..bytes.len().checked_sub(rest.len())?)?;
    let (seal_length, rest) = rest.split_first()?;
    let (seal, value) = rest.split_at_checked(usize::from(*seal_length))?;
    let length = u32::from_le_bytes(length.try_into().ok()?);
    if u32::try_from(value.len()) != Ok(length) {
        return None;
    }
    let is_ours = match key {
        None => seal.is_empty(),
        Some(key) => key.is_sealed(place, &[front, value], seal),
    };
    is_ours.then(|| value.to_vec())
}

/// What the first [`MAX_HEAD`] bytes of a value say; nothing if they are no head.
pub(crate) fn head(bytes: &[u8]) -> Option<Head<'_>> {
    split_head(bytes).map(|(head, _)| head)
}

/// The head up to its class, and the rest.
fn split_head(bytes: &[u8]) -> Option<(Head<'_>, &[u8])> {
    let (layout, rest) = bytes.split_first()?;
    if *layout != LAYOUT {
        return None;
    }
    let (environment, rest) = part(rest)?;
    let (class, rest) = part(rest)?;
    Some((Head { environment, class }, rest))
}

/// A part with its length in front, and the rest.
fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use proptest::prelude::*;

    use super::*;

    const HEAD: Head<'_> = Head {
        environment: b"abcdef",
        class: b"eval",
    };

    fn key(byte: u8) -> SealKey {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), [byte; 32]).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        SealKey::from_file(file.path()).unwrap()
    }

    #[test]
    fn a_value_comes_back_for_its_place_and_its_key_only() {
        let ours = key(1);
        for given in [None, Some(&ours)] {
            let bytes = wrapped("a", HEAD, b"value", given).unwrap();
            assert_eq!(value("a", &bytes, given).unwrap(), b"value");
            assert_eq!(head(&bytes), Some(HEAD));
            assert_eq!(head(&bytes[..bytes.len().min(MAX_HEAD)]), Some(HEAD));
            assert_eq!(value("a", &bytes, Some(&key(2))), None);
        }
        let sealed = wrapped("a", HEAD, b"value", Some(&ours)).unwrap();
        assert_eq!(value("b", &sealed, Some(&ours)), None);
        assert_eq!(value("a", &sealed, None), None);
        let plain = wrapped("a", HEAD, b"value", None).unwrap();
        assert_eq!(value("a", &plain, Some(&ours)), None);
    }

    #[test]
    fn any_cut_is_a_miss_and_so_is_any_change_of_what_is_sealed() {
        let ours = key(1);
        let bytes = wrapped("a", HEAD, b"value", Some(&ours)).unwrap();
        for end in 0..bytes.len() {
            assert_eq!(value("a", &bytes[..end], Some(&ours)), None, "{end}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(value("a", &changed, Some(&ours)), None, "{at}");
        }
        let plain = wrapped("a", HEAD, b"value", None).unwrap();
        for end in 0..plain.len() {
            assert_eq!(value("a", &plain[..end], None), None, "{end}");
        }
    }

    #[test]
    fn a_head_has_room_for_255_bytes_of_each_part() {
        let long = [b'x'; 256];
        let fits = Head {
            environment: &long[1..],
            class: &long[1..],
        };
        let bytes = wrapped("a", fits, b"", Some(&key(1))).unwrap();
        assert_eq!(bytes.len(), MAX_HEAD);
        assert_eq!(head(&bytes), Some(fits));
        let class = &long;
        assert_eq!(wrapped("a", Head { class, ..HEAD }, b"", None), None);
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
            let _ = head(&bytes);
            let _ = value("a", &bytes, None);
        }
    }
}
