//! Who may call. Keys are kept as digests, and compared in a time that tells nothing about them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::failure::{Failure, Kind};
use crate::http::problem::Problem;
use crate::http::rate::Bucket;

/// What every key may do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyLimits {
    /// Requests at a time.
    pub(crate) concurrency: Option<usize>,
    /// Requests a second.
    pub(crate) rate: Option<f64>,
}

/// The keys of a server; without any, everybody may call.
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

/// A caller whose key was recognised.
pub(crate) struct Admitted {
    /// The name of the key.
    pub(crate) name: Arc<str>,
    /// Held while the request runs.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

/// When a client that may not have more requests at a time should try again.
const BUSY: Duration = Duration::from_secs(1);

impl Keys {
    /// Reads keys, one a line: `KEY` or `NAME KEY`; empty lines and those that start with `#` do
    /// not count. Keys may also be separated by commas.
    ///
    /// # Errors
    /// A line of more than two words, by its number, without its text.
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

    /// Whether everybody may call.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets a caller in who shows `Bearer KEY` or the bare key.
    ///
    /// # Errors
    /// 401 for a key that is missing or unknown, 429 for one that is used too much.
    pub(crate) fn admit(&self, shown: Option<&[u8]>) -> Result<Admitted, Problem> {
        let unauthorized = |text| Problem::new(StatusCode::UNAUTHORIZED, text);
        let shown = shown.unwrap_or_default().trim_ascii();
        let shown = bearer(shown).unwrap_or(shown).trim_ascii();
        if shown.is_empty() {
            return Err(unauthorized("Missing API key"));
        }
        let digest: [u8; 32] = Sha256::digest(shown).into();
        // All are looked at, so that the time does not tell which one it was.
        let mut found = None;
        for key in &self.0 {
            if bool::from(key.digest.ct_eq(&digest)) {
                found = Some(key);
            }
        }
        let key = found.ok_or_else(|| unauthorized("Invalid API key"))?;
        key.enter(Instant::now())
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

    /// Counts one more request.
    fn enter(&self, now: Instant) -> Result<Admitted, Problem> {
        let too_many =
            |text: &str, wait| Problem::new(StatusCode::TOO_MANY_REQUESTS, text).retry_after(wait);
        if let Some(bucket) = &self.bucket {
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            bucket
                .take(now)
                .map_err(|wait| too_many("too many requests a second with this key", wait))?;
        }
        let permit = match &self.running {
            None => None,
            Some(running) => match Arc::clone(running).try_acquire_owned() {
                Ok(permit) => Some(permit),
                Err(_none_left) => {
                    return Err(too_many("too many requests at a time with this key", BUSY));
                }
            },
        };
        Ok(Admitted {
            name: Arc::clone(&self.name),
            permit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status or the name that showing `shown` gives.
    fn admit(keys: &Keys, shown: &str) -> Result<String, u16> {
        let admitted = keys.admit(Some(shown.as_bytes()));
        admitted
            .map(|admitted| admitted.name.to_string())
            .map_err(|problem| problem.status.as_u16())
    }

    #[test]
    fn a_key_is_known_with_and_without_its_scheme() {
        let text = "# people\nalice  s3cret\n\nplain\none,two";
        let keys = Keys::parse(text, KeyLimits::default()).unwrap();
        assert_eq!(admit(&keys, "Bearer s3cret").as_deref(), Ok("alice"));
        assert_eq!(admit(&keys, "bearer  plain").as_deref(), Ok("key-2"));
        assert_eq!(admit(&keys, "two").as_deref(), Ok("key-4"));
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "s3cre",
            "s3crett",
            "alice s3cret",
            "# people",
        ] {
            assert_eq!(admit(&keys, wrong), Err(401), "{wrong}");
        }
        assert_eq!(keys.admit(None).err().unwrap().error, "Missing API key");
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
        let held = keys.admit(Some(b"one")).unwrap();
        assert_eq!(admit(&keys, "one"), Err(429));
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
        assert_eq!(admit(&keys, "one"), Err(429));
        assert!(admit(&keys, "two").is_ok());
    }
}
