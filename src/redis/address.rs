//! Where a Redis server listens, as a user writes it. Never holds a password.

use std::fmt;
use std::path::PathBuf;

use crate::env_vars;
use crate::failure::{Failure, Kind};

/// The port if none is named.
const PORT: u16 = 6379;

/// The highest number of a database that is taken; a server has 16 unless its settings say otherwise.
const LAST_DB: u16 = 9999;

/// The form of an address, for hints.
const FORM: &str = "write `redis://[USER@]HOST[:PORT][/DB]`, or `unix:///PATH` for the socket of a server on this machine";

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A name or an IP address, and a port.
    Tcp {
        /// Without the brackets of an IPv6 address.
        host: String,
        port: u16,
    },
    /// A socket in the file system.
    Unix(PathBuf),
}

/// Which addresses a server may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those of this machine, and sockets in the file system.
    Loopback,
    /// All.
    Any,
}

/// The address of a server: `redis://[user@]HOST[:PORT][/DB]` or `unix:///PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisUrl {
    pub(crate) place: Place,
    /// Who asks, if it is not the default user.
    pub(crate) user: Option<String>,
    /// The number of the database.
    pub(crate) db: u16,
}

impl RedisUrl {
    /// Whether that looks like the address of a Redis server rather than a path.
    pub fn is_meant(text: &str) -> bool {
        ["redis:", "rediss:", "unix:", "redis+unix:", "valkey:"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
    }

    /// Reads an address.
    ///
    /// # Errors
    /// One of another form, with a password in it, or with TLS ([`Kind::Usage`]). A password is never repeated.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text.starts_with("rediss:") {
            return Err(Failure::new(
                Kind::Usage,
                "this build of leanrepl has no TLS for Redis, so an address with `rediss://` cannot be used",
                "use `redis://` in a network of your own, or a TLS tunnel such as stunnel on this machine",
            ));
        }
        if let Some(path) = text.strip_prefix("unix://") {
            if !path.starts_with('/') || path.contains(['?', '#', '@']) {
                return Err(unfit(
                    "the path of a Redis socket is not absolute or has parameters",
                ));
            }
            return Ok(Self {
                place: Place::Unix(PathBuf::from(path)),
                user: None,
                db: 0,
            });
        }
        let Some(rest) = text.strip_prefix("redis://") else {
            return Err(unfit(
                "the address of a Redis server begins with `redis://` or `unix://`",
            ));
        };
        let (user, rest) = match rest.rsplit_once('@') {
            None => (None, rest),
            Some((user, rest)) => (user_in(user)?, rest),
        };
        let (authority, db) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = host_and_port(authority)?;
        Ok(Self {
            place: Place::Tcp { host, port },
            user,
            db: number_of_db(db)?,
        })
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Unix(path) => return write!(f, "unix://{}", path.display()),
            Place::Tcp { host, port } => {
                f.write_str("redis://")?;
                if let Some(user) = &self.user {
                    write!(f, "{user}@")?;
                }
                if host.contains(':') {
                    write!(f, "[{host}]:{port}")?;
                } else {
                    write!(f, "{host}:{port}")?;
                }
            }
        }
        if self.db > 0 {
            write!(f, "/{}", self.db)?;
        }
        Ok(())
    }
}

/// An address that is not of the right form. The problem never has the address in it: where the form is wrong, so
/// may be the place of a password.
fn unfit(problem: &str) -> Failure {
    Failure::new(Kind::Usage, problem, FORM)
}

/// The user in front of the `@`.
fn user_in(text: &str) -> Result<Option<String>, Failure> {
    if text.contains(':') {
        return Err(Failure::new(
            Kind::Usage,
            "the address of the Redis server has a password in it, which other users of this machine could read in the list of processes",
            format!(
                "leave it out, and give it in the variable `{}` or with `--redis-password-file FILE`",
                env_vars::REDIS_PASSWORD.name
            ),
        ));
    }
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if text.chars().all(is_plain) {
        return Ok((!text.is_empty()).then(|| text.to_owned()));
    }
    Err(unfit(
        "the user in the address of a Redis server has letters other than `a`–`z`, digits, `-`, `_` and `.`",
    ))
}

/// The host and the port of `HOST`, `HOST:PORT` or `[IPV6]:PORT`.
fn host_and_port(text: &str) -> Result<(String, u16), Failure> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((host, rest)) = rest.split_once(']') else {
                return Err(unfit(
                    "the IPv6 address of a Redis server has no closing bracket",
                ));
            };
            let port = rest.strip_prefix(':');
            if host.parse::<std::net::Ipv6Addr>().is_err() || (port.is_none() && !rest.is_empty()) {
                return Err(unfit(
                    "what stands in brackets in the address of a Redis server is not an IPv6 address",
                ));
            }
            (host, port)
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_.:".contains(letter);
    if host.is_empty() || host.len() > 253 || !host.chars().all(is_part) {
        return Err(unfit("the address of a Redis server has no host name"));
    }
    let port = match port {
        None => PORT,
        Some(port) => match port.parse::<u16>() {
            Ok(port) if port > 0 => port,
            _ => {
                return Err(unfit(
                    "the port in the address of a Redis server is not a number from 1 to 65535",
                ));
            }
        },
    };
    Ok((host.to_owned(), port))
}

/// The number of a database; 0 if none is named.
fn number_of_db(text: &str) -> Result<u16, Failure> {
    if text.is_empty() {
        return Ok(0);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<u16>().ok().filter(|_| is_number);
    number.filter(|db| *db <= LAST_DB).ok_or_else(|| {
        unfit(
            "what follows the host of a Redis server is not the number of a database, such as `/0`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_it_is_shown() {
        for (text, shown) in [
            ("redis://cache", "redis://cache:6379"),
            ("redis://10.0.0.7:7000/3", "redis://10.0.0.7:7000/3"),
            ("redis://me@cache:6379/", "redis://me@cache:6379"),
            ("redis://[::1]", "redis://[::1]:6379"),
            ("redis://[2001:db8::1]:1/0", "redis://[2001:db8::1]:1"),
            ("unix:///run/redis/a b.sock", "unix:///run/redis/a b.sock"),
        ] {
            assert!(RedisUrl::is_meant(text));
            let url = RedisUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(RedisUrl::parse(shown).unwrap(), url);
        }
        assert!(!RedisUrl::is_meant("/var/cache"));
    }

    #[test]
    fn what_is_not_an_address_is_refused_with_the_form_of_one() {
        for text in [
            "redis://",
            "redis://:7000",
            "redis://a:b",
            "redis://a:0",
            "redis://a:65536",
            "redis://a/b",
            "redis://a/-1",
            "redis://a/+1",
            "redis://a/70000",
            "redis://a?x=1",
            "redis://a/0?x=1",
            "redis://a b",
            "redis://[::1",
            "redis://[a]",
            "redis://[::1]x",
            "redis://::1",
            "redis://ü@a",
            "unix://a",
            "unix:a",
            "redis:a",
            "http://a",
            "",
        ] {
            let failure = RedisUrl::parse(text).unwrap_err();
            assert_eq!(failure.kind(), Kind::Usage, "{text}");
            assert!(failure.hint().contains("redis://[USER@]HOST"), "{text}");
        }
        let failure = RedisUrl::parse("rediss://a").unwrap_err();
        assert!(failure.problem().contains("no TLS"), "{failure}");
    }

    #[test]
    fn a_password_is_refused_and_never_repeated() {
        for text in [
            "redis://:s3cret@a",
            "redis://me:s3cret@a:1/0",
            "redis://me:s3c@ret@a",
            "redis://me:s3cret@",
            "redis:me:s3cret@a",
            "rediss://me:s3cret@a",
            "valkey://me:s3cret@a",
            "unix://me:s3cret@/a",
            "unix:///a?password=s3cret",
        ] {
            let failure = RedisUrl::parse(text).unwrap_err();
            let shown = format!("{failure:?}");
            assert!(!shown.contains("s3c"), "{shown}");
        }
        let failure = RedisUrl::parse("redis://me:s3cret@a").unwrap_err();
        for way in ["LEANREPL_REDIS_PASSWORD", "--redis-password-file FILE"] {
            assert!(failure.hint().contains(way), "{failure:?}");
        }
    }
}
