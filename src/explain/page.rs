//! A page of plain text, 72 columns wide.

use std::fmt::Write;

const WIDTH: usize = 72;

/// What is written, so far.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    pub(super) fn text(self) -> String {
        self.0
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.wrapped("", text);
    }

    /// A heading with a list; without anything to list, no heading either.
    pub(super) fn list(&mut self, heading: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        self.heading(heading);
        for item in items {
            self.wrapped("- ", item);
        }
    }

    /// The same, with numbers.
    pub(super) fn steps(&mut self, heading: &str, steps: &[String]) {
        self.heading(heading);
        for (step, number) in steps.iter().zip(1..) {
            self.wrapped(&format!("{number}. "), step);
        }
    }

    fn heading(&mut self, heading: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.wrapped("", heading);
    }

    /// Breaks lines between words; later lines are as far in as the mark is wide.
    fn wrapped(&mut self, mark: &str, text: &str) {
        let mut column = mark.chars().count();
        let indent = column;
        self.0.push_str(mark);
        for (place, word) in text.split_whitespace().enumerate() {
            let width = word.chars().count();
            if place > 0 && column + 1 + width > WIDTH {
                // Writing to a String cannot fail.
                let _ = write!(self.0, "\n{:indent$}", "");
                column = indent;
            } else if place > 0 {
                self.0.push(' ');
                column += 1;
            }
            self.0.push_str(word);
            column += width;
        }
        self.0.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_full_and_no_longer() {
        let word = "x".repeat(35);
        let long = "z".repeat(80);
        let mut page = Page::default();
        page.paragraph(&format!("{word}y {word}y {word}"));
        page.list("Empty", &[]);
        page.list("List", &[format!("a {word} {word}"), format!("b {word}  {word}"), long.clone()]);
        page.steps("Steps", &["a".to_owned(), format!("{word} {word}")]);
        let expected = [
            &format!("{word}y"),
            &format!("{word}y {word}"),
            "",
            "List",
            &format!("- a {word}"),
            &format!("  {word}"),
            &format!("- b {word}"),
            &format!("  {word}"),
            &format!("- {long}"),
            "",
            "Steps",
            "1. a",
            &format!("2. {word}"),
            &format!("   {word}"),
        ];
        assert_eq!(page.text().lines().collect::<Vec<_>>(), expected);
    }
}
