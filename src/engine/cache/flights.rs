//! Requests for the same record at the same time: one is evaluated, the others wait for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::engine::cache::key::Key;

/// Who waits for which key, where the first one evaluates.
pub(crate) struct Flights<T>(Mutex<HashMap<Key, Vec<T>>>);

impl<T> Flights<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Gives the waiter back if it is the first, which then evaluates and has to end the flight; keeps it else.
    pub(crate) fn join(&self, key: Key, waiter: T) -> Option<T> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiters) = flights.get_mut(&key) {
            waiters.push(waiter);
            return None;
        }
        flights.insert(key, Vec::new());
        Some(waiter)
    }

    /// Ends a flight; gives all that wait.
    pub(crate) fn end(&self, key: &Key) -> Vec<T> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        flights.remove(key).unwrap_or_default()
    }
}

#[cfg(test)]
impl<T> Flights<T> {
    /// Whether nothing is on its way.
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cache::key::KeyMaker;

    #[test]
    fn the_first_goes_and_the_others_wait_until_it_has_landed() {
        let flights = Flights::new();
        let [one, other] = [b"1", b"2"].map(|part| KeyMaker::new().with(part).key());
        assert_eq!(flights.join(one, 1), Some(1));
        assert_eq!(flights.join(one, 2), None);
        assert_eq!(flights.join(other, 3), Some(3));
        assert_eq!(flights.end(&one), [2]);
        assert_eq!(flights.join(one, 4), Some(4));
        assert_eq!(flights.end(&one), Vec::<i32>::new());
        assert_eq!(flights.end(&other), Vec::<i32>::new());
    }
}
