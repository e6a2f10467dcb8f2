//! Who may ask. Keys are kept as digests, and compared in a time that does not depend on them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::failure::{Failure, Kind};
use crate::service::error::ServiceError;
use crate::service::principal::Principal;
use crate::service::rate::Bucket;

/// What every key may do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyLimits {
    pub(crate) concurrency: Option<usize>,
    pub(crate) rate: Option<f64>,
}

/// The keys of a service; without any, every client may ask.
#[derive(Default)]
pub(crate) struct Keys(Vec<Key>);

/// One key.
struct Key {
    /// How it is called in logs and metrics.
    name: Arc<str>,
    /// SHA-256 of the key.
    digest: [u8; 32],
    /// How many requests may still run, if that is limited.
    running: Option<Arc<Semaphore>>,
    /// How many a second, if that is limited.
    bucket: Option<Mutex<Bucket>>,
}

/// Shows names only.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|key| &key.name))
            .finish()
    }
}

impl Keys {
    /// Reads keys, one a line: `KEY` or `NAME KEY`; empty lines and those that start with `#` do
    /// not count. Keys may also be separated by commas.
    ///
    /// # Errors
    /// A line of more than two words, by its number, without its words.
    pub(crate) fn parse(text: &str, limits: KeyLimits) -> Result<Self, Failure> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.starts_with('#') {
                continue;
            }
            for entry in line.split(',').map(str::trim) {
                let words: Vec<&str> = entry.split_whitespace().collect();
                match *words.as_slice() {
                    [] => {}
                    [key] => {
                        let name = format!("key-{}", keys.len() + 1);
                        keys.push(Key::new(&name, key, limits));
                    }
                    [name, key] => keys.push(Key::new(name, key, limits)),
                    _ => {
                        return Err(Failure::new(
                            Kind::Usage,
                            format!("line {} of the API keys has more than two words", index + 1),
                            "write one key a line, as `KEY` or `NAME KEY`",
                        ));
                    }
                }
            }
        }
        Ok(Self(keys))
    }

    /// Whether every client may ask.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets a client in that shows `Bearer KEY` or the bare key.
    ///
    /// # Errors
    /// A key that is missing, unknown or used too much.
    pub(crate) fn admit(
        &self,
        shown: Option<&[u8]>,
        now: Instant,
    ) -> Result<Principal, ServiceError> {
        let shown = shown.unwrap_or_default().trim_ascii();
        let shown = bearer(shown).unwrap_or(shown).trim_ascii();
        if shown.is_empty() {
            return Err(ServiceError::MissingKey);
        }
        let digest: [u8; 32] = Sha256::digest(shown).into();
        // All are looked at, so that the time does not show which one it was.
        let mut found = None;
        for key in &self.0 {
            if bool::from(key.digest.ct_eq(&digest)) {
                found = Some(key);
            }
        }
        found.ok_or(ServiceError::UnknownKey)?.enter(now)
    }
}

/// What follows the word `Bearer`, in any case.
fn bearer(shown: &[u8]) -> Option<&[u8]> {
    let (word, rest) = shown.split_at_checked(b"bearer ".len())?;
    word.eq_ignore_ascii_case(b"bearer ").then_some(rest)
}

impl Key {
    /// A key that has not been used yet.
    fn new(name: &str, key: &str, limits: KeyLimits) -> Self {
        Self {
            name: Arc::from(name),
            digest: Sha256::digest(key.as_bytes()).into(),
            running: limits
                .concurrency
                .map(|most| Arc::new(Semaphore::new(most))),
            bucket: limits
                .rate
                .map(|rate| Mutex::new(Bucket::new(rate, Instant::now()))),
        }
    }

    fn enter(&self, now: Instant) -> Result<Principal, ServiceError> {
        if let Some(bucket) = &self.bucket {
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            bucket
                .take(now)
                .map_err(|retry_after| ServiceError::TooManyRequests { retry_after })?;
        }
        let permit = match &self.running {
            None => None,
            Some(running) => match Arc::clone(running).try_acquire_owned() {
                Ok(permit) => Some(permit),
                Err(_none_left) => return Err(ServiceError::TooManyConcurrent),
            },
        };
        Ok(Principal::from_key(&self.name, now, permit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name or the error that showing `shown` gives.
    fn admit(keys: &Keys, shown: &str) -> Result<String, String> {
        let admitted = keys.admit(Some(shown.as_bytes()), Instant::now());
        admitted
            .map(|principal| principal.client.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_is_known_with_and_without_its_scheme() {
        let text = "# people\nalice  s3cret\n\nplain\none,two";
        let keys = Keys::parse(text, KeyLimits::default()).unwrap();
        assert_eq!(admit(&keys, "Bearer s3cret").as_deref(), Ok("alice"));
        assert_eq!(admit(&keys, "bearer  plain").as_deref(), Ok("key-2"));
        assert_eq!(admit(&keys, "two").as_deref(), Ok("key-4"));
        for (wrong, error) in [
            ("", "Missing API key"),
            ("Bearer", "Invalid API key"),
            ("Bearer ", "Invalid API key"),
            ("s3cre", "Invalid API key"),
            ("s3crett", "Invalid API key"),
            ("alice s3cret", "Invalid API key"),
            ("# people", "Invalid API key"),
        ] {
            assert_eq!(admit(&keys, wrong), Err(error.to_owned()), "{wrong}");
        }
        let missing = keys.admit(None, Instant::now());
        assert!(matches!(missing, Err(ServiceError::MissingKey)));
    }

    #[test]
    fn a_key_never_shows_in_what_is_printed_about_it() {
        let keys = Keys::parse("alice s3cret", KeyLimits::default()).unwrap();
        assert_eq!(format!("{keys:?}"), r#"["alice"]"#);
        let failure = Keys::parse("a b s3cret", KeyLimits::default()).unwrap_err();
        assert!(!failure.problem().contains("s3cret"));
    }

    #[test]
    fn one_key_used_up_leaves_the_others_alone() {
        let limits = KeyLimits {
            concurrency: Some(1),
            rate: None,
        };
        let keys = Keys::parse("one\ntwo", limits).unwrap();
        let held = keys.admit(Some(b"one"), Instant::now()).unwrap();
        let refused = keys.admit(Some(b"one"), Instant::now());
        assert!(matches!(refused, Err(ServiceError::TooManyConcurrent)));
        assert_eq!(admit(&keys, "two").as_deref(), Ok("key-2"));
        drop(held);
        assert_eq!(admit(&keys, "one").as_deref(), Ok("key-1"));
    }

    #[test]
    fn a_rate_is_counted_for_each_key() {
        let limits = KeyLimits {
            concurrency: None,
            rate: Some(1e-3),
        };
        let keys = Keys::parse("one\ntwo", limits).unwrap();
        assert!(admit(&keys, "one").is_ok());
        let refused = keys.admit(Some(b"one"), Instant::now());
        assert!(matches!(refused, Err(ServiceError::TooManyRequests { .. })));
        assert!(admit(&keys, "two").is_ok());
    }
}
