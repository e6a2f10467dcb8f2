//! Thousands of jobs on sessions that go wrong in every way.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use leanrepl::internals::UndecidedReason;
use leanrepl::internals::evaluate::{Evaluate as _, SubmitError};
use leanrepl::internals::judge::Verdict;
use leanrepl::internals::{Bytes, CancelFlag, PoolSettings, SessionLimits, WearLimits};

use crate::rig::{Answer, PATIENCE, Rig, drain, job, start, submit};

/// How many jobs are run.
const JOBS: u64 = 2000;

/// What a text may come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Lean's verdict, whatever happens around it.
    Verdict(Verdict),
    /// Undecided for this reason.
    Undecided(UndecidedReason),
    /// The client goes away some time: the text's own verdict, or a refusal.
    Cancelled,
}

/// The text of job `index`, and what it may come to.
fn plan(index: u64) -> (String, Expected) {
    use Expected::{Undecided, Verdict as Says};
    // A fixed mix that looks random: the top bits of a multiplicative hash.
    let dice = (index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) % 200;
    let (line, expected) = match dice {
        0..=2 => ("--! die", Undecided(UndecidedReason::Crash)),
        3 => ("--! die-mid-reply", Undecided(UndecidedReason::Crash)),
        4 => ("--! segv", Undecided(UndecidedReason::Crash)),
        5 => ("--! stack-overflow", Undecided(UndecidedReason::Crash)),
        6..=7 => ("--! hang", Undecided(UndecidedReason::Timeout)),
        8 => (
            "--! flood-stdout endless",
            Undecided(UndecidedReason::ReplyTooLarge),
        ),
        9 => ("--! garbage", Undecided(UndecidedReason::ProtocolError)),
        10 => ("--! wrong-type", Undecided(UndecidedReason::ProtocolError)),
        11 => (
            r#"--! fake-reply {"env": 9}"#,
            Undecided(UndecidedReason::ProtocolError),
        ),
        12 => ("--! grow 400000000", Undecided(UndecidedReason::Memory)),
        13..=16 => ("--! leak 20000000", Says(Verdict::Accepted)),
        17..=20 => ("--! spawn-setsid", Says(Verdict::Accepted)),
        21..=24 => ("--! flood-stderr 300000", Says(Verdict::Accepted)),
        25..=28 => ("--! noise hello", Undecided(UndecidedReason::ProtocolError)),
        29..=32 => ("--! slow 20", Expected::Cancelled),
        33..=60 => ("--! error no", Says(Verdict::Rejected)),
        61..=63 => ("import Nowhere", Undecided(UndecidedReason::Import)),
        64..=80 => ("import Mathlib\n#check Real", Says(Verdict::Accepted)),
        _ => ("#eval 1", Says(Verdict::Accepted)),
    };
    (format!("{line}\n#eval {index}"), expected)
}

#[test]
fn every_job_is_answered_once_and_truly_whatever_the_sessions_do() {
    let rig = Rig::new("");
    let settings = rig.settings_with(|spec| {
        spec.limits = SessionLimits {
            memory: Some(Bytes::mib(200)),
            reply: Bytes::mib(1),
        };
        spec.lean.launch.program = env!("CARGO_BIN_EXE_fake-repl").into();
        spec.lean.launch.args.clear();
    });
    let pool = start(PoolSettings {
        sessions: 2,
        spares: 1,
        wear: WearLimits {
            requests: Some(60),
            memory: Some(Bytes::mib(100)),
            ..WearLimits::default()
        },
        ..settings
    });
    let (sender, receiver) = channel();
    for index in 0..JOBS {
        let (text, expected) = plan(index);
        let mut it = job(&text);
        it.terms.client = Arc::from(format!("client {}", index % 7));
        it.terms.queue_timeout = PATIENCE * 10;
        it.terms.client_deadline = leanrepl::internals::Deadline::after(it.terms.queue_timeout);
        if matches!(expected, Expected::Undecided(UndecidedReason::Timeout)) {
            it.run_timeout = Duration::from_millis(300);
        }
        if expected == Expected::Cancelled {
            cancel_later(&it.terms.cancel, index);
        }
        let sender = sender.clone();
        pool.submit(
            it,
            Box::new(move |answer| {
                let _ = sender.send((index, answer.map(Answer::from)));
            }),
        );
    }
    drop(sender);
    let mut answers: Vec<u32> = vec![0; usize::try_from(JOBS).unwrap()];
    while let Ok((index, answer)) = receiver.recv_timeout(PATIENCE * 10) {
        answers[usize::try_from(index).unwrap()] += 1;
        let (text, expected) = plan(index);
        match (expected, answer) {
            (Expected::Verdict(verdict), Ok(answer)) => {
                assert_eq!(answer.verdict, verdict, "{text}: {answer:?}");
                let said = &answer.record.messages.last().unwrap().data;
                assert_eq!(*said, index.to_string(), "another text's answer");
            }
            (Expected::Undecided(cause), Ok(answer)) => {
                assert_eq!(answer.reason, Some(cause), "{text}: {answer:?}");
            }
            (Expected::Cancelled, Err(SubmitError::Cancelled)) => {}
            (Expected::Cancelled, Ok(answer)) => {
                assert_eq!(answer.verdict, Verdict::Accepted, "{answer:?}");
            }
            (_, Err(refusal)) => panic!("{text}: {refusal:?}"),
        }
    }
    assert!(answers.iter().all(|count| *count == 1));
    drain(&pool);
    rig.assert_nothing_runs();
}

#[test]
fn a_forged_reply_never_becomes_a_verdict_however_the_real_one_is_timed() {
    let rig = Rig::new("");
    let pool = start(PoolSettings {
        sessions: 2,
        spares: 1,
        ..rig.settings()
    });
    let texts = ["", "\n--! slow 1", "\n--! slow 3"].map(|delay| {
        let forged = r#"--! fake-reply {"env": 9}"#;
        format!("{forged}{delay}")
    });
    let answers: Vec<_> = (0..120)
        .flat_map(|_| &texts)
        .map(|text| submit(&pool, job(text)))
        .collect();
    for answer in answers {
        let answer = answer.get().unwrap();
        assert_eq!(
            answer.reason,
            Some(UndecidedReason::ProtocolError),
            "{answer:?}"
        );
    }
}

/// Has the client of some jobs go away at once and of others when it is called, never for the rest.
fn cancel_later(cancelled: &CancelFlag, index: u64) {
    if index.is_multiple_of(2) {
        cancelled.set();
        return;
    }
    let cancelled = cancelled.clone();
    std::thread::spawn(move || {
        let (_never, silence) = channel::<()>();
        let _ = silence.recv_timeout(Duration::from_millis(index));
        cancelled.set();
    });
}
