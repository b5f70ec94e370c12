//! `examples/leak-demo.sh` shows the leak and its cure, at a terminal and without one.

use crate::harness::{End, Run, Running, example, fixture_path};

/// Some seconds of it: 40 MB a second are over the limit of 16 MB long before, once. (The second
/// time the limit looks too low.)
fn start(run: Run) -> Run {
    let demo = example("leak-demo");
    let words = [demo.to_str().unwrap(), "leak.svg", "6", "40", "16"];
    run.command(words)
}

fn assert_drawn(run: &Running) {
    let svg = std::fs::read_to_string(run.dir().join("leak.svg")).unwrap();
    for text in ["Memory of 2 processes", "alone", "recycled", "max-rss 16M"] {
        assert!(svg.contains(text), "no {text:?} in {svg}");
    }
}

#[test]
fn without_a_terminal_it_tells_line_by_line() {
    let (end, run) = start(Run::bare()).finish();
    let told = run.stdout();
    assert_eq!((end, run.stderr().as_str()), (End::Code(0), ""), "{told}");
    for line in ["   6s  ", "recycle: generation 1 recycled: rss ", "After 6s: alone "] {
        assert!(told.contains(line), "no {line:?} in {told}");
    }
    assert!(!told.contains('\u{1b}'), "{told}");
    assert_drawn(&run);
}

#[test]
fn at_a_terminal_it_draws_a_picture_over_itself() {
    let mut run = start(Run::bare()).on_terminal().spawn();
    // Up to where the picture begins; the last one tells of the recycle.
    run.await_screen("\u{1b}[19A");
    run.await_screen("recycled 1x");
    run.await_screen("After 6s: alone ");
    assert_eq!(run.finish(), End::Code(0));
    assert_drawn(&run);
}

/// The programs that it has started leak, and must not be left behind.
#[test]
fn nothing_outlives_it() {
    let mut run = start(Run::bare()).spawn();
    let leaks = |run: &Running| {
        let leak = fixture_path().display().to_string() + " leak:40M/s";
        run.processes().iter().filter(|process| process.command == leak).count()
    };
    run.wait_for("both programs", |run| (leaks(run) == 2).then_some(()));
    run.signal(libc::SIGKILL);
    assert_eq!(run.finish(), End::Signal(libc::SIGKILL));
    run.wait_for("the end of all", |run| run.processes().is_empty().then_some(()));
}
