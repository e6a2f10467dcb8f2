//! Bounds with a unit: deadlines, memory, sizes, and the flag that stops work. Never a bare integer.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytesize::ByteSize;

/// The moment by which an answer must be there, with the wait it was made from.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Instant,
    /// How long it was at the start, for messages.
    span: Duration,
}

impl Deadline {
    /// A deadline `span` from now.
    pub fn after(span: Duration) -> Self {
        let now = Instant::now();
        Self {
            // A span that overflows the clock is as good as a day.
            at: now
                .checked_add(span)
                .unwrap_or_else(|| now + Duration::from_secs(86_400)),
            span,
        }
    }

    /// What is left, zero once it is over.
    pub fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// The whole wait that was allowed.
    pub fn span(&self) -> Duration {
        self.span
    }
}

/// A number of bytes as people write it: `512MiB`, `4GB`, `1000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(u64);

impl Bytes {
    /// From a plain count.
    pub const fn new(count: u64) -> Self {
        Self(count)
    }

    /// From a count of binary megabytes.
    pub const fn mib(count: u64) -> Self {
        Self(count * 1024 * 1024)
    }

    /// The plain count.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The plain count for sizes in memory, capped at what a pointer can address.
    pub fn to_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size: ByteSize = text.parse().map_err(|_reason: String| {
            format!("`{text}` is not a size; write for example 512MiB or 4GB")
        })?;
        if size.0 == 0 {
            return Err("a size of 0 leaves no room for anything".to_owned());
        }
        Ok(Self(size.0))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", ByteSize(self.0).display().iec())
    }
}

/// A wait as people write it: `90s`, `5m`, `1500ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(Duration);

impl Wait {
    /// From whole seconds.
    pub const fn secs(count: u64) -> Self {
        Self(Duration::from_secs(count))
    }

    /// The duration itself.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for Wait {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A bare number means seconds, as in `X-Lean-Timeout`.
        let span = text.parse::<u32>().map_or_else(
            |_| humantime::parse_duration(text),
            |seconds| Ok(Duration::from_secs(u64::from(seconds))),
        );
        match span {
            Ok(span) if span.is_zero() => Err("a wait of 0 can never be met".to_owned()),
            Ok(span) => Ok(Self(span)),
            Err(err) => Err(format!("{err}; write for example 90s or 5m")),
        }
    }
}

impl From<Duration> for Wait {
    fn from(span: Duration) -> Self {
        Self(span)
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", humantime::format_duration(self.0))
    }
}

/// Set once when the user wants to stop; everything that waits looks at it at least every
/// [`TICK`]. Clones share one flag.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

/// The longest that any wait goes without looking at its limits.
pub const TICK: Duration = Duration::from_millis(20);

impl CancelFlag {
    /// Asks everything that shares this flag to stop.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// What was to stop has stopped: the next thing may begin.
    pub(crate) fn clear(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Whether to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// The shared flag itself, for a signal handler.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_read_as_people_write_them() {
        for (text, millis) in [
            ("90s", 90_000),
            ("5m", 300_000),
            ("1500ms", 1500),
            ("7", 7000),
        ] {
            assert_eq!(text.parse::<Wait>().unwrap().get().as_millis(), millis);
        }
        for text in ["0", "0s", "", "abc", "-1", "5 parsecs"] {
            assert!(text.parse::<Wait>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        for (text, count) in [
            ("512MiB", 512 << 20),
            ("4GB", 4_000_000_000),
            ("1000", 1000),
        ] {
            assert_eq!(text.parse::<Bytes>().unwrap().get(), count);
        }
        for text in ["0", "", "lots", "-4GB"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
        assert_eq!(Bytes::mib(512).to_string(), "512.0 MiB");
    }

    #[test]
    fn a_deadline_ends() {
        let deadline = Deadline::after(Duration::ZERO);
        assert!(deadline.is_over());
        assert!(!Deadline::after(Duration::MAX).is_over());
    }
}
