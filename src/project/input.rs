//! Reads the texts to evaluate. Never changes them.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, CancelFlag, TICK};

/// The longest text that is read: far more than Lean can elaborate in one file.
const LONGEST: Bytes = Bytes::mib(64);

/// The name under which stdin is shown.
pub(crate) const STDIN: &str = "<stdin>";

/// Whether the path stands for stdin.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads a file, or stdin for `-`; the wait for somebody who types ends with the interrupt.
///
/// # Errors
/// A failure of kind usage that says what is wrong; it leaves out the name, which a caller shows.
pub(crate) fn read(
    path: &Path,
    observer: &dyn Observer,
    interrupt: &CancelFlag,
) -> Result<Arc<str>, Failure> {
    if !is_stdin(path) && path.is_dir() {
        return Err(Failure::new(
            Kind::Usage,
            "this is a folder, not a file",
            format!(
                "name the files in it, for example `{}/*.lean`",
                path.display()
            ),
        ));
    }
    let bytes = if is_stdin(path) {
        read_stdin(observer, interrupt)?
    } else {
        File::open(path).and_then(read_all)
    };
    let bytes = bytes.map_err(|err| {
        Failure::new(
            Kind::Usage,
            "it cannot be read",
            "check the path and its permissions",
        )
        .caused_by(err)
    })?;
    if bytes.len() as u64 > LONGEST.get() {
        return Err(Failure::new(
            Kind::Usage,
            format!("it is longer than {LONGEST}"),
            "split it: Lean elaborates a file as a whole",
        ));
    }
    String::from_utf8(bytes).map(Arc::from).map_err(|err| {
        Failure::new(
            Kind::Usage,
            format!(
                "it is not UTF-8: the byte at offset {} fits no character",
                err.utf8_error().valid_up_to()
            ),
            "save the file as UTF-8, the only encoding that Lean reads",
        )
    })
}

/// Reads stdin in a thread of its own, since nothing wakes a read from a terminal. A thread that is
/// left waiting ends with the process.
///
/// # Errors
/// The interrupt of the user.
fn read_stdin(
    observer: &dyn Observer,
    interrupt: &CancelFlag,
) -> Result<io::Result<Vec<u8>>, Failure> {
    if io::stdin().is_terminal() {
        observer.tell(Event::Noted {
            text: "reading Lean from the terminal; end it with Ctrl-D",
        });
    }
    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(read_all(io::stdin().lock())));
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(read) => return Ok(read),
            Err(RecvTimeoutError::Timeout) if interrupt.is_set() => {
                return Err(Failure::new(
                    Kind::Interrupted,
                    "stopped by the user",
                    "run it again to start over",
                ));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::bug("the thread that reads stdin ended"));
            }
        }
    }
}

/// Reads to the end, one byte past the limit at most.
fn read_all(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(LONGEST.get() + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How the user sees the name of an input.
pub(crate) fn display_name(path: &Path) -> String {
    if is_stdin(path) {
        STDIN.to_owned()
    } else {
        path.display().to_string()
    }
}
