//! The plot: a panel for the writers and one for extraction on core Lean, with a bar for each figure.

use std::fmt::Write;

/// Widths in pixels: the whole, what is left of the bars, and the longest bar.
const WIDTH: f64 = 760.0;
const LEFT: f64 = 170.0;
const BAR: f64 = 480.0;

/// Heights in pixels: a title, a bar with what is around it, and the bar itself.
const TITLE: f64 = 34.0;
const LINE: f64 = 26.0;
const THICK: f64 = 16.0;

/// Colours for light and dark.
const STYLE: &str = "\
svg{background:#ffffff}text{font:12px sans-serif;fill:#1f2328}.title{font-weight:bold;font-size:13px}\
rect{fill:#0969da}\
@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}rect{fill:#58a6ff}}";

/// Some bars.
pub(super) struct Panel {
    /// What is shown, with its unit.
    pub(super) title: String,
    /// How many digits of a figure are shown after the point.
    pub(super) digits: usize,
    /// Names and figures.
    pub(super) bars: Vec<(String, f64)>,
}

/// The plot as SVG.
pub(super) fn draw(panels: &[Panel]) -> String {
    let mut body = String::new();
    let mut top = 10.0;
    for panel in panels {
        top = panel.draw(&mut body, top);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{top}\" \
         viewBox=\"0 0 {WIDTH} {top}\" role=\"img\">\n\
         <title>What extraction costs</title>\n<style>{STYLE}</style>\n{body}</svg>\n"
    )
}

impl Panel {
    /// Draws it below `top`; gives where it ends.
    fn draw(&self, svg: &mut String, top: f64) -> f64 {
        let largest = self
            .bars
            .iter()
            .map(|(_, figure)| *figure)
            .fold(f64::MIN_POSITIVE, f64::max);
        let title = top + 18.0;
        // Writing to a string cannot fail.
        let _written = writeln!(
            svg,
            "<text class=\"title\" x=\"10\" y=\"{title}\">{}</text>",
            self.title
        );
        let mut y = top + TITLE;
        for (name, figure) in &self.bars {
            let width = figure / largest * BAR;
            let (text, end, after) = (y + THICK - 4.0, LEFT - 10.0, LEFT + width + 8.0);
            let digits = self.digits;
            let _written = writeln!(
                svg,
                "<text x=\"{end}\" y=\"{text}\" text-anchor=\"end\">{name}</text>\
                 <rect x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"{THICK}\"/>\
                 <text x=\"{after:.1}\" y=\"{text}\">{figure:.digits$}</text>"
            );
            y += LINE;
        }
        y + 10.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_figure_has_the_longest_bar() {
        let bars = vec![("a".to_owned(), 2.0), ("b".to_owned(), 4.0)];
        let svg = draw(&[Panel {
            title: "t".to_owned(),
            digits: 1,
            bars,
        }]);
        assert!(
            svg.contains("width=\"240.0\"") && svg.contains("width=\"480.0\""),
            "{svg}"
        );
        assert!(svg.contains(">2.0<") && svg.contains(">4.0<"), "{svg}");
    }
}
