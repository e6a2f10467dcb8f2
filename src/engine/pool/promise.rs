//! An answer that is given exactly once, whatever happens. Knows nothing of what is answered.

use crate::engine::evaluate::Done;

/// Owes somebody an answer; when it is dropped without one, it gives the answer for that case.
pub(crate) struct Promise<T> {
    /// Who waits; gone once answered.
    done: Option<Done<T>>,
    /// The answer if no other is given.
    otherwise: fn() -> T,
}

impl<T> Promise<T> {
    /// Owes `done` an answer.
    pub(crate) fn new(done: Done<T>, otherwise: fn() -> T) -> Self {
        Self {
            done: Some(done),
            otherwise,
        }
    }

    pub(crate) fn keep(mut self, answer: T) {
        if let Some(done) = self.done.take() {
            done(answer);
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            done((self.otherwise)());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn an_answer_comes_once_whether_it_is_given_or_forgotten() {
        let (sender, receiver) = channel();
        let promise = || {
            let sender = sender.clone();
            Promise::new(Box::new(move |answer| sender.send(answer).unwrap()), || 0)
        };
        promise().keep(1);
        drop(promise());
        drop(sender);
        assert_eq!(receiver.iter().collect::<Vec<i32>>(), [1, 0]);
    }
}
