//! What the threads of a pool share: the board behind its lock, and the bells that wake slots.
//! Never calls a client back while the lock is held.

use std::collections::hash_map::RandomState;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::pool::board::Board;
use crate::engine::pool::queue::Entry;
use crate::engine::pool::seat::Order;
use crate::engine::pool::settings::PoolSettings;
use crate::engine::pool::ticket::Ticket;
use crate::event::{Event, Observer};
use crate::failure::Failure;

/// What is behind the lock.
struct Desk {
    /// Who does what.
    board: Board<Ticket>,
    /// For each slot, whether it waits for its bell: a bell that nobody hears costs a system call.
    asleep: Vec<bool>,
}

/// What the threads of a pool share.
pub(crate) struct Shared {
    /// Who does what, and who waits to be told.
    desk: Mutex<Desk>,
    /// One for each slot, rung when it has something to do.
    bells: Vec<Condvar>,
    /// Rung when the pool begins to drain and when a thread ends.
    office: Condvar,
    /// What the pool is made of.
    pub(crate) settings: Arc<PoolSettings>,
    /// Hears what happens.
    pub(crate) observer: Arc<dyn Observer>,
    /// Hashes headers.
    pub(crate) hasher: RandomState,
    /// How many sessions were started.
    sessions: AtomicU64,
}

impl Shared {
    /// A board for these settings.
    pub(crate) fn new(settings: PoolSettings, observer: Arc<dyn Observer>) -> Self {
        let settings = Arc::new(settings);
        let seats = settings.sessions.max(1) + settings.spares;
        Self {
            desk: Mutex::new(Desk {
                board: Board::new(&settings, Instant::now()),
                asleep: vec![false; seats],
            }),
            bells: (0..seats).map(|_| Condvar::new()).collect(),
            office: Condvar::new(),
            settings,
            observer,
            hasher: RandomState::new(),
            sessions: AtomicU64::new(0),
        }
    }

    /// How many slots there are.
    pub(crate) fn seats(&self) -> usize {
        self.bells.len()
    }

    /// A number for a new session.
    pub(crate) fn next_session(&self) -> u64 {
        self.sessions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Does one step on the board and wakes those who have something to do after it.
    pub(crate) fn with<R>(&self, step: impl FnOnce(&mut Board<Ticket>, Instant) -> R) -> R {
        let mut desk = self.lock();
        let Desk { board, asleep } = &mut *desk;
        let result = step(board, Instant::now());
        let mut woken = Vec::new();
        for seat in board.ordered() {
            if let Some(is_asleep) = asleep.get_mut(seat)
                && std::mem::take(is_asleep)
            {
                woken.push(seat);
            }
        }
        // Whoever is woken needs the desk at once.
        drop(desk);
        for bell in woken.into_iter().filter_map(|seat| self.bells.get(seat)) {
            bell.notify_one();
        }
        result
    }

    /// A slot's session did not come up: tells why, unless the last one failed for the same reason.
    /// Gives back those that need not wait any longer.
    pub(crate) fn start_failed(&self, seat: usize, failure: Failure) -> Vec<Entry<Ticket>> {
        let text = reason(&failure);
        let (refused, is_news) = self.with(|board, now| {
            let before = board.state();
            let known = before.failure.as_deref();
            let is_same = known.is_some_and(|known| is_alike(&reason(known), &text));
            let is_news = !is_same && !before.is_draining;
            (board.start_failed(seat, failure, now), is_news)
        });
        if is_news {
            self.observer.tell(Event::Noted { text: &text });
        }
        refused
    }

    /// The next order of a slot; none if none comes within `wait`.
    pub(crate) fn next_order(&self, seat: usize, wait: Duration) -> Option<Order<Ticket>> {
        let mut desk = self.lock();
        if let Some(order) = desk.board.take_order(seat) {
            return Some(order);
        }
        let bell = self.bells.get(seat)?;
        *desk.asleep.get_mut(seat)? = true;
        desk = bell
            .wait_timeout(desk, wait)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        if let Some(asleep) = desk.asleep.get_mut(seat) {
            *asleep = false;
        }
        desk.board.take_order(seat)
    }

    /// Waits until something changes for those who watch over the whole, or `wait` is over.
    pub(crate) fn wait_in_office(&self, wait: Duration) {
        let desk = self.lock();
        // Whoever waits here looks at the board anew in any case.
        drop(
            self.office
                .wait_timeout(desk, wait)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Wakes those who watch over the whole.
    pub(crate) fn ring_office(&self) {
        self.office.notify_all();
    }

    /// The desk. A thread that panicked cannot have left a step half done that matters: each answer
    /// is owed by a promise of its own.
    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why no session starts and what to do about it, in one line.
fn reason(failure: &Failure) -> String {
    let mut line = format!("no session starts: {}", failure.problem());
    for cause in failure.causes() {
        // The last lines of a program are many, and may differ each time.
        if !cause.contains('\n') {
            line.push_str(": ");
            line.push_str(&cause);
        }
    }
    format!("{line}; hint: {}", failure.hint())
}

/// Whether two reasons differ in nothing but numbers: how much memory was found held differs each time.
fn is_alike(one: &str, other: &str) -> bool {
    let words = |text: &str| -> String { text.chars().filter(|c| !c.is_ascii_digit()).collect() };
    words(one) == words(other)
}
