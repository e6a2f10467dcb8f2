//! A pool of sessions: who waits, who runs, and when a session is replaced. Threads only; never HTTP.

mod demand;
mod handle;
mod holding;
mod lease;
mod promise;
mod queue;
mod recycling;
mod rest;
mod scheduler;
mod settings;
mod shared;
mod state;
mod supervisor;
mod worker;
mod worker_session;
mod worker_state;

pub use handle::Pool;
pub use lease::Lease;
pub use recycling::RecycleReason;
pub use settings::{PoolSettings, QueueLimits, WearLimits};
pub use state::{PoolState, Restarts, Sessions};
