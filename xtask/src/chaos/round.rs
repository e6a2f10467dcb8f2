//! The requests of one client, one after the other: which of them is asked in which way.

use std::sync::atomic::Ordering;

use crate::chaos::client::Client;
use crate::chaos::party::Party;
use crate::chaos::plan::Surface;
use crate::chaos::{bad, steps};

/// Has a client of a party ask until there is none of the party's requests below `until` left.
pub(crate) fn work(mut client: Client<'_>, party: Party, until: u64) {
    while let Some(index) = client.field.take(party, until) {
        let request = client.field.plan.request(index);
        client.field.ledger().send(&request);
        let outcome = match request.surface {
            Surface::Steps => steps::walk(&mut client, &request),
            Surface::Bad => bad::ask(&mut client, &request),
            _ => client.ask(&request),
        };
        if let Err(violation) = outcome {
            client.connection = None;
            client.field.ledger().fail(&request, violation);
        }
        client.field.ended.fetch_add(1, Ordering::Relaxed);
    }
}
