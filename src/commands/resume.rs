//! `--resume FILE`: verdicts that an earlier run left in a file are taken from it, and new ones are added.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::engine::judge::Judged;
use crate::engine::request::EvalRequest;
use crate::engine::resume::{self, Basis, Brief, RunSettings};
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::line_log::{LineLog, Span};
use crate::project::input;
use crate::ui;

/// The file, with what it says about the files of this run.
pub(super) struct Resume {
    log: LineLog,
    /// The last line about each file, by its name as it is shown.
    found: HashMap<String, (Span, Brief)>,
    /// The digests of the settings of sources that are being evaluated.
    settings: HashMap<PathBuf, String>,
    /// How many verdicts could not be added, and why the first one could not.
    lost: Option<(usize, Failure)>,
}

impl Resume {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// A file that cannot be used; nothing in it is changed then.
    pub(super) fn open(
        path: &Path,
        files: &[PathBuf],
        observer: &dyn Observer,
    ) -> Result<Self, Failure> {
        let names: HashSet<String> = files.iter().map(|file| input::display_name(file)).collect();
        let mut found = HashMap::new();
        let log = LineLog::open(path, ui::FILE_LINE_START, &mut |span, line| {
            let brief = Brief::read(line)?;
            if names.contains(&brief.name) {
                found.insert(brief.name.clone(), (span, brief));
            }
            Ok(())
        })?;
        if log.was_cut {
            let text = format!(
                "the last line of `{}` was cut, and is removed",
                path.display()
            );
            observer.tell(Event::Noted { text: &text });
        }
        Ok(Self {
            log,
            found,
            settings: HashMap::new(),
            lost: None,
        })
    }

    /// The verdict that the file has for a source, if it would be the same now.
    ///
    /// # Errors
    /// A line that cannot be read.
    pub(super) fn verdict(
        &mut self,
        file: &Path,
        request: &EvalRequest,
        settings: RunSettings<'_>,
    ) -> Result<Option<Judged>, Failure> {
        let digest = settings.digest(request)?;
        let found = self.found.get(&input::display_name(file));
        let holds = |(_, brief): &&(Span, Brief)| {
            brief.is_decided() && brief.resume.holds_for(&request.source, &digest)
        };
        let Some((span, brief)) = found.filter(holds) else {
            self.settings.insert(file.to_owned(), digest);
            return Ok(None);
        };
        let line = self.log.read(*span)?;
        let judged = resume::judged(&line, brief, Arc::clone(&request.source));
        judged.map(Some).map_err(|why| {
            let problem = format!(
                "the line about `{}` in `{}` cannot be understood",
                file.display(),
                self.log.path().display()
            );
            let hint = "take the line out of the file, and run the same command again";
            Failure::new(Kind::Usage, problem, hint).caused_by(why)
        })
    }

    /// Adds a verdict to the file. What cannot be added is said once, and at the end by [`Resume::finish`].
    ///
    /// # Errors
    /// A bug.
    pub(super) fn add(
        &mut self,
        file: &Path,
        judged: &Judged,
        toolchain: &Value,
        observer: &dyn Observer,
    ) -> Result<(), Failure> {
        let settings = self.settings.get(file).map(String::as_str);
        let line = ui::resume_line(judged, toolchain, &Basis::new(judged, settings))?;
        if let Err(failure) = self.log.append(&line) {
            if let Some((count, _)) = &mut self.lost {
                *count += 1;
            } else {
                let text = format!("{failure}: verdicts are shown, but not all are kept there");
                observer.tell(Event::Noted { text: &text });
                self.lost = Some((1, failure));
            }
        }
        Ok(())
    }

    /// Why the file lacks verdicts of this run, if it does.
    pub(super) fn finish(self) -> Option<Failure> {
        let (count, failure) = self.lost?;
        let verdicts = if count == 1 {
            "verdict is"
        } else {
            "verdicts are"
        };
        let problem = format!("{count} {verdicts} not in `{}`", self.log.path().display());
        Some(Failure::new(failure.kind(), problem, failure.hint()).caused_by(failure))
    }
}
