//! What can be seen here, and by what means.

use super::page::Page;
use super::{Plan, shown};
use crate::report;
use crate::sense::means::Means;
use crate::sense::traffic::sources::{Extent, Sources};
use crate::sys::files::Kind;
use crate::units::Span;

pub(super) fn write(plan: Plan<'_>, page: &mut Page) {
    let rules = &plan.config.rules;
    let sampled = rules.sample_every.is_some() || rules.observe.is_some();
    let memory = rules.memory;
    let memory = memory.max_rss.or(memory.max_pss).is_some() || memory.kill.is_some() || sampled;
    let traffic = rules.needs_traffic() || sampled;
    let mut items = Vec::new();
    if !plan.facts.means.processes && (memory || traffic) {
        items.push(
            "Processes: none, /proc is not there or not ours. Only signals, ends and age count."
                .to_owned(),
        );
    } else {
        if memory {
            items.push(by_memory(&plan.facts.means));
        }
        if traffic {
            items.extend(by_traffic(plan));
        }
    }
    if let Some(every) = rules.sample_every {
        let every = Span(every);
        if plan.config.style.samples {
            items.push(format!("Both are told on standard error every {every}."));
        }
        for target in &plan.config.metrics {
            let target = shown(&target.text);
            items.push(format!("Both go to {target} every {every}, and so does what is counted."));
        }
    }
    page.list("What is seen here, and how", &items);
}

fn by_memory(means: &Means) -> String {
    match means.pages {
        Ok(()) => "Memory: of each process (statm); page by page (smaps_rollup) before it \
                   matters."
            .to_owned(),
        Err(errno) => format!(
            "Memory: of each process (statm), and not page by page (smaps_rollup: {}): \
             --max-pss does nothing, --max-rss takes two looks.",
            report::error(errno)
        ),
    }
}

fn by_traffic(plan: Plan<'_>) -> Vec<String> {
    let (sources, means) = (&plan.config.traffic, &plan.facts.means);
    let mut items = Vec::new();
    if sources.stdin {
        items.push(by_stdin(plan.facts.input).to_owned());
    }
    if counts(sources.tcp) {
        items.push(format!("TCP{}: {}", only_inbound(sources.tcp), by_tcp(means)));
    }
    for (name, extent) in [("UDP", sources.udp), ("Unix", sources.unix)] {
        if counts(extent) {
            let how = if name == "UDP" { by_udp(means) } else { by_unix(means) };
            items.push(format!("{name}{}: {how}", only_inbound(extent)));
        }
    }
    if sources.sockets() && !means.others {
        items.push(
            "If COMMAND changes its user, all that moves in this network counts as its own."
                .to_owned(),
        );
    }
    items.extend(filters(sources));
    items
}

fn counts(extent: Extent) -> bool {
    extent != Extent::Nothing
}

fn only_inbound(extent: Extent) -> &'static str {
    if extent == Extent::Inbound { ", what others begin" } else { "" }
}

fn by_stdin(input: Kind) -> &'static str {
    match input {
        Kind::Pipe => "Standard input: a pipe, its bytes are traffic (inotify).",
        Kind::Socket | Kind::Messages => "Standard input: a socket, its bytes are traffic (epoll).",
        Kind::Terminal => "Standard input: a terminal, what is read is traffic (inotify).",
        Kind::File => "Standard input: a file, which is no traffic.",
        Kind::Nothing => "Standard input: nothing that has traffic.",
    }
}

fn by_tcp(means: &Means) -> String {
    match (means.connections, means.deaths) {
        (Ok(()), Ok(())) => "when each connection last moved a byte, also those that come and go \
                             between two looks (sock_diag)."
            .to_owned(),
        (Ok(()), Err(errno)) => format!(
            "when each connection last moved a byte (sock_diag). Those that come and go cannot be \
             seen ({}): {}",
            report::error(errno),
            together(means)
        ),
        (Err(errno), _) => {
            format!("not one by one (sock_diag: {}): {}", report::error(errno), together(means))
        }
    }
}

fn together(means: &Means) -> &'static str {
    match means.counters {
        true => "the counters of the whole network stand in.",
        false => "COMMAND is not taken to be idle.",
    }
}

fn by_udp(means: &Means) -> String {
    match means.fetching {
        Ok(()) => "the first byte after a silence (pidfd_getfd, epoll).".to_owned(),
        Err(errno) => {
            format!("not one by one (pidfd_getfd: {}): {}", report::error(errno), together(means))
        }
    }
}

fn by_unix(means: &Means) -> String {
    match means.fetching {
        Ok(()) => "the first byte after a silence (pidfd_getfd, epoll).".to_owned(),
        Err(errno) => format!(
            "not at all (pidfd_getfd: {}). While COMMAND has one that leads out of it, it is not \
             taken to be idle; --traffic tcp,udp leaves them out.",
            report::error(errno)
        ),
    }
}

/// Which ports count, and which do not.
fn filters(sources: &Sources) -> Vec<String> {
    let list = |ports: &[u16]| {
        let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
        ports.join(", ")
    };
    let ports = &sources.ports;
    let mut filters = Vec::new();
    if !ports.wanted.is_empty() {
        filters.push(format!("Only ports that count: {}.", list(&ports.wanted)));
    }
    if !ports.unwanted.is_empty() {
        filters.push(format!("Ports that do not count: {}.", list(&ports.unwanted)));
    }
    filters
}

#[cfg(test)]
mod tests;
