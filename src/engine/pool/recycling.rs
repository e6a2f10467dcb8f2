//! When a session is replaced, when the next one may start, and whether a job is tried again. Pure:
//! the time is handed in, nothing is started or stopped here.

use std::time::{Duration, Instant};

use crate::engine::pool::settings::WearLimits;
use crate::limits::Bytes;
use crate::session::error::SessionError;

/// Why a session was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecycleReason {
    /// It has evaluated as many sources as it may.
    Requests,
    /// It held too much memory.
    Memory,
    /// It was as old as it may be.
    Age,
    /// It was not used for as long as it may be.
    Idle,
    /// It used the processor although nothing was asked of it.
    BusyIdle,
    /// It held as many headers as it may.
    Headers,
    /// It did not answer in time.
    Timeout,
    /// It died.
    Died,
    /// It said something that is no answer, or too much.
    ProtocolError,
    /// Its client went away.
    Cancelled,
    /// It was leased, or had to make room for a lease.
    Leased,
    /// It had run sources of one client, and another one had no session.
    Client,
    /// It did not start.
    Start,
}

impl RecycleReason {
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::Requests,
        Self::Memory,
        Self::Age,
        Self::Idle,
        Self::BusyIdle,
        Self::Headers,
        Self::Timeout,
        Self::Died,
        Self::ProtocolError,
        Self::Cancelled,
        Self::Leased,
        Self::Client,
        Self::Start,
    ];

    /// The word for it, in JSON and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Memory => "memory",
            Self::Age => "age",
            Self::Idle => "idle",
            Self::BusyIdle => "busy_idle",
            Self::Headers => "headers",
            Self::Timeout => "timeout",
            Self::Died => "died",
            Self::ProtocolError => "protocol_error",
            Self::Cancelled => "cancelled",
            Self::Leased => "leased",
            Self::Client => "client",
            Self::Start => "start",
        }
    }

    /// The reason that a session error is.
    pub(crate) fn of(error: &SessionError) -> Self {
        match error {
            SessionError::Start { .. } => Self::Start,
            SessionError::Timeout { .. } => Self::Timeout,
            SessionError::Memory { .. } => Self::Memory,
            SessionError::ReplyTooLarge { .. } | SessionError::Protocol { .. } => {
                Self::ProtocolError
            }
            SessionError::Died(_) | SessionError::Pipe(_) => Self::Died,
            SessionError::Interrupted => Self::Cancelled,
        }
    }
}

/// What a session has behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wear {
    pub(crate) requests: u64,
    /// Resident bytes of its tree when last measured.
    pub(crate) resident: u64,
    pub(crate) opened: Instant,
    /// When it was last given back.
    pub(crate) used: Instant,
    pub(crate) headers: usize,
}

impl Wear {
    /// A session that has just opened.
    pub(crate) fn new(now: Instant, resident: u64, headers: usize) -> Self {
        Self {
            requests: 0,
            resident,
            opened: now,
            used: now,
            headers,
        }
    }
}

/// Whether a session is replaced between two sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recycling {
    /// It goes on.
    Keep,
    /// It goes when no client has to wait for it.
    Due(RecycleReason),
    /// It goes at once.
    Overdue(RecycleReason),
}

/// Decides about a session that is idle.
pub(crate) fn recycling(wear: &Wear, limits: &WearLimits, now: Instant) -> Recycling {
    let age = now.saturating_duration_since(wear.opened);
    let idle = now.saturating_duration_since(wear.used);
    let worn = wear.requests > 0;
    let memory = limits.memory.map(Bytes::get);
    let quotas = [
        (
            RecycleReason::Requests,
            limits.requests.and_then(|most| over(wear.requests, most)),
        ),
        // What a new session holds is not wear: replacing it would give the same again.
        (
            RecycleReason::Memory,
            memory.and_then(|most| over(wear.resident, most).filter(|_| worn)),
        ),
        (
            RecycleReason::Headers,
            over(wear.headers, limits.headers.max(1)).filter(|_| worn),
        ),
        (
            RecycleReason::Age,
            limits.age.and_then(|most| over(age, most)),
        ),
        (
            RecycleReason::Idle,
            limits
                .idle
                .and_then(|most| over(idle, most).filter(|_| worn))
                .map(|_| false),
        ),
    ];
    let mut recycling = Recycling::Keep;
    for (reason, over) in quotas {
        match (over, recycling) {
            (Some(true), _) => return Recycling::Overdue(reason),
            (Some(false), Recycling::Keep) => recycling = Recycling::Due(reason),
            _ => {}
        }
    }
    recycling
}

/// Nothing below the limit; from it on, whether it is twice as much.
fn over<Q: PartialOrd + Copy + std::ops::Sub<Output = Q>>(used: Q, most: Q) -> Option<bool> {
    (used >= most).then(|| used - most >= most)
}

/// Whether a job whose session was lost is tried once more, on a fresh session. `worn` says whether
/// the session had evaluated another source before.
pub(crate) fn may_try_again(error: &SessionError, worn: bool, has_begun: bool) -> bool {
    match error {
        SessionError::Died(_) | SessionError::Pipe(_) => !has_begun,
        // What earlier sources left behind must not decide about this one.
        SessionError::Memory { .. } | SessionError::Protocol { .. } => worn,
        SessionError::Start { .. }
        | SessionError::Timeout { .. }
        | SessionError::ReplyTooLarge { .. }
        | SessionError::Interrupted => false,
    }
}

/// Whether a source is what its session was lost by, and so its client pays for the next one. `worn` says
/// whether the session had evaluated another source before.
pub(crate) fn is_at_fault(error: &SessionError, worn: bool) -> bool {
    match error {
        SessionError::Died(_)
        | SessionError::Pipe(_)
        | SessionError::Timeout { .. }
        | SessionError::ReplyTooLarge { .. } => true,
        // It may be what earlier sources left behind.
        SessionError::Memory { .. } | SessionError::Protocol { .. } => !worn,
        SessionError::Start { .. } | SessionError::Interrupted => false,
    }
}

/// When the next session may start.
#[derive(Debug)]
pub(crate) struct Starts {
    /// How many may start at once.
    most: usize,
    /// The pause after the first failure.
    first_pause: Duration,
    longest_pause: Duration,
    /// How many starts have failed since the last success.
    failures: u32,
    /// No start before this.
    not_before: Option<Instant>,
}

impl Starts {
    /// No start has failed yet.
    pub(crate) fn new(most: usize, first_pause: Duration, longest_pause: Duration) -> Self {
        Self {
            most: most.max(1),
            first_pause,
            longest_pause,
            failures: 0,
            not_before: None,
        }
    }

    /// Whether another one may start while so many are at it. After a failure it is one at a time.
    pub(crate) fn may_start(&self, starting: usize, now: Instant) -> bool {
        let most = if self.failures == 0 { self.most } else { 1 };
        starting < most && self.not_before.is_none_or(|moment| now >= moment)
    }

    /// Whether the last start failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// Whether more than one start in a row failed: a single one may have been killed by chance.
    pub(crate) fn keeps_failing(&self) -> bool {
        self.failures > 1
    }

    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
        self.not_before = None;
    }

    pub(crate) fn failed(&mut self, now: Instant) {
        self.not_before = now.checked_add(self.pause());
        self.failures = self.failures.saturating_add(1);
    }

    /// How long to wait after one more failure.
    fn pause(&self) -> Duration {
        let factor = 2_u32.saturating_pow(self.failures);
        self.first_pause
            .saturating_mul(factor)
            .min(self.longest_pause)
    }
}

/// What a new session costs, in sources. A client whose source costs a session loses so many turns: those in
/// which the others would have run their sources on it.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    /// How long the last start took.
    start: Duration,
    /// How long a source takes, on the average of the last ones.
    source: Duration,
}

impl Cost {
    /// The most turns for one session.
    const MOST: u32 = 16;

    /// How many sources the average looks back on.
    const WEIGHT: u32 = 8;

    /// A session has come up.
    pub(crate) fn started(&mut self, took: Duration) {
        self.start = took;
    }

    /// A source has run to its end.
    pub(crate) fn ran(&mut self, took: Duration) {
        self.source = match self.source {
            Duration::ZERO => took,
            before => (before * (Self::WEIGHT - 1)).saturating_add(took) / Self::WEIGHT,
        };
    }

    /// How many sources could have run in the time of a start; at least one.
    pub(crate) fn turns(&self) -> u32 {
        let source = self.source.as_millis().max(1);
        let turns = self.start.as_millis().div_ceil(source);
        u32::try_from(turns)
            .unwrap_or(u32::MAX)
            .clamp(1, Self::MOST)
    }
}

/// How fast jobs get done, from the last ones.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When the last jobs were done, oldest first.
    done: std::collections::VecDeque<Instant>,
}

impl Pace {
    /// How many jobs are looked back on.
    const KEPT: usize = 64;

    pub(crate) fn tick(&mut self, now: Instant) {
        if self.done.len() == Self::KEPT {
            self.done.pop_front();
        }
        self.done.push_back(now);
    }

    /// When it is worth trying again with so many waiting: once half of them are done, in whole
    /// seconds, and a minute at most.
    pub(crate) fn retry_after(&self, waiting: usize, now: Instant) -> Duration {
        const LEAST: Duration = Duration::from_secs(1);
        const MOST: Duration = Duration::from_secs(60);
        let (Some(first), Ok(count)) = (self.done.front(), u32::try_from(self.done.len())) else {
            return LEAST;
        };
        let each = now.saturating_duration_since(*first) / count.max(1);
        let half = u32::try_from(waiting / 2).unwrap_or(u32::MAX);
        let wait = each.saturating_mul(half).clamp(LEAST, MOST);
        Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::process::ending::{Ending, How};

    const SECOND: Duration = Duration::from_secs(1);

    fn none() -> WearLimits {
        WearLimits {
            single_use: false,
            requests: None,
            memory: None,
            age: None,
            idle: None,
            headers: usize::MAX,
        }
    }

    #[test]
    fn a_session_is_due_at_each_limit_and_overdue_at_twice_of_it() {
        let start = Instant::now();
        let later = |seconds| start + SECOND * seconds;
        let worn = Wear {
            requests: 1,
            ..Wear::new(start, 100, 3)
        };
        let limits = [
            (
                RecycleReason::Requests,
                WearLimits {
                    requests: Some(1),
                    ..none()
                },
            ),
            (
                RecycleReason::Memory,
                WearLimits {
                    memory: Some(Bytes::new(100)),
                    ..none()
                },
            ),
            (
                RecycleReason::Headers,
                WearLimits {
                    headers: 3,
                    ..none()
                },
            ),
            (
                RecycleReason::Age,
                WearLimits {
                    age: Some(SECOND * 10),
                    ..none()
                },
            ),
            (
                RecycleReason::Idle,
                WearLimits {
                    idle: Some(SECOND * 10),
                    ..none()
                },
            ),
        ];
        for (reason, limits) in limits {
            assert_eq!(recycling(&worn, &limits, later(10)), Recycling::Due(reason));
            let twice = Wear {
                requests: 2,
                resident: 200,
                headers: 6,
                ..worn
            };
            let expected = match reason {
                RecycleReason::Idle => Recycling::Due(reason),
                _ => Recycling::Overdue(reason),
            };
            assert_eq!(recycling(&twice, &limits, later(20)), expected);
        }
        assert_eq!(recycling(&worn, &none(), later(1_000_000)), Recycling::Keep);
    }

    #[test]
    fn a_session_without_a_text_goes_for_nothing_but_its_age() {
        let start = Instant::now();
        let fresh = Wear::new(start, 100, 3);
        let limits = WearLimits {
            single_use: false,
            requests: Some(1),
            memory: Some(Bytes::new(1)),
            age: None,
            idle: Some(SECOND),
            headers: 1,
        };
        assert_eq!(
            recycling(&fresh, &limits, start + SECOND * 10),
            Recycling::Keep
        );
    }

    #[test]
    fn pauses_between_failed_starts_double_up_to_the_longest() {
        let mut now = Instant::now();
        let mut starts = Starts::new(4, SECOND, SECOND * 5);
        assert!(starts.may_start(3, now) && !starts.may_start(4, now));
        let mut pauses = Vec::new();
        for _ in 0..5 {
            starts.failed(now);
            let mut pause = 0;
            while !starts.may_start(0, now) {
                now += SECOND;
                pause += 1;
            }
            pauses.push(pause);
            assert!(!starts.may_start(1, now), "one at a time after a failure");
        }
        assert_eq!(pauses, [1, 2, 4, 5, 5]);
        starts.succeeded();
        assert!(starts.may_start(3, now) && !starts.is_failing());
    }

    #[test]
    fn a_job_is_tried_again_only_where_the_session_may_be_to_blame() {
        let died = || {
            SessionError::Died(Ending {
                how: How::Exit(1),
                stderr: String::new(),
            })
        };
        let memory = SessionError::Memory {
            limit: Bytes::new(1),
            resident: Bytes::new(2),
        };
        let garbled = SessionError::Protocol {
            problem: String::new(),
            seen: String::new(),
        };
        let late = SessionError::Timeout { waited: SECOND };
        for (error, worn, has_begun, expected) in [
            (&died(), false, false, true),
            (&died(), true, true, false),
            (
                &SessionError::Pipe(io::Error::other("x")),
                false,
                false,
                true,
            ),
            (&memory, false, false, false),
            (&memory, true, true, true),
            (&garbled, false, true, false),
            (&garbled, true, true, true),
            (&late, true, false, false),
            (&SessionError::Interrupted, true, false, false),
        ] {
            assert_eq!(may_try_again(error, worn, has_begun), expected, "{error}");
        }
    }

    #[test]
    fn a_session_costs_as_many_turns_as_sources_run_in_the_time_of_its_start() {
        let mut cost = Cost::default();
        assert_eq!(cost.turns(), 1);
        cost.started(SECOND * 5);
        assert_eq!(cost.turns(), Cost::MOST, "no source has run yet");
        cost.ran(SECOND * 2);
        assert_eq!(cost.turns(), 3);
        for _ in 0..100 {
            cost.ran(SECOND * 60);
        }
        assert_eq!(cost.turns(), 1);
        for _ in 0..100 {
            cost.ran(Duration::ZERO);
        }
        assert_eq!(cost.turns(), Cost::MOST);
    }

    #[test]
    fn trying_again_is_worth_it_when_half_of_the_queue_is_done() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.retry_after(1000, start), SECOND);
        for index in 0..100 {
            pace.tick(start + Duration::from_millis(100) * index);
        }
        let now = start + Duration::from_millis(100) * 100;
        assert_eq!(pace.retry_after(100, now), SECOND * 5);
        assert_eq!(pace.retry_after(1, now), SECOND);
        assert_eq!(pace.retry_after(1_000_000, now), SECOND * 60);
    }
}
