//! A pool of sessions: who waits, who runs, and when a session is replaced. Threads only; never HTTP.

mod board;
mod entrance;
mod host;
pub mod job;
mod lease;
mod outcome;
mod policy;
mod promise;
mod queue;
mod seat;
mod settings;
mod shared;
mod slot;
mod state;
mod supervisor;
mod ticket;

pub use entrance::Pool;
pub use lease::Lease;
pub use policy::{REASONS, Reason};
pub use promise::Done;
pub use settings::{PoolSettings, QueueLimits, WearLimits};
pub use state::{PoolState, Restarts, Sessions};
