//! Times of many requests and what is read off them.

use std::time::Duration;

/// Times of one kind of request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    /// Each request.
    times: Vec<Duration>,
}

impl Sample {
    /// Adds one request.
    pub(crate) fn push(&mut self, time: Duration) {
        self.times.push(time);
    }

    /// Adds those of another sample.
    pub(crate) fn extend(&mut self, other: Self) {
        self.times.extend(other.times);
    }

    /// The time that `permille` of a thousand requests stay below; zero without requests.
    pub(crate) fn quantile(&self, permille: usize) -> Duration {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        let index = (sorted.len() * permille / 1000).min(sorted.len().saturating_sub(1));
        sorted.get(index).copied().unwrap_or_default()
    }

    /// Half of the requests were faster.
    pub(crate) fn p50(&self) -> Duration {
        self.quantile(500)
    }

    /// One in a hundred was slower.
    pub(crate) fn p99(&self) -> Duration {
        self.quantile(990)
    }

    /// How many requests.
    pub(crate) fn count(&self) -> usize {
        self.times.len()
    }

    /// The whole time.
    pub(crate) fn total(&self) -> Duration {
        self.times.iter().sum()
    }
}

impl FromIterator<Duration> for Sample {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        Self {
            times: times.into_iter().collect(),
        }
    }
}

/// A time in microseconds with one digit.
pub(crate) fn micros(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e6)
}

/// How much longer `time` is than `base`, in microseconds; negative when it is shorter.
pub(crate) fn added_micros(time: Duration, base: Duration) -> f64 {
    (time.as_secs_f64() - base.as_secs_f64()) * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_times() {
        let sample: Sample = (1..=1000).rev().map(Duration::from_micros).collect();
        assert_eq!(sample.p50(), Duration::from_micros(501));
        assert_eq!(sample.p99(), Duration::from_micros(991));
        assert_eq!(Sample::default().p99(), Duration::ZERO);
    }
}
