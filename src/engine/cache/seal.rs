//! Seals of values that lie where others could write: an HMAC-SHA256 over the place and the value. What it says
//! is that someone with the key made this value for this place, not when.

use std::fmt;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::failure::{Failure, Kind};
use crate::redis::secret::Secret;

/// The bytes of a seal.
pub(crate) const SEAL_BYTES: usize = 32;

/// The fewest bytes of a key: as many as the digest has.
const KEY_BYTES: usize = 32;

/// What seals of this kind begin with, so that the key seals nothing else by accident.
const PURPOSE: &[u8] = b"leanrepl cache 1";

/// The key that seals are made with.
#[derive(Clone)]
pub struct SealKey(Hmac<Sha256>);

impl SealKey {
    /// From all bytes of a file.
    ///
    /// # Errors
    /// A file that cannot be read, that everyone can read, or that is too short ([`Kind::Usage`]).
    pub fn from_file(path: &Path) -> Result<Self, Failure> {
        let secret = Secret::from_file(path, "--cache-key")?;
        if secret.bytes().len() < KEY_BYTES {
            return Err(Failure::new(
                Kind::Usage,
                format!(
                    "the key in `{}` is shorter than {KEY_BYTES} bytes",
                    path.display()
                ),
                format!(
                    "make one with `head -c {KEY_BYTES} /dev/urandom > {}`",
                    path.display()
                ),
            ));
        }
        let made = Hmac::new_from_slice(secret.bytes());
        made.map(Self)
            .map_err(|err| Failure::bug("a key of this length seals nothing").caused_by(err))
    }

    /// The seal of what lies at a place.
    pub(crate) fn seal(&self, place: &str, parts: &[&[u8]]) -> [u8; SEAL_BYTES] {
        self.over(place, parts).finalize().into_bytes().into()
    }

    /// Whether the seal is that of what lies at a place. Takes as long for a wrong one as for the right one.
    pub(crate) fn is_sealed(&self, place: &str, parts: &[&[u8]], seal: &[u8]) -> bool {
        self.over(place, parts).verify_slice(seal).is_ok()
    }

    /// Each part goes in with its length, so that no bytes can move from one to the next.
    fn over(&self, place: &str, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in [PURPOSE, place.as_bytes()].iter().chain(parts) {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::digest::hexadecimal;

    /// A key of a file with these bytes.
    fn key(bytes: &[u8]) -> Result<SealKey, Failure> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        SealKey::from_file(file.path())
    }

    #[test]
    fn a_seal_is_of_one_place_one_value_and_one_key() {
        let ours = key(&[7; 32]).unwrap();
        let seal = ours.seal("res:1", &[b"head", b"value"]);
        let fits = |key: &SealKey, place: &str, parts: &[&[u8]]| key.is_sealed(place, parts, &seal);
        assert!(fits(&ours, "res:1", &[b"head", b"value"]));
        assert!(!fits(&ours, "res:2", &[b"head", b"value"]));
        assert!(!fits(&ours, "res:1", &[b"head", b"valuf"]));
        assert!(!fits(&ours, "res:1", &[b"headv", b"alue"]));
        assert!(!fits(
            &key(&[8; 32]).unwrap(),
            "res:1",
            &[b"head", b"value"]
        ));
        assert!(!ours.is_sealed("res:1", &[b"head", b"value"], &seal[..31]));
    }

    #[test]
    fn a_seal_is_the_hmac_that_other_programs_compute() {
        // By `hmac` of Python: over 16 and 1 as eight bytes each, lowest first, with the words after them.
        let seal = key(&[7; 32]).unwrap().seal("k", &[]);
        assert_eq!(
            hexadecimal(&seal),
            "7d854e3cd92423f36473295a9638fa1ea5e63bb3ba9668a69772f4309af60e47"
        );
    }

    #[test]
    fn a_key_that_is_short_is_refused_and_none_is_shown() {
        let failure = key(&[7; 31]).unwrap_err();
        assert_eq!(failure.kind(), Kind::Usage);
        assert!(failure.problem().contains("shorter than 32 bytes"));
        assert_eq!(format!("{:?}", key(&[7; 32]).unwrap()), "SealKey(…)");
    }
}
