//! What the command line says about the toy door.

use std::time::Duration;

use crate::cli::toy::ToyArgs;
use crate::engine::judge::Policy;
use crate::engine::request::Limits;
use crate::toy::ToyOptions;

/// The longest wait for a session.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(60);

/// The most bytes that are read.
const MAX_BYTES: u64 = 64 << 20;

/// How the door is set up.
pub(crate) fn options(args: &ToyArgs) -> ToyOptions {
    ToyOptions {
        policy: Policy {
            fail_on_sorry: args.fail_on_sorry,
            ..Policy::default()
        },
        run_timeout: args.limits.timeout.get(),
        limits: Limits {
            queue_timeout: QUEUE_TIMEOUT,
            import_timeout: args.limits.session.import_timeout.get(),
        },
        max_bytes: MAX_BYTES,
    }
}
