//! Which files `leanrepl eval` evaluates, of those that the command line names.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::project::input;
use crate::settings;

/// The files of this process: all that are named, stdin if none is, or those of its share.
///
/// # Errors
/// `-` twice, `-` with `--shard`, and what is not a share.
pub(super) fn choose(
    named: &[PathBuf],
    shard: Option<&str>,
    observer: &dyn Observer,
) -> Result<Vec<PathBuf>, Failure> {
    let files = if named.is_empty() {
        vec![PathBuf::from("-")]
    } else {
        named.to_vec()
    };
    match (
        files.iter().filter(|file| input::is_stdin(file)).count(),
        shard,
    ) {
        (0, _) => {}
        (1, Some(_)) => {
            return Err(Failure::new(
                Kind::Usage,
                "`--shard` chooses among files by their names, and stdin has none",
                "name files, or leave out `--shard`",
            ));
        }
        // Each task of an array has a stdin of its own, so the variables of a cluster say nothing about it.
        (1, None) => return Ok(files),
        _ => {
            return Err(Failure::new(
                Kind::Usage,
                "`-` is named twice, but stdin can be read only once",
                "name `-` once",
            ));
        }
    }
    let Some((share, why)) = settings::share::choose(shard)? else {
        return Ok(files);
    };
    let total = files.len();
    let files = files.into_iter();
    let files: Vec<PathBuf> = files
        .filter(|file| share.has_name(file.as_os_str().as_bytes()))
        .collect();
    let text = format!(
        "evaluating {} of {total} files, share {} of {} (from 0), since {why}",
        files.len(),
        share.index,
        share.count
    );
    observer.tell(Event::Noted { text: &text });
    Ok(files)
}
