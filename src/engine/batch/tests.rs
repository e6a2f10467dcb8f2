//! Batches on engines that are played.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::*;
use crate::engine::evaluate::Done;

/// What a played engine was given.
struct Submitted {
    request: EvalRequest,
    done: Done<Result<EvalRecord, SubmitError>>,
}

impl Submitted {
    /// The source of the request.
    fn source(&self) -> String {
        self.request.source.to_string()
    }
}

/// An engine that hands everything to the test.
struct Played(Mutex<Sender<Submitted>>);

impl Evaluate for Played {
    fn submit(&self, request: EvalRequest, done: Done<Result<EvalRecord, SubmitError>>) {
        let sender = self.0.lock().unwrap();
        sender.send(Submitted { request, done }).unwrap();
    }
}

/// A batch of sources, and what its engine is given.
fn batch(sources: &[&str], width: usize) -> (Batch, Receiver<Submitted>) {
    let (sender, receiver) = channel();
    let request = |source: &&str| EvalRequest::new(Arc::from(*source), Duration::from_secs(60));
    let limits = Limits {
        queue_timeout: Duration::from_secs(60),
        import_timeout: Duration::from_secs(60),
    };
    let waiter = thread::current();
    let batch = Batch::new(
        Arc::new(Played(Mutex::new(sender))),
        sources.iter().map(request).collect(),
        width,
        limits,
        move || waiter.unpark(),
    );
    (batch, receiver)
}

/// The place of the next result, which must be there.
fn place(batch: &mut Batch) -> usize {
    match batch.step() {
        BatchStep::Result(item) => item.0,
        other => panic!("{other:?}"),
    }
}

#[test]
fn results_come_as_they_finish_and_make_room_for_others() {
    let (mut batch, given) = batch(&["a", "b", "c"], 2);
    assert!(matches!(batch.step(), BatchStep::Wait(_)));
    let [first, second] = [given.recv().unwrap(), given.recv().unwrap()];
    assert!(given.try_recv().is_err(), "more than the width");
    (second.done)(Ok(EvalRecord::empty()));
    assert_eq!(place(&mut batch), 1);
    let third = given.recv().unwrap();
    assert_eq!(third.source(), "c");
    (third.done)(Err(SubmitError::ShuttingDown));
    (first.done)(Ok(EvalRecord::empty()));
    let mut rest = [place(&mut batch), place(&mut batch)];
    rest.sort_unstable();
    assert_eq!(rest, [0, 2]);
    assert!(matches!(batch.step(), BatchStep::Finished));
}

#[test]
fn sources_with_the_same_header_follow_each_other() {
    let sources = ["import A\n1", "import B\n2", "-- c\nimport A\n3", "4"];
    let (mut batch, given) = batch(&sources, usize::MAX);
    assert!(matches!(batch.step(), BatchStep::Wait(_)));
    let order: Vec<String> = given.try_iter().map(|it| it.source()).collect();
    assert_eq!(order, [sources[0], sources[2], sources[1], sources[3]]);
}

#[test]
fn a_full_queue_is_tried_again_until_the_client_has_waited_long_enough() {
    let (mut batch, given) = batch(&["a"], 1);
    let full = || SubmitError::QueueFull {
        retry_after: Duration::from_millis(1),
    };
    for _ in 0..3 {
        while !matches!(batch.step(), BatchStep::Wait(_)) {}
        let submitted = loop {
            match given.try_recv() {
                Ok(submitted) => break submitted,
                Err(_) => drop(batch.step()),
            }
        };
        assert_eq!(submitted.source(), "a");
        (submitted.done)(Err(full()));
    }
    batch.limits.queue_timeout = Duration::ZERO;
    batch.take_refused(Instant::now());
    for waiting in &mut batch.waiting {
        waiting.until = Some(Instant::now());
    }
    batch.not_before = None;
    batch.step();
    (given.recv().unwrap().done)(Err(full()));
    let BatchStep::Result(item) = batch.step() else {
        panic!("it is still waiting");
    };
    assert!(matches!(item.1, Err(SubmitError::QueueFull { .. })));
}

#[test]
fn a_batch_that_is_dropped_cancels_what_runs() {
    let (mut batch, given) = batch(&["a", "b"], 1);
    batch.step();
    let running = given.recv().unwrap();
    assert!(!running.request.terms.cancel.is_set());
    drop(batch);
    assert!(running.request.terms.cancel.is_set());
    (running.done)(Err(SubmitError::Cancelled));
    assert!(given.try_recv().is_err(), "another one was submitted");
}

#[test]
fn a_request_that_is_kept_for_ever_is_given_up() {
    let (mut batch, given) = batch(&["a"], 1);
    batch.step();
    let kept = given.recv().unwrap();
    let now = Instant::now();
    batch.shared.state().running.insert(0, now);
    let BatchStep::Result(item) = batch.step() else {
        panic!("it is still waiting");
    };
    assert!(matches!(item.1, Err(SubmitError::NoSession(_))));
    // A result that comes after all changes nothing.
    (kept.done)(Ok(EvalRecord::empty()));
    assert!(matches!(batch.step(), BatchStep::Finished));
}
