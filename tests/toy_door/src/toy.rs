//! `leanrepl toy`: a line protocol. One source a line, and one line with the verdict on it. Never starts a
//! session and never knows which Lean it is.

use std::io::BufRead;
use std::sync::mpsc;
use std::time::Duration;

use crate::engine::evaluate::{Evaluate, SubmitError};
use crate::engine::judge::{Policy, Verdict, judge};
use crate::engine::record::EvalRecord;
use crate::engine::request::{EvalRequest, Limits, Terms};
use crate::failure::{Failure, Kind};
use crate::limits::CancelFlag;

/// How the door is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ToyOptions {
    /// What rejects a source that Lean accepts.
    pub(crate) policy: Policy,
    /// The longest run of a source.
    pub(crate) run_timeout: Duration,
    /// How long a source waits besides.
    pub(crate) limits: Limits,
    /// The most bytes that are read.
    pub(crate) max_bytes: u64,
}

/// Evaluates each line of the input and answers it before the next one.
///
/// # Errors
/// Input that cannot be read, and what `answer` says.
pub(crate) fn serve(
    evaluate: &dyn Evaluate,
    options: ToyOptions,
    input: impl BufRead,
    cancel: &CancelFlag,
    mut answer: impl FnMut(&'static str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for line in input.take(options.max_bytes).lines() {
        let source = line.map_err(|err| {
            Failure::new(
                Kind::Usage,
                "cannot read a source",
                "write one source a line, in UTF-8",
            )
            .caused_by(err)
        })?;
        answer(verdict(evaluate, options, &source, cancel).as_str())?;
    }
    Ok(())
}

/// The verdict on one source.
fn verdict(
    evaluate: &dyn Evaluate,
    options: ToyOptions,
    source: &str,
    cancel: &CancelFlag,
) -> Verdict {
    let ToyOptions {
        limits,
        run_timeout,
        ..
    } = options;
    let mut request = EvalRequest::new(source.into(), run_timeout);
    request.find_sorry_decls = options.policy.fail_on_sorry;
    request.terms = Terms::new("toy".into(), limits, run_timeout, cancel.clone());
    let longest = request.terms.client_deadline.left();
    let (sender, receiver) = mpsc::channel();
    evaluate.submit(request, Box::new(move |result| drop(sender.send(result))));
    let result = receiver
        .recv_timeout(longest)
        .unwrap_or(Err(SubmitError::Cancelled));
    let record = result.unwrap_or_else(|error| EvalRecord::from(&error));
    judge(&record, options.policy).verdict
}
