//! The plot: four panels, in each a line for every level and a dot for every figure, labelled with it.

use std::fmt::Write;

use crate::bench::isolation::figures::{Figures, MEMORY_SESSIONS, Place, SESSIONS};
use crate::bench::isolation::level::{LEVELS, SOURCES};
use crate::bench::isolation::table::{processor, rate, wall};

/// Widths in pixels: the whole, what is left of the axes, and an axis.
const WIDTH: f64 = 760.0;
const LEFT: f64 = 110.0;
const AXIS: f64 = 580.0;

/// Heights in pixels: a title with its legend, a line of one figure, what is between two levels, the axis
/// with its labels.
const TITLE: f64 = 50.0;
const LINE: f64 = 15.0;
const GAP: f64 = 8.0;
const FOOT: f64 = 40.0;

/// Colours for light and dark, one class for each kind of figure.
const STYLE: &str = "\
svg{background:#ffffff}text{font:12px sans-serif;fill:#1f2328}.title{font-weight:bold;font-size:13px}\
.grid{stroke:#d0d7de}.s0{fill:#0969da;stroke:#0969da}.s1{fill:#bc4c00;stroke:#bc4c00}\
.s2{fill:#1a7f37;stroke:#1a7f37}\
@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}.grid{stroke:#3d444d}\
.s0{fill:#58a6ff;stroke:#58a6ff}.s1{fill:#f0883e;stroke:#f0883e}.s2{fill:#3fb950;stroke:#3fb950}}";

/// How figures are laid out on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// By their size.
    Linear,
    /// By their logarithm, since they differ by so much.
    Logarithmic,
}

/// A panel.
struct Panel {
    /// What is shown, with its unit.
    title: &'static str,
    /// How.
    scale: Scale,
    /// How many digits of a figure are shown after the point.
    digits: usize,
    /// What the figures of a level are.
    kinds: Vec<String>,
    /// The figures of each level.
    figures: Vec<Vec<f64>>,
}

/// The plot as SVG.
pub(super) fn draw(figures: &Figures) -> String {
    let mut body = String::new();
    let mut top = 10.0;
    for panel in panels(figures) {
        top = panel.draw(&mut body, top);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{top}\" \
         viewBox=\"0 0 {WIDTH} {top}\" role=\"img\">\n\
         <title>What the levels of isolation cost on core Lean</title>\n<style>{STYLE}</style>\n{body}</svg>\n"
    )
}

/// All panels.
fn panels(figures: &Figures) -> [Panel; 4] {
    let levels = || 0..LEVELS.len();
    let by_source = |figure| {
        let of = move |level| {
            let places = (0..SOURCES.len()).map(move |source| Place {
                sessions: 0,
                source,
                level,
            });
            places.map(|at| figures.middle(at, figure)).collect()
        };
        levels().map(of).collect()
    };
    let rates = levels().map(|level| {
        let places = (0..SESSIONS.len()).map(|sessions| Place {
            sessions,
            source: 0,
            level,
        });
        places.map(|at| figures.middle(at, rate)).collect()
    });
    let sources = || SOURCES.iter().map(|source| source.name.to_owned());
    [
        Panel {
            title: "Time of a source in ms, median",
            scale: Scale::Logarithmic,
            digits: 0,
            kinds: sources().collect(),
            figures: by_source(wall),
        },
        Panel {
            title: "Processor time of a source in ms",
            scale: Scale::Logarithmic,
            digits: 0,
            kinds: sources().collect(),
            figures: by_source(processor),
        },
        Panel {
            title: "Sources a second, tactic",
            scale: Scale::Logarithmic,
            digits: 2,
            kinds: SESSIONS.map(count).into(),
            figures: rates.collect(),
        },
        Panel {
            title: "Resident memory in MB",
            scale: Scale::Linear,
            digits: 0,
            kinds: MEMORY_SESSIONS.map(count).into(),
            figures: figures.memory.iter().map(|row| row.to_vec()).collect(),
        },
    ]
}

/// A number of sessions in words.
fn count(sessions: usize) -> String {
    match sessions {
        1 => "1 session".to_owned(),
        more => format!("{more} sessions"),
    }
}

impl Panel {
    /// Draws it below `top`; gives where it ends.
    fn draw(&self, svg: &mut String, top: f64) -> f64 {
        self.draw_title(svg, top);
        let lines: usize = self.figures.iter().map(Vec::len).sum();
        let bottom = top + TITLE + pixels(lines) * LINE + pixels(self.figures.len()) * GAP;
        let ticks = self.ticks();
        self.draw_axis(svg, &ticks, top + TITLE - GAP, bottom);
        let mut y = top + TITLE;
        for (level, figures) in LEVELS.iter().zip(&self.figures) {
            let middle = y + pixels(figures.len()) * LINE / 2.0 + 4.0;
            let end = LEFT - 10.0;
            add(
                svg,
                &format!(
                    "<text x=\"{end}\" y=\"{middle}\" text-anchor=\"end\">{}</text>",
                    level.name
                ),
            );
            for (kind, figure) in figures.iter().enumerate() {
                self.draw_figure(
                    svg,
                    kind,
                    *figure,
                    [self.place(*figure, &ticks), y + LINE / 2.0],
                );
                y += LINE;
            }
            y += GAP;
        }
        bottom + FOOT
    }

    /// The lines of the grid, with the labels of the axis below.
    fn draw_axis(&self, svg: &mut String, ticks: &[f64], from: f64, bottom: f64) {
        let label = bottom + 14.0;
        for tick in ticks {
            let x = self.place(*tick, ticks);
            add(
                svg,
                &format!(
                    "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{from}\" y2=\"{bottom}\"/>\
                 <text x=\"{x:.1}\" y=\"{label}\" text-anchor=\"middle\">{tick}</text>"
                ),
            );
        }
    }

    /// A dot with its figure.
    fn draw_figure(&self, svg: &mut String, kind: usize, figure: f64, [x, y]: [f64; 2]) {
        let digits = self.digits;
        add(
            svg,
            &format!(
                "<line class=\"s{kind}\" stroke-width=\"2\" x1=\"{LEFT}\" x2=\"{x:.1}\" y1=\"{y}\" y2=\"{y}\"/>\
             <circle class=\"s{kind}\" cx=\"{x:.1}\" cy=\"{y}\" r=\"4\"/>\
             <text x=\"{:.1}\" y=\"{}\">{figure:.digits$}</text>",
                x + 8.0,
                y + 4.0,
            ),
        );
    }

    /// The title, and below it the legend.
    fn draw_title(&self, svg: &mut String, top: f64) {
        let (y, legend) = (top + 14.0, top + 33.0);
        let scale = match self.scale {
            Scale::Linear => "",
            Scale::Logarithmic => ", logarithmic",
        };
        add(
            svg,
            &format!(
                "<text class=\"title\" x=\"{LEFT}\" y=\"{y}\">{}{scale}</text>",
                self.title
            ),
        );
        for (kind, name) in self.kinds.iter().enumerate() {
            let x = LEFT + 6.0 + pixels(kind) * 110.0;
            add(
                svg,
                &format!(
                    "<circle class=\"s{kind}\" cx=\"{x}\" cy=\"{}\" r=\"4\"/><text x=\"{}\" y=\"{legend}\">{name}</text>",
                    legend - 4.0,
                    x + 9.0,
                ),
            );
        }
    }

    /// Where the axis is labelled, from its beginning to its end.
    fn ticks(&self) -> Vec<f64> {
        let all = || self.figures.iter().flatten().copied();
        let most = all().fold(1e-3, f64::max);
        let step = 10_f64.powf(most.log10().floor());
        match self.scale {
            Scale::Linear => {
                let steps = (most / step).ceil();
                (0..10)
                    .map(f64::from)
                    .filter(|at| *at <= steps)
                    .map(|at| at * step)
                    .collect()
            }
            Scale::Logarithmic => {
                let least = all().fold(most, f64::min).max(1e-3).log10().floor();
                let end = most.log10().ceil();
                (0..10)
                    .map(|more| least + f64::from(more))
                    .filter(|power| *power <= end)
                    .map(|power| 10_f64.powf(power))
                    .collect()
            }
        }
    }

    /// Where a figure is on the axis.
    fn place(&self, figure: f64, ticks: &[f64]) -> f64 {
        let [first, last] = [ticks.first(), ticks.last()].map(|tick| tick.copied().unwrap_or(1.0));
        let share = match self.scale {
            Scale::Linear => figure / last,
            Scale::Logarithmic => (figure.max(1e-3) / first).log10() / (last / first).log10(),
        };
        LEFT + AXIS * share.clamp(0.0, 1.0)
    }
}

/// One more line.
fn add(svg: &mut String, line: &str) {
    // Writing to a string cannot fail.
    writeln!(svg, "{line}").ok();
}

/// A small number as a length.
fn pixels(number: usize) -> f64 {
    u32::try_from(number).map_or(0.0, f64::from)
}
