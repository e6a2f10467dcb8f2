//! Why a Redis server gave no reply that can be used. Never shows a password.

use std::io;

use crate::failure::{Failure, Kind};

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// It cannot be reached, or the connection broke, or it was too slow.
    #[error("{0}")]
    Away(#[source] io::Error),
    /// It was away a moment ago, and is not asked again yet.
    #[error("it was away, and is tried again in some seconds")]
    Paused,
    /// It answered with an error.
    #[error("it answered `{code} {detail}`")]
    Refused {
        /// The first word, such as `NOAUTH`.
        code: String,
        detail: String,
    },
    /// It answered with something that is not the protocol of Redis, or not the reply to this command.
    #[error("its answer is not one of a Redis server")]
    NotRedis,
    /// The reply is longer than its bound.
    #[error("its reply is too long")]
    TooLong,
    /// The name stands for an address of another machine.
    #[error("it is on another machine")]
    NotLoopback,
}

impl AskError {
    /// Whether another try may succeed without anyone doing something about it.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Away(_) | Self::Paused | Self::TooLong => true,
            // Memory is full, the disk is, the server starts, is a replica for now, or runs a long script.
            Self::Refused { code, .. } => [
                "OOM",
                "MISCONF",
                "LOADING",
                "READONLY",
                "MASTERDOWN",
                "BUSY",
                "TRYAGAIN",
                "NOREPLICAS",
            ]
            .contains(&code.as_str()),
            Self::NotRedis | Self::NotLoopback => false,
        }
    }

    /// As a user meets it at the start; `server` is the address.
    pub(crate) fn into_failure(self, server: &str) -> Failure {
        let failure = |problem: String, hint: &str| Failure::new(Kind::Remote, problem, hint);
        match &self {
            Self::Away(_) | Self::Paused => failure(
                format!("the Redis server at `{server}` does not answer"),
                "check the address and that the server runs, such as with `redis-cli ping`",
            )
            .caused_by(self),
            Self::NotRedis | Self::TooLong => failure(
                format!("what answers at `{server}` is not a Redis server"),
                "name the port of Redis or Valkey, which is 6379 unless its settings say otherwise",
            ),
            Self::NotLoopback => Failure::new(
                Kind::Usage,
                format!(
                    "the Redis server at `{server}` is on another machine, and values in it would not be sealed"
                ),
                "make a key with `head -c 32 /dev/urandom > FILE && chmod 600 FILE`, and give the same one to all machines with `--cache-key FILE`",
            ),
            Self::Refused { code, detail } => refused(server, code, detail),
        }
    }
}

/// Why a server is not used.
#[derive(Debug)]
pub enum OpenError {
    /// It does not answer now.
    Away(Failure),
    /// It cannot be used until someone does something about it.
    Unfit(Failure),
}

impl OpenError {
    /// What a user reads about it.
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Away(failure) | Self::Unfit(failure) => failure,
        }
    }
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        Self::Unfit(failure)
    }
}

/// The failure for an error that a server answered with.
fn refused(server: &str, code: &str, detail: &str) -> Failure {
    let failure = |problem: String, hint: &str| Failure::new(Kind::Remote, problem, hint);
    let ways = "the variable `LEANREPL_REDIS_PASSWORD` or `--redis-password-file FILE`";
    match code {
        "NOAUTH" => failure(
            format!("the Redis server at `{server}` asks for a password"),
            &format!("give it in {ways}"),
        ),
        "WRONGPASS" => failure(
            format!("the Redis server at `{server}` refuses the user or the password"),
            &format!("check the user in the address, and the password in {ways}"),
        ),
        "ERR" if detail.contains("without any password configured") => failure(
            format!("the Redis server at `{server}` has no password, and one was given"),
            "set `requirepass` in its settings, or leave the password out",
        ),
        "ERR" if detail.contains("DB index") => failure(
            format!("the Redis server at `{server}` has no such database"),
            "name one that it has at the end of the address, such as `/0`",
        ),
        "NOPERM" => failure(
            format!("the user of the Redis server at `{server}` lacks a permission: {detail}"),
            "allow it with `ACL SETUSER`: commands `+@connection +@string +@scripting +scan +unlink +info`, and the keys with the prefix",
        ),
        "LOADING" => failure(
            format!("the Redis server at `{server}` is still loading its data"),
            "try again when it has started",
        ),
        _ => failure(
            format!("the Redis server at `{server}` answered `{code} {detail}`"),
            "see the documentation of the server for this error",
        ),
    }
}
