//! Who asks: the name of a key, or the network of an address. Never decides who may ask.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::OwnedSemaphorePermit;

use crate::engine::request::CacheUse;
use crate::service::address;

/// Who asks, and since when.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    /// For the queue, which is fair between clients: the name of the key, or the network.
    pub(crate) client: Arc<str>,
    pub(crate) start: Instant,
    /// Names the request in logs; empty if it has no id.
    pub(crate) request_id: Arc<str>,
    /// What kept results may do for its sources.
    pub(crate) cache: CacheUse,
    /// Held while the request runs, if its key may not make many at a time.
    _permit: Option<Arc<OwnedSemaphorePermit>>,
}

impl Principal {
    /// The owner of a key.
    pub(crate) fn from_key(
        name: &Arc<str>,
        start: Instant,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            client: Arc::clone(name),
            start,
            request_id: Arc::from(""),
            cache: CacheUse::default(),
            _permit: permit.map(Arc::new),
        }
    }

    /// A client without a key; all whose address is not known are one client.
    pub(crate) fn from_address(address: Option<IpAddr>, start: Instant) -> Self {
        Self {
            client: Arc::from(address.map_or_else(String::new, address::network)),
            start,
            request_id: Arc::from(""),
            cache: CacheUse::default(),
            _permit: None,
        }
    }
}
