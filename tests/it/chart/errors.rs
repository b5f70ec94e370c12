//! What cannot be drawn, and what is said beside a drawing.

use super::drawing::draw;
use super::some_log;
use crate::harness::{End, Run};
use std::fs::{self, File};

/// Checks that there is one line with all these, status 125, and no drawing.
fn assert_refused(run: Run, names: &[&str]) {
    let (end, run) = run.finish();
    let stderr = run.stderr();
    assert_eq!((end, stderr.lines().count()), (End::Code(125), 1), "{stderr}");
    assert!(stderr.starts_with("recycle: "), "{stderr}");
    for name in names {
        assert!(stderr.contains(name), "no {name:?} in {stderr}");
    }
    assert_eq!(run.stdout(), "");
}

/// A run with a log in a file.
fn with_log(options: &str, log: &str) -> Run {
    let run = Run::new(options);
    fs::write(run.dir().join("web.log"), log).unwrap();
    run
}

#[test]
fn a_file_that_cannot_be_read() {
    let missing = Run::new("--chart no.log");
    assert_refused(missing, &["no.log", "No such file or directory"]);
    let hostile = Run::new("--chart").command(["a\nb\u{1b}.log"]);
    assert_refused(hostile, &["a\\nb\\u{1b}.log"]);
    assert_refused(Run::new("--chart /"), &["cannot read /", "Is a directory"]);
    // Nothing is drawn of the others.
    assert_refused(with_log("--chart web.log no.log", &some_log()), &["no.log"]);
}

#[test]
fn no_sample_at_all() {
    for log in ["", "Listening\n", "{}\n"] {
        assert_refused(with_log("--chart web.log", log), &["no sample", "--sample-every"]);
    }
    assert_refused(Run::new("--chart -"), &["no sample"]);
    let log = some_log();
    let recycled = log.lines().filter(|line| !line.contains("sample")).collect::<Vec<_>>();
    assert_refused(with_log("--chart web.log", &recycled.join("\n")), &["no sample"]);
}

#[test]
fn a_newer_schema() {
    let log = some_log() + &some_log().lines().next().unwrap().replace("\"v\":1", "\"v\":2");
    assert_refused(with_log("--chart web.log", &log), &["web.log", "schema 2", "line 31"]);
}

#[test]
fn no_log() {
    assert_refused(Run::new("--chart"), &["LOG", "recycle --chart LOG"]);
    assert_refused(Run::new("--chart --"), &["LOG"]);
}

#[test]
fn other_options_mean_nothing_beside_it() {
    for option in ["--max-rss 5M", "--verbose", "-q", "--map-signal USR1:recycle"] {
        let run = with_log(&format!("{option} --chart web.log"), &some_log());
        assert_refused(run, &["--chart"]);
    }
}

/// They are for what runs in the same environment.
#[test]
fn variables_do_not_matter() {
    let run = with_log("--chart web.log", &some_log());
    let (end, run) = run.env("RECYCLE_MAX_RSS", "much").env("RECYCLE_VERBOSE", "1").finish();
    assert_eq!((end, run.stderr().as_str()), (End::Code(0), ""));
    assert!(run.stdout().ends_with("</svg>\n"));
}

#[test]
fn a_full_disk() {
    let run = with_log("--chart web.log", &some_log()).after_shell("exec >/dev/full");
    assert_refused(run, &["standard output", "No space left on device"]);
}

#[test]
fn lines_of_others_are_counted() {
    let log = format!("Listening\n{}\n{{\"level\":30}}\nbye", some_log());
    let drawing = draw(&[("web.log", &log), ("b.log", &format!("x\n{}", some_log()))], "");
    let web = "recycle: chart: 4 lines of web.log are not of a JSON log\n";
    let b = "recycle: chart: 1 line of b.log is not of a JSON log\n";
    assert_eq!(drawing.stderr, [web, b].concat());
}

/// A word that looks like an option is an option, as everywhere; a path is not.
#[test]
fn names_of_files_may_look_like_options() {
    let run = Run::new("--chart -- --verbose");
    fs::write(run.dir().join("--verbose"), some_log()).unwrap();
    let (end, run) = run.finish();
    assert_eq!(end, End::Code(0), "{}", run.stderr());
}

/// Nobody reads on from the middle of a pipe's line.
#[test]
fn a_log_that_is_still_being_written() {
    let run = with_log("--chart -", &some_log()[..2000]);
    let log = File::open(run.dir().join("web.log")).unwrap();
    let (end, run) = run.stdin(log).finish();
    let said = "recycle: chart: 1 line of standard input is not of a JSON log\n";
    assert_eq!((end, run.stderr().as_str()), (End::Code(0), said));
}
