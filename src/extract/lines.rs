//! Rows as JSON lines, in the order of their units. Makes none.

use std::collections::VecDeque;

use crate::extract::pack;
use crate::extract::spool::Spool;
use crate::extract::unit::{Unit, UnitName};
use crate::failure::Failure;

/// How much is written at once.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Writes text; false if the reader has gone.
pub(crate) type WriteText<'a> = &'a mut dyn FnMut(&str) -> Result<bool, Failure>;

/// Rows that are written as soon as all units before theirs are written.
pub(crate) struct Lines<'a> {
    write: WriteText<'a>,
    /// Units that are not written, in their order; each with whether it is done and has rows.
    waiting: VecDeque<(UnitName, Option<bool>)>,
    /// Whether the reader has gone.
    pub(crate) is_closed: bool,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(write: WriteText<'a>) -> Self {
        Self {
            write,
            waiting: VecDeque::new(),
            is_closed: false,
        }
    }

    pub(crate) fn expect(&mut self, units: &[Unit]) {
        self.waiting = units.iter().map(|unit| (unit.name(), None)).collect();
    }

    /// Takes note of a unit, and writes all whose turn it is.
    pub(crate) fn done(
        &mut self,
        unit: &UnitName,
        has_rows: bool,
        spool: &Spool,
    ) -> Result<(), Failure> {
        // Units are done nearly in their order, so it is near the front.
        if let Some((_, state)) = self.waiting.iter_mut().find(|(name, _)| name == unit) {
            *state = Some(has_rows);
        }
        while let Some((_, Some(has_rows))) = self.waiting.front() {
            let has_rows = *has_rows;
            let Some((unit, _)) = self.waiting.pop_front() else {
                break;
            };
            if has_rows {
                self.write_unit(&unit, spool)?;
                spool.forget(&unit)?;
            }
        }
        Ok(())
    }

    fn write_unit(&mut self, unit: &UnitName, spool: &Spool) -> Result<(), Failure> {
        let mut rows = spool.read(unit)?;
        let mut chunk = String::new();
        while let Some(row) = rows.next_row()? {
            chunk.push_str(&row);
            chunk.push('\n');
            if chunk.len() >= CHUNK_BYTES {
                self.put(&chunk)?;
                chunk.clear();
            }
        }
        self.put(&chunk)
    }

    fn put(&mut self, text: &str) -> Result<(), Failure> {
        if text.is_empty() || (self.write)(text)? {
            return Ok(());
        }
        self.is_closed = true;
        // Ends the extraction; it is no failure, as `is_closed` says.
        Err(pack::interrupted())
    }
}
