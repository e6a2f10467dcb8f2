//! `leanrepl serve`: the service over HTTP. Never talks to a session but through the pool.

mod admission;
mod base_header;
mod body;
mod cache_use;
mod connections;
mod cors;
mod eval;
mod forwarded;
mod health;
mod kimina;
mod lax;
mod layers;
pub(crate) mod listener;
mod numbers;
mod object;
mod openapi;
mod own_machine;
mod page;
mod problem;
mod raw;
mod replies;
mod request_id;
mod router;
pub(crate) mod serve;
mod sessions;
mod sources;
#[cfg(test)]
mod tests;
mod visit;
mod write_deadline;
