//! SHA-256 of files and texts, as hexadecimal. Never decides what a difference means.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// How much of a file is read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// The digest of a file and its length in bytes.
///
/// # Errors
/// What the system says if it cannot be read.
pub fn of_file(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut bytes = 0_u64;
    loop {
        let count = match file.read(&mut chunk) {
            Ok(0) => return Ok((hexadecimal(&hasher.finalize()), bytes)),
            Ok(count) => count,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            Err(err) => return Err(err),
        };
        hasher.update(chunk.get(..count).unwrap_or_default());
        bytes = bytes.saturating_add(count as u64);
    }
}

/// The digest of bytes.
pub fn of_bytes(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// The first eight bytes of the digest of bytes, as a big-endian number.
pub(crate) fn leading_number(bytes: &[u8]) -> u64 {
    let digest = Sha256::digest(bytes);
    let leading = digest.iter().take(8);
    leading.fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Bytes as lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_its_bytes_have_the_published_digest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_file(&path).unwrap(), (published.to_owned(), 3));
        assert_eq!(of_bytes(b"abc"), published);
        assert_eq!(leading_number(b"abc"), 0xba78_16bf_8f01_cfea);
    }

    #[test]
    fn a_file_longer_than_a_chunk_is_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("long");
        let bytes = vec![7; CHUNK_BYTES * 2 + 1];
        std::fs::write(&path, &bytes).unwrap();
        let digest = of_bytes(&bytes);
        assert_eq!(of_file(&path).unwrap(), (digest, bytes.len() as u64));
    }
}
