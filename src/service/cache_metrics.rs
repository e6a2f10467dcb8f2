//! What the cache of results has done, as Prometheus reads it.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::engine::cache::counters::Counted;

/// Labels of the requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    /// `hit`, `miss` or `skipped`.
    outcome: &'static str,
}

/// Labels of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WayLabels {
    /// `read` or `written`.
    way: &'static str,
}

/// The counters.
pub(crate) struct CacheMetrics {
    requests: Family<OutcomeLabels, Counter>,
    stores: Counter,
    failures: Counter,
    bytes: Family<WayLabels, Counter>,
    seconds: Counter<f64, AtomicU64>,
}

impl CacheMetrics {
    /// Counters of that registry.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            stores: Counter::default(),
            failures: Counter::default(),
            bytes: Family::default(),
            seconds: Counter::default(),
        };
        let help = "Sources by what the cache of results did for them";
        registry.register("cache_requests", help, metrics.requests.clone());
        let help = "Results that were kept";
        registry.register("cache_stores", help, metrics.stores.clone());
        let help = "Results that could not be kept or read";
        registry.register("cache_failures", help, metrics.failures.clone());
        let help = "Bytes of kept results";
        registry.register("cache_bytes", help, metrics.bytes.clone());
        let help = "Seconds of all look-ups together";
        registry.register("cache_lookup_seconds", help, metrics.seconds.clone());
        metrics
    }

    /// Raises them to what was counted.
    pub(crate) fn set(&self, counted: Counted) {
        let raise = |counter: &Counter, now: u64| {
            counter.inc_by(now.saturating_sub(counter.get()));
        };
        for (outcome, count) in [
            ("hit", counted.hits),
            ("miss", counted.misses),
            ("skipped", counted.skipped),
        ] {
            raise(
                &self.requests.get_or_create(&OutcomeLabels { outcome }),
                count,
            );
        }
        for (way, count) in [
            ("read", counted.bytes_read),
            ("written", counted.bytes_written),
        ] {
            raise(&self.bytes.get_or_create(&WayLabels { way }), count);
        }
        raise(&self.stores, counted.stores);
        raise(&self.failures, counted.failures);
        let seconds = counted.looked.as_secs_f64() - self.seconds.get();
        if seconds > 0.0 {
            self.seconds.inc_by(seconds);
        }
    }
}
