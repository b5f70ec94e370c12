//! What nginx loses when its silence is watched for.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::figure::{Bound, Figure, Goal, Part, Table};
use crate::network::own_network;
use crate::process::Guard;
use crate::sample::Sample;
use crate::supervisors::Setting;

/// Runs of each of the two that are compared; the proxy is so far behind that fewer tell.
const RUNS: usize = 16;
const PROXY_RUNS: usize = 4;

/// What is running, and where.
struct Server {
    _guard: Guard,
    port: u16,
}

/// What a run of wrk found.
#[derive(Clone, Copy)]
struct Load {
    requests: f64,
    p50_micros: f64,
    p99_micros: f64,
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// nginx with one worker, at work.
fn nginx(setting: &Setting, place: &Path, options: Option<&[&str]>) -> Result<Server> {
    fs::create_dir_all(place)?;
    let port = free_port()?;
    let at = place.display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|it| format!("{it}_temp_path {at}/{it};\n")).concat();
    let rules = format!(
        "worker_processes 1;\npid {at}/pid;\ndaemon off;\nerror_log {at}/log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\naccess_log off;\n{temporary}server {{\nlisten 127.0.0.1:{port};\n\
         location / {{ return 200 \"{}\"; }}\n}}\n}}\n",
        "x".repeat(550)
    );
    let path = place.join("rules");
    fs::write(&path, rules)?;
    let mut nginx = setting.peers.command("nginx").context("nginx")?;
    nginx.args(["-e", "stderr", "-c"]).arg(&path);
    let mut command = match options {
        None => nginx,
        Some(options) => {
            let mut command = Command::new(&setting.recycle);
            command.args(options).arg("--").arg(nginx.get_program()).args(nginx.get_args());
            let variables = nginx.get_envs();
            command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
            command
        }
    };
    let log = fs::File::create(place.join("stderr"))?;
    let [stdin, stdout] = [(); 2].map(|()| Stdio::null());
    let guard = Guard::start(command.stdin(stdin).stdout(stdout).stderr(log))?;
    answering(Server { _guard: guard, port })
}

/// A proxy before the nginx on this port.
fn proxy(setting: &Setting, behind: u16) -> Result<Server> {
    let missing = "systemd-socket-activate and systemd-socket-proxyd";
    let activate = setting.peers.command("systemd-socket-activate").context(missing)?;
    let proxyd = setting.peers.command("systemd-socket-proxyd").context(missing)?;
    let port = free_port()?;
    let mut command = activate;
    command.arg("-l").arg(format!("127.0.0.1:{port}")).arg(proxyd.get_program());
    command.arg("--connections-max=1024").arg(format!("127.0.0.1:{behind}"));
    let [stdin, stdout, stderr] = [(); 3].map(|()| Stdio::null());
    let guard = Guard::start(command.stdin(stdin).stdout(stdout).stderr(stderr))?;
    answering(Server { _guard: guard, port })
}

fn answering(server: Server) -> Result<Server> {
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", server.port)).is_err() {
        let late = began.elapsed() > Duration::from_secs(5);
        (!late).then_some(()).context("does not answer")?;
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(server)
}

fn load(setting: &Setting, server: &Server, seconds: &str) -> Result<Load> {
    let mut wrk = setting.peers.command("wrk").context("wrk")?;
    wrk.args(["--threads", "1", "--connections", "32", "--latency", "--duration", seconds]);
    let output = wrk.arg(format!("http://127.0.0.1:{}/", server.port)).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
        line.map(str::trim).with_context(|| format!("wrk does not tell {name}"))
    };
    let failed = text.contains("Socket errors") || text.contains("Non-2xx");
    (!failed).then_some(()).context("requests failed")?;
    Ok(Load {
        requests: field("Requests/sec:")?.parse()?,
        p50_micros: micros(field("50%")?)?,
        p99_micros: micros(field("99%")?)?,
    })
}

/// As wrk writes it: `383.00us`, `1.22ms`, `0.10s`.
fn micros(text: &str) -> Result<f64> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic()).context("no unit")?;
    let (number, unit) = text.split_at(unit);
    let factor = match unit {
        "us" => 1.0,
        "ms" => 1e3,
        _ => 1e6,
    };
    Ok(number.parse::<f64>()? * factor)
}

pub(crate) fn nginx_under_load(setting: &Setting) -> Result<Figure> {
    own_network();
    let place = tempfile::tempdir()?;
    // Its worker is somebody else, and writes here.
    let alone = nginx(setting, &place.path().join("alone"), None)?;
    let under = nginx(setting, &place.path().join("under"), Some(&["--idle", "10s"]))?;
    let proxy = proxy(setting, alone.port);
    let mut loads = [Vec::new(), Vec::new(), Vec::new()];
    for server in [&alone, &under] {
        load(setting, server, "1s")?;
    }
    for run in 0..RUNS {
        let pair = [(0, &alone), (1, &under)];
        // Whoever comes first has no advantage from it.
        let order = if run % 2 == 0 { [0, 1] } else { [1, 0] };
        for at in order {
            let (column, server) = pair[at];
            loads[column].push(load(setting, server, "1s")?);
        }
        if let Ok(proxy) = &proxy
            && run % (RUNS / PROXY_RUNS) == 0
            && let Ok(load) = load(setting, proxy, "1s")
        {
            loads[2].push(load);
        }
    }
    let said = fs::read_to_string(place.path().join("under/stderr"))?;
    (!said.contains("recycled")).then_some(()).context("it was recycled meanwhile")?;
    Ok(figure(&loads, proxy.err()))
}

fn figure(loads: &[Vec<Load>; 3], no_proxy: Option<anyhow::Error>) -> Figure {
    let of =
        |at: usize, field: fn(&Load) -> f64| Sample::new(loads[at].iter().map(field).collect());
    let requests = |at| of(at, |load| load.requests);
    let p50 = |at| of(at, |load| load.p50_micros);
    let p99 = |at| of(at, |load| load.p99_micros);
    let mut table = Table::new(&[
        "nginx",
        "requests/s",
        "quartiles",
        "of alone",
        "p50 us",
        "quartiles",
        "p99 us",
        "quartiles",
    ]);
    let names = ["alone", "under `recycle --idle 10s`", "behind `systemd-socket-proxyd`"];
    for (at, name) in names.into_iter().enumerate() {
        if loads[at].is_empty() {
            let why = no_proxy.as_ref().map_or("failed".to_owned(), ToString::to_string);
            table.absent(name, &format!("missing: {why}"));
            continue;
        }
        let mut cells = vec![name.to_owned()];
        let share = requests(at).median() / requests(0).median();
        cells.extend([format!("{:.0}", requests(at).median()), requests(at).quartiles(0)]);
        cells.push(format!("{share:.3}x"));
        for latency in [p50(at), p99(at)] {
            cells.extend([format!("{:.0}", latency.median()), latency.quartiles(0)]);
        }
        table.line(cells);
    }
    let part = |value, unit| Part { value, bound: Bound::AtLeast(0.98), unit, digits: 3 };
    Figure {
        about: format!(
            "`wrk` with 32 connections for 1 s, {RUNS} runs of each, in turn; medians and \
             quartiles of the runs. One worker, an answer of 550 bytes, everything on loopback. \
             nginx, wrk and the proxy share the processors. p99 differs too much between runs of \
             the same to be judged."
        ),
        goals: vec![Goal {
            what: "nginx under `recycle --idle 10s`, of nginx alone: requests/s, speed of p50"
                .to_owned(),
            parts: vec![
                part(requests(1).median() / requests(0).median(), "x"),
                part(p50(0).median() / p50(1).median(), "x of p50"),
            ],
        }],
        table,
    }
}
