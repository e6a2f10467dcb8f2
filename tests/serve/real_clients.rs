//! Clients that were not written here.
