//! Spreads texts over evaluators, so that texts with the same header meet the same session.
//! Never renders and never orders results: each is handed on as it finishes.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::engine::eval::{EvalSettings, Evaluator};
use crate::engine::evaluated::Evaluated;
use crate::failure::{Failure, Kind};
use crate::lean::header;
use crate::lean::options::ModuleOptions;
use crate::session::opening::SessionFactory;

/// A text to evaluate.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    /// How the user calls it.
    pub(crate) name: String,
    /// The text.
    pub(crate) text: Arc<str>,
    /// The options of Lean that hold for it; nothing if no Lake file says.
    pub(crate) lean_options: Option<Arc<ModuleOptions>>,
}

/// What a run hands on.
#[derive(Debug)]
pub(crate) enum Progress {
    /// A session is ready; says its Lean's version.
    Opened(String),
    /// A text was evaluated.
    Done(Box<Evaluated>),
    /// No session can be had.
    Failed(Failure),
}

/// Evaluates all texts in `jobs` sessions and hands each result to `take`, in the calling thread.
/// Stops early when `take` breaks.
///
/// # Errors
/// The failure that keeps a session from opening, or the interrupt.
pub(crate) fn run(
    work: Vec<Work>,
    jobs: usize,
    settings: &EvalSettings,
    opener: &SessionFactory,
    take: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let jobs = jobs.clamp(1, work.len().max(1));
    let queue = Mutex::new(Queue::new(work));
    let (sender, receiver) = sync_channel(jobs);
    thread::scope(|scope| {
        for _ in 0..jobs {
            let sender = sender.clone();
            let mut evaluator = Evaluator::new(settings.clone(), opener.clone());
            let queue = &queue;
            scope.spawn(move || work_off(&mut evaluator, queue, &sender));
        }
        drop(sender);
        let outcome = collect(receiver, take);
        if outcome.is_err() || matches!(outcome, Ok(ControlFlow::Break(()))) {
            close(&queue);
            // Nobody wants what the other jobs are still at.
            opener.interrupt.set();
        }
        outcome.map(|_flow| ())
    })
}

/// Takes results until there are no more, or no session can be had, or nobody wants them.
fn collect(
    receiver: Receiver<Progress>,
    take: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Failure> {
    for progress in receiver {
        match progress {
            Progress::Failed(failure) => return Err(failure),
            other => {
                if take(other).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// One job: opens a session and evaluates until the queue is empty.
fn work_off(evaluator: &mut Evaluator, queue: &Mutex<Queue>, sender: &SyncSender<Progress>) {
    match evaluator.open() {
        Ok(version) => {
            if sender.send(Progress::Opened(version.to_owned())).is_err() {
                return;
            }
        }
        Err(failure) => {
            close(queue);
            // Nobody listens any more if another job failed first.
            sender.send(Progress::Failed(failure)).ok();
            return;
        }
    }
    let mut header = None;
    while let Some((key, work)) = next(queue, header.as_deref()) {
        header = Some(key);
        let evaluated = evaluator.evaluate(&work.name, &work.text, work.lean_options);
        let stopped =
            matches!(&evaluated.failure, Some(failure) if failure.kind() == Kind::Interrupted);
        if stopped {
            close(queue);
        }
        if sender.send(Progress::Done(Box::new(evaluated))).is_err() || stopped {
            return;
        }
    }
}

/// The next text for a job whose session has last seen `header`.
fn next(queue: &Mutex<Queue>, header: Option<&str>) -> Option<(String, Work)> {
    queue
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .next(header)
}

/// Lets no job take another text.
fn close(queue: &Mutex<Queue>) {
    queue
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .groups
        .clear();
}

/// The texts that wait, grouped by header in the order of their first appearance.
struct Queue {
    /// Header and its texts.
    groups: Vec<Group>,
}

/// Texts with the same header.
struct Group {
    /// The header as it is sent.
    header: String,
    /// Whether a job has taken one of them.
    claimed: bool,
    /// Texts that wait.
    work: VecDeque<Work>,
}

impl Queue {
    /// Groups the texts.
    fn new(work: Vec<Work>) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for item in work {
            let key = header::split(&item.text).canonical();
            match groups.iter_mut().find(|group| group.header == key) {
                Some(group) => group.work.push_back(item),
                None => groups.push(Group {
                    header: key,
                    claimed: false,
                    work: VecDeque::from([item]),
                }),
            }
        }
        Self { groups }
    }

    /// A text of the job's own header; else of a header that nobody has; else of the header with
    /// the most texts waiting, so that no job is idle.
    fn next(&mut self, header: Option<&str>) -> Option<(String, Work)> {
        self.groups.retain(|group| !group.work.is_empty());
        let own = self
            .groups
            .iter()
            .position(|group| Some(group.header.as_str()) == header);
        let free = || self.groups.iter().position(|group| !group.claimed);
        let largest = || {
            (0..self.groups.len())
                .max_by_key(|index| self.groups.get(*index).map(|group| group.work.len()))
        };
        let index = own.or_else(free).or_else(largest)?;
        let group = self.groups.get_mut(index)?;
        group.claimed = true;
        Some((group.header.clone(), group.work.pop_front()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(name: &str, text: &str) -> Work {
        Work {
            name: name.to_owned(),
            text: Arc::from(text),
            lean_options: None,
        }
    }

    #[test]
    fn a_job_keeps_to_its_header_and_helps_others_only_when_it_has_none() {
        let mut queue = Queue::new(vec![
            work("a1", "import A\n"),
            work("b1", "import B\n"),
            work("a2", "-- note\nimport A\n"),
            work("a3", "import A\n"),
        ]);
        let mut take = |header: Option<&str>| queue.next(header).map(|(_, work)| work.name);
        assert_eq!(take(None).as_deref(), Some("a1"));
        assert_eq!(take(None).as_deref(), Some("b1"));
        assert_eq!(take(Some("import A\n")).as_deref(), Some("a2"));
        assert_eq!(take(Some("import B\n")).as_deref(), Some("a3"));
        assert_eq!(take(None), None);
    }
}
