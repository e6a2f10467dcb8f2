//! leanrepl elsewhere: in container images, and on Cloudflare. Never talks to a session.

pub(crate) mod cloudflare;
pub(crate) mod docker;
