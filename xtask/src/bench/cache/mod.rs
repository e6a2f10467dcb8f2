//! `cargo xtask bench cache`: what an answer from kept results takes, and what a second run over the same files
//! does.

mod core;
mod hits;
mod server;

use std::path::Path;

use anyhow::Result;

use crate::bench::cache::hits::Hits;
use crate::bench::cache::server::Server;
use crate::bench::sample::{Sample, micros};
use crate::programs::answers;

/// How it is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many requests are measured of each kind.
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
    /// How many files core Lean evaluates; 0 leaves that out.
    #[arg(long, default_value_t = 200)]
    files: usize,
}

/// Runs the benchmark and prints its tables.
///
/// # Errors
/// A program that cannot be built or started, or an answer that was not kept.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let folder = root.join("target/bench-cache");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    println!("| an answer from kept results | p50 µs | p99 µs | over a plain `GET` |");
    println!("|---|---|---|---|");
    let hits = Hits::local(&folder)?;
    row(
        "SQLite: the store alone",
        &hits.measure_store(args.requests)?,
        None,
    );
    row(
        "SQLite: the whole answer",
        &hits.measure(args.requests)?,
        None,
    );
    if answers("redis-server") {
        let server = Server::start(&folder)?;
        let hits = Hits::redis(&server)?;
        // In turns, so that both meet the same noise.
        let [mut plain, mut store, mut kept] = [(); 3].map(|()| Sample::default());
        for _ in 0..args.requests.div_ceil(1000) {
            plain.extend(server.plain_gets(hits.value_bytes(), 1000)?);
            store.extend(hits.measure_store(1000)?);
            kept.extend(hits.measure(1000)?);
        }
        row("a plain `GET` of as many bytes", &plain, None);
        row(
            "Redis on this machine: the store alone",
            &store,
            Some(&plain),
        );
        row(
            "Redis on this machine: the whole answer",
            &kept,
            Some(&plain),
        );
    } else {
        println!("| Redis | not measured: no redis-server | | |");
    }
    if args.files > 0 {
        core::run(root, &folder, args.files)?;
    }
    Ok(())
}

/// One line of the table.
fn row(name: &str, sample: &Sample, base: Option<&Sample>) {
    let ratio = base.map_or(String::new(), |base| {
        format!(
            "{:.2} ×",
            sample.p50().as_secs_f64() / base.p50().as_secs_f64()
        )
    });
    println!(
        "| {name} | {} | {} | {ratio} |",
        micros(sample.p50()),
        micros(sample.p99())
    );
}
