//! What will hardly be as it was meant. No warning that may be wrong is one: where the command line
//! alone cannot tell, it says "if".

use std::path::Path;
use std::time::Duration;

use super::Plan;
use super::page::Page;
use crate::decide::rules::Measure;
use crate::sense::limit::Limit;
use crate::sense::program::Search;
use crate::sense::traffic::sources::Extent;
use crate::units::{Bytes, Span};

pub(super) fn write(plan: Plan<'_>, page: &mut Page) {
    let mut warnings = Vec::new();
    warnings.extend(too_little(plan));
    warnings.extend(too_much(plan));
    warnings.extend(forks(plan));
    warnings.extend(heartbeats(plan));
    warnings.extend(patience(plan));
    warnings.extend(unheard(plan));
    page.list("Warnings", &warnings);
}

const MIB: u64 = 1 << 20;

/// RSS of interpreters that do nothing but sleep, rounded down: Node 20.20, CPython 3.11, Ruby 3.1,
/// OpenJDK 17, PHP 8.2 and Perl 5.36 on Debian 12, x86-64, 2 s after their start (`VmRSS`,
/// `proc_pid_status(5)`).
const BARE: [(&str, Bytes); 6] = [
    ("node", Bytes(39 * MIB)),
    ("python", Bytes(8 * MIB)),
    ("ruby", Bytes(13 * MIB)),
    ("java", Bytes(36 * MIB)),
    ("php", Bytes(17 * MIB)),
    ("perl", Bytes(4 * MIB)),
];
/// The same, of `sleep` by busybox, linked statically.
const BARE_PROCESS: Bytes = Bytes(MIB);

/// Servers that fork workers which share pages with them.
const FORKING: [&str; 10] = [
    "gunicorn", "uwsgi", "puma", "unicorn", "php-fpm", "apache", "httpd", "nginx", "postgres",
    "celery",
];

/// Programs are called `python3.11`, `php-fpm8.2`, `nodejs`, `apache2`.
fn is_called(name: &str, known: &str) -> bool {
    let rest = name.strip_prefix(known).map(|rest| rest.strip_prefix("js").unwrap_or(rest));
    rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// What COMMAND is called, as it was typed and as it was found.
fn names(plan: Plan<'_>) -> Vec<String> {
    let typed = plan.config.command.first().and_then(|name| Path::new(name).file_name());
    let mut names: Vec<_> =
        typed.map(|name| name.to_string_lossy().into_owned()).into_iter().collect();
    if let Search::Found(found) = &plan.facts.program {
        names.extend(found.names());
    }
    names
}

/// The limits that were given, each as it was typed.
fn limits(plan: Plan<'_>) -> impl Iterator<Item = (String, Bytes, Measure)> {
    let memory = plan.config.rules.memory;
    let all = [
        ("max-rss", memory.max_rss.map(|limit| (limit, Measure::Rss))),
        ("max-pss", memory.max_pss.map(|limit| (limit, Measure::Pss))),
        ("kill-rss", memory.kill),
    ];
    all.into_iter().filter_map(move |(option, limit)| {
        let (bytes, measure) = limit?;
        Some((format!("--{option} {bytes}"), bytes, measure))
    })
}

/// A limit that COMMAND will reach without leaking.
fn too_little(plan: Plan<'_>) -> Option<String> {
    let (limit, bytes, _) = limits(plan).min_by_key(|(_, bytes, _)| *bytes)?;
    let names = names(plan);
    let is = |known: &str| names.iter().any(|name| is_called(name, known));
    let (what, bare) = match BARE.iter().find(|(known, _)| is(known)) {
        Some((known, bare)) => (format!("{known} needs to do nothing"), *bare),
        None => ("the smallest programs need".to_owned(), BARE_PROCESS),
    };
    (bytes.0 < 2 * bare.0).then(|| {
        format!("{limit} is less than twice what {what} ({bare}): restarts will not help.")
    })
}

/// A limit that the kernel's own comes before.
fn too_much(plan: Plan<'_>) -> Vec<String> {
    let Some(limit) = &plan.facts.limit else { return Vec::new() };
    let tight = Bytes(limit.bytes.0 / 10 * 9);
    let over = |(option, bytes, _): (String, Bytes, Measure)| {
        let kills = option.starts_with("--kill-rss") && bytes > tight;
        let origin = origin(limit);
        (bytes >= limit.bytes || kills).then(|| {
            let how = if bytes >= limit.bytes { "not below" } else { "near" };
            format!(
                "{option} is {how} {}, {origin}: the kernel may kill COMMAND first.",
                limit.bytes
            )
        })
    };
    limits(plan).filter_map(over).collect()
}

fn forks(plan: Plan<'_>) -> Option<String> {
    let (limit, ..) = limits(plan).find(|(_, _, measure)| *measure == Measure::Rss)?;
    let names = names(plan);
    let name = names.iter().find(|name| FORKING.iter().any(|known| is_called(name, known)))?;
    if plan.config.rules.memory.max_pss.is_some() {
        return None;
    }
    let name = super::shown(name);
    Some(format!(
        "{limit} counts a page once for each process that shares it. If {name} forks workers, \
         --max-pss tells more."
    ))
}

/// Pauses of connections that are in use: keep-alive of Apache, Node and uvicorn (5 s) up to nginx
/// (75 s); pings of WebSocket libraries (websockets 20 s, Socket.IO 25 s, Phoenix 30 s); AMQP's
/// heartbeats, twice in the 60 s that RabbitMQ asks for.
const BEAT: Duration = Duration::from_secs(30);

fn heartbeats(plan: Plan<'_>) -> Option<String> {
    let idle = plan.config.rules.idle?.after;
    let tcp = plan.config.traffic.tcp;
    // With a floor heartbeats are meant not to count.
    if idle > BEAT || tcp == Extent::Nothing || plan.config.rules.floor.is_some() {
        return None;
    }
    let broker = if tcp == Extent::All { ", AMQP heartbeats (30s)" } else { "" };
    Some(format!(
        "--idle {} is no longer than the usual silence on connections in use: HTTP keep-alive (5 \
         to 75s), WebSocket pings (20 to 30s){broker}. Who is connected and waits is cut off then.",
        Span(idle)
    ))
}

/// What platforms wait after TERM before they KILL: `docker stop` and `podman stop`, Kubernetes'
/// `terminationGracePeriodSeconds`, Heroku.
const SHORT_GRACE: Duration = Duration::from_secs(10);
const LONG_GRACE: Duration = Duration::from_secs(30);

fn patience(plan: Plan<'_>) -> Option<String> {
    let timeout = plan.config.rules.stop_timeout;
    if !plan.facts.is_pid_1 || !plan.given.has("stop-timeout") || timeout <= SHORT_GRACE {
        return None;
    }
    let others = if timeout > LONG_GRACE { ", Kubernetes and Heroku 30s" } else { "" };
    Some(format!(
        "--stop-timeout {} is more than a COMMAND gets when the container is stopped: by default \
         docker stop waits 10s{others}.",
        Span(timeout)
    ))
}

/// A stop signal that COMMAND, too, ignores, unless it asks for it.
fn unheard(plan: Plan<'_>) -> Option<String> {
    let rules = &plan.config.rules;
    let ignored = plan.facts.ignored.contains(&rules.stop_signal) && rules.plans();
    ignored.then(|| {
        format!(
            "{} is ignored here (nohup, or a script's &). Unless COMMAND handles it, each stop \
             takes {} and ends by SIGKILL.",
            rules.stop_signal,
            Span(rules.stop_timeout)
        )
    })
}

/// Where a memory limit comes from.
pub(super) fn origin(limit: &Limit) -> String {
    match &limit.file {
        Some(file) => format!("the limit in {}", super::shown(&file.to_string_lossy())),
        None => "this machine's RAM".to_owned(),
    }
}

#[cfg(test)]
mod tests;
