//! What will hardly be as it was meant. No warning that may be wrong is one: where the command line
//! alone cannot tell, it says "if".

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::Plan;
use super::known::{self, Known, Leaves};
use super::page::Page;
use crate::act::stop::Scope;
use crate::decide::exit::Signal;
use crate::decide::rules::{Measure, Restart, Then};
use crate::sense::limit::Limit;
use crate::sense::traffic::sources::Extent;
use crate::units::{Bytes, Span};

pub(super) fn write(plan: Plan<'_>, page: &mut Page) {
    let mut warnings = Vec::new();
    warnings.extend(too_little(plan));
    warnings.extend(too_much(plan));
    warnings.extend(forks(plan));
    warnings.extend(abrupt(plan));
    warnings.extend(held(plan));
    warnings.extend(in_front(plan));
    warnings.extend(leaves(plan));
    warnings.extend(heartbeats(plan));
    warnings.extend(patience(plan));
    warnings.extend(unheard(plan));
    warnings.extend(notifications(plan));
    warnings.extend(refused(plan));
    page.list("Warnings", &warnings);
}

/// What sleeps listens to nobody.
fn refused(plan: Plan<'_>) -> Option<String> {
    let sleeps = plan.config.rules.then == Then::Wait;
    sleeps.then(|| {
        "--then wait: if COMMAND serves clients on sockets, they are refused while it is asleep. \
         Only data on standard input wakes it."
            .to_owned()
    })
}

/// RSS of `sleep` by busybox, linked statically, that does nothing.
const BARE_PROCESS: Bytes = Bytes(1 << 20);

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
    let needs = |(_, known): (String, Known)| known.bare.map(|bare| (known.title, bare));
    let (what, bare) = match known::of(plan).into_iter().find_map(needs) {
        Some((title, bare)) => (format!("{title} needs to do nothing"), bare),
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
    let shares = |(name, known): (String, Known)| known.shares.map(|shares| (name, shares));
    let (name, shares) = known::of(plan).into_iter().find_map(shares)?;
    if plan.config.rules.memory.max_pss.is_some() {
        return None;
    }
    Some(format!(
        "{limit} counts a page once for each process that shares it. If {name} {shares}, \
         --max-pss tells more."
    ))
}

/// A planned stop of a program that stops gracefully by another signal.
fn abrupt(plan: Plan<'_>) -> Option<String> {
    let rules = &plan.config.rules;
    if !rules.plans_gracefully() || rules.observe.is_some() {
        return None;
    }
    let stop = |(name, known): (String, Known)| known.stop.map(|stop| (name, known.title, stop));
    let (name, title, stop) = known::of(plan).into_iter().find_map(stop)?;
    let signal = rules.stop_signal;
    if Signal::parse(stop.signal) == Some(signal) || ends_alike(title, signal) {
        return None;
    }
    if signal != Signal::TERM {
        let better = stop.signal;
        return Some(format!(
            "{name} does not stop gracefully on {signal}: use --stop-signal {better}."
        ));
    }
    Some(format!(
        "On SIGTERM {name} {}. With --stop-signal {} it {}.",
        stop.on_term, stop.signal, stop.on_signal
    ))
}

/// uWSGI does the same on INT as on QUIT.
fn ends_alike(title: &str, signal: Signal) -> bool {
    title == "uWSGI" && signal == Signal::INT
}

/// A stop that begins while COMMAND is busy, and does not end as long as it is.
fn held(plan: Plan<'_>) -> Option<String> {
    let rules = &plan.config.rules;
    let memory = rules.memory.max_rss.or(rules.memory.max_pss).is_some();
    let amid_work = (memory || rules.lifetime.is_some()) && rules.quiet.is_none();
    let at_once = rules.stop_timeout.is_zero() || rules.stop_signal == Signal::KILL;
    if !amid_work || rules.observe.is_some() || at_once {
        return None;
    }
    let held = |(name, known): (String, Known)| known.held.map(|held| (name, held));
    let (name, held) = known::of(plan).into_iter().find_map(held)?;
    Some(format!(
        "If {name}'s {}: a stop takes {} and ends by SIGKILL. {}.",
        held.cause,
        Span(rules.stop_timeout),
        held.remedy
    ))
}

/// A shell or a package manager between recycle and the server.
fn in_front(plan: Plan<'_>) -> Option<String> {
    let replaced = |word: &OsString| word.as_encoded_bytes().starts_with(b"exec ");
    if plan.config.scope == Scope::Group || plan.config.command.iter().any(replaced) {
        return None;
    }
    let (name, _) = known::of(plan).into_iter().find(|(_, known)| known.in_front)?;
    Some(format!(
        "{name} may keep signals from the program that it starts, unless it starts it by exec: \
         --signal-scope group reaches both."
    ))
}

/// A program that makes a daemon of itself: nothing is left to watch.
fn leaves(plan: Plan<'_>) -> Option<String> {
    let rules = &plan.config.rules;
    if !rules.plans() && rules.restart == Restart::Never {
        return None;
    }
    let arguments = plan.config.command.iter().skip(1).map(|word| word.to_string_lossy());
    let arguments: Vec<_> = arguments.map(std::borrow::Cow::into_owned).collect();
    let leaves = |(name, known): (String, Known)| known.leaves.map(|leaves| (name, leaves));
    let (name, leaves) = known::of(plan).into_iter().find_map(leaves)?;
    let word = leaves.with(&arguments)?;
    Some(match leaves {
        Leaves::With(_) => format!(
            "{name} goes to the background with {word}, where recycle does not watch it: run it in \
             the foreground."
        ),
        Leaves::Without { .. } => format!(
            "{name} goes to the background, where recycle does not watch it, unless it has {word}."
        ),
    })
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
    let ignored = plan.facts.ignored.contains(&rules.stop_signal);
    let asks = rules.plans_gracefully() && rules.observe.is_none();
    (ignored && asks && !rules.stop_timeout.is_zero()).then(|| {
        format!(
            "{} is ignored here (nohup, or a script's &). Unless COMMAND handles it, each stop \
             takes {} and ends by SIGKILL.",
            rules.stop_signal,
            Span(rules.stop_timeout)
        )
    })
}

/// What a service manager waits at (`sd_notify(3)`).
pub(super) const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";

/// Whether COMMAND is env(1) that runs a program without this variable.
fn is_kept_from(command: &[OsString], variable: &str) -> bool {
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    let Some((program, words)) = words.split_first() else { return false };
    if Path::new(program.as_ref()).file_name() != Some("env".as_ref()) {
        return false;
    }
    let mut words = words.iter().map(|word| word.as_ref());
    while let Some(word) = words.next() {
        let unset = match word {
            "-" | "-i" | "--ignore-environment" => return true,
            "-u" | "--unset" => words.next(),
            "-C" | "--chdir" => words.next().and(None),
            _ => word.strip_prefix("--unset=").or_else(|| word.strip_prefix("-u")),
        };
        if unset == Some(variable) {
            return true;
        }
        if !word.starts_with('-') && !word.contains('=') {
            return false;
        }
    }
    false
}

/// systemd takes notifications from the process that it started, unless it is told otherwise.
fn notifications(plan: Plan<'_>) -> Vec<String> {
    if !plan.facts.is_notified || is_kept_from(&plan.config.command, NOTIFY_SOCKET) {
        return Vec::new();
    }
    let access = "NOTIFY_SOCKET is set. If COMMAND sends notifications (READY=1, WATCHDOG=1), \
                  systemd ignores them unless the unit has NotifyAccess=all.";
    let stopping = "If COMMAND sends STOPPING=1 when it is stopped, systemd takes a recycle for \
                    the end of the service and kills it after TimeoutStopSec=: use Type=exec and \
                    env -u NOTIFY_SOCKET.";
    let recycles = plan.config.rules.plans();
    [Some(access), recycles.then_some(stopping)].into_iter().flatten().map(str::to_owned).collect()
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
