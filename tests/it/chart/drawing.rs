//! A drawing as python3's parser of XML reads it.

use crate::harness::{End, Run, execute};
use std::fs::{self, File};

/// The colours that mean something.
pub(super) const RSS: &str = "#00568A";
pub(super) const PSS: &str = "#3D95C9";
pub(super) const LIMIT: &str = "#C2410C";
pub(super) const IDLE: &str = "#007A5A";
pub(super) const INK: &str = "#1B1F24";

/// Prints a line for each element: its name, and what else the tests ask for, with tabs between.
/// Fails where anything is missing that every drawing has.
const PARSER: &str = r##"
import re, sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
space = '{http://www.w3.org/2000/svg}'
assert root.tag == space + 'svg', root.tag
assert 'width' not in root.attrib and 'height' not in root.attrib, root.attrib
assert re.fullmatch(r'0 0 1600 \d+', root.attrib['viewBox']), root.attrib
assert root.attrib['role'] == 'img', root.attrib
ids = [root.find(space + name).attrib['id'] for name in ('title', 'desc')]
assert root.attrib['aria-labelledby'].split() == ids
style = root.find(space + 'style').text
assert '@media screen and (prefers-color-scheme:dark)' in style
print('size', root.attrib['viewBox'].split()[3], sep='\t')
known = 'svg title desc style rect line polyline polygon circle text'.split()
for element in root.iter():
    name = element.tag.removeprefix(space)
    assert name in known, element.tag
    has = element.attrib.get
    for what in ('fill', 'stroke'):
        # Dark there is another one in its place.
        colour = has(what, 'none')
        assert colour == 'none' or f'[{what}="{colour}"]' in style, (name, colour)
    text = ' '.join((element.text or '').split())
    if name == 'text':
        size = float(has('font-size'))
        # Letters stand on a line; an x is half as high as letters are big.
        shift = has('dy')
        em = float(shift[:-2]) * (0.5 if shift.endswith('ex') else 1)
        line = float(has('y')) + em * size
        print(name, has('x'), line, has('text-anchor'), size, text, sep='\t')
    elif name == 'polyline':
        print(name, has('stroke'), has('points').strip(), sep='\t')
    elif name == 'polygon':
        print(name, has('fill'), has('points').strip(), sep='\t')
    elif name in ('title', 'desc'):
        print(name, text, sep='\t')
    else:
        print(name, has('fill'), sep='\t')
"##;

/// A piece of text. `y` is the line that its letters stand on.
#[derive(Debug)]
struct Text {
    text: String,
    x: f64,
    y: f64,
    anchor: String,
    size: f64,
}

impl Text {
    /// From its top to the bottom of letters that hang down.
    fn height(&self) -> (f64, f64) {
        (self.y - 0.75 * self.size, self.y + 0.22 * self.size)
    }

    /// From left to right, as wide as a wide font's letters make it.
    fn extent(&self) -> (f64, f64) {
        let width = self.text.chars().count() as f64 * self.size * 0.6;
        match self.anchor.as_str() {
            "start" => (self.x, self.x + width),
            "middle" => (self.x - width / 2.0, self.x + width / 2.0),
            _ => (self.x - width, self.x),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Drawing {
    pub(super) title: String,
    pub(super) description: String,
    /// In bytes.
    pub(super) size: u64,
    /// What was said on standard error.
    pub(super) stderr: String,
    texts: Vec<Text>,
    lines: Vec<(String, Vec<(f64, f64)>)>,
    polygons: Vec<(String, Vec<(f64, f64)>)>,
    shapes: Vec<(String, String)>,
}

/// Draws these logs, by name and text, each in a file of its own but for `-`; and parses the
/// drawing. `before` is a shell's command that is executed first.
pub(super) fn draw(logs: &[(&str, &str)], before: &str) -> Drawing {
    let names: Vec<_> = logs.iter().map(|(name, _)| *name).collect();
    let mut run = Run::new("--chart").command(names);
    for (name, log) in logs {
        let path = run.dir().join(if *name == "-" { "input" } else { name });
        fs::write(&path, log).unwrap();
        if *name == "-" {
            run = run.stdin(File::open(path).unwrap());
        }
    }
    let (end, run) = run.after_shell(before).finish();
    assert_eq!(end, End::Code(0), "{}", run.stderr());
    let path = run.dir().join("stdout");
    let output = execute("python3", &["-c", PARSER, path.to_str().unwrap()]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}{}", run.stdout());
    let mut drawing = Drawing {
        size: path.metadata().unwrap().len(),
        stderr: run.stderr(),
        ..Drawing::default()
    };
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        drawing.read(line);
    }
    drawing
}

impl Drawing {
    fn read(&mut self, line: &str) {
        let cells: Vec<_> = line.split('\t').collect();
        let number = |text: &str| text.parse::<f64>().unwrap();
        match cells[..] {
            ["title", text] => text.clone_into(&mut self.title),
            ["desc", text] => text.clone_into(&mut self.description),
            ["text", x, y, anchor, size, text] => self.texts.push(Text {
                text: text.to_owned(),
                x: number(x),
                y: number(y),
                anchor: anchor.to_owned(),
                size: number(size),
            }),
            [shape, paint, points] => {
                let point = |point: &str| {
                    let (x, y) = point.split_once(',').unwrap();
                    (number(x), number(y))
                };
                let points = points.split(' ').map(point).collect();
                match shape {
                    "polyline" => self.lines.push((paint.to_owned(), points)),
                    "polygon" => self.polygons.push((paint.to_owned(), points)),
                    _ => panic!("{line}"),
                }
            }
            [shape, fill] => self.shapes.push((shape.to_owned(), fill.to_owned())),
            _ => panic!("{line}"),
        }
    }

    pub(super) fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(|text| text.text.as_str()).collect()
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.count_of(text) > 0
    }

    pub(super) fn count_of(&self, text: &str) -> usize {
        self.places(text).len()
    }

    /// Where a text stands.
    pub(super) fn places(&self, text: &str) -> Vec<(f64, f64)> {
        let found = self.texts.iter().filter(|other| other.text == text);
        found.map(|text| (text.x, text.y)).collect()
    }

    pub(super) fn count(&self, shape: &str, fill: &str) -> usize {
        if shape == "polygon" {
            return self.polygons(fill).len();
        }
        self.shapes.iter().filter(|other| other.0 == shape && other.1 == fill).count()
    }

    pub(super) fn polygons(&self, fill: &str) -> Vec<&[(f64, f64)]> {
        let polygons = self.polygons.iter().filter(|(other, _)| other == fill);
        polygons.map(|(_, points)| points.as_slice()).collect()
    }

    /// The lines of a colour, but for what is dashed.
    pub(super) fn lines(&self, stroke: &str) -> Vec<&[(f64, f64)]> {
        let lines = self.lines.iter().filter(|(other, _)| other == stroke);
        lines.map(|(_, points)| points.as_slice()).collect()
    }

    /// No text is over another, and none is cut at the edges. All can be read where the picture is
    /// 400 pixels wide.
    pub(super) fn assert_tidy(&self) {
        for (place, text) in self.texts.iter().enumerate() {
            let (left, right) = text.extent();
            assert!(left >= 0.0 && right <= 1600.0, "cut: {text:?}");
            assert!(text.size >= 40.0 - 0.01, "too small: {text:?}");
            for other in &self.texts[place + 1..] {
                let (other_left, other_right) = other.extent();
                let ((top, bottom), (other_top, other_bottom)) = (text.height(), other.height());
                let apart = bottom <= other_top || other_bottom <= top;
                let beside = right <= other_left || other_right <= left;
                assert!(apart || beside, "{text:?} and {other:?}");
            }
        }
    }
}
