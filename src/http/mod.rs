//! `leanrepl serve`: the service over HTTP. Never talks to a session but through the pool.

mod base_header;
mod body;
mod connections;
mod eval;
mod forwarded;
mod front;
mod health;
mod kimina;
mod lax;
pub(crate) mod listener;
mod numbers;
mod object;
mod openapi;
mod page;
mod problem;
mod raw;
mod replies;
mod results;
mod router;
pub(crate) mod serve;
mod sessions;
mod sources;
mod verdict;
mod work;
