//! Records that are kept, so that no source is evaluated twice: an [`Evaluate`] around another one.
//!
//! [`Evaluate`]: crate::engine::evaluate::Evaluate

pub(crate) mod cached;
mod closure;
pub(crate) mod counters;
pub(crate) mod environments;
mod flights;
mod keeping;
pub(crate) mod key;
mod level;
pub(crate) mod lookup;
pub(crate) mod redis_store;
pub(crate) mod seal;
pub(crate) mod sqlite;
pub(crate) mod store;
mod value;
mod work;
