//! Whether a server can be used, by what it says of itself.

use std::collections::HashMap;

use crate::failure::{Failure, Kind};
use crate::redis::error::AskError;

/// The oldest version of Redis that is used; Valkey and others say which one they are like.
const OLDEST: u32 = 7;

/// Checks what `INFO` says about the server of that name.
///
/// # Errors
/// One that is no Redis, is too old, is part of a cluster, or may drop what it was given.
pub(super) fn check(name: &str, info: &str) -> Result<(), Failure> {
    let fields: HashMap<&str, &str> = info
        .lines()
        .filter_map(|line| line.trim_end().split_once(':'))
        .collect();
    let failure = |problem: String, hint: &str| Err(Failure::new(Kind::Remote, problem, hint));
    let Some(version) = fields.get("redis_version") else {
        return Err(AskError::NotRedis.into_failure(name));
    };
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < OLDEST) {
        return failure(
            format!(
                "the Redis server at `{name}` has version {version}; leanrepl needs {OLDEST}.0 or later"
            ),
            "install a newer Redis or Valkey, or name another server",
        );
    }
    if fields.get("redis_mode") == Some(&"cluster") {
        return failure(
            format!(
                "the server at `{name}` is a node of a Redis Cluster, which leanrepl cannot use"
            ),
            "name a single server, or one with replicas",
        );
    }
    match fields.get("maxmemory_policy") {
        Some(policy) if policy.starts_with("allkeys-") => failure(
            format!(
                "the Redis server at `{name}` has `maxmemory-policy {policy}`: when its memory is full, it drops keys that must stay"
            ),
            "set `maxmemory-policy volatile-lru` in its settings, or run `redis-cli CONFIG SET maxmemory-policy volatile-lru`",
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_judged_by_what_it_says() {
        let judged = |info: &str| check("redis://a:1", info).map_err(|failure| failure.to_string());
        let info = |version: &str, mode: &str, policy: &str| {
            format!(
                "# Server\r\nredis_version:{version}\r\nredis_mode:{mode}\r\n\r\n# Memory\r\nmaxmemory_policy:{policy}\r\n"
            )
        };
        for policy in ["noeviction", "volatile-lru", "volatile-ttl"] {
            assert_eq!(judged(&info("7.0.15", "standalone", policy)), Ok(()));
            assert_eq!(judged(&info("10.1.0", "sentinel", policy)), Ok(()));
        }
        for (info, problem) in [
            (
                info("6.2.14", "standalone", "noeviction"),
                "has version 6.2.14",
            ),
            (info("soon", "standalone", "noeviction"), "has version soon"),
            (
                info("7.2.4", "cluster", "noeviction"),
                "a node of a Redis Cluster",
            ),
            (
                info("7.2.4", "standalone", "allkeys-lru"),
                "maxmemory-policy allkeys-lru",
            ),
            (
                info("7.2.4", "standalone", "allkeys-random"),
                "maxmemory-policy allkeys-random",
            ),
            (String::new(), "is not a Redis server"),
        ] {
            let found = judged(&info).unwrap_err();
            assert!(
                found.contains(problem) && found.contains("redis://a:1"),
                "{found}"
            );
        }
    }
}
