//! Leases: sessions that clients hold as their own, by unguessable names. Never shares one between clients.
//!
//! Each is used by one request at a time. One that is not used for a while is given back; a name that
//! was known before is distinguished from one that never was.
//!
//! Two bounds keep a client from taking all sessions: how many leases one client may have leaves one for
//! others, and where leases hold every session while others wait, the oldest one that is over is ended: one
//! that was not used for a short while, or that is as old as one may be unused.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::pool::Lease;
use crate::names;
use crate::service::error::ServiceError;

/// How many names are remembered after their sessions are gone.
const REMEMBERED: usize = 10_000;

/// How long a lease lives without a request while others wait and leases hold every session.
const UNUSED_IN_CROWD: Duration = Duration::from_secs(30);

/// One lease of one client.
struct LeaseEntry {
    /// The lease, for one request at a time.
    lease: Arc<tokio::sync::Mutex<Lease>>,
    client: Arc<str>,
    /// Since when the client has it.
    since: Instant,
    /// When it was used last.
    used: Instant,
}

/// All sessions that clients hold.
pub(crate) struct Leases {
    /// The most at a time.
    most: usize,
    /// The most of one client at a time.
    most_each: usize,
    /// How long one lives without a request.
    idle: Duration,
    inner: Mutex<Inner>,
}

/// What is behind the lock.
#[derive(Default)]
struct Inner {
    held: HashMap<String, LeaseEntry>,
    /// For whom places are promised to sessions still on their way.
    promised: Vec<Arc<str>>,
    /// Why former sessions are gone, with their clients.
    gone: HashMap<String, (Arc<str>, &'static str)>,
    /// Their names, oldest first.
    order: VecDeque<String>,
}

/// A place for a session that is on its way; free again when dropped.
pub(crate) struct LeasePlace<'a> {
    leases: &'a Leases,
    client: Arc<str>,
}

impl Drop for LeasePlace<'_> {
    fn drop(&mut self) {
        let mut inner = self.leases.lock();
        let promised = &mut inner.promised;
        if let Some(at) = promised.iter().position(|client| *client == self.client) {
            promised.swap_remove(at);
        }
    }
}

impl Leases {
    /// None yet.
    pub(crate) fn new(most: usize, most_each: usize, idle: Duration) -> Self {
        Self {
            most,
            most_each,
            idle,
            inner: Mutex::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().held.len()
    }

    /// A place for one more of a client.
    ///
    /// # Errors
    /// As many as may be are held, by this client or by all.
    pub(crate) fn reserve(&self, client: &Arc<str>) -> Result<LeasePlace<'_>, ServiceError> {
        let mut inner = self.lock();
        let held = inner.held.values().map(|entry| &entry.client);
        let clients = held.chain(&inner.promised);
        let own = clients.filter(|known| *known == client).count();
        if own >= self.most_each {
            return Err(ServiceError::TooManyLeasesOfClient {
                most: self.most_each,
                retry_after: self.idle,
            });
        }
        if inner.held.len() + inner.promised.len() >= self.most {
            return Err(ServiceError::TooManyLeases {
                retry_after: self.idle,
            });
        }
        inner.promised.push(Arc::clone(client));
        drop(inner);
        Ok(LeasePlace {
            leases: self,
            client: Arc::clone(client),
        })
    }

    /// Keeps a session under a new name, which is returned.
    ///
    /// # Errors
    /// A system without random bytes; the session is given back.
    pub(crate) fn keep(&self, place: LeasePlace<'_>, lease: Lease) -> Result<String, ServiceError> {
        let name = names::random().map_err(ServiceError::NoRandomName)?;
        let now = Instant::now();
        let entry = LeaseEntry {
            lease: Arc::new(tokio::sync::Mutex::new(lease)),
            client: Arc::clone(&place.client),
            since: now,
            used: now,
        };
        self.lock().held.insert(name.clone(), entry);
        drop(place);
        Ok(name)
    }

    /// The session of a name.
    ///
    /// # Errors
    /// This client never had it, or it is gone.
    pub(crate) fn find(
        &self,
        name: &str,
        client: &str,
    ) -> Result<Arc<tokio::sync::Mutex<Lease>>, ServiceError> {
        let mut inner = self.lock();
        if let Some(entry) = inner.held.get_mut(name)
            && *entry.client == *client
        {
            entry.used = Instant::now();
            return Ok(Arc::clone(&entry.lease));
        }
        match inner.gone.get(name) {
            Some((owner, why)) if **owner == *client => Err(ServiceError::LeaseGone {
                why: (*why).to_owned(),
            }),
            _ => Err(ServiceError::NoSuchLease),
        }
    }

    /// Notes that a session is used.
    pub(crate) fn touch(&self, name: &str) {
        if let Some(entry) = self.lock().held.get_mut(name) {
            entry.used = Instant::now();
        }
    }

    /// Gives a session back, if it is there; its process ends once no request uses it.
    pub(crate) fn remove(&self, name: &str, why: &'static str) {
        let mut inner = self.lock();
        let Some(entry) = inner.held.remove(name) else {
            return;
        };
        let owner = Arc::clone(&entry.client);
        inner.gone.insert(name.to_owned(), (owner, why));
        inner.order.push_back(name.to_owned());
        if inner.order.len() > REMEMBERED
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.gone.remove(&oldest);
        }
        drop(inner);
        // This notifies the pool, which happens outside of the lock.
        drop(entry);
    }

    /// Gives back all that were not used for too long, and those that were lost meanwhile. In a crowd, where
    /// others wait and leases hold every session, the oldest that is over then goes too.
    pub(crate) fn expire(&self, is_crowd: bool) {
        let inner = self.lock();
        let in_crowd = inner
            .held
            .iter()
            .filter(|(_, entry)| is_crowd && self.is_over_in_crowd(entry))
            .min_by_key(|(_, entry)| entry.since)
            .map(|(name, _)| (name.clone(), "others waited"));
        let over = inner.held.iter().filter_map(|(name, entry)| {
            // A request is using it if this fails.
            let lease = entry.lease.try_lock().ok()?;
            let why = if lease.is_lost() {
                "lost"
            } else if entry.used.elapsed() >= self.idle {
                "expired"
            } else {
                return None;
            };
            Some((name.clone(), why))
        });
        let over: Vec<(String, &'static str)> = over.chain(in_crowd).collect();
        drop(inner);
        for (name, why) in over {
            self.remove(&name, why);
        }
    }

    /// Whether a lease goes in a crowd.
    fn is_over_in_crowd(&self, entry: &LeaseEntry) -> bool {
        let is_used = entry.lease.try_lock().is_err();
        let unused = (!is_used).then(|| entry.used.elapsed());
        is_over(unused, entry.since.elapsed(), self.idle)
    }

    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut self.lock().held);
        drop(all);
    }

    /// What is behind the lock.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a lease goes where others wait and leases hold every session. `unused` is none while a request
/// uses it, and `held` since its client has it; without others it would live for `idle` without a request.
fn is_over(unused: Option<Duration>, held: Duration, idle: Duration) -> bool {
    unused.is_some_and(|unused| unused >= UNUSED_IN_CROWD.min(idle)) || held >= idle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_a_bound_of_its_own_and_all_clients_have_one() {
        let leases = Leases::new(3, 2, Duration::from_secs(60));
        let [a, b] = ["a", "b"].map(Arc::from);
        let first = leases.reserve(&a).ok().unwrap();
        let second = leases.reserve(&a).ok().unwrap();
        let most = |result: Result<LeasePlace<'_>, ServiceError>| match result {
            Err(ServiceError::TooManyLeasesOfClient { most, .. }) => Some(most),
            _ => None,
        };
        assert_eq!(most(leases.reserve(&a)), Some(2));
        let third = leases.reserve(&b).ok().unwrap();
        assert!(matches!(
            leases.reserve(&b),
            Err(ServiceError::TooManyLeases { .. })
        ));
        drop(first);
        let again = leases.reserve(&a).ok().unwrap();
        assert_eq!(most(leases.reserve(&a)), Some(2));
        drop((second, third, again));
        assert!(leases.lock().promised.is_empty());
    }

    #[test]
    fn in_a_crowd_a_lease_goes_unused_sooner_and_used_when_it_is_old() {
        let seconds = Duration::from_secs;
        for (unused, held, idle, expected) in [
            (Some(29), 100, 300, false),
            (Some(30), 100, 300, true),
            (Some(5), 7, 6, true),
            (Some(5), 5, 6, false),
            (None, 299, 300, false),
            (None, 300, 300, true),
        ] {
            let found = is_over(unused.map(seconds), seconds(held), seconds(idle));
            assert_eq!(found, expected, "{unused:?} {held} {idle}");
        }
    }
}
