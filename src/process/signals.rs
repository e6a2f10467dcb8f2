//! SIGINT and SIGTERM as a flag. Never ends the process on the first SIGINT.

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::failure::Failure;
use crate::limits::CancelFlag;

/// What a user who presses Ctrl-C twice means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// The second time ends the process at once, and its children die with it.
    Once,
    /// Each time stops what runs, and the process goes on.
    Lasting,
}

/// A flag that Ctrl-C sets; SIGTERM sets it too, and the second one ends the process at once. Where
/// Ctrl-C is an everyday thing the first SIGTERM does so.
///
/// # Errors
/// A system that refuses a signal handler.
pub(crate) fn watch(patience: Patience) -> Result<CancelFlag, Failure> {
    let interrupt = CancelFlag::default();
    let refused = |err| Failure::bug("cannot watch for Ctrl-C").caused_by(err);
    if patience == Patience::Lasting {
        // SIGTERM keeps its usual meaning: the sessions die with this process.
        signal_hook::flag::register(SIGINT, interrupt.flag()).map_err(refused)?;
        return Ok(interrupt);
    }
    for signal in [SIGINT, SIGTERM] {
        // The order matters: on the first signal the flag is not set yet, so nothing ends.
        signal_hook::flag::register_conditional_shutdown(signal, 130, interrupt.flag())
            .and_then(|_id| signal_hook::flag::register(signal, interrupt.flag()))
            .map_err(refused)?;
    }
    Ok(interrupt)
}
