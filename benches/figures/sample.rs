//! Many measurements of one thing, and what is said of them.

pub(crate) struct Sample {
    /// In order of size.
    values: Vec<f64>,
}

impl Sample {
    pub(crate) fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self { values }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// Not a number, where nothing was measured.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let at = share * self.values.len().saturating_sub(1) as f64;
        self.values.get(at.round() as usize).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn least(&self) -> f64 {
        self.quantile(0.0)
    }

    pub(crate) fn most(&self) -> f64 {
        self.quantile(1.0)
    }

    /// Between which values half of them lie.
    pub(crate) fn quartiles(&self, digits: usize) -> String {
        self.between(0.25, 0.75, digits)
    }

    pub(crate) fn range(&self, digits: usize) -> String {
        self.between(0.0, 1.0, digits)
    }

    fn between(&self, from: f64, to: f64, digits: usize) -> String {
        format!("{:.digits$} .. {:.digits$}", self.quantile(from), self.quantile(to))
    }
}
