//! What `leanrepl extract` shows: extractors, progress, and what came out. Never extracts.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::extract::summary::{Progress, Summary};
use crate::failure::Failure;
use crate::limits::Bytes;
use crate::table::schema::{DataType, Schema};
use crate::ui::json::{self, VERSION};
use crate::ui::mode::Format;
use crate::ui::paint::{BOLD, DIM, PLAIN, Paint, RED};
use crate::ui::visible::visible_line;
use crate::ui::{Ui, Written, report};

/// How often a log gets a line about the progress.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// How many failed units are named at the end.
const NAMED: usize = 20;

/// How far an extraction has come.
pub(crate) struct Meter {
    started: Instant,
    units: usize,
    kept: usize,
    done: usize,
    rows: u64,
    /// When a line was written last.
    shown: Instant,
}

impl Meter {
    /// Nothing is done.
    pub(crate) fn new() -> Self {
        let started = Instant::now();
        Self {
            started,
            units: 0,
            kept: 0,
            done: 0,
            rows: 0,
            shown: started,
        }
    }

    /// Rows a second until now.
    fn pace(&self) -> f64 {
        let rows = u32::try_from(self.rows).map_or(f64::from(u32::MAX), f64::from);
        rows / self.started.elapsed().as_secs_f64().max(0.001)
    }

    /// How long it may take, judged by the units that are done.
    fn left(&self) -> Option<Duration> {
        let made = self.done.checked_sub(self.kept).filter(|made| *made > 0)?;
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let each = self.started.elapsed() / number(made);
        Some(each.saturating_mul(number(self.units.saturating_sub(self.done))))
    }

    /// The numbers behind the bar.
    fn text(&self) -> String {
        let mut text = format!(", {} rows, {:.0} rows/s", self.rows, self.pace());
        if let Some(left) = self.left() {
            let left = Duration::from_secs(left.as_secs());
            // Writing to a string cannot fail.
            let _written = write!(text, ", {} left", humantime::format_duration(left));
        }
        text
    }
}

/// An extraction as a JSON line.
#[derive(Debug, Serialize)]
struct ExtractLine<'a> {
    /// Always `extract`.
    r#type: &'static str,
    version: u32,
    #[serde(flatten)]
    summary: &'a Summary,
    seconds: f64,
    /// What the process is about to return.
    exit_code: u8,
}

impl Ui {
    /// Shows an extractor with its columns.
    pub(crate) fn extractor(
        &self,
        name: &str,
        about: &str,
        schema: &Schema,
    ) -> Result<Written, Failure> {
        let paint = Paint::new(self.mode.stdout_color);
        let mut text = format!("{}  {about}\n", paint.with(BOLD, name));
        for field in &schema.fields {
            let mark = if field.nullable { "" } else { "!" };
            let _written = writeln!(text, "  {:<22}{}{mark}", field.name, kind(&field.data_type));
        }
        text.push('\n');
        self.data(&text)
    }

    /// Shows how far an extraction has come.
    pub(crate) fn extracting(&self, meter: &mut Meter, progress: &Progress<'_>) {
        let paint = Paint::new(self.mode.stderr_color);
        let mut state = self.state();
        let line = match progress {
            Progress::Planned {
                units,
                kept,
                limits,
            } => {
                (meter.units, meter.kept, meter.done) = (*units, *kept, *kept);
                state.meter.units_started(*units, *kept);
                let mut text = String::new();
                if *kept > 0 {
                    let kept = format!("{kept} of {units} units are there already");
                    text.push_str(&paint.labelled("note", DIM, &kept, PLAIN));
                }
                for limit in *limits {
                    text.push_str(&paint.labelled("note", DIM, &visible_line(limit), PLAIN));
                }
                Some(text)
            }
            Progress::Rows(rows) => {
                meter.rows = *rows;
                state.meter.units_at(meter.done, meter.text());
                None
            }
            Progress::Unit => {
                meter.done = meter.done.saturating_add(1);
                state.meter.units_at(meter.done, meter.text());
                Self::line_of(&state.meter, meter)
            }
            Progress::Failed(failure) => Some(report::text(failure, None, paint)),
            Progress::Packing => state
                .meter
                .step_started("packing the rows into shards", None),
        };
        let is_failure = matches!(progress, Progress::Failed(_));
        if let Some(line) = line.filter(|_| is_failure || !self.mode.is_quiet()) {
            self.say(&mut state, &line);
        }
    }

    /// A line about the progress for a log, if it is time for one.
    fn line_of(bars: &crate::ui::progress::Meter, meter: &mut Meter) -> Option<String> {
        let is_due = bars.writes_lines() && meter.shown.elapsed() >= LINE_EVERY;
        if !is_due {
            return None;
        }
        meter.shown = Instant::now();
        Some(format!(
            "{} of {} units{}\n",
            meter.done,
            meter.units,
            meter.text()
        ))
    }

    /// Shows what came out; `exit_code` is what the process is about to return.
    pub(crate) fn extracted(
        &self,
        summary: &Summary,
        meter: &Meter,
        exit_code: u8,
    ) -> Result<Written, Failure> {
        let elapsed = meter.started.elapsed();
        let mut state = self.state();
        state.meter.finished();
        if !self.mode.is_quiet() {
            let paint = Paint::new(self.mode.stderr_color);
            self.say(&mut state, &table(summary, meter, elapsed, paint));
        }
        if self.mode.format == Format::Json {
            let line = ExtractLine {
                r#type: "extract",
                version: VERSION,
                summary,
                seconds: elapsed.as_secs_f64(),
                exit_code,
            };
            return Self::put(&mut state, &json::line(&line)?);
        }
        Ok(Self::reader(&state))
    }
}

/// What came out, for people.
fn table(summary: &Summary, meter: &Meter, elapsed: Duration, paint: Paint) -> String {
    let mut text = String::new();
    let place = summary
        .directory
        .as_ref()
        .map(|dir| visible_line(&dir.display().to_string()).into_owned());
    let took = format!("{:.1} s", elapsed.as_secs_f64());
    let first = match (&place, summary.is_up_to_date, summary.is_share) {
        (Some(place), true, _) => format!("{place} is up to date: nothing has changed"),
        (Some(place), _, true) => {
            format!("extracted a share into {place}/.spool, for `leanrepl extract pack`")
        }
        (Some(place), ..) => format!("wrote {place}"),
        (None, ..) => "done".to_owned(),
    };
    let _written = writeln!(text, "{} in {took}", paint.with(BOLD, &first));
    let mut row = |name: &str, value: String| {
        let _written = writeln!(text, "  {name:<8}{value}");
    };
    row(
        "rows",
        format!(
            "{}{}",
            summary.rows,
            if meter.rows > 0 {
                format!(" ({:.0} rows/s)", meter.pace())
            } else {
                String::new()
            }
        ),
    );
    let failed = summary.failed.len();
    let made = summary
        .units
        .saturating_sub(summary.kept_units)
        .saturating_sub(failed);
    row(
        "units",
        format!(
            "{} ({made} extracted, {} kept, {failed} failed)",
            summary.units, summary.kept_units
        ),
    );
    if summary.shards > 0 {
        row(
            "shards",
            format!("{} ({})", summary.shards, Bytes::new(summary.bytes)),
        );
    }
    for unit in summary.failed.iter().take(NAMED) {
        let line = format!(
            "{}: {}",
            unit.name,
            unit.problem.lines().next().unwrap_or_default()
        );
        text.push_str(&paint.labelled("failed", RED, &visible_line(&line), PLAIN));
    }
    if let Some(more) = failed.checked_sub(NAMED).filter(|more| *more > 0) {
        let _written = writeln!(text, "  and {more} more");
    }
    text
}

/// A type in one word or a few.
fn kind(data_type: &DataType) -> String {
    match data_type {
        DataType::Bool => "bool".to_owned(),
        DataType::Nat => "nat".to_owned(),
        DataType::Int => "int".to_owned(),
        DataType::Float => "float".to_owned(),
        DataType::String => "string".to_owned(),
        DataType::List(item) => format!("list of {}", kind(item)),
        DataType::Struct(fields) => {
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            format!("struct of {}", names.join(", "))
        }
    }
}
