//! What every network door shares: who may ask and how often, leases, readiness, counters, errors. Never
//! a type of HTTP, and never the shape of an answer.

pub(crate) mod address;
mod cache_metrics;
pub(crate) mod error;
pub(crate) mod evaluations;
pub(crate) mod keys;
pub(crate) mod leases;
pub(crate) mod lifecycle;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod options;
pub(crate) mod outcomes;
pub(crate) mod principal;
mod rate;
pub(crate) mod readiness;
pub(crate) mod server;
