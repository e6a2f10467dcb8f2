//! What was measured, and medians of it.

use crate::bench::isolation::level::{LEVELS, Round, SOURCES};
use crate::bench::serve::part::median;

/// With how many sessions times are measured.
pub(super) const SESSIONS: [usize; 2] = [1, 2];

/// With how many sessions memory is measured.
pub(super) const MEMORY_SESSIONS: [usize; 3] = [1, 2, 4];

/// What was measured.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// By number of sessions, source and level: the rounds.
    pub(super) rounds: [[[Vec<Round>; LEVELS.len()]; SOURCES.len()]; SESSIONS.len()],
    /// By level and number of sessions: resident memory in MB.
    pub(super) memory: [[f64; MEMORY_SESSIONS.len()]; LEVELS.len()],
}

impl Figures {
    /// The middle one of what each round gives for a level.
    pub(super) fn middle(&self, at: Place, figure: fn(&Round) -> f64) -> f64 {
        median(self.of(at).iter().map(figure).collect())
    }

    /// The middle one of what each round gives for two levels, compared with each other.
    pub(super) fn compared(
        &self,
        at: Place,
        with: usize,
        figure: fn(&Round) -> f64,
        compare: fn(f64, f64) -> f64,
    ) -> f64 {
        let other = self.of(Place { level: with, ..at });
        let pairs = self.of(at).iter().zip(other);
        median(
            pairs
                .map(|(one, other)| compare(figure(one), figure(other)))
                .collect(),
        )
    }

    /// The rounds of a level.
    pub(super) fn of(&self, at: Place) -> &[Round] {
        &self.rounds[at.sessions][at.source][at.level]
    }
}

/// Places in `SESSIONS`, `SOURCES` and `LEVELS`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) sessions: usize,
    pub(super) source: usize,
    pub(super) level: usize,
}
