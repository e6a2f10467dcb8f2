//! A pool of sessions: who waits, who runs, and when a session is replaced. Threads only; never HTTP.

pub mod job;
