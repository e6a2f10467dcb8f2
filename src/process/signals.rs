//! SIGINT and SIGTERM as a flag. Never ends the process on the first one.

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::failure::Failure;
use crate::limits::Interrupt;

/// A flag that Ctrl-C and SIGTERM set. The second signal ends the process at once; its children
/// die with it.
///
/// # Errors
/// A system that refuses a signal handler.
pub(crate) fn watch() -> Result<Interrupt, Failure> {
    let interrupt = Interrupt::default();
    for signal in [SIGINT, SIGTERM] {
        // The order matters: on the first signal the flag is not set yet, so nothing ends.
        signal_hook::flag::register_conditional_shutdown(signal, 130, interrupt.flag())
            .and_then(|_id| signal_hook::flag::register(signal, interrupt.flag()))
            .map_err(|err| Failure::bug("cannot watch for Ctrl-C").caused_by(err))?;
    }
    Ok(interrupt)
}
