//! The history as a Lean file, and files as sources.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::failure::{Failure, Kind};
use crate::project::input;
use crate::shell::{Hear, Said, Shell, counted};

impl Shell {
    /// Writes the history to a file, beside its place and then renamed.
    pub(super) fn save(
        &mut self,
        path: &Path,
        replace: bool,
        hear: &mut Hear<'_>,
    ) -> Result<(), Failure> {
        let place = std::path::absolute(path).map_err(|err| unwritten(path, err))?;
        if place.exists() && !replace && !self.own_files.contains(&place) {
            let shown = path.display();
            return Err(Failure::new(
                Kind::Usage,
                format!("`{shown}` is there already, and was not written here"),
                format!("replace it with `:save! {shown}`, or name another file"),
            ));
        }
        write_beside(&place, &self.record.to_lean()).map_err(|err| unwritten(path, err))?;
        self.own_files.insert(place);
        let texts = counted(self.record.texts.len(), "text");
        hear(Said::Note(&format!(
            "wrote {texts} to `{}`",
            path.display()
        )));
        Ok(())
    }

    /// Evaluates a file as one source.
    ///
    /// # Errors
    /// A file that cannot be read, and what keeps Lean from answering.
    pub(crate) fn load(&mut self, path: &Path, hear: &mut Hear<'_>) -> Result<(), Failure> {
        let name = input::display_name(path);
        if input::is_stdin(path) {
            return Err(Failure::new(
                Kind::Usage,
                "stdin is what the shell itself reads",
                "name a file: `:load FILE`",
            ));
        }
        let text = self.keeper.read(path).map_err(|failure| {
            Failure::new(
                failure.kind(),
                format!("cannot load `{name}`: {}", failure.problem()),
                failure.hint(),
            )
            .caused_by(failure.causes().join("; "))
        })?;
        self.leave_proof(hear);
        if self.evaluate(&name, &text, hear)? {
            hear(Said::Note(&format!("loaded `{name}`")));
        }
        Ok(())
    }
}

/// Writes a file so that half of it is never seen.
fn write_beside(place: &Path, text: &str) -> io::Result<()> {
    let mut beside = place.as_os_str().to_owned();
    beside.push(format!(".tmp-{}", std::process::id()));
    let beside = Path::new(&beside);
    let written = fs::File::create(beside)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| fs::rename(beside, place));
    if written.is_err() {
        // What is left of a failed attempt is of no use to anybody.
        let _gone = fs::remove_file(beside);
    }
    written
}

/// A file that could not be written.
fn unwritten(path: &Path, err: io::Error) -> Failure {
    Failure::new(
        Kind::Usage,
        format!("cannot write `{}`", path.display()),
        "name a file in a folder that you may write to: `:save FILE`",
    )
    .caused_by(err)
}
