//! Names that cannot be guessed. Never made from a clock or a counter.

use std::fs::File;
use std::io::{self, Read};

use crate::digest;

/// How many random bytes a name has.
const BYTES: usize = 16;

/// A new name of 32 letters and digits.
///
/// # Errors
/// A system without a source of random bytes.
pub(crate) fn random() -> io::Result<String> {
    let mut bytes = [0_u8; BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(digest::hexadecimal(&bytes))
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_differ_and_fit_into_a_path() {
        let names = [super::random().unwrap(), super::random().unwrap()];
        assert_ne!(names[0], names[1]);
        assert!(names[0].len() == 32 && names[0].chars().all(|letter| letter.is_ascii_hexdigit()));
    }
}
