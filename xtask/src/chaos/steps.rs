//! A session of one's own, step by step: each step builds on the one before, and one that is lost says
//! so from then on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::chaos::answer::{has_error, marks_of};
use crate::chaos::client::{Client, PAUSE};
use crate::chaos::http::{Message, Response};
use crate::chaos::ledger::{Violation, Wrong};
use crate::chaos::party::Party;
use crate::chaos::plan::{Request, mark, marks};

/// The limit of time of a step that ends.
const LONG: Duration = Duration::from_secs(30);

/// The limit of time of one that does not.
const SHORT: Duration = Duration::from_millis(500);

/// How a walk ends early.
enum Stop {
    /// The session was lost without the client's doing.
    Lost,
    /// No session was to be had.
    NoPlace,
    /// Something is wrong.
    Wrong(Violation),
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self::Wrong(violation)
    }
}

/// Takes a session, goes some steps, and gives it back, loses it or forgets it.
pub(crate) fn walk(client: &mut Client<'_>, request: &Request) -> Result<(), Violation> {
    let field = client.field;
    let mut walk = Walk {
        client,
        request,
        path: String::new(),
    };
    let struck = match walk.go() {
        Ok(()) | Err(Stop::NoPlace) => false,
        Err(Stop::Lost) => true,
        Err(Stop::Wrong(violation)) => return Err(violation),
    };
    field.ledger().settle(request, struck);
    Ok(())
}

/// A walk.
struct Walk<'a, 'b> {
    /// Who goes.
    client: &'a mut Client<'b>,
    /// The request that it belongs to.
    request: &'a Request,
    /// The path of the session.
    path: String,
}

impl Walk<'_, '_> {
    /// The whole of it.
    fn go(&mut self) -> Result<(), Stop> {
        let created = self.exchange("POST", "/v1/sessions", &Value::Null, LONG)?;
        match created.status {
            201 => {}
            429 => return Err(Stop::NoPlace),
            // The session that was started for it was killed.
            503 => return Err(Stop::Lost),
            _ => return Err(self.wrong(&created, "no session")),
        }
        let id = json(&created)["id"].as_str().unwrap_or_default().to_owned();
        self.path = format!("/v1/sessions/{id}");
        let (first, second) = (mark(self.request.index, 0), mark(self.request.index, 1));
        let name = format!("step{}", self.request.index);
        let text = format!("def {name} := 1\n--! info {first}");
        let reply = self.command(&json!({"cmd": text}), &first)?;
        let text = format!("#check {name}\n--! info {second}");
        let body = json!({"cmd": text, "env": reply["env"]});
        let reply = self.command(&body, &second)?;
        if has_error(&reply["messages"]) || !reply.to_string().contains(&format!("{name} : ")) {
            let what = format!("the step before is not there: {reply}");
            return Err(Violation::of(self.request, Wrong::Untrue, what).into());
        }
        if self.request.variant.is_multiple_of(2) {
            self.prove(&reply)?;
        }
        if self.is_hostile() {
            self.poison(&reply)?;
        }
        self.part(&reply)
    }

    /// Goes two steps in a proof.
    fn prove(&mut self, reply: &Value) -> Result<(), Stop> {
        let mark = mark(self.request.index, 2);
        let text = format!("example : A ∧ B := by sorry\n--! info {mark}");
        let reply = self.command(&json!({"cmd": text, "env": reply["env"]}), &mark)?;
        let state = &reply["sorries"][0]["proofState"];
        let body = json!({"tactic": "constructor", "proofState": state});
        let response = self.exchange("POST", &self.at("tactics"), &body, LONG)?;
        let goals = json(&response)["reply"]["goals"].clone();
        match response.status {
            200 if goals == json!(["⊢ A", "⊢ B"]) => Ok(()),
            410 => Err(Stop::Lost),
            _ => Err(self.wrong(&response, "another proof")),
        }
    }

    /// Whether an attacker goes.
    fn is_hostile(&self) -> bool {
        Party::of(self.request.index).is_hostile()
    }

    /// Leaves poison in the session, which is then used by no other client.
    fn poison(&mut self, reply: &Value) -> Result<(), Stop> {
        let mark = mark(self.request.index, 3);
        let text = format!("--! spy\n--! poison {mark}\n--! info {mark}");
        let body = json!({"cmd": text, "env": reply["env"]});
        self.command(&body, &mark).map(|_| ())
    }

    /// Gives the session back, has it die, has it hang, or forgets it.
    fn part(&mut self, reply: &Value) -> Result<(), Stop> {
        // A poisoned session answers what its poisoner likes, so that it is only given back or forgotten.
        let way = match self.request.variant {
            variant if self.is_hostile() => 2 + variant % 2,
            variant => variant % 5,
        };
        let (text, expected) = match way {
            0 => ("--! die", 410),
            1 => ("--! hang", 408),
            2 => return Ok(()),
            _ => {
                let deleted = self.exchange("DELETE", &self.at(""), &Value::Null, LONG)?;
                return match deleted.status {
                    204 => self.expect_gone(),
                    410 => Err(Stop::Lost),
                    _ => Err(self.wrong(&deleted, "not given back")),
                };
            }
        };
        let body = json!({"cmd": text, "env": reply["env"], "timeout": SHORT.as_secs_f64()});
        let response = self.exchange("POST", &self.at("commands"), &body, SHORT)?;
        match response.status {
            status if status == expected => self.expect_gone(),
            410 => Err(Stop::Lost),
            _ => Err(self.wrong(&response, "a lost session")),
        }
    }

    /// The session must not come back.
    fn expect_gone(&mut self) -> Result<(), Stop> {
        let response = self.exchange("GET", &self.at(""), &Value::Null, LONG)?;
        match response.status {
            410 => Ok(()),
            _ => Err(self.wrong(&response, "a session that is gone")),
        }
    }

    /// Runs a text; gives the reply, which has to be its own.
    fn command(&mut self, body: &Value, own: &str) -> Result<Value, Stop> {
        let response = self.exchange("POST", &self.at("commands"), body, LONG)?;
        if response.status == 410 {
            return Err(Stop::Lost);
        }
        let reply = json(&response)["reply"].clone();
        let is_own = marks_of(&reply["messages"]) == [own] && marks(&response.body) == [own];
        if response.status == 200 && is_own {
            return Ok(reply);
        }
        let what = format!("not the answer to {own}: {}", response.body);
        let wrong = if response.status == 200 {
            Wrong::Foreign
        } else {
            Wrong::Misshapen
        };
        Err(Violation::of(self.request, wrong, what).into())
    }

    /// A path of the session.
    fn at(&self, what: &str) -> String {
        format!("{}/{what}", self.path)
            .trim_end_matches('/')
            .to_owned()
    }

    /// One message and its response; again while the key makes too many requests.
    fn exchange(
        &mut self,
        method: &'static str,
        path: &str,
        body: &Value,
        limit: Duration,
    ) -> Result<Response, Stop> {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let message = Message {
            method,
            path: path.to_owned(),
            headers: self.client.headers(self.request),
            body,
        };
        loop {
            let response = self.client.exchange(self.request, &message, limit)?;
            let is_refused = response.status == 429 && path != "/v1/sessions";
            if !is_refused || response.header("retry-after").is_none() {
                return Ok(response);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Something that should not have been answered.
    fn wrong(&self, response: &Response, what: &str) -> Stop {
        let what = format!("{what}: {} {}", response.status, response.body);
        Violation::of(self.request, Wrong::Misshapen, what).into()
    }
}

/// The body as JSON; null if it is none.
fn json(response: &Response) -> Value {
    serde_json::from_str(&response.body).unwrap_or_default()
}
