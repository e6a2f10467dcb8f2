//! `leanrepl serve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::cache::CacheArgs;
use crate::cli::eval::BaseArg;
use crate::cli::shared::{IsolationArgs, LeanArgs, SandboxArg, SessionArgs};
use crate::limits::{Bytes, Wait};

/// Evaluates sources over HTTP in a pool of Lean REPLs.
///
/// The address is the first line on stdout. Without `--listen`, the variables `LEAN_SERVER_HOST` and
/// `LEAN_SERVER_PORT` say where; else every address of this machine, port 8000. Lean runs any
/// program that is in a source: give access only to those whom you would let run programs here, or ask for
/// keys with `--api-keys`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,
    /// How a raw source is answered: with messages, or with what `lean` prints, from a process that
    /// serves no other source.
    #[arg(long, value_enum, default_value_t = ModeArg::Repl)]
    pub(crate) mode: ModeArg,
    /// Which Lean.
    #[command(flatten)]
    pub(crate) lean: LeanArgs,
    /// What sources start from: the pickle that `leanrepl pickle` made, their imports, or the pickle if
    /// it fits the source and has no prelude. Default: auto, or pickle with `--pickle`.
    #[arg(long, value_enum)]
    pub(crate) base: Option<BaseArg>,
    /// The pickle to start from.
    #[arg(long, value_name = "FILE")]
    pub(crate) pickle: Option<PathBuf>,
    /// Keep sessions from your files, the network and other processes (Linux).
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = SandboxArg::Auto)]
    pub(crate) sandbox: SandboxArg,
    /// What sources share.
    #[command(flatten)]
    pub(crate) isolation: IsolationArgs,
    /// Where results are kept.
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
    /// Answer a client from results that other clients asked for.
    #[arg(long)]
    pub(crate) cache_shared: bool,
    /// Read the compiled modules of `--header` into memory before the first session starts.
    #[arg(long)]
    pub(crate) prefault: bool,
    /// Imports of a raw source that has none, such as `import Mathlib`; every session has them loaded
    /// before it takes a source.
    #[arg(long, value_name = "IMPORTS", default_value = "")]
    pub(crate) header: String,
    /// How many sources run at a time, each in a Lean of its own; by cores and memory if absent.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) sessions: Option<u16>,
    /// How many more sessions are kept ready, so that nobody waits when one is replaced; 1 when
    /// memory allows if absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub(crate) spares: Option<u16>,
    /// Replace a session after this many sources; one that holds seven eighths of `--memory` between
    /// two sources is replaced too.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_requests: u64,
    /// Replace a session after this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) max_age: Option<Wait>,
    /// Replace a session that has been idle for this long, if it has run a source.
    #[arg(long, value_name = "TIME")]
    pub(crate) max_idle: Option<Wait>,
    /// What each session may take.
    #[command(flatten)]
    pub(crate) session: SessionArgs,
    /// Longest reply that is taken from a REPL.
    #[arg(long, value_name = "SIZE", default_value = "64MiB")]
    pub(crate) max_reply: Bytes,
    /// Longest body of a request.
    #[arg(long, value_name = "SIZE", default_value = "4MiB")]
    pub(crate) max_body: Bytes,
    /// Longest run of a source whose client does not say; the variable `LEAN_TIMEOUT` in seconds, or
    /// 2m (30s with `--mode lean`), if absent.
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<Wait>,
    /// Longest run that a client may ask for.
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub(crate) max_timeout: Wait,
    /// Longest wait of a source for a session.
    #[arg(long, value_name = "TIME", default_value = "1m")]
    pub(crate) max_wait: Wait,
    /// Most sources that wait; more are refused with 429.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_queue: u32,
    /// The former name of `--max-queue`; refused with a hint.
    #[arg(long, value_name = "N", hide = true, num_args = 0..=1, default_missing_value = "")]
    pub(crate) queue: Option<String>,
    /// Most connections at a time.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: u32,
    /// How many sessions clients may hold as their own (`/v1/sessions`); one less than there are
    /// if absent.
    #[arg(long, value_name = "N")]
    pub(crate) max_held: Option<u16>,
    /// A session that its client does not use for this long is given back.
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub(crate) held_idle: Wait,
    /// A file of API keys, one a line as `KEY` or `NAME KEY`; without it those in the variable
    /// `LEANREPL_API_KEYS` or `LEAN_SERVER_API_KEY`, and without these everybody may call. It must
    /// not lie where confined sessions read.
    #[arg(long, value_name = "FILE")]
    pub(crate) api_keys: Option<PathBuf>,
    /// How many requests a key may have running.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) key_concurrency: Option<u32>,
    /// How many requests a second a key may make.
    #[arg(long, value_name = "N")]
    pub(crate) key_rate: Option<f64>,
    /// Tell clients without keys apart by the last address in `X-Forwarded-For`, which the reverse
    /// proxy adds, and leave it to the proxy which hosts and pages may ask. Only where the proxy alone reaches this port: others could write anything.
    #[arg(long)]
    pub(crate) trust_proxy: bool,
    /// Origins whose web pages may call, separated by commas: `*` for all, `none` for none. Default: `*`,
    /// but `none` where the server listens on a loopback address, asks for no keys and trusts no proxy.
    /// There pages of other origins are refused.
    #[arg(long, value_name = "ORIGINS", value_delimiter = ',')]
    pub(crate) cors: Option<Vec<String>>,
    /// Longest wait for running sources after SIGTERM or Ctrl-C.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "30s",
        overrides_with = "grace"
    )]
    pub(crate) grace: Wait,
    /// A file that gets a line of JSON for each verdict on a source: when, from whom, on what (as a digest), how
    /// confined and how fast; never a source or a key.
    #[arg(long, value_name = "FILE")]
    pub(crate) outcome_log: Option<PathBuf>,
    /// Rename the outcome log to `FILE.1` when it has this size, and keep four former ones.
    #[arg(long, value_name = "SIZE", default_value = "100MiB")]
    pub(crate) outcome_log_size: Bytes,
    /// The form of log lines, on stderr.
    #[arg(long, value_enum, default_value_t = LogArg::Text)]
    pub(crate) log_format: LogArg,
}

/// How a raw source is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeArg {
    /// With messages and sorries.
    Repl,
    /// With what `lean` prints.
    Lean,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogArg {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// The options of `serve` alone.
    #[derive(Debug, Parser)]
    struct Line {
        /// They.
        #[command(flatten)]
        serve: ServeArgs,
    }

    #[test]
    fn a_grace_after_that_of_an_images_entry_point_wins() {
        let grace = |args: &[&str]| {
            let line = Line::try_parse_from([&["serve"], args].concat()).unwrap();
            line.serve.grace
        };
        assert_eq!(grace(&["--grace", "8s"]), Wait::secs(8));
        assert_eq!(grace(&["--grace", "8s", "--grace", "1m"]), Wait::secs(60));
    }
}
