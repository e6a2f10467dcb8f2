//! Pickles: environments that a REPL wrote to a file, each with a sidecar that says what it is. A
//! pickle without a sidecar that fits is never loaded, and one that was loaded is never used before
//! its probes have passed. Never decides which sources start from one: `session::base` does.
//!
//! What a pickle is (REPL/Util/Pickle.lean and REPL/Snapshots.lean): the list of imports, the
//! constants that the session added, and the scopes (`open`, `set_option`, `universe`, `variable`).
//! Unpickling imports again. What the session put into an environment extension is lost.

pub mod imports;
pub mod load;
pub mod place;
pub mod prelude;
pub mod probe;
pub mod sidecar;
mod words;
