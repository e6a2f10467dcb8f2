//! The making of the memory from which sessions start faster, and the proof that they do.

use std::fs;
use std::path::Path;

use crate::env_vars;
use crate::event::Event;
use crate::failure::{Failure, Kind};
use crate::process::run::Run;
use crate::setup::core_lean::frozen;
use crate::setup::core_lean::install::Job;
use crate::setup::core_lean::installed::Installed;

impl Job<'_> {
    /// Makes the file and proves that a session starts from it and tells right from wrong. Without it
    /// sessions start all the same, so only an interrupt is a failure; all else is reported.
    pub(crate) fn freeze(&self, installed: &Installed) -> Result<(), Failure> {
        let file = frozen::path(&installed.scripts);
        let made = self
            .run_freezer(installed, "keep")
            .and_then(|()| self.run_freezer(installed, "prove"));
        let Err(failure) = made else {
            forget_others(&installed.scripts);
            return Ok(());
        };
        // A file that is not proven must not be used.
        let _absent = fs::remove_file(&file);
        if failure.kind() == Kind::Interrupted {
            return Err(failure);
        }
        let text = format!(
            "core Lean works, but starts slowly, since its memory could not be kept: {}",
            failure.problem()
        );
        self.observer.tell(Event::Noted { text: &text });
        Ok(())
    }

    /// Runs the script that makes or proves the file.
    fn run_freezer(&self, installed: &Installed, step: &str) -> Result<(), Failure> {
        let launch = installed.freezer();
        let run = Run::new(launch.program)
            .args(launch.args)
            .arg(frozen::path(&installed.scripts))
            .arg(step)
            .environment(env_vars::cleaned())
            .stdin(self.lock.file()?)
            .purpose("keeping the memory of core Lean")
            .deadline(self.deadline);
        let run = launch
            .vars
            .into_iter()
            .fold(run, |run, (name, value)| run.var(name, value));
        run.finish(self.observer, self.interrupt).map(|_| ())
    }
}

/// Removes the files of other sets of scripts, which are large: those sessions start without.
fn forget_others(scripts: &Path) {
    let Some(Ok(folders)) = scripts.parent().map(fs::read_dir) else {
        return;
    };
    for folder in folders.flatten().map(|entry| entry.path()) {
        if folder != scripts {
            let _absent = fs::remove_file(frozen::path(&folder));
        }
    }
}
