//! Every command line that is shown anywhere.

use super::{MANUAL, plain, text};
use crate::harness::{End, Run};

/// Those with command lines of ours, beside the container's, which the README shows.
pub(crate) const EXAMPLES: [&str; 4] = [
    "examples/Procfile",
    "examples/app.service",
    "examples/kubernetes.yaml",
    "examples/pipeline.sh",
];

/// The options of each `recycle` command in these lines; of COMMAND only that it is there.
fn commands(lines: impl Iterator<Item = String>) -> Vec<Vec<String>> {
    let command = |line: String| {
        // It takes us for its init, with options of its own.
        if line.starts_with("podman ") {
            return None;
        }
        // ENTRYPOINT ["/recycle", ...] is a command line, too.
        let line = if line.contains('[') {
            line.replace("\", \"", " ").replace(['[', ']', '"'], " ")
        } else {
            line
        };
        // A shell takes quotes away; no quoted word of these lines has blanks.
        let line = line.replace('\'', "");
        let mut words = line.split_whitespace().map(str::to_owned);
        words.find(|word| word == "recycle" || word.ends_with("/recycle"))?;
        let rest: Vec<_> = words.collect();
        let options = rest.iter().position(|word| word == "--");
        let starts = rest.first()?.starts_with('-');
        starts.then(|| rest[..options.unwrap_or(rest.len())].to_vec())
    };
    lines.filter_map(command).collect()
}

/// The same of all command lines in README, manual and examples that run something, or that draw
/// something.
fn all_lines(drawing: bool) -> Vec<Vec<String>> {
    let readme = ["README.md", "docs/recipes.md"].map(text).concat();
    let manual = MANUAL.map(text).concat();
    let blocks = readme.split("```").skip(1).step_by(2).flat_map(str::lines);
    let in_readme = commands(blocks.map(str::to_owned));
    let blocks = manual.split(".EX\n").skip(1).map(|block| block.split(".EE").next().unwrap());
    let in_manual = commands(blocks.flat_map(str::lines).map(plain));
    assert!(in_readme.len() >= 7 && in_manual.len() >= 15, "{in_readme:?} {in_manual:?}");
    let in_examples = EXAMPLES.map(|name| commands(text(name).lines().map(str::to_owned)));
    assert!(in_examples.iter().all(|lines| !lines.is_empty()), "{in_examples:?}");
    let mut all = [in_readme, in_manual, in_examples.concat()].concat();
    all.retain(|words| (words[0] == "--chart") == drawing);
    // The directory of an example is not here.
    for word in all.iter_mut().flatten().filter(|word| *word == "/srv/app/current") {
        ".".clone_into(word);
    }
    all
}

pub(crate) fn all_commands() -> Vec<Vec<String>> {
    all_lines(false)
}

#[cfg(feature = "chart")]
pub(crate) fn all_charts() -> Vec<Vec<String>> {
    all_lines(true)
}

#[test]
fn every_command_line_in_the_documents_is_one() {
    for options in all_commands() {
        let options = options.join(" ");
        // Some want an input that can wait, or end.
        let (end, run) = Run::new(&options).stdin_pipe().command(["--", "true"]).finish();
        assert_eq!(end, End::Code(0), "recycle {options}: {}", run.stderr());
    }
}
