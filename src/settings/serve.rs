//! What `leanrepl serve` works with: a flag, then a variable, then the default. Starts nothing.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::cli::serve::{LogArg, ModeArg, ServeArgs};
use crate::cli::shared::OutputArgs;
use crate::engine::pool::{PoolSettings, QueueLimits, WearLimits};
use crate::env_vars;
use crate::failure::{Failure, Kind};
use crate::lean::header;
use crate::limits::{Bytes, Wait};
use crate::machine;
use crate::service::logs::{LogFormat, LogLevel};
use crate::service::options::{Cors, Mode, ServiceOptions, ToolchainChoice};
use crate::service::outcomes::OutcomeFile;
use crate::session::spec::SessionSpec;
use crate::settings::keys;
use crate::settings::value::{count, text};

/// The default host: all addresses, as in a container.
const HOST: &str = "0.0.0.0";

/// The default port.
const PORT: &str = "8000";

/// Default of the longest run of a source in the mode `repl`: real ones take up to 43 s.
const REPL_TIMEOUT: Wait = Wait::secs(120);

/// Default of the longest run of a source in the mode `lean`.
const LEAN_TIMEOUT: Wait = Wait::secs(30);

/// Longest time in which a body may arrive.
const BODY: Duration = Duration::from_secs(60);

/// Longest time in which a client reads nothing of its answer.
const WRITE: Duration = Duration::from_secs(60);

/// How much memory a session is expected to take: an import of Mathlib peaks at about 5.4 GB, core
/// Lean stays below 2.
const PROJECT_SESSION: Bytes = Bytes::mib(6 * 1024);
/// See [`PROJECT_SESSION`].
const CORE_SESSION: Bytes = Bytes::mib(2 * 1024);

/// What the machine has for sessions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    /// Memory that this process may use, if the system tells.
    pub(crate) memory: Option<Bytes>,
}

impl Machine {
    /// This one; in a container what that may use.
    pub(crate) fn here() -> Self {
        Self {
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory: machine::memory().map(|memory| memory.total),
        }
    }
}

/// How many sessions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) sessions: usize,
    pub(crate) spares: usize,
}

impl Size {
    /// As many as there are cores, as far as memory goes; a spare if there is memory for it.
    pub(crate) fn choose(args: &ServeArgs, machine: Machine, is_core: bool) -> Self {
        let each = if is_core {
            CORE_SESSION
        } else {
            PROJECT_SESSION
        };
        let each = each.get().min(args.session.memory.get()).max(1);
        let room = machine.memory.map_or(machine.cores, |memory| {
            usize::try_from(memory.get() / each).unwrap_or(usize::MAX)
        });
        let sessions = args.sessions.map_or_else(
            || machine.cores.min(room.saturating_sub(1)).max(1),
            usize::from,
        );
        let spares = args
            .spares
            .map_or_else(|| usize::from(room > sessions), usize::from);
        Self { sessions, spares }
    }
}

/// How many sessions clients may hold as their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    all: usize,
    /// One client.
    each: usize,
}

impl Held {
    /// One session is left for those who hold none, if the user does not say otherwise. A client leaves one
    /// place for others, and one session in any case. Where there is only one, it may have that.
    fn choose(most: Option<u16>, size: Size) -> Self {
        let others = size.sessions.saturating_sub(1).max(1);
        let all = most.map_or(others, usize::from);
        Self {
            all,
            each: all.saturating_sub(1).max(1).min(others),
        }
    }
}

/// Where to listen.
///
/// # Errors
/// A `--listen`, or a port in a variable, that is not of the form of an address.
pub(crate) fn listen(args: &ServeArgs) -> Result<String, Failure> {
    if let Some(listen) = &args.listen {
        let (host, port) = listen.rsplit_once(':').unwrap_or(("", listen));
        if !host.is_empty() && port.parse::<u16>().is_ok() {
            return Ok(listen.clone());
        }
        let hint = if port.parse::<u16>().is_ok() {
            format!("name the host too, such as `--listen {HOST}:{port}`")
        } else {
            format!("write `--listen HOST:PORT`, such as `--listen {HOST}:{PORT}`")
        };
        let problem = format!("`--listen {listen}` is not an address with a port");
        return Err(Failure::new(Kind::Usage, problem, hint));
    }
    let host = text(env_vars::SERVER_HOST)?.unwrap_or_else(|| HOST.to_owned());
    let port = text(env_vars::SERVER_PORT)?.unwrap_or_else(|| PORT.to_owned());
    if port.parse::<u16>().is_err() {
        return Err(Failure::new(
            Kind::Usage,
            format!(
                "the variable `{}` is not a port: `{port}`",
                env_vars::SERVER_PORT.name
            ),
            format!("set it to a number up to 65535, such as {PORT}, or use `--listen HOST:PORT`"),
        ));
    }
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host
    };
    Ok(format!("{host}:{port}"))
}

/// What the server is.
///
/// # Errors
/// A header that is none, a file of keys that cannot be read, or a variable that makes no sense.
pub(crate) fn options(
    args: &ServeArgs,
    size: Size,
    toolchain: ToolchainChoice,
    address: SocketAddr,
) -> Result<ServiceOptions, Failure> {
    let keys = keys::of(args)?;
    let pages = args.cors.as_deref().map(cors);
    let is_own_machine_only = address.ip().to_canonical().is_loopback()
        && keys.is_empty()
        && !args.trust_proxy
        // Who lets every page call has nothing to keep from them.
        && pages != Some(Cors::Any);
    let unsaid = if is_own_machine_only {
        Cors::Off
    } else {
        Cors::Any
    };
    let mode = match args.mode {
        ModeArg::Repl => Mode::Repl,
        ModeArg::Lean => Mode::Lean,
    };
    let held = Held::choose(args.max_held, size);
    Ok(ServiceOptions {
        mode,
        run_timeout: timeout(args)?.min(args.max_timeout.get()),
        max_run_timeout: args.max_timeout.get(),
        import_timeout: args.session.import_timeout.get(),
        queue_timeout: args.max_wait.get(),
        max_body: args.max_body,
        body_timeout: BODY,
        write_timeout: WRITE,
        max_connections: count(args.max_connections),
        // Enough to keep all sessions busy, with sources at hand when one gets free.
        batch_width: size.sessions * 2,
        cors: pages.unwrap_or(unsaid),
        is_own_machine_only,
        trusts_proxy: args.trust_proxy,
        keys,
        grace: args.grace,
        lease_idle: args.held_idle.get(),
        max_leases: held.all,
        max_leases_each: held.each,
        base_header: header(&args.header)?,
        toolchain,
        outcome_file: None,
    })
}

/// The file for a line about each verdict, if one is named.
///
/// # Errors
/// What is not a file, or cannot be written.
pub(crate) fn outcome_file(args: &ServeArgs) -> Result<Option<OutcomeFile>, Failure> {
    let open = |path: &PathBuf| OutcomeFile::open(path, args.outcome_log_size);
    args.outcome_log.as_ref().map(open).transpose()
}

/// Refuses `--queue`, which was the name of `--max-queue`.
///
/// # Errors
/// The option, whatever its value.
pub(crate) fn refuse_queue(args: &ServeArgs) -> Result<(), Failure> {
    let Some(queue) = args.queue.as_deref() else {
        return Ok(());
    };
    let (problem, hint) = if queue.parse::<u64>().is_ok() {
        (
            format!("`--queue {queue}` does not limit how many sources wait"),
            format!("write `--max-queue {queue}`"),
        )
    } else {
        (
            "`serve` has no option `--queue`".to_owned(),
            "leave it out; `--max-queue N` limits how many sources wait".to_owned(),
        )
    };
    Err(Failure::new(Kind::Usage, problem, hint))
}

pub(crate) fn pool(args: &ServeArgs, size: Size, spec: SessionSpec) -> PoolSettings {
    let header = args.header.trim();
    let preload = (!header.is_empty()).then(|| Arc::from(header));
    let spec = SessionSpec {
        preload: preload.into_iter().collect(),
        ..spec
    };
    let settings = PoolSettings::new(spec);
    PoolSettings {
        sessions: size.sessions,
        spares: size.spares,
        wear: WearLimits {
            single_use: args.mode == ModeArg::Lean,
            requests: Some(args.max_requests),
            age: args.max_age.map(Wait::get),
            idle: args.max_idle.map(Wait::get),
            ..settings.wear
        },
        queue: QueueLimits {
            jobs: count(args.max_queue),
            ..settings.queue
        },
        ..settings
    }
}

/// The imports of sources that have none.
///
/// # Errors
/// More than imports: it would be put in front of every source, and its body would
/// be evaluated with each of them.
fn header(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if header::split(text).is_all(text) {
        return Ok(text.to_owned());
    }
    let named = format!("import {text}");
    let hint = if header::split(&named).is_all(&named) && !named.contains(['\n', '\'']) {
        format!("write it as in Lean: `--header '{named}'`")
    } else {
        "give imports only, such as `--header 'import Mathlib'`; what comes after them belongs to the sources"
            .to_owned()
    };
    let shown = text.lines().collect::<Vec<_>>().join(" ");
    let problem = format!("the header `{shown}` holds something other than imports");
    Err(Failure::new(Kind::Usage, problem, hint))
}

pub(crate) fn logs(args: &ServeArgs, output: &OutputArgs) -> (LogFormat, LogLevel) {
    let format = match args.log_format {
        LogArg::Text => LogFormat::Text,
        LogArg::Json => LogFormat::Json,
    };
    let is_quiet = output.quiet || env_vars::read(env_vars::SERVER_QUIET).is_some();
    let level = match (output.verbose, is_quiet) {
        (true, _) => LogLevel::Verbose,
        (false, true) => LogLevel::Quiet,
        (false, false) => LogLevel::Normal,
    };
    (format, level)
}

/// Longest run of a source whose client does not say.
fn timeout(args: &ServeArgs) -> Result<Duration, Failure> {
    if let Some(timeout) = args.timeout {
        return Ok(timeout.get());
    }
    let unset = match args.mode {
        ModeArg::Repl => REPL_TIMEOUT,
        ModeArg::Lean => LEAN_TIMEOUT,
    };
    let Some(text) = text(env_vars::SERVER_TIMEOUT)? else {
        return Ok(unset.get());
    };
    let seconds: Option<f64> = text.trim().parse().ok();
    let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    span.filter(|span| !span.is_zero()).ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            format!(
                "the variable `{}` is no number of seconds above 0",
                env_vars::SERVER_TIMEOUT.name
            ),
            "set it to a number such as 60, or use `--timeout TIME`",
        )
    })
}

fn cors(origins: &[String]) -> Cors {
    let origins: Vec<String> = origins
        .iter()
        .map(|origin| origin.trim().trim_end_matches('/').to_owned())
        .filter(|origin| !origin.is_empty() && origin != "none")
        .collect();
    if origins.iter().any(|origin| origin == "*") {
        Cors::Any
    } else if origins.is_empty() {
        Cors::Off
    } else {
        Cors::Origins(origins)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Args, Command};

    /// The size for a command line on a machine.
    fn size(line: &str, cores: usize, gigabytes: u64, is_core: bool) -> (usize, usize) {
        let words = ["leanrepl", "serve"]
            .into_iter()
            .chain(line.split_whitespace());
        let Command::Serve(args) = Args::try_parse_from(words).unwrap().command else {
            panic!("another command");
        };
        let memory = Some(Bytes::mib(gigabytes * 1024));
        let size = Size::choose(&args, Machine { cores, memory }, is_core);
        (size.sessions, size.spares)
    }

    #[test]
    fn sessions_are_as_many_as_cores_and_memory_allow() {
        for (line, cores, gigabytes, is_core, expected) in [
            ("", 8, 64, false, (8, 1)),
            ("", 8, 32, false, (4, 1)),
            ("", 8, 8, false, (1, 0)),
            ("", 8, 2, false, (1, 0)),
            ("", 2, 8, true, (2, 1)),
            ("--sessions 3", 8, 20, false, (3, 0)),
            ("--sessions 3 --spares 2", 1, 1, false, (3, 2)),
            ("--memory 1GiB", 4, 8, false, (4, 1)),
        ] {
            assert_eq!(
                size(line, cores, gigabytes, is_core),
                expected,
                "{line} {gigabytes}"
            );
        }
    }

    #[test]
    fn a_client_that_holds_sessions_leaves_one_to_others_where_there_are_more() {
        for (most, sessions, all, each) in [
            (None, 1, 1, 1),
            (None, 2, 1, 1),
            (None, 3, 2, 1),
            (None, 9, 8, 7),
            (Some(20), 4, 20, 3),
            (Some(3), 8, 3, 2),
            (Some(0), 8, 0, 1),
        ] {
            let size = Size {
                sessions,
                spares: 0,
            };
            assert_eq!(Held::choose(most, size), Held { all, each });
        }
    }

    #[test]
    fn a_header_holds_imports_and_nothing_else() {
        for text in [
            "",
            " import A\nimport B -- b\n",
            "/- none -/",
            "module\nimport A",
        ] {
            assert_eq!(header(text).unwrap(), text.trim());
        }
        for (text, hint) in [
            ("Mathlib", "`--header 'import Mathlib'`"),
            ("#eval 1", "imports only"),
            ("import A\nopen B", "imports only"),
            ("import A /- no end", "imports only"),
        ] {
            let failure = header(text).unwrap_err();
            assert_eq!(failure.kind(), Kind::Usage);
            let shown = text.replace('\n', " ");
            assert!(failure.problem().contains(&shown), "{failure:?}");
            assert!(failure.hint().contains(hint), "{failure:?}");
        }
    }

    #[test]
    fn the_server_of_a_machine_of_its_own_keeps_pages_from_elsewhere_out() {
        let seen = |line: &str, address: &str| {
            let words = ["leanrepl", "serve"].into_iter();
            let words = words.chain(line.split_whitespace());
            let Command::Serve(args) = Args::try_parse_from(words).unwrap().command else {
                panic!("another command");
            };
            let size = Size {
                sessions: 1,
                spares: 0,
            };
            let toolchain = ToolchainChoice {
                source: "core",
                why: String::new(),
            };
            let address = address.parse().unwrap();
            let options = options(&args, size, toolchain, address).unwrap();
            (options.is_own_machine_only, options.cors)
        };
        let named = Cors::Origins(vec!["https://a.example".to_owned()]);
        for address in ["127.0.0.1:1", "127.1.2.3:1", "[::1]:1"] {
            assert_eq!(seen("", address), (true, Cors::Off), "{address}");
        }
        let here = "127.0.0.1:1";
        for (line, address, expected) in [
            ("", "0.0.0.0:1", (false, Cors::Any)),
            ("", "192.0.2.7:1", (false, Cors::Any)),
            ("", "[::]:1", (false, Cors::Any)),
            ("--cors none", here, (true, Cors::Off)),
            ("--cors https://a.example", here, (true, named)),
            ("--cors *", here, (false, Cors::Any)),
            ("--trust-proxy", here, (false, Cors::Any)),
            ("--trust-proxy --cors none", here, (false, Cors::Off)),
        ] {
            assert_eq!(seen(line, address), expected, "{line} {address}");
        }
    }

    #[test]
    fn origins_are_compared_as_browsers_write_them() {
        let cors =
            |list: &[&str]| cors(&list.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert_eq!(cors(&["*"]), Cors::Any);
        assert_eq!(cors(&["none"]), Cors::Off);
        let origins = vec!["https://a.example".to_owned()];
        assert_eq!(cors(&["https://a.example/"]), Cors::Origins(origins));
    }
}
