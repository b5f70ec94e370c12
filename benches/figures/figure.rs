//! What comes of a measurement: what was to be reached, and a table with everybody in it.

/// What a value must not exceed, or fall short of.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// One number of a goal.
pub(crate) struct Part {
    /// Not a number, if it could not be measured.
    pub(crate) value: f64,
    pub(crate) bound: Bound,
    /// What follows the number: a unit, or what is counted.
    pub(crate) unit: &'static str,
    pub(crate) digits: usize,
}

impl Part {
    fn is_reached(&self) -> bool {
        match self.bound {
            Bound::AtMost(most) => self.value <= most,
            Bound::AtLeast(least) => self.value >= least,
        }
    }

    fn measured(&self) -> String {
        if self.value.is_nan() {
            return format!("?{}", self.unit);
        }
        format!("{:.*}{}", self.digits, self.value, self.unit)
    }

    fn reach(&self) -> String {
        match self.bound {
            Bound::AtMost(most) => format!("at most {most}{}", self.unit),
            Bound::AtLeast(least) => format!("at least {least}{}", self.unit),
        }
    }
}

/// A figure that `recycle` is held to.
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) parts: Vec<Part>,
}

impl Goal {
    /// A line of the summary.
    pub(crate) fn line(&self) -> Vec<String> {
        let all =
            |tell: fn(&Part) -> String| self.parts.iter().map(tell).collect::<Vec<_>>().join(", ");
        vec![self.what.clone(), all(Part::measured), all(Part::reach), self.verdict()]
    }

    fn verdict(&self) -> String {
        if self.parts.iter().any(|part| part.value.is_nan()) {
            return "not known: something is missing".to_owned();
        }
        let missed = self.parts.iter().filter(|part| !part.is_reached());
        let missed: Vec<_> = missed.map(Part::measured).collect();
        if missed.is_empty() {
            "reached".to_owned()
        } else {
            format!("**not reached**: {}", missed.join(", "))
        }
    }
}

pub(crate) struct Table {
    head: Vec<String>,
    lines: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|&word| word.to_owned()).collect(), lines: Vec::new() }
    }

    pub(crate) fn line(&mut self, cells: impl IntoIterator<Item = String>) {
        self.lines.push(cells.into_iter().collect());
    }

    /// A line for somebody who could not be measured.
    pub(crate) fn absent(&mut self, name: &str, why: &str) {
        let blanks = std::iter::repeat_n(String::new(), self.head.len().saturating_sub(2));
        self.lines.push([name.to_owned(), why.to_owned()].into_iter().chain(blanks).collect());
    }

    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = format!("|{}\n", "---|".repeat(self.head.len()));
        line(&self.head) + &rule + &self.lines.iter().map(|cells| line(cells)).collect::<String>()
    }
}

/// A section of the report.
pub(crate) struct Figure {
    /// What was done, and what the columns are.
    pub(crate) about: String,
    pub(crate) goals: Vec<Goal>,
    pub(crate) table: Table,
}
