//! Whether a session keeps still while nothing is asked of it. Pure: the times are handed in.

use std::time::{Duration, Instant};

/// How long after a reply nothing is held against a session: it may collect garbage, compile what has
/// become hot, and put its memory back to what it was.
const SETTLING: Duration = Duration::from_secs(2);

/// Processor time that a session may use on top of its share while it is watched.
const ALLOWANCE: Duration = Duration::from_millis(500);

/// The share of a processor that a session at rest may use, as one part of so many: timers of a runtime
/// take far less.
const SHARE: u32 = 50;

/// How a session keeps still.
#[derive(Debug)]
pub(crate) struct Rest {
    /// When something was last asked of the session.
    asked: Instant,
    /// The last look in this rest: when, and the processor time of its whole life until then.
    last: Option<(Instant, Duration)>,
    /// What it used beyond its share, in all rests so far.
    beyond: Duration,
}

impl Rest {
    /// A rest that begins now, of a session that has used nothing in others.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            asked: now,
            last: None,
            beyond: Duration::ZERO,
        }
    }

    /// Something was asked of the session until now, and the next rest begins.
    pub(crate) fn begin_again(&mut self, now: Instant) {
        self.asked = now;
        self.last = None;
    }

    /// Whether the session has settled, so that a look at it says something.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.asked) >= SETTLING
    }

    /// Looks at a session that has used so much processor time in its whole life; says whether it has used
    /// more at rest than it may.
    pub(crate) fn is_broken(&mut self, now: Instant, used: Duration) -> bool {
        if !self.is_due(now) {
            return false;
        }
        let (then, before) = self.last.replace((now, used)).unwrap_or((now, used));
        let share = now.saturating_duration_since(then) / SHARE;
        self.beyond = (self.beyond + used.saturating_sub(before)).saturating_sub(share);
        self.beyond > ALLOWANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(100);

    /// After how many looks, one every 100 ms from a reply on, a session is given up that uses so much in
    /// each of the spans before them; none if that does not happen within an hour.
    fn given_up(rest: &mut Rest, start: Instant, used: impl Fn(u32) -> Duration) -> Option<u32> {
        rest.begin_again(start);
        let mut all = Duration::ZERO;
        (1..36_000).find(|look| {
            all += used(*look);
            rest.is_broken(start + TICK * *look, all)
        })
    }

    #[test]
    fn a_thread_that_goes_on_is_noticed_and_what_follows_a_reply_is_not() {
        let start = Instant::now();
        let rest = || Rest::new(start);
        // A thread that spins: two seconds to settle, and half a second of its own.
        assert_eq!(given_up(&mut rest(), start, |_| TICK), Some(26));
        // One that spins most of the time.
        assert!(given_up(&mut rest(), start, |_| TICK / 2).is_some());
        // What a runtime does after a reply: much for a while, and then next to nothing.
        let settles = |look| if look <= 20 { TICK * 4 } else { TICK / 100 };
        assert_eq!(given_up(&mut rest(), start, settles), None);
        // A memory that is put back late.
        let late = |look| if look == 25 { TICK * 2 } else { Duration::ZERO };
        assert_eq!(given_up(&mut rest(), start, late), None);
    }

    #[test]
    fn what_a_session_used_in_short_rests_adds_up() {
        let mut start = Instant::now();
        let mut rest = Rest::new(start);
        let mut all = Duration::ZERO;
        let mut rests = 0;
        let is_broken = (0..10).any(|_| {
            rests += 1;
            rest.begin_again(start);
            // Three looks, from the moment on at which it has settled.
            let broken = (20..23).any(|look| {
                all += TICK;
                rest.is_broken(start + TICK * look, all)
            });
            start += TICK * 25;
            broken
        });
        assert!(is_broken && rests == 3, "{rests}");
    }

    #[test]
    fn a_process_that_is_gone_takes_its_time_along_and_breaks_nothing() {
        let start = Instant::now();
        let mut rest = Rest::new(start);
        let seconds = Duration::from_secs;
        assert!(!rest.is_broken(start + seconds(3), seconds(100)));
        assert!(!rest.is_broken(start + seconds(4), seconds(10)));
        assert!(rest.is_broken(start + seconds(5), seconds(11)));
    }
}
