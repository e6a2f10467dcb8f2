//! Kept records on a Redis server that several machines share.
//!
//! | key, after the prefix | holds | lives |
//! |---|---|---|
//! | `res:KEY` | a value, as `redis_store/value.rs` has it | `--cache-max-age` since it was put |
//! | `env:DIGEST` | the modules of an environment | longer than each value that was made in it |
//! | `flight:KEY` | the token of the process that computes a value | for its lease |
//!
//! A hit is one `GET` and writes nothing. All keys expire, so that `volatile-*` policies may drop them.

mod sweep;
mod value;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::redis::{Cmd, Value, cmd};

use crate::engine::cache::key::{Environment, Key};
use crate::engine::cache::redis_store::value::{Head, MAX_HEAD};
use crate::engine::cache::seal::SealKey;
use crate::engine::cache::store::{Entry, Holdings, MAX_VALUE, Store, StoreError, Turn, Which};
use crate::failure::{Failure, Kind};
use crate::names;
use crate::redis::secret::Secret;
use crate::redis::{AskError, Client, OpenError, Reach, RedisUrl};

/// What the keys of the cache begin with, unless the user says otherwise.
pub const PREFIX: &str = "lr:";

/// The most letters of a prefix.
const LONGEST_PREFIX: usize = 64;

/// The most bytes of the modules of an environment, a line each. Mathlib has half a mebibyte.
const MAX_MODULES: u64 = 8 << 20;

/// How hard they are compressed: they are written once an hour.
const LEVEL: i32 = 3;

/// How often the modules of an environment are put anew at the most.
const ANNOUNCED: Duration = Duration::from_secs(3600);

/// The most environments that are remembered as announced, and that are looked at when values are forgotten.
const MOST_ENVIRONMENTS: usize = 10_000;

/// The longest time in which all keys are looked at, for counting and forgetting.
const SWEEP: Duration = Duration::from_secs(60);

/// Deletes a key if it still holds the token. Nothing else of `Store` takes more than one command.
const END_TURN: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// How a server is used.
#[derive(Debug)]
pub struct RedisSettings {
    /// Where it is.
    pub url: RedisUrl,
    /// The password of its user.
    pub password: Option<Secret>,
    /// What all keys begin with.
    pub prefix: String,
    /// How long values are kept.
    pub max_age: Duration,
    /// Seals the values; needed if the server is on another machine.
    pub key: Option<SealKey>,
}

/// Kept records on a Redis server.
#[derive(Debug)]
pub struct RedisStore {
    client: Client,
    prefix: String,
    max_age: Duration,
    key: Option<SealKey>,
    /// When the modules of these environments, by digest, were put.
    announced: Mutex<HashMap<String, Instant>>,
    /// What the tokens of this process begin with.
    nonce: String,
    turns: AtomicU64,
}

impl RedisStore {
    /// Connects to the server.
    ///
    /// # Errors
    /// A prefix that makes no keys, or a server that cannot be used, as `Client::open` has it. One on another
    /// machine needs a key.
    pub fn open(settings: RedisSettings) -> Result<Self, OpenError> {
        let is_plain = |letter: char| letter.is_ascii_graphic();
        let prefix = settings.prefix;
        if prefix.is_empty() || prefix.len() > LONGEST_PREFIX || !prefix.chars().all(is_plain) {
            return Err(Failure::new(
                Kind::Usage,
                "the prefix of the Redis keys is not 1 to 64 ASCII letters, digits or signs",
                "write a short word with a colon, such as `--redis-prefix team:`",
            )
            .into());
        }
        let reach = if settings.key.is_some() {
            Reach::Any
        } else {
            Reach::Loopback
        };
        let nonce = names::random()
            .map_err(|err| Failure::bug("this system has no random bytes").caused_by(err))?;
        Ok(Self {
            client: Client::open(settings.url, settings.password, reach)?,
            prefix,
            max_age: settings.max_age,
            key: settings.key,
            announced: Mutex::default(),
            nonce,
            turns: AtomicU64::new(0),
        })
    }

    fn place(&self, kind: &str, name: impl std::fmt::Display) -> String {
        format!("{}{kind}:{name}", self.prefix)
    }

    /// A command that puts a value for so long.
    fn set(&self, place: &str, head: Head<'_>, value: &[u8], age: Duration) -> Option<Cmd> {
        let bytes = value::wrapped(place, head, value, self.key.as_ref())?;
        let mut set = cmd("SET");
        set.arg(place)
            .arg(bytes)
            .arg("EX")
            .arg(age.as_secs().max(1));
        Some(set)
    }

    /// A command that puts the modules of an environment, unless they were put a short time ago.
    fn announcement(&self, environment: &Environment) -> Option<Cmd> {
        let pause = ANNOUNCED.min(self.max_age / 4);
        let announced = self.announced();
        let last = announced.get(&environment.digest);
        if last.is_some_and(|last| last.elapsed() < pause) {
            return None;
        }
        drop(announced);
        let text = environment.modules.join("\n");
        if text.len() as u64 > MAX_MODULES {
            return None;
        }
        let text = zstd::encode_all(text.as_bytes(), LEVEL).ok()?;
        let digest = environment.digest.as_bytes();
        let head = Head {
            environment: digest,
            class: b"",
        };
        let place = self.place("env", &environment.digest);
        // It outlives each value that is put before it is put anew.
        let age = self.max_age.saturating_add(pause * 2).saturating_add(SWEEP);
        self.set(&place, head, &text, age)
    }

    fn announced(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        let announced = self.announced.lock();
        announced.unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, command: Cmd) -> Result<Value, StoreError> {
        self.client.ask(command, 0).map_err(|err| self.error(&err))
    }

    fn ask_all(&self, commands: &[Cmd], most: usize) -> Result<Vec<Value>, StoreError> {
        let replies = self.client.ask_all(commands, most);
        replies.map_err(|err| self.error(&err))
    }

    fn error(&self, err: &AskError) -> StoreError {
        let text = format!("the Redis server at `{}`: {err}", self.client.name());
        if err.may_pass() {
            // It may have lost all when it is back.
            self.announced().clear();
            StoreError::Busy(text)
        } else {
            StoreError::Broken(text)
        }
    }

    /// The number that a command answers with.
    fn number(&self, command: Cmd) -> Result<u64, StoreError> {
        match self.ask(command)? {
            Value::Int(number) => Ok(u64::try_from(number).unwrap_or(0)),
            _ => Err(self.error(&AskError::NotRedis)),
        }
    }
}

impl Store for RedisStore {
    fn name(&self) -> String {
        self.client.name()
    }

    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let place = self.place("res", key);
        let mut get = cmd("GET");
        get.arg(&place);
        match self.client.ask(get, MAX_HEAD + MAX_VALUE) {
            Ok(Value::Nil) | Err(AskError::TooLong) => Ok(None),
            Ok(Value::BulkString(bytes)) => Ok(value::value(&place, &bytes, self.key.as_ref())),
            Ok(_) => Err(self.error(&AskError::NotRedis)),
            Err(err) => Err(self.error(&err)),
        }
    }

    fn put(&self, key: &Key, entry: Entry<'_>) -> Result<(), StoreError> {
        let digest = &entry.environment.digest;
        let head = Head {
            environment: digest.as_bytes(),
            class: entry.class.as_bytes(),
        };
        let place = self.place("res", key);
        if entry.value.len() > MAX_VALUE {
            return Ok(());
        }
        let Some(set) = self.set(&place, head, entry.value, self.max_age) else {
            return Ok(());
        };
        let announcement = self.announcement(entry.environment);
        let is_announced = announcement.is_some();
        let commands: Vec<Cmd> = announcement.into_iter().chain([set]).collect();
        let _set = self.ask_all(&commands, 0)?;
        if is_announced {
            let mut announced = self.announced();
            if announced.len() >= MOST_ENVIRONMENTS {
                announced.clear();
            }
            announced.insert(digest.clone(), Instant::now());
        }
        Ok(())
    }

    fn remove(&self, key: &Key) -> Result<(), StoreError> {
        let mut unlink = cmd("UNLINK");
        unlink.arg(self.place("res", key));
        self.number(unlink).map(|_count| ())
    }

    fn take_turn(&self, key: &Key, lease: Duration) -> Result<Turn, StoreError> {
        let token = format!(
            "{}-{}",
            self.nonce,
            self.turns.fetch_add(1, Ordering::Relaxed)
        );
        let millis = u64::try_from(lease.as_millis()).unwrap_or(u64::MAX);
        let mut set = cmd("SET");
        set.arg(self.place("flight", key)).arg(&token).arg("NX");
        // The highest number that the server takes for an expiry is far above any lease.
        set.arg("PX").arg(millis.clamp(1, 1 << 40));
        match self.ask(set)? {
            Value::Okay => Ok(Turn::Ours(Some(token))),
            Value::Nil => Ok(Turn::Theirs),
            _ => Err(self.error(&AskError::NotRedis)),
        }
    }

    fn end_turn(&self, key: &Key, token: &str) -> Result<(), StoreError> {
        let mut eval = cmd("EVAL");
        eval.arg(END_TURN)
            .arg(1)
            .arg(self.place("flight", key))
            .arg(token);
        self.number(eval).map(|_count| ())
    }

    fn holdings(&self) -> Result<Holdings, StoreError> {
        self.count()
    }

    fn forget(&self, which: &Which) -> Result<u64, StoreError> {
        if *which == Which::All {
            self.announced().clear();
        }
        self.forget_which(which)
    }
}
