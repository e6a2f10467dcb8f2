//! Counts and times in the text form that Prometheus reads. Never stores anything about a client.

use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::engine::cache::counters::Counted;
use crate::engine::judge::Verdict;
use crate::engine::pool::PoolState;
use crate::engine::record::Times;
use crate::engine::undecided::UndecidedReason;
use crate::service::cache_metrics::CacheMetrics;

/// The interface that a source came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// A raw source.
    Raw,
    /// Kimina's interface.
    Kimina,
    /// Our own.
    Eval,
}

impl Surface {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Kimina => "kimina",
            Self::Eval => "eval",
        }
    }
}

/// Labels of the counter of sources.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabels {
    /// The interface that it came by.
    surface: &'static str,
    /// The verdict in a word.
    verdict: &'static str,
    /// Why it is undecided; empty if it is not.
    reason: &'static str,
}

/// Labels of the counter of responses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabels {
    /// The status; 499 if the client went away.
    status: u16,
}

/// Labels of the times.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabels {
    /// `queue`, `header` or `body`.
    phase: &'static str,
}

/// Labels of the sessions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    /// What they are at.
    state: &'static str,
}

/// Labels of the sessions that were replaced.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    /// Why.
    reason: &'static str,
}

/// Labels of the level of isolation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LevelLabels {
    /// The level.
    level: &'static str,
}

/// What is counted.
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    responses: Family<StatusLabels, Counter>,
    sources: Family<SourceLabels, Counter>,
    phases: Family<PhaseLabels, Histogram>,
    queue: Gauge,
    ready: Gauge,
    sessions: Family<StateLabels, Gauge>,
    restarts: Family<ReasonLabels, Counter>,
    /// Sources that lost their session and were tried once more.
    retries: Counter,
    /// Resident bytes of all sessions.
    memory: Gauge,
    /// Sessions that clients hold as their own.
    leases: Gauge,
    /// 1 for the level that all sessions hold, once it is known.
    isolation: Family<LevelLabels, Gauge>,
    /// What the cache of results does.
    cache: CacheMetrics,
    /// Lines of the outcome log that were not written.
    pub(crate) outcome_drops: Counter,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// From a millisecond to five minutes.
fn buckets() -> Histogram {
    Histogram::new([
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
        120.0, 300.0,
    ])
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("leanrepl");
        let responses = Family::default();
        registry.register("responses", "HTTP responses by status", responses.clone());
        let sources = Family::default();
        registry.register("sources", "Sources by verdict", sources.clone());
        let phases = Family::new_with_constructor(buckets as fn() -> Histogram);
        let help = "Seconds that sources took, by phase";
        registry.register("phase_seconds", help, phases.clone());
        let queue = Gauge::default();
        registry.register(
            "queue_length",
            "Sources that wait for a session",
            queue.clone(),
        );
        let ready = Gauge::default();
        registry.register("ready", "1 if sources are taken", ready.clone());
        let sessions = Family::default();
        registry.register("sessions", "Sessions by state", sessions.clone());
        let restarts = Family::default();
        registry.register(
            "session_restarts",
            "Sessions replaced, by reason",
            restarts.clone(),
        );
        let retries = Counter::default();
        let help = "Sources that lost their session and were tried once more";
        registry.register("source_retries", help, retries.clone());
        let memory = Gauge::default();
        let help = "Resident bytes of all sessions and what they started";
        registry.register("sessions_memory_bytes", help, memory.clone());
        let leases = Gauge::default();
        registry.register(
            "leases",
            "Sessions that clients hold as their own",
            leases.clone(),
        );
        let isolation = Family::default();
        let help = "1 for the level of isolation that all sessions hold";
        registry.register("isolation_info", help, isolation.clone());
        let cache = CacheMetrics::new(&mut registry);
        let outcome_drops = Counter::default();
        let help = "Lines of the outcome log that were not written";
        registry.register("outcome_log_dropped", help, outcome_drops.clone());
        Self {
            registry: Mutex::new(registry),
            responses,
            sources,
            phases,
            queue,
            ready,
            sessions,
            restarts,
            retries,
            memory,
            leases,
            isolation,
            cache,
            outcome_drops,
        }
    }

    pub(crate) fn response(&self, status: u16) {
        self.responses.get_or_create(&StatusLabels { status }).inc();
    }

    /// Counts a source, and its times if it ran. One whose client went away before it ran does not count.
    pub(crate) fn source(
        &self,
        surface: Surface,
        verdict: Verdict,
        reason: Option<UndecidedReason>,
        times: Option<Times>,
    ) {
        if times.is_none() && reason == Some(UndecidedReason::Cancelled) {
            return;
        }
        let labels = SourceLabels {
            surface: surface.as_str(),
            verdict: verdict.as_str(),
            reason: reason.map_or("", UndecidedReason::as_str),
        };
        self.sources.get_or_create(&labels).inc();
        let Some(times) = times else { return };
        let observe = |phase, span: Duration| {
            let histogram = self.phases.get_or_create(&PhaseLabels { phase });
            histogram.observe(span.as_secs_f64());
        };
        observe("queue", times.queue);
        observe("header", times.header);
        observe("body", times.body);
    }

    /// Everything in text form, with how the pool is now.
    pub(crate) fn text_form(
        &self,
        pool: Option<&PoolState>,
        leases: usize,
        cache: Option<Counted>,
    ) -> Result<String, fmt::Error> {
        self.leases.set(gauge(leases));
        if let Some(counted) = cache {
            self.cache.set(counted);
        }
        if let Some(pool) = pool {
            self.queue.set(gauge(pool.queued));
            self.ready.set(i64::from(pool.is_ready));
            self.memory
                .set(i64::try_from(pool.resident_bytes).unwrap_or(i64::MAX));
            for (state, count) in pool.sessions.by_name() {
                let labels = StateLabels { state };
                self.sessions.get_or_create(&labels).set(gauge(count));
            }
            if let Some(level) = pool.isolation {
                let level = level.as_str();
                self.isolation.get_or_create(&LevelLabels { level }).set(1);
            }
            let retried = pool.retried.saturating_sub(self.retries.get());
            self.retries.inc_by(retried);
            for (reason, count) in pool.restarts.iter() {
                let labels = ReasonLabels {
                    reason: reason.as_str(),
                };
                let counter = self.restarts.get_or_create(&labels);
                counter.inc_by(count.saturating_sub(counter.get()));
            }
        }
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// A count as a gauge takes it.
fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isolation::Isolation;

    #[test]
    fn a_source_counts_by_its_verdict_unless_its_client_left_before_it_ran() {
        let metrics = Metrics::new();
        let times = Times {
            queue: Duration::ZERO,
            header: Duration::ZERO,
            body: Duration::from_secs(2),
        };
        let (undecided, cancelled) = (Verdict::Undecided, Some(UndecidedReason::Cancelled));
        metrics.source(Surface::Eval, Verdict::Accepted, None, Some(times));
        metrics.source(Surface::Raw, undecided, cancelled, Some(times));
        metrics.source(Surface::Raw, undecided, cancelled, None);
        let pool = PoolState {
            isolation: Some(Isolation::Client),
            ..PoolState::of_no_pool()
        };
        let counted = Counted {
            hits: 4,
            looked: Duration::from_millis(250),
            ..Counted::default()
        };
        let text = metrics.text_form(Some(&pool), 3, Some(counted)).unwrap();
        for line in [
            r#"leanrepl_sources_total{surface="eval",verdict="accepted",reason=""} 1"#,
            r#"leanrepl_sources_total{surface="raw",verdict="undecided",reason="cancelled"} 1"#,
            r#"leanrepl_phase_seconds_count{phase="body"} 2"#,
            r#"leanrepl_phase_seconds_sum{phase="body"} 4.0"#,
            "leanrepl_leases 3",
            r#"leanrepl_cache_requests_total{outcome="hit"} 4"#,
            "leanrepl_cache_lookup_seconds_total 0.25",
            r#"leanrepl_isolation_info{level="client"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
