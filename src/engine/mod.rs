//! Sources in, verdicts out: requests, records, the judge, and the pool of sessions. Never knows by which
//! door a source came, and never renders.

pub(crate) mod eval;
pub mod evaluated;
pub(crate) mod hints;
pub(crate) mod judge;
pub(crate) mod pool;
pub(crate) mod schedule;
pub(crate) mod undecided;
