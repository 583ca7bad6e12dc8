//! The picture: each item over native, on QEMU and on the engine, cold and warm, as
//! bars whose length is the ratio's logarithm.

use std::fmt::Write as _;

use super::samples::{COLD, NATIVE, Of, QEMU, Samples, WARM};

/// In pixels.
const ROW: usize = 24;
const NAMES: f64 = 210.0;
const BARS: f64 = 560.0;
const TOP: usize = 46;

/// What the bars end at.
const MOST: f64 = 64.0;

const COLOURS: [(usize, &str, &str); 3] = [
    (QEMU, "QEMU", "#c9c9c9"),
    (COLD, "cold", "#2563b0"),
    (WARM, "warm", "#e07b00"),
];

/// As SVG.
pub(super) fn picture(measured: &[Samples]) -> String {
    let height = TOP + ROW * measured.len() + 10;
    let width = NAMES + BARS + 60.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{NAMES}\" y=\"14\">Processor time over native (shorter is better):</text>\n"
    );
    for ((_, name, colour), x) in COLOURS.iter().zip([0.0, 70.0, 130.0]) {
        let x = NAMES + 270.0 + x;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"5\" width=\"10\" height=\"10\" fill=\"{colour}\"/><text x=\"{}\" y=\"14\">{name}</text>",
            x + 14.0
        );
    }
    for mark in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0] {
        let x = NAMES + length(mark);
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"36\" x2=\"{x:.1}\" y2=\"{height}\" stroke=\"#dddddd\"/><text x=\"{x:.1}\" y=\"32\" text-anchor=\"middle\">{mark}</text>"
        );
    }
    for (n, samples) in measured.iter().enumerate() {
        row(&mut svg, TOP + ROW * n, samples);
    }
    svg.push_str("</svg>\n");
    svg
}

/// An item's bars.
fn row(svg: &mut String, y: usize, samples: &Samples) {
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
        NAMES - 6.0,
        y + 14,
        escaped(samples.item.name)
    );
    for (n, (candidate, _, colour)) in COLOURS.iter().enumerate() {
        let Some(ratio) = samples.ratio(*candidate, NATIVE, Of::Processor) else {
            continue;
        };
        let (y, long) = (y + 7 * n, length(ratio));
        let _ = writeln!(
            svg,
            "<rect x=\"{NAMES}\" y=\"{y}\" width=\"{long:.1}\" height=\"6\" fill=\"{colour}\"><title>{ratio:.2}</title></rect>"
        );
    }
}

/// Of a bar: a twofold ratio is a sixth of the width, and what is faster than
/// native has a short one.
fn length(ratio: f64) -> f64 {
    let doublings = (ratio.clamp(0.55, MOST) * 2.0).log2();
    BARS * doublings / (MOST * 2.0).log2()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::super::items::ITEMS;
    use super::*;

    #[test]
    fn bars_are_as_long_as_ratios_are_large() {
        let svg = picture(&[Samples::with(&ITEMS[0], [10, 160, 160, 20, 20])]);
        let widths: Vec<f64> = svg
            .split("width=\"")
            .filter_map(|part| part.split_once("\" height=\"6\""))
            .map(|(width, _)| width.parse().unwrap())
            .collect();
        assert_eq!(widths, [400.0, 160.0, 160.0]);
        assert!(length(1000.0) <= BARS);
    }
}
