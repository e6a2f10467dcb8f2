//! Records that are kept, so that no source is evaluated twice: an [`Evaluate`] around another one.
//!
//! [`Evaluate`]: crate::engine::evaluate::Evaluate

pub(crate) mod key;
pub(crate) mod store;
