//! One thread that owns one session at a time and does what the board tells it. Never decides what
//! comes next.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::pool::board::{Board, Opened};
use crate::engine::pool::host::{Host, Ran};
use crate::engine::pool::job::{Answer, Job, Refusal};
use crate::engine::pool::lease;
use crate::engine::pool::outcome;
use crate::engine::pool::policy::{Reason, may_try_again};
use crate::engine::pool::queue::Entry;
use crate::engine::pool::seat::{Finish, Order};
use crate::engine::pool::shared::Shared;
use crate::engine::pool::ticket::{JobTicket, LeaseTicket, Ticket, again};
use crate::engine::undecided::UndecidedReason;
use crate::event::Event;
use crate::failure::Failure;
use crate::lean::header;
use crate::limits::CancelFlag;

/// How often a session without work is looked after.
const WATCH: Duration = Duration::from_millis(100);

/// One slot.
pub(crate) struct Slot {
    /// What all share.
    shared: Arc<Shared>,
    /// Its place on the board.
    seat: usize,
    /// Its session, if it has one.
    host: Option<Host>,
    /// Stops its session.
    kill: CancelFlag,
    /// Headers that its session was to prove at its start.
    headers: Vec<Arc<str>>,
}

impl Slot {
    /// A slot without a session.
    pub(crate) fn new(shared: Arc<Shared>, seat: usize) -> Self {
        Self {
            shared,
            seat,
            host: None,
            kill: CancelFlag::default(),
            headers: Vec::new(),
        }
    }

    /// Does what it is told until it is told to stop.
    pub(crate) fn work(mut self) {
        loop {
            match self.shared.next_order(self.seat, WATCH) {
                None => self.look_after(),
                Some(Order::Start { kill, headers }) => {
                    self.kill = kill;
                    self.headers = headers;
                    self.start();
                }
                Some(Order::Run(entry)) if self.has_died() => self.lose(Reason::Died, Some(entry)),
                Some(Order::Run(entry)) => self.run(entry),
                Some(Order::Retire) => {
                    self.host = None;
                    self.shared.with(|board, now| board.emptied(self.seat, now));
                }
                Some(Order::Stop) => return,
            }
        }
    }

    /// Starts a session as it was told.
    fn start(&mut self) {
        match self.open() {
            Ok(opened) => self
                .shared
                .with(|board, now| board.started(self.seat, opened, now)),
            Err(failure) => {
                let refused = self.shared.start_failed(self.seat, failure);
                self.refuse_all(refused);
            }
        }
    }

    /// Opens a session.
    fn open(&mut self) -> Result<Opened, Failure> {
        let shared = &self.shared;
        let (host, held) = Host::open(
            shared.next_session(),
            &shared.settings,
            &self.headers,
            &self.kill,
            &shared.observer,
        )?;
        let mut held: Vec<u64> = held
            .iter()
            .map(|header| shared.hasher.hash_one(header))
            .collect();
        held.sort_unstable();
        held.dedup();
        let opened = Opened {
            lean_version: host.lean_version.clone(),
            resident: host.resident,
            held,
        };
        self.host = Some(host);
        Ok(opened)
    }

    /// Tells clients why there is no session for them.
    fn refuse_all(&self, refused: Vec<Entry<Ticket>>) {
        let failure = self.shared.with(|board, _| board.state().failure);
        for entry in refused {
            let failure = match &failure {
                Some(failure) => again(failure),
                None => Failure::bug("no session, and no reason for it"),
            };
            entry.item.refuse(Refusal::NoSession(failure));
        }
    }

    /// Looks after a session that has nothing to do.
    fn look_after(&mut self) {
        let Some(host) = &mut self.host else {
            return;
        };
        match host.check_idle() {
            Ok(()) => {
                let resident = host.resident;
                self.shared
                    .with(|board, now| board.measured(self.seat, resident, now));
            }
            Err(reason) => self.lose(reason, None),
        }
    }

    /// Whether the process of its session has ended, which nobody may have noticed yet.
    fn has_died(&mut self) -> bool {
        self.host.as_mut().is_some_and(Host::has_died)
    }

    /// Gives up a session that was found lost, and hands back what it was to be given.
    fn lose(&self, reason: Reason, entry: Option<Entry<Ticket>>) {
        let step = |board: &mut Board<_>, now| board.lost(self.seat, reason, entry, now);
        if let Some(entry) = self.shared.with(step) {
            entry.item.refuse(Refusal::Draining);
        }
    }

    /// Runs a text or serves a lease.
    fn run(&mut self, entry: Entry<Ticket>) {
        // The board gives no used session of a single use away; this holds whatever it does.
        let needs_fresh = entry.needs_fresh || self.shared.settings.wear.single_use;
        if needs_fresh && let Err(failure) = self.freshen() {
            self.finish(Finish {
                lost: Some(Reason::Start),
                ..self.unrun()
            });
            self.refuse(entry, failure);
            return;
        }
        let Entry {
            item,
            client,
            header,
            bytes,
            patience,
            cancelled,
            ..
        } = entry;
        match item {
            Ticket::Lease(ticket) => self.run_lease(ticket),
            Ticket::Job(ticket) => {
                let again = |ticket| Entry {
                    item: Ticket::Job(ticket),
                    client,
                    header,
                    bytes,
                    // It had its session in time; what is left to it is the time of its client.
                    until: patience,
                    patience,
                    cancelled,
                    needs_fresh: true,
                    is_lease: false,
                    passed_over: 0,
                };
                self.run_job(ticket, header, again);
            }
        }
    }

    /// Replaces the session in place if it has served anybody.
    fn freshen(&mut self) -> Result<(), Failure> {
        if self.host.as_ref().is_some_and(|host| host.served == 0) {
            return Ok(());
        }
        self.host = None;
        let opened = self.open()?;
        self.shared
            .with(|board, now| board.freshened(self.seat, opened, now));
        Ok(())
    }

    /// Refuses an entry for which no fresh session came up.
    fn refuse(&self, entry: Entry<Ticket>, failure: Failure) {
        if let Some(gone) = entry.why_gone(Instant::now()) {
            entry.item.refuse_gone(gone);
        } else if self.shared.with(|board, _| board.is_draining()) {
            entry.item.refuse(Refusal::Draining);
        } else {
            entry.item.refuse(Refusal::NoSession(failure));
        }
    }

    /// Runs a text and answers it, or has it tried again.
    fn run_job(
        &mut self,
        mut ticket: Box<JobTicket>,
        header: Option<u64>,
        again: impl FnOnce(Box<JobTicket>) -> Entry<Ticket>,
    ) {
        let queue = ticket.arrived.elapsed();
        if let Some(refusal) = unwanted(&ticket.job, queue) {
            self.finish(self.unrun());
            ticket.answer.keep(Err(refusal));
            return;
        }
        let Some(run) = self.attempt(&ticket.job, header) else {
            self.finish(Finish {
                lost: Some(Reason::Died),
                again: Some(again(ticket)),
                ..self.unrun()
            });
            return;
        };
        if run.may_try_again() && !ticket.was_tried {
            ticket.was_tried = true;
            self.finish(Finish {
                again: Some(again(ticket)),
                ..run.finish
            });
            return;
        }
        self.answer(*ticket, run, queue);
    }

    /// Runs a text on the session; none without one.
    fn attempt(&mut self, job: &Job, header: Option<u64>) -> Option<Attempt> {
        let host = self.host.as_mut()?;
        let was_worn = host.served > 0;
        let (ran, is_proven) = host.run(job);
        let (session, peak_memory, is_over) = (host.number, host.peak, host.is_over());
        let lost = match &ran {
            Ran::Lost { error, .. } => Some(Reason::of(error)),
            _ => is_over.then_some(Reason::Died),
        };
        let proven = header
            .filter(|_| is_proven)
            .map(|hash| (hash, header::split(&job.text).canonical().into()));
        Some(Attempt {
            ran,
            was_worn,
            session,
            peak_memory,
            finish: Finish {
                ran: true,
                lost,
                proven,
                ..self.unrun()
            },
        })
    }

    /// Tells the board and then the client what came of a text, which waited for so long.
    fn answer(&self, ticket: JobTicket, run: Attempt, queue: Duration) {
        let mut finish = run.finish;
        let evaluated = outcome::of(&ticket.job, run.ran);
        if evaluated.reason == Some(UndecidedReason::Timeout) {
            // Its client's patience ended, which is a stop by us as far as the session knows.
            finish.lost = Some(Reason::Timeout);
        }
        self.finish(finish);
        let is_cancelled = evaluated.reason == Some(UndecidedReason::Cancelled);
        if is_cancelled && ticket.job.cancelled.is_set() {
            ticket.answer.keep(Err(Refusal::Cancelled));
            return;
        }
        ticket.answer.keep(Ok(Answer {
            evaluated,
            queue,
            session: run.session,
            peak_memory: run.peak_memory,
        }));
    }

    /// Serves a client until its lease ends.
    fn run_lease(&mut self, ticket: LeaseTicket) {
        let Some(host) = &mut self.host else {
            ticket.answer.keep(Err(Refusal::NoSession(Failure::bug(
                "a lease without a session",
            ))));
            self.finish(Finish {
                lost: Some(Reason::Died),
                ..self.unrun()
            });
            return;
        };
        host.served += 1;
        let (lease, leased) = lease::pair(host, &self.kill);
        let shared = &self.shared;
        shared.with(|board, _| board.granted(self.seat));
        ticket.answer.keep(Ok(lease));
        let reason = leased.serve(host, || shared.with(|board, _| board.is_draining()));
        self.finish(Finish {
            ran: true,
            lost: Some(reason),
            ..self.unrun()
        });
    }

    /// The finish of something that the session was not given.
    fn unrun(&self) -> Finish<Ticket> {
        Finish {
            ran: false,
            lost: None,
            proven: None,
            resident: self.host.as_ref().map_or(0, |host| host.resident),
            again: None,
        }
    }

    /// Tells the board that the session is free, or lost.
    fn finish(&self, finish: Finish<Ticket>) {
        if finish.ran && finish.again.is_some() {
            self.shared.observer.tell(Event::Noted {
                text: "the session ended; trying once more in a fresh one",
            });
        }
        let back = self
            .shared
            .with(|board, now| board.finished(self.seat, finish, now));
        if let Some(entry) = back {
            entry.item.refuse(Refusal::Draining);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // The session ends before the pool is told, so that whoever waits for that finds no process.
        self.host = None;
        let failure =
            thread::panicking().then(|| Failure::bug("the thread of a session has panicked"));
        self.shared.with(|board, _| board.gone(self.seat, failure));
        self.shared.ring_office();
    }
}

/// One run of a text on a session.
struct Attempt {
    /// What came of it.
    ran: Ran,
    /// Whether the session had served anybody before.
    was_worn: bool,
    /// The session's number.
    session: u64,
    /// The most memory that was measured.
    peak_memory: u64,
    /// What it means for the session.
    finish: Finish<Ticket>,
}

impl Attempt {
    /// Whether another session may come to something better.
    fn may_try_again(&self) -> bool {
        match &self.ran {
            Ran::Lost {
                error, has_begun, ..
            } => may_try_again(error, self.was_worn, *has_begun),
            Ran::Evaluated(_) | Ran::Refused { .. } => false,
        }
    }
}

/// Why a text need not be run any more, if so.
fn unwanted(job: &Job, waited: Duration) -> Option<Refusal> {
    if job.cancelled.is_set() {
        Some(Refusal::Cancelled)
    } else if job.patience.is_over() {
        Some(Refusal::TooLate { waited })
    } else {
        None
    }
}
