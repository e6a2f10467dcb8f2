//! One thread that looks at the whole pool every few milliseconds: sessions whose client has gone
//! are stopped, those in the queue whose time is over are refused, worn sessions are replaced and
//! starts are let through when their pause is over. Never talks with a session.

use std::time::Duration;

use crate::engine::pool::shared::Shared;
use crate::limits::TICK;

/// How often it looks when nothing waits and nothing runs.
const CALM: Duration = Duration::from_millis(100);

/// Looks after the pool until it is gone.
pub(crate) fn watch(shared: &Shared) {
    loop {
        let (gone, is_over, is_calm) = shared.with(|scheduler, now| {
            let gone = scheduler.tick(now);
            (gone, scheduler.is_gone(), scheduler.is_calm())
        });
        for (entry, why) in gone {
            entry.item.refuse(why);
        }
        if is_over {
            return;
        }
        shared.wait_for_change(if is_calm { CALM } else { TICK });
    }
}
