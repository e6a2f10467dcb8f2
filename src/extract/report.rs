//! What workers report, and who hears of it. Does nothing.

use crate::extract::reply::Module;
use crate::extract::unit::{Unit, UnitName};
use crate::failure::Failure;
use crate::table::schema::Schema;

/// What the first worker finds out before anything is planned.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) lean_version: String,
    /// The modules of the closure of what was asked for; none for sources.
    pub(crate) modules: Vec<Module>,
    /// What a plugin says about itself.
    pub(crate) plugin: Option<(Schema, String)>,
}

/// What is to be done.
pub(crate) struct Planned {
    pub(crate) units: Vec<Unit>,
    pub(crate) schema: Schema,
}

/// What workers report.
#[derive(Debug)]
pub(crate) enum Report {
    /// The first worker is ready.
    Listed(Listing),
    /// More rows of some units were spooled.
    Rows(u64),
    /// A unit is complete.
    Done(UnitName),
    /// A unit gave no rows, and is left out. True if Lean refuses it.
    Failed(UnitName, Failure, bool),
    /// A worker cannot go on.
    Lost(Failure),
}

/// Who hears of it.
pub(crate) trait Foreman {
    /// Says what is to be done, knowing what the first worker found out.
    ///
    /// # Errors
    /// What ends the extraction.
    fn plan(&mut self, listing: Listing) -> Result<Planned, Failure>;

    /// Hears of rows, of a unit that is done, and of one that failed.
    ///
    /// # Errors
    /// What ends the extraction.
    fn hear(&mut self, report: Report) -> Result<(), Failure>;
}
