//! How much longer `true` takes with somebody before it.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::figure::{Bound, Figure, Goal, Part, Table};
use crate::sample::Sample;
use crate::supervisors::{Kind, Setting, TRIGGERS};

const ROUNDS: usize = 700;
const WARM_UP: usize = 20;

/// Those that are started in turn. The first is nobody.
fn contenders(setting: &Setting) -> Vec<(String, Result<Command>)> {
    let recycle = |options: &[&str]| {
        let mut command = Command::new(&setting.recycle);
        command.args(options).arg("--");
        (Kind::recycle(options).name(), Ok(command))
    };
    let peer = |program: &'static str, words: &'static [&'static str]| {
        let command = setting.peers.command(program).map(|mut command| {
            command.args(words);
            command
        });
        (Kind::Wrapper(program, words).name(), command)
    };
    vec![
        ("nobody".to_owned(), Ok(Command::new("/bin/true"))),
        recycle(&[]),
        recycle(&TRIGGERS),
        peer("tini", &["-s"]),
        peer("tini-static", &["-s"]),
        peer("dumb-init", &[]),
        peer("catatonit", &[]),
        peer("timeout", &["10"]),
    ]
}

/// From before the start to after the end, in microseconds. Nothing but posix_spawn(3) and
/// waitpid(2) is in between: the standard library does no more for a command like this.
fn time(command: &mut Command) -> Result<f64> {
    let began = Instant::now();
    let status = command.spawn()?.wait()?;
    let micros = began.elapsed().as_secs_f64() * 1e6;
    status.success().then_some(micros).context("failed")
}

pub(crate) fn start_to_exit(setting: &Setting) -> Result<Figure> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    let mut all = contenders(setting);
    for (at, (_, command)) in all.iter_mut().enumerate() {
        let Ok(command) = command else { continue };
        if at > 0 {
            command.arg("/bin/true");
        }
        let [stdin, stdout, stderr] = [(); 3].map(|()| null.try_clone().map(Stdio::from));
        command.stdin(stdin?).stdout(stdout?).stderr(stderr?);
    }
    let mut times = vec![Vec::new(); all.len()];
    for round in 0..WARM_UP + ROUNDS {
        // Nobody always follows the same one.
        for step in 0..all.len() {
            let stride = [1, 3, 5, 7][round % 4];
            let at = (round + step * stride) % all.len();
            let Ok(command) = &mut all[at].1 else { continue };
            let micros = time(command).context(all[at].0.clone())?;
            if round >= WARM_UP {
                times[at].push(micros);
            }
        }
    }
    Ok(figure(&all, times.into_iter().map(Sample::new).collect()))
}

fn figure(all: &[(String, Result<Command>)], samples: Vec<Sample>) -> Figure {
    let bare = samples[0].median();
    let added: Vec<_> = samples.iter().map(|sample| sample.median() - bare).collect();
    let tini = all.iter().position(|(name, _)| name.contains("tini-static"));
    let tini = tini.map_or(f64::NAN, |at| added[at]);
    let mut table = Table::new(&[
        "before `true`",
        "median us",
        "quartiles",
        "added us",
        "added, of tini-static's",
    ]);
    for ((name, command), (sample, added)) in all.iter().zip(samples.iter().zip(&added)) {
        match command {
            Err(error) => table.absent(name, &error.to_string()),
            Ok(_) => table.line([
                name.clone(),
                format!("{:.0}", sample.median()),
                sample.quartiles(0),
                format!("{added:.0}"),
                if tini.is_nan() { "?".to_owned() } else { format!("{:.2}x", added / tini) },
            ]),
        }
    }
    let goal = |what: &str, at: usize, most| Goal {
        what: format!("time added to start → exit of `true`, {what}, against `tini-static`"),
        parts: vec![Part {
            value: added[at] / tini,
            bound: Bound::AtMost(most),
            unit: "x",
            digits: 2,
        }],
    };
    Figure {
        about: format!(
            "{ROUNDS} interleaved rounds, with the order changing; posix_spawn to the end of \
             waitpid. Added is what the median is more than that of `true` alone."
        ),
        goals: vec![goal("without options", 1, 1.0), goal("with all triggers", 2, 1.3)],
        table,
    }
}
