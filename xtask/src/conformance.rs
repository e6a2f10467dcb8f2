//! `cargo xtask conformance`: the transcripts of a folder against any REPL, through our own session.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use leanrepl::internals::compare::{Comparison, Difference, blocks, compare};
use leanrepl::internals::{
    CancelFlag, CoreLean, DataDir, Deadline, Launch, Observer, Session, SessionError,
    SessionLimits, Unobserved, env_vars, wire,
};
use serde_json::{Value, json};

/// Which REPL and which transcripts.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The REPL's binary.
    #[arg(long, value_name = "CMD", conflicts_with = "core")]
    repl: Option<PathBuf>,
    /// Core Lean, installed if need be.
    #[arg(long)]
    core: bool,
    /// Only decode the expected replies with our types; needs no REPL.
    #[arg(long, conflicts_with_all = ["core", "repl"])]
    decode_only: bool,
    /// The folder of `*.in` and `*.expected.out`; paths in them begin beside it.
    #[arg(long, value_name = "DIR")]
    transcripts: PathBuf,
    /// Print one JSON object in place of the table.
    #[arg(long)]
    json: bool,
    /// Longest wait for one reply, in seconds.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
}

impl Args {
    /// Core Lean against that folder, as a table.
    pub(crate) fn of_core(transcripts: PathBuf) -> Self {
        Self {
            repl: None,
            core: true,
            decode_only: false,
            transcripts,
            json: false,
            timeout: 120,
        }
    }
}

/// The outcomes in the order of the summary.
const OUTCOMES: [&str; 5] = ["passed", "wording", "differs", "died", "timed_out"];

/// What came of one transcript.
struct Row {
    /// Its name without the ending.
    name: String,
    /// One of [`OUTCOMES`].
    outcome: &'static str,
    /// The first difference.
    detail: String,
}

/// Plays all transcripts; all is well if none differs, died or timed out.
///
/// # Errors
/// A folder without transcripts, or no REPL.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let names = names(&args.transcripts)?;
    let launch = if args.decode_only {
        None
    } else {
        Some(launch(args)?)
    };
    let mut rows = Vec::new();
    for name in names {
        let (outcome, detail) = match &launch {
            Some(launch) => play(args, launch, &name)?,
            None => decode(&args.transcripts, &name)?,
        };
        rows.push(Row {
            name,
            outcome,
            detail,
        });
    }
    report(&rows, args.json);
    Ok(rows
        .iter()
        .all(|row| ["passed", "wording"].contains(&row.outcome)))
}

/// The transcripts that have an expected output, in order: some read what an earlier one pickled.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .strip_suffix(".in")
                .map(str::to_owned)
        })
        .filter(|name| folder.join(format!("{name}.expected.out")).is_file())
        .collect();
    names.sort();
    if names.is_empty() {
        bail!(
            "no `*.in` with an `*.expected.out` in `{}`",
            folder.display()
        );
    }
    Ok(names)
}

/// How the REPL is started: beside the folder, where the paths in the transcripts begin.
fn launch(args: &Args) -> Result<Launch> {
    let folder = args.transcripts.canonicalize()?;
    let beside = folder.parent().map(Path::to_owned);
    let mut launch = if let Some(program) = &args.repl {
        Launch {
            vars: env_vars::cleaned(),
            ..Launch::new(program.canonicalize()?)
        }
    } else if args.core {
        let deadline = Deadline::after(Duration::from_secs(1800));
        let core = CoreLean::new(DataDir::locate()?);
        core.ensure(deadline, &Unobserved, &CancelFlag::default())?
            .launch()
    } else {
        bail!("name a REPL with `--repl CMD`, or use `--core` or `--decode-only`");
    };
    launch.dir = beside;
    Ok(launch)
}

/// Plays one transcript in a fresh session.
fn play(args: &Args, launch: &Launch, name: &str) -> Result<(&'static str, String)> {
    let input = fs::read_to_string(args.transcripts.join(format!("{name}.in")))?;
    let expected = expected(&args.transcripts, name)?;
    let observer: Arc<dyn Observer> = Arc::new(Unobserved);
    let mut session = Session::start(
        launch,
        SessionLimits::default(),
        &CancelFlag::default(),
        &observer,
    )?;
    let mut wording = None;
    // The REPL drops a block that begins like this without a word.
    let requests = blocks(&input)
        .into_iter()
        .filter(|block| !block.starts_with('#') && !block.starts_with("--"));
    for (number, (block, expected)) in requests.zip(&expected).enumerate() {
        let request: String = block.lines().map(str::trim_end).collect();
        let deadline = Deadline::after(Duration::from_secs(args.timeout));
        let actual = match session.ask_object(&request, deadline) {
            Ok(object) => Value::Object(object),
            Err(SessionError::Timeout { .. }) => {
                return Ok(("timed_out", format!("request {}", number + 1)));
            }
            Err(err) => return Ok(("died", format!("request {}: {err}", number + 1))),
        };
        match compare(expected, &actual) {
            Comparison::Passed => {}
            Comparison::Wording(difference) => {
                wording = wording.or(Some(show(number, &difference)));
            }
            Comparison::Differs(difference) => return Ok(("differs", show(number, &difference))),
        }
    }
    Ok(wording.map_or(("passed", String::new()), |detail| ("wording", detail)))
}

/// Decodes the expected replies of one transcript and encodes them again.
fn decode(folder: &Path, name: &str) -> Result<(&'static str, String)> {
    for (number, value) in expected(folder, name)?.into_iter().enumerate() {
        let Value::Object(object) = value.clone() else {
            return Ok(("differs", format!("reply {} is no object", number + 1)));
        };
        match wire::Reply::from_object(object) {
            Ok(reply) if reply.clone().into_value() == value => {}
            Ok(_) => {
                return Ok((
                    "differs",
                    format!("reply {} is encoded differently", number + 1),
                ));
            }
            Err(err) => return Ok(("differs", format!("reply {}: {err}", number + 1))),
        }
    }
    Ok(("passed", String::new()))
}

/// The expected replies.
fn expected(folder: &Path, name: &str) -> Result<Vec<Value>> {
    let text = fs::read_to_string(folder.join(format!("{name}.expected.out")))?;
    blocks(&text)
        .into_iter()
        .map(|block| {
            serde_json::from_str(block)
                .with_context(|| format!("`{name}.expected.out` is not JSON"))
        })
        .collect()
}

/// A difference on one line.
fn show(number: usize, difference: &Difference) -> String {
    let short = |text: &str| text.chars().take(60).collect::<String>();
    format!(
        "reply {} at `{}`: expected {}, found {}",
        number + 1,
        difference.path,
        short(&difference.expected),
        short(&difference.actual)
    )
}

/// Prints the table or the JSON object.
fn report(rows: &[Row], as_json: bool) {
    let mut counts: BTreeMap<&str, usize> = OUTCOMES.map(|outcome| (outcome, 0)).into();
    for row in rows {
        *counts.entry(row.outcome).or_default() += 1;
    }
    if as_json {
        let list: Vec<Value> = rows
            .iter()
            .map(|row| json!({ "name": row.name, "outcome": row.outcome, "detail": row.detail }))
            .collect();
        let mut object = json!(counts);
        if let Some(fields) = object.as_object_mut() {
            fields.insert("list".to_owned(), Value::Array(list));
        }
        println!("{object}");
        return;
    }
    println!("| transcript | outcome | first difference |\n|---|---|---|");
    for row in rows {
        println!(
            "| {} | {} | {} |",
            row.name,
            row.outcome,
            row.detail.replace('|', "\\|")
        );
    }
    let words: Vec<String> = OUTCOMES
        .iter()
        .map(|outcome| {
            format!(
                "{} {outcome}",
                counts.get(outcome).copied().unwrap_or_default()
            )
        })
        .collect();
    println!("\n{} transcripts: {}", rows.len(), words.join(", "));
}
