//! Looking at all keys: counting and forgetting. Never in the way of an evaluation.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::io::Read as _;

use ::redis::{Cmd, Value, cmd, from_redis_value};

use crate::engine::cache::redis_store::value::{self, Head, MAX_HEAD};
use crate::engine::cache::redis_store::{MAX_MODULES, MOST_ENVIRONMENTS, RedisStore, SWEEP};
use crate::engine::cache::store::{Holdings, MAX_VALUE, StoreError, Which};
use crate::limits::Deadline;
use crate::redis::AskError;

/// The bits of the largest window that is taken when they are unpacked, as `zstd` counts: 8 MiB.
const WINDOW_LOG: u32 = 23;

/// How many keys are looked at in one step.
const STEP: usize = 500;

/// How many different keys are known when they are counted; of more the count is not exact.
const MOST_SEEN: usize = 4_000_000;

/// What is done with some keys.
type Step<'a> = &'a mut dyn FnMut(&[Vec<u8>]) -> Result<(), StoreError>;

impl RedisStore {
    /// What the server holds.
    ///
    /// # Errors
    /// A server that is away, or that has more keys than can be looked at within [`SWEEP`].
    pub(super) fn count(&self) -> Result<Holdings, StoreError> {
        let deadline = Deadline::after(SWEEP);
        let mut holdings = Holdings::default();
        // The server may name a key twice while it grows its table.
        let (hasher, mut seen) = (RandomState::new(), HashSet::new());
        let mut is_new =
            |place: &Vec<u8>| seen.len() >= MOST_SEEN || seen.insert(hasher.hash_one(place));
        self.sweep("res", deadline, &mut |places| {
            let lengths: Vec<Cmd> = places
                .iter()
                .filter(|place| is_new(place))
                .map(|place| {
                    let mut length = cmd("STRLEN");
                    length.arg(place);
                    length
                })
                .collect();
            for length in self.ask_all(&lengths, 0)? {
                // Zero is one that has expired since.
                if let Value::Int(length @ 1..) = length {
                    holdings.entries += 1;
                    holdings.bytes += u64::try_from(length).unwrap_or(0);
                }
            }
            Ok(())
        })?;
        self.sweep("env", deadline, &mut |places| {
            let new = places.iter().filter(|place| is_new(place));
            holdings.environments += new.count() as u64;
            Ok(())
        })?;
        Ok(holdings)
    }

    /// Forgets values; gives how many.
    ///
    /// # Errors
    /// As [`Self::count`].
    pub(super) fn forget_which(&self, which: &Which) -> Result<u64, StoreError> {
        let deadline = Deadline::after(SWEEP);
        match which {
            Which::All => {
                let count = self.forget_all("res", deadline)?;
                self.forget_all("env", deadline)?;
                Ok(count)
            }
            Which::Class(class) => {
                self.forget_where(deadline, &|head| head.class == class.as_bytes())
            }
            Which::Module(module) => {
                let environments = self.with_module(module, deadline)?;
                // What is in an environment that the server has dropped is not known.
                self.forget_where(deadline, &|head| {
                    environments.get(head.environment).is_none_or(|has| *has)
                })
            }
        }
    }

    /// Calls `step` with some keys of a kind at a time. A key may come twice while the server grows its table.
    fn sweep(&self, kind: &str, deadline: Deadline, step: Step<'_>) -> Result<(), StoreError> {
        let pattern = format!("{}{kind}:*", escaped(&self.prefix));
        let mut cursor = "0".to_owned();
        loop {
            if deadline.is_over() {
                let text = "it has more keys than can be looked at within a minute; try again";
                return Err(StoreError::Busy(format!(
                    "the Redis server at `{}`: {text}",
                    self.client.name()
                )));
            }
            let mut scan = cmd("SCAN");
            scan.arg(&cursor)
                .arg("MATCH")
                .arg(&pattern)
                .arg("COUNT")
                .arg(STEP);
            let reply = self.ask(scan)?;
            let (next, keys) = from_redis_value::<(String, Vec<Vec<u8>>)>(reply)
                .map_err(|_unlike| self.error(&AskError::NotRedis))?;
            for some in keys.chunks(STEP) {
                step(some)?;
            }
            if next == "0" {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Which environments have a module, by digest. An environment that is not listed is not known.
    fn with_module(
        &self,
        module: &str,
        deadline: Deadline,
    ) -> Result<HashMap<Vec<u8>, bool>, StoreError> {
        let mut found = HashMap::new();
        self.sweep("env", deadline, &mut |places| {
            for place in places {
                let mut get = cmd("GET");
                get.arg(place);
                let Some(Value::BulkString(bytes)) = self.ask_all(&[get], MAX_VALUE)?.pop() else {
                    continue;
                };
                let place = String::from_utf8_lossy(place);
                let text = value::value(&place, &bytes, self.key.as_ref());
                let head = value::head(&bytes);
                if let (Some(head), Some(text)) = (head, text.and_then(|text| unpacked(&text)))
                    && found.len() < MOST_ENVIRONMENTS
                {
                    let has = text.split('\n').any(|line| line == module);
                    found.insert(head.environment.to_vec(), has);
                }
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Deletes those values whose heads fit; one without a head fits in any case.
    fn forget_where(
        &self,
        deadline: Deadline,
        fits: &dyn Fn(Head<'_>) -> bool,
    ) -> Result<u64, StoreError> {
        let mut count = 0;
        self.sweep("res", deadline, &mut |places| {
            let heads: Vec<Cmd> = places
                .iter()
                .map(|place| {
                    let mut part = cmd("GETRANGE");
                    part.arg(place).arg(0).arg(MAX_HEAD - 1);
                    part
                })
                .collect();
            let mut unlink = cmd("UNLINK");
            let mut is_any = false;
            for (place, head) in places.iter().zip(self.ask_all(&heads, 0)?) {
                let Value::BulkString(bytes) = head else {
                    return Err(self.error(&AskError::NotRedis));
                };
                if value::head(&bytes).is_none_or(fits) {
                    unlink.arg(place);
                    is_any = true;
                }
            }
            if is_any {
                count += self.number(unlink)?;
            }
            Ok(())
        })?;
        Ok(count)
    }

    /// Deletes all keys of a kind.
    fn forget_all(&self, kind: &str, deadline: Deadline) -> Result<u64, StoreError> {
        let mut count = 0;
        self.sweep(kind, deadline, &mut |places| {
            let mut unlink = cmd("UNLINK");
            unlink.arg(places);
            count += self.number(unlink)?;
            Ok(())
        })?;
        Ok(count)
    }
}

/// What matches these letters only, in the patterns of `SCAN`.
fn escaped(letters: &str) -> String {
    let mut pattern = String::with_capacity(letters.len());
    for letter in letters.chars() {
        if "*?[]\\^-".contains(letter) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

/// The modules of an environment, if they are within their bound.
fn unpacked(bytes: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut decoder = zstd::Decoder::new(bytes).ok()?;
    decoder.window_log_max(WINDOW_LOG).ok()?;
    let count = decoder
        .take(MAX_MODULES + 1)
        .read_to_string(&mut text)
        .ok()?;
    (count as u64 <= MAX_MODULES).then_some(text)
}
