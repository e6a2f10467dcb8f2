//! A Worker on a stage is asked what users will ask it, and its answers are judged and timed. Never
//! starts or stops anything.

use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use crate::deploy::cloudflare::dev::Door;
use crate::deploy::cloudflare::name::Kind;
use crate::deploy::cloudflare::plan::Access;
use crate::deploy::cloudflare::stage::{Part, Stage};
use crate::failure::Failure;
use crate::lean::trial::{LOOP_SECONDS, Trial as Texts};
use crate::limits::{Bytes, Deadline, Wait};
use crate::probe::{Answer, ProbeRequest};

/// Pause between two looks at a container that is not ready.
const GLANCE: Duration = Duration::from_millis(100);

/// Longest wait for one answer. A container that starts may hold it up.
const ANSWER: Duration = Duration::from_secs(180);

/// Longest wait for the first word of a container's own: its server answers while Lean is loading, and
/// the platform gives up on one that does not listen after 20 s.
const SILENCE: Duration = Duration::from_secs(60);

/// Longest part of an answer that is shown, in characters.
const SHOWN: usize = 300;

/// What is asked of each container.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// How often the true text is sent once more.
    pub(crate) requests: u16,
    /// Longest wait until a container is ready.
    pub(crate) patience: Wait,
    pub(crate) access: Access,
}

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Check {
    pub(crate) what: &'static str,
    pub(crate) wanted: u16,
    /// The status that it had; none without an answer.
    pub(crate) status: Option<u16>,
    /// From the first byte of the request to the last one of the answer.
    pub(crate) seconds: f64,
    /// Whether the answer is what it should be.
    pub(crate) right: bool,
    /// The answer, if it is not.
    pub(crate) said: Option<String>,
}

/// One container and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tried {
    pub(crate) part: Part,
    /// From the first request, which starts the container, until it was ready; none if it never was.
    pub(crate) ready: Option<Duration>,
    /// The requests, in their order; the first is the first that the container ever had.
    pub(crate) checks: Vec<Check>,
    /// Half of the later requests took no longer.
    pub(crate) later: Option<Duration>,
    /// The most memory that it had, if the kernel tells.
    pub(crate) memory: Option<Bytes>,
}

/// All that a trial found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    /// From the start of wrangler until the Worker answered.
    pub(crate) open: Duration,
    pub(crate) containers: Vec<Tried>,
    pub(crate) routes: Vec<Check>,
}

impl Report {
    /// How many answers were not what they should be.
    pub(crate) fn wrong(&self) -> usize {
        let checks = self.containers.iter().flat_map(|tried| &tried.checks);
        let all = checks.chain(&self.routes);
        all.filter(|check| !check.right).count()
    }
}

/// Asks everything.
///
/// # Errors
/// A wrangler that ends, the deadline, the request to stop. A wrong answer is none.
pub(crate) fn run(stage: &Stage, door: &Door<'_>, plan: Plan) -> Result<Report, Failure> {
    let start = Instant::now();
    door.until_open()?;
    let open = start.elapsed();
    let mut containers = Vec::new();
    for part in &stage.parts {
        containers.push(container(part, door, plan)?);
    }
    let routes = routes(&stage.parts, door, plan)?;
    Ok(Report {
        open,
        containers,
        routes,
    })
}

fn container(part: &Part, door: &Door<'_>, plan: Plan) -> Result<Tried, Failure> {
    let texts = match part.name.kind() {
        Some(Kind::Mathlib) => Texts::mathlib(),
        _ => Texts::core(),
    };
    let mut tried = Tried {
        part: part.clone(),
        ready: None,
        checks: Vec::new(),
        later: None,
        memory: None,
    };
    match until_ready(part, door, plan.patience)? {
        Ok(ready) => tried.ready = Some(ready),
        Err(check) => {
            tried.checks.push(check);
            return Ok(tried);
        }
    }
    let send = |what, wanted, text: &str| {
        let request = ProbeRequest::Evaluate {
            text: text.to_owned(),
            run_seconds: (wanted == 408).then_some(LOOP_SECONDS),
        };
        let path = format!("/{}", part.name);
        let check = judged(
            what,
            wanted,
            ask(door, path, door.authorization(), request)?,
        );
        // An answer that failed for that reason is none.
        door.go_on().map(|()| check)
    };
    tried.checks.push(send("accepted", 200, texts.accepted)?);
    tried.checks.push(send("rejected", 400, texts.rejected)?);
    tried.checks.push(send("looping", 408, texts.looping)?);
    let mut later = Vec::new();
    for _ in 0..plan.requests {
        let check = send("accepted again", 200, texts.accepted)?;
        if !check.right {
            tried.checks.push(check);
            break;
        }
        later.push(Duration::from_secs_f64(check.seconds));
    }
    tried.later = median(later);
    tried.memory = door.peak(&part.name);
    Ok(tried)
}

/// Wakes a container and waits until it takes texts; a check that failed if it does not.
fn until_ready(
    part: &Part,
    door: &Door<'_>,
    patience: Wait,
) -> Result<Result<Duration, Check>, Failure> {
    let start = Instant::now();
    let deadline = Deadline::after(patience.get());
    let silence = Deadline::after(SILENCE);
    let mut has_spoken = false;
    loop {
        let path = format!("/{}/health", part.name);
        let asked = ask(door, path, door.authorization(), ProbeRequest::Look)?;
        if asked.as_ref().is_ok_and(is_ready) {
            return Ok(Ok(start.elapsed()));
        }
        has_spoken |= asked.as_ref().is_ok_and(Answer::is_good);
        if deadline.is_over() || (silence.is_over() && !has_spoken) {
            let mut check = judged("ready", 200, asked);
            check.right = false;
            check.seconds = start.elapsed().as_secs_f64();
            return Ok(Err(check));
        }
        door.pause(GLANCE)?;
    }
}

/// Asks what the Worker answers without any container.
fn routes(parts: &[Part], door: &Door<'_>, plan: Plan) -> Result<Vec<Check>, Failure> {
    let text = || ProbeRequest::Evaluate {
        text: Texts::core().accepted.to_owned(),
        run_seconds: None,
    };
    let mut checks = Vec::new();
    let unknown = "/no-such-0".to_owned();
    let answer = ask(
        door,
        unknown.clone(),
        String::new(),
        ProbeRequest::Preflight,
    )?;
    checks.push(judged("preflight", 204, answer));
    let answer = ask(door, unknown, door.authorization(), text())?;
    checks.push(judged("unknown path", 404, answer));
    if plan.access == Access::Key {
        for part in parts {
            let path = format!("/{}", part.name);
            let answer = ask(door, path, "Bearer wrong".to_owned(), text())?;
            checks.push(judged("wrong key", 401, answer));
        }
    }
    Ok(checks)
}

/// Sends a request; an answer that does not come is a result, the end of the trial a failure.
fn ask(
    door: &Door<'_>,
    path: String,
    authorization: String,
    request: ProbeRequest,
) -> Result<io::Result<Answer>, Failure> {
    door.go_on()?;
    let answer = door.ask(path, authorization, request, ANSWER);
    if answer.is_err() {
        door.go_on()?;
    }
    Ok(answer)
}

/// What an answer is worth: its status, and what it says in words that pages look at.
fn judged(what: &'static str, wanted: u16, answer: io::Result<Answer>) -> Check {
    let check = |status, seconds, right, said: Option<String>| Check {
        what,
        wanted,
        status,
        seconds,
        right,
        said: said.map(|said| said.chars().take(SHOWN).collect()),
    };
    match answer {
        Ok(answer) => {
            let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
            let is_word_right =
                wanted == 204 || body.get("ok") == Some(&Value::Bool(wanted == 200));
            let right = answer.status == wanted && is_word_right;
            let said = (!right).then_some(answer.body);
            check(Some(answer.status), answer.seconds, right, said)
        }
        Err(err) => check(None, 0.0, false, Some(err.to_string())),
    }
}

/// Whether a container says that it takes texts.
fn is_ready(answer: &Answer) -> bool {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    answer.is_good() && body.get("ready") == Some(&Value::Bool(true))
}

/// The time that half of them do not exceed; none if there are none.
fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            r#type: "probe".to_owned(),
            version: 1,
            status,
            seconds: 0.5,
            body: body.to_owned(),
        }
    }

    #[test]
    fn a_verdict_is_right_only_if_status_and_word_are() {
        for (wanted, status, body, right) in [
            (200, 200, r#"{"ok":true}"#, true),
            (200, 200, r#"{"ok":false}"#, false),
            (200, 200, "", false),
            (200, 503, r#"{"ok":true}"#, false),
            (400, 400, r#"{"ok":false}"#, true),
            (400, 200, r#"{"ok":true}"#, false),
            (400, 408, r#"{"ok":false}"#, false),
            (408, 408, r#"{"ok":false}"#, true),
            (401, 401, r#"{"ok":false,"error":"x"}"#, true),
            (204, 204, "", true),
        ] {
            let check = judged("x", wanted, Ok(answer(status, body)));
            assert_eq!(check.right, right, "{check:?}");
            assert_eq!(check.said.is_none(), right, "{check:?}");
        }
        let lost = judged("x", 200, Err(io::ErrorKind::TimedOut.into()));
        assert_eq!((lost.right, lost.status), (false, None));
    }

    #[test]
    fn a_container_that_only_answers_is_not_ready() {
        assert!(is_ready(&answer(200, r#"{"ready":true}"#)));
        assert!(!is_ready(&answer(200, r#"{"ready":false}"#)));
        assert!(!is_ready(&answer(500, r#"{"ready":true}"#)));
        assert!(!is_ready(&answer(200, "ready")));
    }

    #[test]
    fn half_of_the_times_are_not_longer_than_the_median() {
        let seconds = |list: &[u64]| list.iter().copied().map(Duration::from_secs).collect();
        assert_eq!(median(seconds(&[9, 1, 5])), Some(Duration::from_secs(5)));
        assert_eq!(median(seconds(&[4, 1])), Some(Duration::from_secs(1)));
        assert_eq!(median(Vec::new()), None);
    }
}
