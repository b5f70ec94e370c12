//! `--metrics`: the numbers that others get, read back by those who made the formats, and that
//! nothing that becomes of them disturbs anything.

mod file;
mod receiver;
mod statsd;
mod trouble;
mod unsent;

use crate::harness::{End, Run, Running, execute, own_network};
use std::fs;
use std::net::UdpSocket;
use std::path::Path;

const FILE: &str = "x.prom";

/// What is in the file by now.
fn text(run: &Running) -> String {
    read(&run.dir().join(FILE))
}

/// Empty when the file is not there. Whatever is there is whole.
fn read(file: &Path) -> String {
    let Ok(text) = fs::read_to_string(file) else { return String::new() };
    let last = text.lines().last().unwrap_or_default();
    let whole = text.starts_with("# HELP recycle_up ") && text.ends_with('\n');
    assert!(whole && last.starts_with("recycle_gave_up_total{"), "not whole: {text}");
    text
}

/// The value of this number, `recycle_` left out, with this among its labels.
fn value(text: &str, name: &str, label: &str) -> Option<f64> {
    let start = format!("recycle_{name}{{");
    let mut lines = text.lines().filter(|line| line.starts_with(&start) && line.contains(label));
    let line = lines.next()?;
    assert_eq!(lines.next(), None, "{name} is not alone: {text}");
    Some(line.rsplit_once(' ').unwrap().1.parse().unwrap())
}

/// The lines about the memory of the tree.
fn memory(text: &str) -> Vec<&str> {
    let sizes = ["recycle_memory_rss_bytes{", "recycle_memory_pss_bytes{"];
    text.lines().filter(|line| sizes.iter().any(|size| line.starts_with(size))).collect()
}

/// Until the file has this value.
fn await_value(run: &mut Running, name: &str, label: &str, wanted: f64) -> String {
    run.wait_for(&format!("{name} {wanted}"), |run| {
        let text = text(run);
        (value(&text, name, label) == Some(wanted)).then_some(text)
    })
}

/// Until the file has something about memory.
fn await_memory(run: &mut Running) -> String {
    run.wait_for("memory", |run| Some(text(run)).filter(|text| !memory(text).is_empty()))
}

/// Until it has all there is. Of memory that was never seen before nobody reads the pages: that
/// takes a second sample.
fn await_all(run: &mut Running) -> String {
    run.wait_for("all memory", |run| Some(text(run)).filter(|text| memory(text).len() == 2))
}

/// Whether Prometheus's own checker has nothing to say about this text, or what it says.
fn check(text: &str) -> Result<(), String> {
    let promtool = concat!(env!("CARGO_TARGET_TMPDIR"), "/promtool");
    assert!(Path::new(promtool).exists(), "this needs promtool: run .ci/test --install-only");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("text");
    fs::write(&file, text).unwrap();
    let shell = "exec \"$0\" check metrics <\"$1\" 2>&1";
    let output = execute("sh", &["-c", shell, promtool, file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() && said.is_empty() { Ok(()) } else { Err(said) }
}

#[test]
fn bad_values_name_what_is_allowed() {
    for (options, line) in [
        ("--metrics x", "--metrics 'x': expected statsd://HOST:PORT[/PREFIX] or prom:FILE"),
        ("--metrics=", "--metrics '': expected statsd://HOST:PORT[/PREFIX] or prom:FILE"),
        ("--metrics prom:", "--metrics 'prom:': expected a file behind prom:"),
        (
            "--metrics prom:x,statsd://h:0",
            "--metrics 'statsd://h:0': expected a port from 1 to 65535",
        ),
        (
            "--metrics statsd://::1:8125",
            "--metrics 'statsd://::1:8125': an IPv6 address needs brackets: statsd://[::1]:8125",
        ),
        ("--metrics prom:x --metrics prom:x", "--metrics 'prom:x': given twice"),
        ("--metrics statsd://h:1,statsd://h:1/recycle", "--metrics 'statsd://h:1': given twice"),
        ("--metrics prom:x --sample-every 1ms", "--sample-every '1ms': must be at least 10ms"),
        ("--metrics prom:x --name=", "--name '': expected 1 to 255 bytes"),
    ] {
        let (end, run) = Run::new(options).fixture("exit:0").finish();
        assert_eq!(end, End::Code(125), "{options}");
        let stderr = run.stderr();
        assert!(stderr.starts_with(&format!("recycle: {line}")), "{options}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(run.journal().is_empty() && text(&run).is_empty());
    }
}

#[test]
fn the_variable_takes_several_as_the_option_does() {
    let run = Run::new("").env("RECYCLE_METRICS", "prom:x.prom,prom:./y.prom");
    let (end, run) = run.fixture("env exit:0").finish();
    assert_eq!(end, End::Code(0));
    for file in ["x.prom", "y.prom"] {
        assert_eq!(value(&read(&run.dir().join(file)), "exits_total", ""), Some(1.0));
    }
    assert_eq!(run.entries("variables")[0].text, "variables RECYCLE_GENERATION=1");
}

/// A name, and what counts as traffic, mean something then.
#[test]
fn options_about_samples_go_with_it() {
    let options = "--metrics prom:x.prom --name a.b --traffic tcp";
    let (end, run) = Run::new(options).fixture("exit:0").finish();
    assert_eq!((end, run.stderr().as_str()), (End::Code(0), ""));
    assert_eq!(value(&text(&run), "up", r#"name="a.b""#), Some(0.0));
}

/// The samples are for the metrics alone, unless they are asked for.
#[test]
fn the_log_has_samples_only_if_it_is_to_have_them() {
    let mut run = Run::new("--metrics prom:x.prom").fixture("ready forever").spawn();
    await_memory(&mut run);
    assert_eq!(run.stderr(), "");
    for options in ["-v", "--sample-every 10s"] {
        let options = format!("--metrics prom:x.prom {options}");
        let mut run = Run::new(&options).fixture("ready forever").spawn();
        run.await_stderr("recycle: sample: rss ");
        await_memory(&mut run);
    }
}

/// Every name that there is, in the section about them.
#[test]
fn the_manual_knows_every_number() {
    let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/man/recycle-events.5");
    let manual = fs::read_to_string(manual).unwrap();
    let (_, section) = manual.split_once(".SH METRICS\n").unwrap();
    let (section, _) = section.split_once("\n.SH ").unwrap();
    let section = section.replace("\\-", "-");
    let options = "--metrics prom:x.prom --max-rss 1G --sample-every 50ms";
    let mut run = Run::new(options).fixture("ready forever").spawn();
    let text = await_all(&mut run);
    let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(names.len() > 10, "{text}");
    for name in names {
        let name = name.split(' ').next().unwrap();
        assert!(section.contains(&format!("\\fB{name}")), "no {name} in the manual");
    }
    let reasons = text.split("reason=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    for reason in reasons {
        assert!(section.contains(&format!("\\fB{reason}\\fR")), "no {reason} in the manual");
    }
}

/// What it would do is said, and not done.
#[test]
fn explained_it_tells_nobody() {
    own_network();
    let server = UdpSocket::bind("127.0.0.1:8125").unwrap();
    server.set_nonblocking(true).unwrap();
    for (more, told) in [("", false), ("--sample-every 2s", true)] {
        let options = format!("--explain --metrics statsd://127.0.0.1:8125,prom:x.prom {more}");
        let (end, run) = Run::new(&options).fixture("exit:0").finish();
        assert_eq!(end, End::Code(0), "{}", run.stderr());
        let words = run.stdout().split_whitespace().collect::<Vec<_>>().join(" ");
        let every = if told { "2s" } else { "10s" };
        for target in ["statsd://127.0.0.1:8125", "prom:x.prom"] {
            assert!(words.contains(&format!("go to {target} every {every}")), "{words}");
        }
        assert_eq!(words.contains("told on standard error every"), told, "{words}");
        assert!(text(&run).is_empty());
    }
    assert!(server.recv(&mut [0; 100]).is_err());
}
