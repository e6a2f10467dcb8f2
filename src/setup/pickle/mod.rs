//! Making pickles, and comparing what they save with an import. Never loads one for a source.

pub mod compare;
pub mod write;
