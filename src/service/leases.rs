//! Leases: sessions that clients hold as their own, by unguessable names. Never shares one between clients.
//!
//! Each is used by one request at a time. One that is not used for a while is given back; a name that
//! was known before is distinguished from one that never was.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::pool::Lease;
use crate::service::error::ServiceError;
use crate::service::names;

/// How many names are remembered after their sessions are gone.
const REMEMBERED: usize = 10_000;

/// One lease of one client.
struct LeaseEntry {
    /// The lease, for one request at a time.
    lease: Arc<tokio::sync::Mutex<Lease>>,
    client: Arc<str>,
    /// When it was used last.
    used: Instant,
}

/// All sessions that clients hold.
pub(crate) struct Leases {
    /// The most at a time.
    most: usize,
    /// How long one lives without a request.
    idle: Duration,
    inner: Mutex<Inner>,
}

/// What is behind the lock.
#[derive(Default)]
struct Inner {
    held: HashMap<String, LeaseEntry>,
    /// Places that are promised to sessions still on their way.
    promised: usize,
    /// Why former sessions are gone, with their clients.
    gone: HashMap<String, (Arc<str>, &'static str)>,
    /// Their names, oldest first.
    order: VecDeque<String>,
}

/// A place for a session that is on its way; free again when dropped.
pub(crate) struct LeasePlace<'a>(&'a Leases);

impl Drop for LeasePlace<'_> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.promised = inner.promised.saturating_sub(1);
    }
}

impl Leases {
    /// None yet.
    pub(crate) fn new(most: usize, idle: Duration) -> Self {
        Self {
            most,
            idle,
            inner: Mutex::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().held.len()
    }

    /// A place for one more.
    ///
    /// # Errors
    /// As many as may be are held.
    pub(crate) fn reserve(&self) -> Result<LeasePlace<'_>, ServiceError> {
        let mut inner = self.lock();
        if inner.held.len() + inner.promised >= self.most {
            return Err(ServiceError::TooManyLeases {
                retry_after: self.idle,
            });
        }
        inner.promised += 1;
        drop(inner);
        Ok(LeasePlace(self))
    }

    /// Keeps a session under a new name, which is returned.
    ///
    /// # Errors
    /// A system without random bytes; the session is given back.
    pub(crate) fn keep(
        &self,
        place: LeasePlace<'_>,
        client: Arc<str>,
        lease: Lease,
    ) -> Result<String, ServiceError> {
        let name = names::random().map_err(ServiceError::NoRandomName)?;
        let entry = LeaseEntry {
            lease: Arc::new(tokio::sync::Mutex::new(lease)),
            client,
            used: Instant::now(),
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

    /// Gives back all that were not used for too long, and those that were lost meanwhile.
    pub(crate) fn expire(&self) {
        let inner = self.lock();
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
        let over: Vec<(String, &'static str)> = over.collect();
        drop(inner);
        for (name, why) in over {
            self.remove(&name, why);
        }
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
