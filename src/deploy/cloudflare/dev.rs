//! A stage is played: `wrangler dev` runs its Worker in workerd on this machine as long as somebody asks
//! it, and nothing of it is left after that. Never judges an answer.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::deploy::cloudflare::files::KEY;
use crate::deploy::cloudflare::folder::Folder;
use crate::deploy::cloudflare::local;
use crate::deploy::cloudflare::name::RouteName;
use crate::deploy::cloudflare::stage::Stage;
use crate::deploy::cloudflare::tools::wrangler;
use crate::env_vars::WRANGLER_DOCKER_BIN;
use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, CancelFlag, Deadline, TICK};
use crate::probe::{self, Answer, ProbeRequest, Question};
use crate::process::run::Run;
use crate::work::WorkContext;

/// How often it is looked whether wrangler's server is up.
const GLANCE: Duration = Duration::from_millis(100);

/// Longest wait for an answer that needs no container.
const BRIEF: Duration = Duration::from_secs(20);

impl Stage {
    /// `wrangler dev`, to be run.
    fn run(&self, work: WorkContext<'_>) -> Result<Run, Failure> {
        let copy = Folder::at(self.folder());
        let run = wrangler(&copy, work)?
            .args(["dev", "--ip", "127.0.0.1", "--inspector-port", "0"])
            .args(["--port".to_owned(), self.port.to_string()])
            .args(["--var".to_owned(), format!("{KEY}:{}", self.key)])
            .purpose("running the Worker on this machine")
            .hint("fix what wrangler names; `-v` shows all that it says");
        // A program that the user named knows what wrangler wants.
        if self.engine.has_buildx || local::is_named() {
            return Ok(run);
        }
        Ok(run.var(WRANGLER_DOCKER_BIN.name, self.classic()))
    }

    /// Runs the Worker while `visit` asks it; whatever comes, nothing of it is left running after that.
    ///
    /// # Errors
    /// Those of `visit`, what wrangler says if it ended by itself, and what Docker does not remove.
    pub(crate) fn play<T>(
        &self,
        work: WorkContext<'_>,
        visit: impl FnOnce(&Door<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let run = self.run(work)?;
        let stop = CancelFlag::default();
        let is_gone = AtomicBool::new(false);
        let played = thread::scope(|scope| {
            let wrangler = scope.spawn(|| {
                let end = run.finish(work.observer.as_ref(), &stop);
                is_gone.store(true, Ordering::SeqCst);
                end
            });
            let played = {
                let _stopped_also_by_a_panic = Stop(&stop);
                visit(&Door {
                    stage: self,
                    is_gone: &is_gone,
                    work,
                })
            };
            match (played, wrangler.join()) {
                // Why nobody answers is what wrangler said last.
                (Err(failure), Ok(Err(end)))
                    if failure.kind() != Kind::Interrupted && end.kind() != Kind::Interrupted =>
                {
                    Err(end)
                }
                (played, _) => played,
            }
        });
        let cleared = local::clear(&self.trial, work);
        played.and_then(|played| cleared.map(|()| played))
    }
}

/// Sets an interrupt at its end.
struct Stop<'a>(&'a CancelFlag);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// The Worker while it runs.
pub(crate) struct Door<'a> {
    stage: &'a Stage,
    is_gone: &'a AtomicBool,
    pub(crate) work: WorkContext<'a>,
}

impl<'a> Door<'a> {
    /// The same Worker within other bounds.
    pub(crate) fn within(&self, work: WorkContext<'a>) -> Self {
        Self { work, ..*self }
    }

    /// What a client with the key sends as `Authorization`.
    pub(crate) fn authorization(&self) -> String {
        format!("Bearer {}", self.stage.key)
    }

    /// Sends a request to the Worker.
    ///
    /// # Errors
    /// No answer within `wait`.
    pub(crate) fn ask(
        &self,
        path: String,
        authorization: String,
        request: ProbeRequest,
        wait: Duration,
    ) -> io::Result<Answer> {
        let question = Question {
            port: self.stage.port,
            path,
            authorization: Some(authorization),
            request,
        };
        let deadline = Deadline::after(wait.min(self.work.deadline.left()));
        probe::ask(&question, deadline, self.work.cancel)
    }

    /// Waits until the Worker answers; containers do not run before they are asked for.
    ///
    /// # Errors
    /// A wrangler that ends, the deadline, the request to stop.
    pub(crate) fn until_open(&self) -> Result<(), Failure> {
        loop {
            self.go_on()?;
            let answer = self.ask(
                "/".to_owned(),
                String::new(),
                ProbeRequest::Preflight,
                BRIEF,
            );
            if answer.is_ok_and(|answer| answer.is_good()) {
                return Ok(());
            }
            self.pause(GLANCE)?;
        }
    }

    /// The most memory that a container of that name had.
    pub(crate) fn peak(&self, name: &RouteName) -> Option<Bytes> {
        local::peak(&self.stage.trial, name.as_str(), self.work)
    }

    /// Waits so long, unless there is nothing to be waited for any more.
    ///
    /// # Errors
    /// A wrangler that ends, the deadline, the request to stop.
    pub(crate) fn pause(&self, span: Duration) -> Result<(), Failure> {
        let end = Deadline::after(span);
        while !end.is_over() {
            self.go_on()?;
            thread::park_timeout(TICK.min(end.left()));
        }
        Ok(())
    }

    /// That there is a reason to go on.
    ///
    /// # Errors
    /// A wrangler that has ended, the deadline, the request to stop.
    pub(crate) fn go_on(&self) -> Result<(), Failure> {
        if self.work.cancel.is_set() {
            return Err(Failure::new(
                Kind::Interrupted,
                "the trial was stopped",
                "run the same command again; nothing of it is left running",
            ));
        }
        let is_late = self.work.deadline.is_over();
        if is_late || self.is_gone.load(Ordering::SeqCst) {
            let why = if is_late {
                "the trial did not end in time"
            } else {
                "wrangler ended by itself in the middle of the trial"
            };
            return Err(Failure::new(
                Kind::Remote,
                why,
                "allow more time with `--timeout`, or see with `-v` what wrangler says",
            ));
        }
        Ok(())
    }
}
