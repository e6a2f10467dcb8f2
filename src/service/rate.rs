//! How many requests a second a key may make. Pure: the clock is passed in.

use std::time::{Duration, Instant};

/// A bucket that fills at a steady rate and is emptied by requests.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: f64,
    /// Most tokens.
    size: f64,
    /// Tokens at `since`.
    level: f64,
    /// When `level` was true.
    since: Instant,
}

impl Bucket {
    /// A full bucket: `rate` requests a second, and as many at once.
    pub(crate) fn new(rate: f64, now: Instant) -> Self {
        let size = rate.max(1.0);
        Self {
            rate,
            size,
            level: size,
            since: now,
        }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// How long it takes until there is one.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        self.level = passed.mul_add(self.rate, self.level).min(self.size);
        self.since = now;
        if self.level >= 1.0 {
            self.level -= 1.0;
            return Ok(());
        }
        let missing = (1.0 - self.level) / self.rate;
        Err(Duration::try_from_secs_f64(missing).unwrap_or(Duration::from_secs(3600)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_one_second_is_let_through_and_then_the_steady_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(4.0, start);
        for _ in 0..4 {
            assert_eq!(bucket.take(start), Ok(()));
        }
        assert_eq!(bucket.take(start), Err(Duration::from_millis(250)));
        let later = start + Duration::from_millis(500);
        assert_eq!(bucket.take(later), Ok(()));
        assert_eq!(bucket.take(later), Ok(()));
        assert!(bucket.take(later).is_err());
    }

    #[test]
    fn a_rate_below_one_a_second_lets_the_first_request_through() {
        let start = Instant::now();
        let mut bucket = Bucket::new(0.5, start);
        assert_eq!(bucket.take(start), Ok(()));
        assert_eq!(bucket.take(start), Err(Duration::from_secs(2)));
    }
}
