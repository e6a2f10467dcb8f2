//! The tables.

use crate::bench::isolation::figures::{Figures, MEMORY_SESSIONS, Place};
use crate::bench::isolation::level::{LEAN, LEVELS, NONE, Round, SOURCE, SOURCES};

/// Prints all of them.
pub(super) fn print(figures: &Figures) {
    print_times(figures);
    println!();
    print_memory(figures);
    println!();
    print_ratios(figures);
}

/// A level in the words of the command line.
fn code(level: usize) -> String {
    format!("`{}`", LEVELS[level].name)
}

/// Times, one line for each source and level.
fn print_times(figures: &Figures) {
    println!(
        "| source | level | ms p50 | over `none` | processor ms | over `none` | sources/s, 1 session | 2 sessions |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (source, of) in SOURCES.iter().enumerate() {
        for level in 0..LEVELS.len() {
            let one = Place {
                sessions: 0,
                source,
                level,
            };
            let two = Place { sessions: 1, ..one };
            let over = |figure| figures.compared(one, NONE, figure, |this, none| this - none);
            println!(
                "| {} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} | {:.2} |",
                of.name,
                code(level),
                figures.middle(one, wall),
                over(wall),
                figures.middle(one, processor),
                over(processor),
                figures.middle(one, rate),
                figures.middle(two, rate),
            );
        }
    }
}

/// Memory, one line for each level.
fn print_memory(figures: &Figures) {
    let heads = MEMORY_SESSIONS.map(|sessions| format!("MB, {sessions} | against `none` |"));
    println!("| level | sessions: {}", heads.join(" "));
    println!("|---|---|---|---|---|---|---|");
    for (level, memory) in figures.memory.iter().enumerate() {
        let cells = memory
            .iter()
            .zip(&figures.memory[NONE])
            .map(|(this, none)| format!("{this:.0} | {:.2} |", this / none));
        let cells: Vec<_> = cells.collect();
        println!("| {} | {}", code(level), cells.join(" "));
    }
}

/// What a process for each source takes against memory that is put back.
fn print_ratios(figures: &Figures) {
    println!("| `--mode lean` against `source` | time | processor time |");
    println!("|---|---|---|");
    for (source, of) in SOURCES.iter().enumerate() {
        let at = Place {
            sessions: 0,
            source,
            level: LEAN,
        };
        let ratio = |figure| figures.compared(at, SOURCE, figure, |lean, source| lean / source);
        println!(
            "| {} | {:.1} times | {:.1} times |",
            of.name,
            ratio(wall),
            ratio(processor)
        );
    }
}

/// The parts of a round.
pub(super) fn wall(round: &Round) -> f64 {
    round.wall
}

pub(super) fn processor(round: &Round) -> f64 {
    round.processor
}

pub(super) fn rate(round: &Round) -> f64 {
    round.rate
}
