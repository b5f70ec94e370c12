//! `--chart`: what is in the drawing, as an independent parser of XML finds it.

mod collected;
mod drawing;
mod errors;
mod hostile;
mod long;

use self::drawing::{IDLE, INK, LIMIT, PSS, RSS, draw};
use crate::docs;
use crate::harness::{End, Run};
use std::fmt::Write;
use std::fs;

pub(crate) const M: u64 = 1 << 20;
/// 2026-11-24T12:00:00Z
const NOON: u64 = 1_795_521_600;

/// A log that is made up, second by second after noon.
#[derive(Default)]
pub(crate) struct Log(String);

impl Log {
    /// A line about something, with these fields.
    fn line(mut self, second: f64, name: &str, event: &str, fields: &str) -> Self {
        let time = std::time::UNIX_EPOCH
            + std::time::Duration::from_secs(NOON)
            + std::time::Duration::from_secs_f64(second);
        let time = humantime::format_rfc3339_millis(time);
        let head = format!(r#""v":1,"time":"{time}","name":"{name}","level":"info""#);
        writeln!(self.0, r#"{{{head},"event":"{event}",{fields},"message":"."}}"#).unwrap();
        self
    }

    fn sample(self, second: f64, name: &str, generation: u64, age: f64, fields: &str) -> Self {
        let fields = format!(r#""generation":{generation},"age":{age},{fields}"#);
        self.line(second, name, "sample", &fields)
    }

    /// A process that leaks 10M a second, and is recycled at 100M: for memory, but for every
    /// `idle`th time.
    fn leak(mut self, name: &str, generations: u64, idle: u64) -> Self {
        let mut second = 0.0;
        for generation in 1..=generations {
            for age in 1..10_u32 {
                let rss = u64::from(age) * 10 * M;
                let fields = format!(r#""rss":{rss},"max_rss":{}"#, 100 * M);
                self = self.sample(second + f64::from(age), name, generation, age.into(), &fields);
            }
            second += 10.0;
            let reason = match generation.is_multiple_of(idle) {
                true => r#""reason":"idle","quiet":5"#.to_owned(),
                false => format!(r#""reason":"rss","used":{},"limit":{}"#, 101 * M, 100 * M),
            };
            let fields = format!(r#""generation":{generation},"age":10,{reason},"gone_in":0.01"#);
            self = self.line(second, name, "recycled", &fields);
        }
        self
    }
}

/// A log that every part of a chart can be drawn from.
pub(crate) fn some_log() -> String {
    Log::default().leak("worker", 3, 2).0
}

#[test]
fn memory_limit_and_recycles_of_one_process() {
    let drawing = draw(&[("web.log", &Log::default().leak("worker", 12, 6).0)], "");
    assert_eq!(drawing.title, "Memory of worker");
    assert_eq!(drawing.description, "worker: 12 recycles: 10 rss, 2 idle; peak 101M of 100M.");
    for text in [
        "12 recycles: 10 rss, 2 idle; peak 101M of 100M",
        "max-rss 100M",
        "memory (RSS)",
        "limit",
        "recycled:",
        "20M",
        "0",
        "1m 40s",
        "after 2026-11-24 12:00:01 UTC",
    ] {
        assert!(drawing.has(text), "no {text:?} in {:?}", drawing.texts());
    }
    // A word each, and one in the legend.
    assert_eq!(drawing.count_of("rss"), 11);
    assert_eq!(drawing.count_of("idle"), 3);
    assert_eq!((drawing.count("polygon", LIMIT), drawing.count("circle", IDLE)), (11, 3));
    assert!(!drawing.has("PSS") && drawing.lines(PSS).is_empty());
    // One line for each generation, and one in the legend.
    assert_eq!(drawing.lines(RSS).len(), 13);
    drawing.assert_tidy();
}

/// What is high in one panel is high in the other.
#[test]
fn several_processes_have_the_same_scales() {
    let (big, small) = (Log::default().leak("big", 2, 9), Log::default());
    let mut small = small.sample(0.0, "small", 1, 0.5, r#""rss":5242880"#);
    small = small.sample(10.0, "small", 1, 10.5, r#""rss":5242880"#);
    let drawing = draw(&[("all.log", &(big.0 + &small.0))], "");
    assert_eq!(drawing.title, "Memory of 2 processes");
    assert!(drawing.has("big") && drawing.has("small"), "{:?}", drawing.texts());
    assert!(drawing.has("no recycle; peak 5M"), "{:?}", drawing.texts());
    let (hundreds, zeros) = (drawing.places("100M"), drawing.places("0"));
    assert_eq!((hundreds.len(), zeros.len()), (2, 2));
    let height = |panel: usize| zeros[panel].1 - hundreds[panel].1;
    assert_eq!(height(0), height(1));
    // The axis of time is below the last one only: both have the same.
    assert_eq!(drawing.places("10s").len(), 1);
    drawing.assert_tidy();
}

/// The memory of a supervisor contains that of its children, which would be flat on its scale.
#[test]
fn a_supervisor_has_a_scale_of_its_own() {
    let steady = |log: Log, name: &str, rss: u64| {
        let fields = format!(r#""rss":{rss}"#);
        log.sample(0.0, name, 1, 1.0, &fields).sample(10.0, name, 1, 11.0, &fields)
    };
    let with_supervisor = |rss| {
        let log = steady(Log::default(), "supervisor", rss);
        let log = (1..=6).fold(log, |log, child| steady(log, &format!("child-{child}"), 50 * M));
        draw(&[("all.log", &log.0)], "")
    };
    let drawing = with_supervisor(320 * M);
    let own = "no recycle; peak 320M; drawn to a scale of its own";
    assert!(drawing.has(own) && !drawing.has("no recycle; peak 50M; drawn"), "{drawing:?}");
    assert_eq!(
        (drawing.count_of("300M"), drawing.count_of("50M")),
        (1, 6),
        "{:?}",
        drawing.texts()
    );
    drawing.assert_tidy();
    // Where all can be seen on one scale, it is one.
    let drawing = with_supervisor(100 * M);
    assert_eq!(drawing.count_of("100M"), 7, "{:?}", drawing.texts());
    assert!(!drawing.texts().join(" ").contains("of its own"), "{:?}", drawing.texts());
}

/// However many panels there are, and however long the log is.
#[test]
fn the_shade_follows_its_line() {
    let mut log = Log::default();
    for process in 0..7_u64 {
        for second in 0..2000_u32 {
            let rss = 50 * M + u64::from(second) * 7_919 % 97 * M;
            let fields = format!(r#""rss":{rss}"#);
            log = log.sample(second.into(), &format!("p{process}"), 1, second.into(), &fields);
        }
    }
    let drawing = draw(&[("web.log", &log.0)], "");
    // The first line is the legend's.
    let (lines, shades) = (&drawing.lines(RSS)[1..], drawing.polygons(RSS));
    assert_eq!((lines.len(), shades.len()), (7, 7));
    for (line, shade) in lines.iter().zip(shades) {
        assert!(line.len() > 150, "{}", line.len());
        // Behind the last point it goes back along the ground.
        assert_eq!(&shade[..line.len()], *line);
    }
}

#[test]
fn the_same_name_in_two_files_is_two_processes() {
    let log = some_log();
    let drawing = draw(&[("a.log", &log), ("b.log", &log)], "");
    assert!(drawing.has("worker (a.log)") && drawing.has("worker (b.log)"), "{drawing:?}");
}

#[test]
fn standard_input_is_a_log_too() {
    let log = some_log();
    let drawing = draw(&[("-", &log), ("b.log", &log)], "");
    let name = "worker (standard input)";
    assert!(drawing.has(name) && drawing.has("worker (b.log)"), "{drawing:?}");
}

/// Where nothing follows a crash, too.
#[test]
fn what_ended_by_itself_is_marked_differently() {
    let log = some_log();
    let exit = r#""generation":4,"age":1,"status":3,"again_in":0.1"#;
    let died = r#""generation":5,"age":1,"signal":"SIGSEGV""#;
    let log = Log(log).line(31.0, "worker", "exited", exit).line(36.0, "worker", "exited", died).0;
    let drawing = draw(&[("web.log", &log)], "");
    for text in ["exit 3", "SEGV", "ended by itself"] {
        assert_eq!(drawing.count_of(text), 1, "{text}: {:?}", drawing.texts());
    }
    let summary = "3 recycles: 2 rss, 1 idle; ended by itself: 1 SEGV, 1 exit 3";
    assert!(drawing.texts().iter().any(|text| text.starts_with(summary)), "{:?}", drawing.texts());
    // A cross is two strokes: two in the plot, one in the legend.
    assert_eq!(drawing.lines(INK).iter().filter(|line| line.len() == 2).count(), 2 * 3 + 2);
}

#[test]
fn proportional_memory_is_a_lighter_line() {
    let mut log = Log::default();
    for second in 0..5_u64 {
        let (rss, pss) = (10 * M, 5 * M);
        let fields =
            format!(r#""rss":{rss},"pss":{pss},"max_pss":{},"kill_rss":{}"#, 8 * M, 30 * M);
        let at = second as f64;
        log = log.sample(at, "worker", 1, at, &fields);
    }
    let drawing = draw(&[("web.log", &log.0)], "");
    assert_eq!((drawing.lines(RSS).len(), drawing.lines(PSS).len()), (2, 2));
    for text in ["PSS", "max-pss 8M", "kill-rss 30M", "no recycle; peak 10M, pss 5M of 8M"] {
        assert!(drawing.has(text), "no {text:?} in {:?}", drawing.texts());
    }
    let height = |paint| drawing.lines(paint)[1][0].1;
    assert!(height(PSS) > height(RSS), "PSS is less, so it is lower");
}

#[test]
fn without_a_limit_there_is_no_word_of_one() {
    let mut log = Log::default();
    for second in 0..20_u64 {
        let fields = format!(r#""rss":{}"#, second * M);
        log = log.sample(second as f64, "worker", 1, second as f64, &fields);
    }
    let drawing = draw(&[("web.log", &log.0)], "");
    let words = drawing.texts().join(" ");
    assert!(!words.contains("limit") && !words.contains("max-"), "{words}");
    assert!(drawing.has("no recycle; peak 19M"), "{words}");
    assert!(drawing.lines(LIMIT).is_empty());
}

/// A limit far above would press the line to the ground.
#[test]
fn a_far_limit_is_named_but_does_not_flatten_the_line() {
    let mut log = Log::default();
    for second in 0..20_u64 {
        let fields = format!(r#""rss":{},"max_rss":{}"#, 10 * M, 1000 * M);
        log = log.sample(second as f64, "worker", 1, second as f64, &fields);
    }
    let drawing = draw(&[("web.log", &log.0)], "");
    assert!(drawing.has("max-rss 1000M is above") && drawing.has("10M"), "{:?}", drawing.texts());
}

/// The log of a run.
#[test]
fn what_recycle_logs_can_be_drawn() {
    let options = "--log-format json --sample-every 50ms --max-lifetime 300ms --name web";
    let mut run = Run::new(options).fixture("trap:TERM:exit=0 ready forever").spawn();
    run.wait_for("three recycles", |run| {
        let count = run.stderr().matches(r#""event":"recycled""#).count();
        (count >= 3).then_some(())
    });
    // Between two generations it ends by the signal, else as COMMAND does.
    run.signal(libc::SIGTERM);
    run.finish();
    let log = run.stderr();
    let recycles = log.matches(r#""event":"recycled""#).count();
    let drawing = draw(&[("web.log", &log)], "");
    assert_eq!(drawing.title, "Memory of web");
    let summary = format!("{recycles} recycles: {recycles} lifetime; peak ");
    assert!(drawing.texts().iter().any(|text| text.starts_with(&summary)), "{:?}", drawing.texts());
    drawing.assert_tidy();
}

/// Their words are files, and say where the drawing goes to.
#[test]
fn every_chart_in_the_documents_can_be_drawn() {
    let charts = docs::lines::all_charts();
    assert!(charts.len() >= 2, "{charts:?}");
    for words in charts {
        let (line, output) = words.split_at(words.len() - 2);
        assert!(output[0] == ">" && output[1].ends_with(".svg"), "{words:?}");
        let run = Run::new(&line.join(" "));
        for log in line[1..].iter().chain([&"input".to_owned()]) {
            fs::write(run.dir().join(log), some_log()).unwrap();
        }
        let input = fs::File::open(run.dir().join("input")).unwrap();
        let (end, run) = run.stdin(input).finish();
        assert_eq!(end, End::Code(0), "recycle {words:?}: {}", run.stderr());
    }
}
