//! The verdict on one reply of the shell's session.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::judge::{Judged, Policy};
use crate::engine::record::EvalRecord;
use crate::protocol::wire::CommandReply;

/// A reply to a source that took so long, as the user sees it.
pub(super) fn judged(name: &str, source: &str, reply: CommandReply, took: Duration) -> Judged {
    let mut record = EvalRecord::from_reply(source, reply, None);
    record.times.body = took;
    Judged::new(
        name.to_owned(),
        Arc::from(source),
        record,
        Policy::default(),
    )
}
