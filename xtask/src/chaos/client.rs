//! One client: asks what the plan says, one request after the other on a connection that it keeps,
//! and hands what it sees to the ledger.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::chaos::answer::{self, Answer};
use crate::chaos::http::{Connection, Message, Response, Trouble};
use crate::chaos::ledger::{ALLOWANCE, Ledger, MAX_WAIT, Violation, Wrong};
use crate::chaos::party::{Level, PARTIES, Party};
use crate::chaos::plan::{Leaving, Plan, Request, Surface};

/// How long a client that was turned away waits before it asks again.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Field {
    /// Where the server is.
    pub(crate) address: SocketAddr,
    /// What is asked.
    pub(crate) plan: Plan,
    /// From which number on each party looks for its next request.
    next: [(Party, AtomicU64); PARTIES.len()],
    /// How many requests have ended.
    pub(crate) ended: AtomicU64,
    /// The books.
    pub(crate) ledger: Mutex<Ledger>,
}

impl Field {
    /// Nothing was asked yet.
    pub(crate) fn new(address: SocketAddr, plan: Plan, level: Level) -> Self {
        Self {
            address,
            plan,
            next: PARTIES.map(|party| (party, AtomicU64::new(0))),
            ended: AtomicU64::new(0),
            ledger: Mutex::new(Ledger::new(level)),
        }
    }

    /// Takes the next request of a party below `until`, if there is one.
    pub(crate) fn take(&self, party: Party, until: u64) -> Option<u64> {
        let (_, next) = self.next.iter().find(|(owner, _)| *owner == party)?;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= until {
                return None;
            }
            if Party::of(index) == party {
                return Some(index);
            }
        }
    }

    /// Has all parties look from that number on.
    pub(crate) fn go_on_from(&self, index: u64) {
        for (_, next) in &self.next {
            next.store(index, Ordering::Relaxed);
        }
    }

    /// The books.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One client.
pub(crate) struct Client<'a> {
    /// What all share.
    pub(crate) field: &'a Field,
    /// Its key.
    pub(crate) key: String,
    /// The connection that is kept.
    pub(super) connection: Option<Connection>,
}

impl<'a> Client<'a> {
    /// A client without a connection.
    pub(crate) fn new(field: &'a Field, key: String) -> Self {
        Self {
            field,
            key,
            connection: None,
        }
    }

    /// Asks about texts, again and again while it is turned away.
    pub(super) fn ask(&mut self, request: &Request) -> Result<(), Violation> {
        let message = self.message(request);
        if let Some(leaving) = request.leaves {
            return self.ask_and_leave(request, &message, leaving);
        }
        loop {
            let start = Instant::now();
            let limit = Duration::from_secs_f64(request.seconds);
            let response = self.exchange(request, &message, limit)?;
            let took = start.elapsed();
            match answer::read(request.surface, &response) {
                Answer::TurnedAway => thread::sleep(PAUSE),
                Answer::Unavailable => {
                    self.field.ledger().settle(request, true);
                    return Ok(());
                }
                Answer::Misshapen(what) => {
                    return Err(Violation::of(request, Wrong::Misshapen, what));
                }
                Answer::Texts(said) => {
                    let mut ledger = self.field.ledger();
                    ledger.answer(request, &said, took, &response.body);
                    return Ok(());
                }
            }
        }
    }

    /// Asks about texts and goes away.
    fn ask_and_leave(
        &mut self,
        request: &Request,
        message: &Message,
        leaving: Leaving,
    ) -> Result<(), Violation> {
        let connection = self.connected(request)?;
        let sent = match leaving {
            Leaving::Halfway => connection.send_half(message),
            Leaving::After(_) => connection.send(message),
        };
        sent.map_err(|err| Violation::of(request, Wrong::Unanswered, format!("not taken: {err}")))?;
        if let Leaving::After(span) = leaving {
            thread::sleep(span);
        }
        self.connection = None;
        self.field.ledger().leave(request);
        Ok(())
    }

    /// Sends a message and reads the response to it, which has to come within the longest wait and
    /// `limit`, with the number of the request and nothing after it.
    pub(crate) fn exchange(
        &mut self,
        request: &Request,
        message: &Message,
        limit: Duration,
    ) -> Result<Response, Violation> {
        let accuse = |wrong, what: String| Violation::of(request, wrong, what);
        let connection = self.connected(request)?;
        if connection.has_strays() {
            return Err(accuse(
                Wrong::AnsweredTwice,
                "bytes came unasked before it".to_owned(),
            ));
        }
        let until = Instant::now() + MAX_WAIT + limit + ALLOWANCE;
        // A server that knows the answer before the end of the body may close; its answer tells.
        let sent = connection.send(message);
        let response = connection.receive(until).map_err(|trouble| match trouble {
            Trouble::Late => accuse(Wrong::Late, "no answer by its deadline".to_owned()),
            Trouble::Closed(err) => {
                accuse(Wrong::Unanswered, format!("no answer: {err}, {sent:?}"))
            }
            Trouble::Malformed(part) => accuse(Wrong::Misshapen, format!("{part} of the response")),
        })?;
        let has_strays = connection.has_strays();
        if has_strays || response.header("connection") == Some("close") {
            self.connection = None;
        }
        self.field.ledger().respond(response.status);
        if has_strays {
            return Err(accuse(
                Wrong::AnsweredTwice,
                "more bytes than its answer".to_owned(),
            ));
        }
        let number = response.header("x-request-id");
        if number != Some(number_of(request).as_str()) {
            let what = format!("answered as `{}`", number.unwrap_or_default());
            return Err(accuse(Wrong::Foreign, what));
        }
        Ok(response)
    }

    /// The connection, opened if it is not.
    fn connected(&mut self, request: &Request) -> Result<&mut Connection, Violation> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.field.address).map_err(|err| {
                Violation::of(request, Wrong::Unanswered, format!("no connection: {err}"))
            })?,
        };
        Ok(self.connection.insert(connection))
    }

    /// The headers of every request with a key.
    pub(crate) fn headers(&self, request: &Request) -> Vec<(&'static str, String)> {
        vec![
            ("authorization", format!("Bearer {}", self.key)),
            ("x-request-id", number_of(request)),
        ]
    }

    /// A request with texts as a message.
    fn message(&self, request: &Request) -> Message {
        let mut headers = self.headers(request);
        let texts = |name: &str, text: &str| -> Vec<_> {
            let texts = request.texts.iter();
            texts
                .map(|own| json!({name: own.mark, text: own.source}))
                .collect()
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the limits of these are whole seconds"
        )]
        let whole = request.seconds as u64;
        let (path, body) = match request.surface {
            Surface::Raw => {
                headers.push(("x-lean-timeout", request.seconds.to_string()));
                let text = request.texts.first().map(|text| text.source.clone());
                ("/".to_owned(), text.unwrap_or_default())
            }
            Surface::Check => {
                let body = json!({"snippets": texts("id", "code"), "timeout": whole,
                    "debug": request.variant.is_multiple_of(2)});
                ("/api/check".to_owned(), body.to_string())
            }
            Surface::Verify => {
                let path = match request.variant % 3 {
                    0 => "/one_pass_verify_batch",
                    _ => "/verify",
                };
                let body = json!({"codes": texts("custom_id", "proof"), "timeout": whole});
                (path.to_owned(), body.to_string())
            }
            surface => {
                if surface == Surface::Stream {
                    headers.push(("accept", "application/x-ndjson".to_owned()));
                }
                let sorries = if request.rejects_holes {
                    "reject"
                } else {
                    "allow"
                };
                let body = json!({"sources": texts("id", "source"), "timeout": request.seconds,
                    "sorries": sorries, "first_accepted": request.first_accepted});
                ("/v1/eval".to_owned(), body.to_string())
            }
        };
        Message {
            method: "POST",
            path,
            headers,
            body: body.into_bytes(),
        }
    }
}

/// The number by which a response has to name its request.
fn number_of(request: &Request) -> String {
    format!("request-{}", request.index)
}
