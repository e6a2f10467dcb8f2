//! Which options of Lean hold for the files of a project: the Lake file is read once a run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::elan::Elan;
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::lean::options::ModuleOptions;
use crate::limits::{CancelFlag, Deadline, Wait};
use crate::project::Project;
use crate::project::input;
use crate::project::options::{Found, LakeOptions};
use crate::settings::{Source, Toolchain};
use crate::setup::doctor::installed;

/// Longest wait for Lake to translate a Lake file, which it may have to compile.
const LAKE: Wait = Wait::secs(300);

/// What the Lake file of a project says, if there is a project and the file can be read.
pub(crate) struct ProjectOptions {
    /// Nothing without a project, or if the file could not be read, which was said then.
    lake: Option<LakeOptions>,
    /// Arguments that were said not to hold.
    told: BTreeSet<String>,
}

impl ProjectOptions {
    /// Reads the Lake file of the project that was chosen. What cannot be read is said, and sets nothing.
    ///
    /// # Errors
    /// The interrupt of the user.
    pub(crate) fn read(
        chosen: &Toolchain,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
    ) -> Result<Self, Failure> {
        let read = |project: &Project| {
            let text = lake_file(project, &chosen.source, observer, interrupt)?;
            LakeOptions::parse(&project.root, &text).map_err(|problem| {
                let hint = "correct the Lake file";
                Failure::new(Kind::Project, "the Lake file cannot be read", hint).caused_by(problem)
            })
        };
        let lake = match chosen.options_from.as_ref().map(read).transpose() {
            Ok(lake) => lake,
            Err(failure) if failure.kind() == Kind::Interrupted => return Err(failure),
            Err(failure) => {
                let causes = failure.causes().join("; ");
                let causes = if causes.is_empty() {
                    causes
                } else {
                    format!(" ({causes})")
                };
                observer.tell(Event::Noted {
                    text: &format!(
                        "the options that the Lake file sets do not hold: {}{causes}",
                        failure.problem()
                    ),
                });
                None
            }
        };
        Ok(Self {
            lake,
            told: BTreeSet::new(),
        })
    }

    /// What the Lake file says, if it could be read.
    pub(crate) fn lake(&self) -> Option<&LakeOptions> {
        self.lake.as_ref()
    }

    /// The options of a file, or of stdin; nothing if they are not known.
    pub(crate) fn of(
        &mut self,
        file: &Path,
        observer: &dyn Observer,
    ) -> Option<Arc<ModuleOptions>> {
        let lake = self.lake.as_ref()?;
        let found = match file.canonicalize() {
            Ok(path) if !input::is_stdin(file) => lake.of_file(&path),
            _ => lake.of_no_file(),
        };
        Some(self.tell(found, &input::display_name(file), observer))
    }

    /// The options of sources that are in no file; nothing if they are not known.
    pub(crate) fn of_no_file(
        &mut self,
        what: &str,
        observer: &dyn Observer,
    ) -> Option<Arc<ModuleOptions>> {
        let found = self.lake.as_ref()?.of_no_file();
        Some(self.tell(found, what, observer))
    }

    /// Says which options hold, and once which arguments do not.
    fn tell(&mut self, found: Found, what: &str, observer: &dyn Observer) -> Arc<ModuleOptions> {
        if !found.options.is_empty() {
            let text = format!("`{what}` has the options {}", found.options);
            observer.tell(Event::Chosen { text: &text });
        }
        for argument in found.other_arguments {
            if !self.told.contains(&argument) {
                let text = format!(
                    "the argument `{argument}` that the Lake file gives Lean does not hold"
                );
                observer.tell(Event::Noted { text: &text });
                self.told.insert(argument);
            }
        }
        Arc::new(found.options)
    }
}

/// The Lake file of a project in its TOML form.
fn lake_file(
    project: &Project,
    source: &Source,
    observer: &dyn Observer,
    interrupt: &CancelFlag,
) -> Result<String, Failure> {
    let program = project.root.join("lakefile.lean");
    // Lake prefers it if there are both.
    if !program.is_file() {
        let file = project.root.join("lakefile.toml");
        return fs::read_to_string(&file).map_err(|err| {
            Failure::new(
                Kind::Project,
                format!("`{}` cannot be read", file.display()),
                "check its permissions",
            )
            .caused_by(err)
        });
    }
    let elan = Elan::locate();
    let toolchain = match source {
        Source::Project(active) => Some(active.toolchain.clone()),
        // Another Lean was asked for: the project's is not fetched for this.
        Source::Core | Source::Binary(_) => elan.active(&project.root).ok().and_then(|active| {
            let home = installed::elan_home();
            installed::folder(&active.toolchain, home.as_deref()).map(|_there| active.toolchain)
        }),
    };
    let Some(toolchain) = toolchain else {
        return Err(Failure::new(
            Kind::Project,
            format!(
                "only Lake can read `{}`, and the project's toolchain is not there",
                program.display()
            ),
            "install the project's toolchain",
        ));
    };
    let lake = elan.lake(&toolchain);
    let deadline = Deadline::after(LAKE.get());
    lake.lake_file_as_toml(&project.root, deadline, observer, interrupt)
}
