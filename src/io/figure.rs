//! Line figures with bands, markers, axes and legend, alone or in panels, drawn by kuva as SVG or PNG.

use std::sync::Arc;

use kuva::backend::raster::RasterBackend;
use kuva::backend::svg::SvgBackend;
use kuva::plot::legend::{LegendEntry, LegendPosition, LegendShape};
use kuva::plot::{BandPlot, ColorMap, LinePlot, LineStyle, MarkerShape, ScatterPlot};
use kuva::render::figure::Figure as Grid;
use kuva::render::layout::{AxisLine, Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::{Primitive, Scene, render_multiple};
use kuva::render::theme::Theme;

use crate::error::shown::one_line;

/// Okabe and Ito's colours, told apart by colour-blind eyes, without their faint yellow.
const COLOURS: [&str; 7] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];
/// Half width of an error band, in standard errors.
pub(super) const BAND: f64 = 2.0;
/// Most sweep points named in a legend, evenly spread from the first to the last.
pub(super) const NAMED_POINTS: usize = 12;
/// Colour of the legend entries that hold for every curve.
pub(super) const NEUTRAL: &str = "#555555";

/// Colour of curve `index` among `count`: distinct ones for a few, a colour scale for many.
pub(super) fn colour(index: usize, count: usize) -> String {
    if count <= COLOURS.len() {
        return COLOURS[index % COLOURS.len()].into();
    }
    // The last tenth of viridis is too pale on white.
    ColorMap::Viridis.map(0.9 * index as f64 / (count - 1) as f64)
}

/// Width of the lines of the markers, in points.
const MARKER_LINE: f64 = 1.2;

/// What a legend entry stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Swatch {
    Line,
    Dashes,
    Band,
    Circle,
    Cross,
    None,
}

/// A finished figure.
pub struct Figure(Scene);

impl Figure {
    fn opened(mut scene: Scene) -> Self {
        scene.elements.iter_mut().for_each(open_circle);
        Self(scene)
    }

    /// The figure as SVG text.
    pub fn svg(&self) -> String {
        SvgBackend.render_scene(&self.0)
    }

    /// The figure as PNG, `scale` pixels to the point.
    pub fn png(&self, scale: f32) -> Result<Vec<u8>, String> {
        RasterBackend::new().with_scale(scale).render_scene(&self.0)
    }
}

/// A figure in the making; layers are painted in the order they are added. All points must be finite.
pub(super) struct Sketch {
    title: String,
    axis_labels: [String; 2],
    layers: Vec<Plot>,
    legend: Vec<LegendEntry>,
    x: Extent,
    y: Extent,
    logarithmic: [bool; 2],
}

impl Sketch {
    pub fn new(title: &str, x_label: &str, y_label: &str) -> Self {
        Self {
            title: fitted(title, LONGEST_TITLE),
            axis_labels: [x_label, y_label].map(|label| fitted(label, LONGEST_LABEL)),
            layers: Vec::new(),
            legend: Vec::new(),
            x: Extent::default(),
            y: Extent::default(),
            logarithmic: [false; 2],
        }
    }

    /// Makes axes logarithmic (x, y), to be set before anything is drawn; all values along them must be positive.
    ///
    /// Logarithms are drawn on linear axes: kuva's own logarithmic axes end at 1e-10.
    pub fn logarithmic(mut self, axes: [bool; 2]) -> Self {
        self.logarithmic = axes;
        self
    }

    /// A filled band between the two values at each abscissa.
    pub fn band(&mut self, band: &[(f64, [f64; 2])], colour: &str) {
        let edge = |side: usize| self.placed(&band.iter().map(|(x, edges)| (*x, edges[side])).collect::<Vec<_>>());
        let [low, high] = [edge(0), edge(1)];
        low.iter().chain(&high).for_each(|&(x, y)| self.see(x, y));
        let (x, y) =
            (low.iter().map(|point| point.0), |edge: &[(f64, f64)]| edge.iter().map(|p| p.1).collect::<Vec<_>>());
        let plot = BandPlot::new(x, y(&low), y(&high)).with_color(colour).with_opacity(0.2);
        self.layers.push(Plot::Band(plot));
    }

    /// A line, or a dot if there is only one point.
    pub fn line(&mut self, points: &[(f64, f64)], colour: &str) {
        if points.len() == 1 {
            return self.markers(points, MarkerShape::Circle, 3.0, 1.0, colour);
        }
        self.stroke(points, LineStyle::Solid, colour);
    }

    /// A dashed line.
    pub fn dashes(&mut self, points: &[(f64, f64)], colour: &str) {
        self.stroke(points, LineStyle::Dashed, colour);
    }

    fn stroke(&mut self, points: &[(f64, f64)], style: LineStyle, colour: &str) {
        let points = self.placed(points);
        points.iter().for_each(|&(x, y)| self.see(x, y));
        let line = LinePlot::new().with_data(points.iter().copied()).with_color(colour);
        self.layers.push(Plot::Line(line.with_stroke_width(1.8).with_line_style(style)));
    }

    /// A vertical bar between the two values at each abscissa.
    pub fn bars(&mut self, bars: &[(f64, [f64; 2])], colour: &str) {
        for &(x, [low, high]) in bars {
            let ends = self.placed(&[(x, low), (x, high)]);
            ends.iter().for_each(|&(x, y)| self.see(x, y));
            let bar = LinePlot::new().with_data(ends).with_color(colour).with_stroke_width(MARKER_LINE);
            self.layers.push(Plot::Line(bar));
        }
    }

    /// An open circle at every point.
    pub fn circles(&mut self, points: &[(f64, f64)], colour: &str) {
        self.markers(points, MarkerShape::Circle, 4.0, 0.0, colour);
    }

    /// A cross at every point.
    pub fn crosses(&mut self, points: &[(f64, f64)], colour: &str) {
        self.markers(points, MarkerShape::Cross, 3.5, 1.0, colour);
    }

    fn markers(&mut self, points: &[(f64, f64)], shape: MarkerShape, size: f64, opacity: f64, colour: &str) {
        let points = self.placed(points);
        points.iter().for_each(|&(x, y)| self.see(x, y));
        let markers = ScatterPlot::new().with_data(points.iter().copied()).with_color(colour).with_marker(shape);
        let markers = markers.with_size(size).with_marker_opacity(opacity).with_marker_stroke_width(MARKER_LINE);
        self.layers.push(Plot::Scatter(markers));
    }

    /// An entry of the legend.
    pub fn entry(&mut self, swatch: Swatch, colour: &str, label: &str) {
        let (shape, colour) = match swatch {
            Swatch::Line | Swatch::Dashes => (LegendShape::Line, colour),
            Swatch::Band => (LegendShape::Rect, "#cccccc"),
            Swatch::Circle => (LegendShape::Marker(MarkerShape::Circle), colour),
            Swatch::Cross => (LegendShape::Marker(MarkerShape::Cross), colour),
            Swatch::None => (LegendShape::CircleSize(0.0), colour),
        };
        let dasharray = (swatch == Swatch::Dashes).then(|| LineStyle::Dashed.dasharray()).flatten();
        self.legend.push(LegendEntry { label: fitted(label, LONGEST_LABEL), color: colour.into(), shape, dasharray });
    }

    /// Where points lie along the axes: their logarithms, if the axis is logarithmic.
    fn placed(&self, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let along = |axis: usize, value: f64| if self.logarithmic[axis] { value.log10() } else { value };
        points.iter().map(|&(x, y)| (along(0, x), along(1, y))).collect()
    }

    /// The highest value drawn so far, if any (its logarithm on a logarithmic axis).
    pub fn highest(&self) -> Option<f64> {
        (self.y.0 <= self.y.1).then_some(self.y.1)
    }

    fn see(&mut self, x: f64, y: f64) {
        self.x.include(x);
        self.y.include(y);
    }

    /// Lays out axes and legend around the layers.
    pub fn finish(self) -> Figure {
        let (layers, layout) = self.lay_out();
        Figure::opened(render_multiple(layers, layout))
    }

    fn lay_out(self) -> (Vec<Plot>, Layout) {
        let [log_x, log_y] = self.logarithmic;
        let x = if log_x { self.x.decades() } else { self.x.tight() };
        let y = if log_y { self.y.decades() } else { self.y.with_zero() };
        let mut theme = Theme::light();
        theme.grid_color = "#e8e8e8".into();
        theme.legend_border = "#bbbbbb".into();
        let mut layout = Layout::new(x, y)
            .with_x_axis_min(x.0)
            .with_x_axis_max(x.1)
            .with_y_axis_min(y.0)
            .with_y_axis_max(y.1)
            .with_title(&self.title)
            .with_title_wrap(TITLE_LINE)
            .with_x_label(&self.axis_labels[0])
            .with_y_label(&self.axis_labels[1])
            .with_theme(theme)
            .with_axis_line(AxisLine::Box)
            .with_ticks(6);
        let power = || TickFormat::Custom(Arc::new(|exponent| format!("1e{exponent:.0}")));
        if log_x {
            layout = layout.with_x_tick_step(decade_step(x)).with_x_tick_format(power());
        }
        if log_y {
            layout = layout.with_y_tick_step(decade_step(y)).with_y_tick_format(power());
        }
        if !self.legend.is_empty() {
            layout = layout.with_legend_entries(self.legend);
        }
        (self.layers, layout)
    }
}

/// Decades from tick to tick of a logarithmic axis.
fn decade_step((low, high): (f64, f64)) -> f64 {
    ((high - low) / 8.0).ceil().max(1.0)
}

/// Panels in rows of two, under one title.
pub(super) fn panels(title: &str, sketches: Vec<Sketch>) -> Figure {
    let rows = sketches.len().div_ceil(2);
    let (plots, mut layouts): (Vec<_>, Vec<_>) = sketches.into_iter().map(Sketch::lay_out).unzip();
    for layout in &mut layouts {
        layout.legend_position = LegendPosition::OutsideBottomColumns;
    }
    let grid = Grid::new(rows, 2).with_title(fitted(title, TITLE_LINE)).with_cell_size(560.0, 440.0);
    Figure::opened(grid.with_plots(plots).with_layouts(layouts).render())
}

/// Opens a circle of the legend (those of the layers come in batches), which kuva can only fill.
fn open_circle(element: &mut Primitive) {
    if let Primitive::Circle { r, fill, fill_opacity, stroke, stroke_width, .. } = element
        && *r > 0.0
    {
        *fill_opacity = Some(0.0);
        *stroke = Some(fill.clone());
        *stroke_width = Some(MARKER_LINE);
    }
}

/// Characters of a title (two lines), and of an entry of the legend or an axis label, at most.
const LONGEST_TITLE: usize = 2 * TITLE_LINE;
const TITLE_LINE: usize = 80;
const LONGEST_LABEL: usize = 60;

/// A text as pictures can have it: on one line, not longer than there is room for, without characters that XML forbids, and not
/// read as mathematics, as kuva does with `$…$`.
fn fitted(text: &str, most: usize) -> String {
    one_line(text, most).replace('$', "\\$")
}

/// The range of the values seen.
#[derive(Debug, Clone, Copy)]
struct Extent(f64, f64);

impl Default for Extent {
    fn default() -> Self {
        Self(f64::INFINITY, f64::NEG_INFINITY)
    }
}

impl Extent {
    fn include(&mut self, value: f64) {
        *self = Self(self.0.min(value), self.1.max(value));
    }

    /// Exactly what was seen, or a unit interval around a single value.
    fn tight(self) -> (f64, f64) {
        match self {
            Self(low, high) if low < high => (low, high),
            Self(low, high) if low == high => (low - 0.5, low + 0.5),
            _ => (0.0, 1.0),
        }
    }

    /// Whole decades around the logarithms seen, a multiple of the tick's step.
    fn decades(self) -> (f64, f64) {
        let (low, high) = self.tight();
        let (low, high) = (low.floor(), high.ceil());
        let step = decade_step((low, high));
        ((low / step).floor() * step, (high / step).ceil() * step)
    }

    /// What was seen with a margin, from zero unless zero is far away.
    fn with_zero(self) -> (f64, f64) {
        let far = self.0 < self.1 && self.0 > 0.5 * self.1;
        let (low, high) = match self {
            Self(low, high) if far => (low, high),
            Self(low, high) if low < 0.0 || high > 0.0 => (low.min(0.0), high.max(0.0)),
            _ => (0.0, 1.0),
        };
        let margin = 0.05 * (high - low);
        (if far || low < 0.0 { low - margin } else { low }, high + margin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_a_width_whatever_was_seen() {
        let extent = |values: &[f64]| {
            let mut extent = Extent::default();
            values.iter().for_each(|&v| extent.include(v));
            extent
        };
        assert_eq!(extent(&[]).tight(), (0.0, 1.0));
        assert_eq!(extent(&[3.0]).tight(), (2.5, 3.5));
        assert_eq!(extent(&[0.0, 2.0]).with_zero(), (0.0, 2.1));
        assert_eq!(extent(&[9.0, 11.0]).with_zero(), (8.9, 11.1));
        assert_eq!(extent(&[-2.0, 0.0]).with_zero(), (-2.1, 0.1));
        for (values, expected) in [(&[][..], (0.0, 1.05)), (&[0.0], (0.0, 1.05)), (&[20.0], (0.0, 21.0))] {
            assert_eq!(extent(values).with_zero(), expected, "{values:?}");
        }
    }

    #[test]
    fn colours_are_distinct() {
        for count in [1, 2, 7, 8, 40] {
            let colours: Vec<String> = (0..count).map(|i| colour(i, count)).collect();
            assert!((1..count).all(|i| !colours[..i].contains(&colours[i])), "{count}");
        }
    }

    #[test]
    fn logarithmic_axes_show_powers_of_ten_far_below_one() {
        let mut sketch = Sketch::new("", "", "").logarithmic([true, true]);
        sketch.crosses(&[(1e-12, 3e-17), (1e-3, 2.0)], NEUTRAL);
        assert_eq!((sketch.x.decades(), sketch.y.decades()), ((-12.0, -2.0), (-18.0, 3.0)));
        let svg = sketch.finish().svg();
        assert!(["1e-18", "1e-12", "1e-2"].iter().all(|tick| svg.contains(&format!(">{tick}<"))), "{svg}");
    }

    #[test]
    fn an_empty_figure_is_still_a_figure() {
        let figure = Sketch::new("costs $2 and $3", "t", "N").finish();
        assert!(figure.svg().contains("costs $2 and $3"));
        assert!(figure.png(1.0).is_ok());
    }
}
