//! Sources in, verdicts out: requests, records, the judge, and the pool of sessions. Never knows by which
//! door a source came, and never renders.

pub(crate) mod batch;
pub(crate) mod cache;
pub mod evaluate;
mod evaluation;
pub(crate) mod findings;
mod hints;
pub mod judge;
pub(crate) mod pool;
pub mod record;
pub(crate) mod report;
pub mod request;
pub(crate) mod resume;
pub(crate) mod undecided;
