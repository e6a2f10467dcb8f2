//! Sessions whose memory is put back before each source: what a hostile source leaves is gone, and a session
//! that does not go back is not used again.

use std::collections::BTreeSet;
use std::sync::Arc;

use leanrepl::internals::evaluate::SubmitError;
use leanrepl::internals::judge::Verdict;
use leanrepl::internals::{Isolation, Pool, PoolSettings, RecycleReason};

use crate::rig::{Answer, Rig, drain, job, run, start, submit, wait_for};

/// A pool of one session that can put its memory back.
fn restored(rig: &Rig) -> Arc<Pool> {
    start(PoolSettings {
        sessions: 1,
        ..rig.settings_with(|spec| spec.isolation = Some(Isolation::Source))
    })
}

/// Runs a source of a client.
fn run_of(pool: &Pool, client: &str, source: &str) -> Answer {
    let mut it = job(source);
    it.terms.client = Arc::from(client);
    let answer: Result<Answer, SubmitError> = submit(pool, it).get();
    answer.unwrap()
}

/// The verdict and the texts of the messages.
fn told(answer: &Answer) -> (Verdict, Vec<String>) {
    let messages = answer.record.messages.iter();
    (
        answer.verdict,
        messages.map(|message| message.data.clone()).collect(),
    )
}

#[test]
fn what_a_hostile_source_leaves_never_reaches_the_next_one() {
    for header in ["", "import Mathlib\n"] {
        let rig = Rig::new("--restore full");
        let pool = restored(&rig);
        let first = run_of(&pool, "a", &format!("{header}--! poison a\n--! spy"));
        assert_eq!(told(&first), (Verdict::Accepted, Vec::new()));
        let victim = run_of(&pool, "b", &format!("{header}--! error secret"));
        assert_eq!(
            told(&victim),
            (Verdict::Rejected, vec!["secret".to_owned()])
        );
        let thief = run_of(&pool, "a", &format!("{header}--! steal"));
        assert_eq!(told(&thief), (Verdict::Accepted, vec![String::new()]));
        for answer in [&first, &victim, &thief] {
            assert_eq!(answer.record.isolation, Some(Isolation::Source));
            assert_eq!(answer.session, first.session, "one process for all");
        }
        drain(&pool);
        rig.assert_nothing_runs();
    }
}

#[test]
fn poison_is_gone_between_sources_with_different_headers() {
    let rig = Rig::new("--restore full");
    let pool = restored(&rig);
    let headers = ["", "import Mathlib\n", "import Lean\n"];
    for round in 0..9 {
        let header = headers[round % headers.len()];
        let hostile = run(&pool, &format!("{header}--! poison a\n--! spy"));
        let header = headers[(round / 3) % headers.len()];
        let victim = run(&pool, &format!("{header}--! error own\n--! steal"));
        let expected = ["own", ""].map(str::to_owned).to_vec();
        assert_eq!(told(&victim), (Verdict::Rejected, expected), "{round}");
        assert_eq!(victim.session, hostile.session, "{round}");
    }
}

#[test]
fn a_definition_of_one_source_is_unknown_to_the_next() {
    let rig = Rig::new("--restore full");
    let pool = restored(&rig);
    assert_eq!(
        run(&pool, "def own := 1\n#check own").verdict,
        Verdict::Accepted
    );
    assert_eq!(run(&pool, "#check own").verdict, Verdict::Rejected);
}

#[test]
fn a_session_that_does_not_go_back_is_replaced_and_the_next_source_is_answered_rightly() {
    for (fault, reason) in [
        (
            "--! break-restore other-number",
            RecycleReason::ProtocolError,
        ),
        ("--! break-restore no-number", RecycleReason::ProtocolError),
        ("--! break-restore no-growth", RecycleReason::Memory),
        ("--! break-restore die", RecycleReason::Died),
        ("--! grown 2000000000", RecycleReason::Memory),
    ] {
        let rig = Rig::new("--restore full");
        let pool = restored(&rig);
        let first = run(&pool, &format!("{fault}\n--! poison a\n--! info own"));
        assert_eq!(
            told(&first),
            (Verdict::Accepted, vec!["own".to_owned()]),
            "{fault}"
        );
        let next = run(&pool, "--! error own");
        assert_eq!(
            told(&next),
            (Verdict::Rejected, vec!["own".to_owned()]),
            "{fault}"
        );
        assert_ne!(next.session, first.session, "{fault}");
        wait_for(&pool, fault, |state| state.restarts.of(reason) == 1);
    }
}

#[test]
fn growth_within_the_bound_costs_no_session() {
    let rig = Rig::new("--restore full");
    let pool = restored(&rig);
    let first = run(&pool, "--! grown 1000000");
    assert_eq!(run(&pool, "#eval 1").session, first.session);
}

#[test]
fn a_repl_that_only_says_that_it_goes_back_is_not_trusted_with_it() {
    for (asked, level, processes) in [
        (None, Isolation::Client, 1),
        (Some(Isolation::Source), Isolation::Source, 2),
    ] {
        let rig = Rig::new("--restore nothing");
        let pool = start(PoolSettings {
            sessions: 1,
            ..rig.settings_with(|spec| spec.isolation = asked)
        });
        let answers = [run(&pool, "#eval 1"), run(&pool, "#eval 2")];
        let sessions: BTreeSet<u64> = answers.iter().map(|answer| answer.session).collect();
        assert_eq!(sessions.len(), processes, "{asked:?}");
        assert_eq!(pool.state().isolation, Some(level));
    }
}
