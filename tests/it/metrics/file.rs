//! `prom:FILE`: what is in it, from its start to its end.

use super::{FILE, await_all, await_memory, await_value, check, memory, read, text, value};
use crate::harness::{End, Run, Running, copy_program, fixture_path, now_ms};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

const OPTIONS: &str = "--metrics prom:x.prom --sample-every 100ms --map-signal USR1:recycle";

/// Of what is made beside the file, if nobody writes any more.
fn assert_nothing_is_left(run: &Running) {
    let names = fs::read_dir(run.dir()).unwrap().map(|entry| entry.unwrap().file_name());
    let drafts = names.filter(|name| name.to_str().unwrap().contains(".x.prom"));
    assert_eq!(drafts.count(), 0, "drafts are left behind");
}

#[test]
fn promtool_accepts_it_at_every_moment() {
    // At a faster pace nobody reads so many pages.
    let pace = OPTIONS.replace("100ms", "300ms");
    let options = format!("{pace} --max-rss 1G --name worker");
    let mut run = Run::new(&options).fixture("hold:40M ready forever").spawn();
    let first = await_all(&mut run);
    assert_eq!(check(&first), Ok(()));
    let own = r#"name="worker""#;
    let number = |text: &str, name| value(text, name, own);
    assert_eq!(number(&first, "up"), Some(1.0));
    assert_eq!(number(&first, "generation"), Some(1.0));
    let rss = number(&first, "memory_rss_bytes").unwrap();
    assert!(rss >= f64::from(40 << 20), "{first}");
    assert!(number(&first, "memory_pss_bytes").unwrap() <= rss, "{first}");
    let limit = r#"name="worker",limit="max_rss""#;
    assert_eq!(value(&first, "memory_limit_bytes", limit), Some(f64::from(1 << 30)));
    assert!(number(&first, "generation_age_seconds").unwrap() >= 0.1, "{first}");
    assert!(number(&first, "traffic_quiet_seconds").unwrap() > 0.0, "{first}");
    assert_eq!(number(&first, "processes"), Some(1.0));
    assert_eq!(value(&first, "recycles_total", r#"reason="signal""#), Some(0.0));
    assert_eq!(number(&first, "exits_total"), Some(0.0));

    run.recycle();
    let second = await_value(&mut run, "recycles_total", r#"reason="signal""#, 1.0);
    assert_eq!(check(&second), Ok(()));
    let second = await_value(&mut run, "generation", "", 2.0);
    assert_eq!(check(&second), Ok(()));
    let second = await_memory(&mut run);
    assert_eq!(number(&second, "exits_total"), Some(0.0));

    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Signal(libc::SIGTERM));
    let last = text(&run);
    assert_eq!(check(&last), Ok(()));
    assert_eq!((number(&last, "up"), memory(&last)), (Some(0.0), vec![]));
    assert_eq!(number(&last, "generation_age_seconds"), None);
    assert_eq!(value(&last, "recycles_total", r#"reason="signal""#), Some(1.0));
    assert_nothing_is_left(&run);
}

/// The negative control: it knows the rules.
#[test]
fn promtool_complains_about_what_is_wrong() {
    let (_, run) = Run::new("--metrics prom:x.prom").fixture("exit:0").finish();
    let good = text(&run);
    assert_eq!(check(&good), Ok(()));
    let no_help = good.lines().filter(|line| !line.starts_with("# HELP"));
    let no_help: String = no_help.map(|line| format!("{line}\n")).collect();
    for bad in [no_help, good.replace("exits_total", "exits"), good.replace("=\"", "=\"\"")] {
        assert!(check(&bad).is_err(), "{bad}");
    }
}

/// A program may be called anything.
#[test]
fn a_hostile_name_stays_in_its_label() {
    let evil = "a\"b\\c\n} 1\u{1b}[31m{x=\"é";
    let run = Run::new("--metrics prom:x.prom");
    copy_program(fixture_path(), &run.dir().join(evil));
    let command = format!("./{evil}");
    let (end, run) = run.command([command.as_str(), "exit:0"]).finish();
    assert_eq!(end, End::Code(0));
    let label = r#"{name="a\"b\\c?} 1?[31m{x=\"é"} "#;
    assert!(text(&run).contains(&format!("recycle_up{label}0\n")), "{}", text(&run));
    assert_eq!(check(&text(&run)), Ok(()));
}

/// Other users read it, whoever made it.
#[test]
fn everybody_may_read_it() {
    let run = Run::new("--metrics prom:x.prom").after_shell("umask 022").fixture("exit:0");
    let (_, run) = run.finish();
    let mode = fs::metadata(run.dir().join(FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

/// How it ended is in there, when nobody is left to be asked.
#[test]
fn the_last_word_says_how_it_went() {
    let (end, run) = Run::new(OPTIONS).command(["no-such-program"]).finish();
    assert_eq!(end, End::Code(127));
    let last = text(&run);
    assert_eq!(value(&last, "start_failures_total", ""), Some(1.0));
    assert_eq!((value(&last, "up", ""), value(&last, "generation", "")), (Some(0.0), None));

    let options = format!("{OPTIONS} --restart on-failure --max-restarts 1/1m --backoff 1ms..1ms");
    let (end, run) = Run::new(&options).fixture("exit:3").finish();
    assert_eq!(end, End::Code(3));
    let last = text(&run);
    let numbers = ["up", "generation", "exits_total", "restarts_total", "gave_up_total"];
    let values = numbers.map(|name| value(&last, name, ""));
    assert_eq!(values, [0.0, 2.0, 2.0, 1.0, 1.0].map(Some));
    assert_nothing_is_left(&run);
}

/// While there is nobody, there is no memory: neither what it was, nor zero.
#[test]
fn between_two_generations_nothing_is_said_of_memory() {
    let options = format!("{OPTIONS} --restart always --backoff 1h..1h");
    let mut run = Run::new(&options).fixture("ready wait-file:go exit:0").spawn();
    await_memory(&mut run);
    run.touch("go");
    let text = await_value(&mut run, "exits_total", "", 1.0);
    assert_eq!(memory(&text), [""; 0]);
    assert_eq!(value(&text, "restarts_total", ""), Some(1.0));
    assert_eq!(value(&text, "up", ""), Some(1.0));
    run.signal(libc::SIGTERM);
    run.finish();
    await_value(&mut run, "up", "", 0.0);
}

/// However fast things happen: a new file once a second at most, each of them whole, and in the
/// end the last state.
#[test]
fn a_storm_is_not_written_down_blow_by_blow() {
    let options = "--metrics prom:x.prom --log-format json --restart always \
                   --backoff 1ms..1ms --max-restarts 1000000/1s";
    let mut run = Run::new(options).fixture("exit:0").spawn();
    let mut seen = BTreeSet::new();
    run.wait_for("five files", |run| {
        read(&run.dir().join(FILE));
        let file = fs::metadata(run.dir().join(FILE)).ok()?;
        seen.insert((file.mtime(), file.mtime_nsec(), file.ino()));
        (seen.len() >= 5).then_some(())
    });
    let passed_ms = now_ms() - run.started_ms;
    assert!(passed_ms >= 4000, "five in {passed_ms} ms");
    run.signal(libc::SIGTERM);
    run.finish();
    let exits = run.stderr().matches(r#""event":"exited""#).count();
    assert!(exits > 100, "no storm: {exits}");
    assert_eq!(value(&text(&run), "exits_total", ""), Some(exits as f64));
    assert_nothing_is_left(&run);
}
