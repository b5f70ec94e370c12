//! The loop: wait, sense, decide, act. The one file that knows all the others.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::act::directory::Directory;
use crate::act::hook::Shell;
use crate::act::spawn::Program;
use crate::act::stop::{Scope, Sweep};
use crate::act::terminal::{Group, Terminal};
use crate::cli::{Config, Hooks};
use crate::decide::action::Action;
use crate::decide::delivery::Unsent;
use crate::decide::event::Event;
use crate::decide::exit::{End, Signal};
use crate::decide::lifecycle::{Finality, Lifecycle};
use crate::decide::rules::Restart;
use crate::decide::time::{Time, earliest};
use crate::report::metrics::Metrics;
use crate::report::{self, Reporter};
use crate::sense::clocks::SleepSense;
use crate::sense::memory::MemorySense;
use crate::sense::neighbours;
use crate::sense::traffic::{TrafficSense, stdin};
use crate::sense::tree::Trees;
use crate::sys::clock;
use crate::sys::files::{self, Kind};
use crate::sys::poll::{self, Readiness};
use crate::sys::process;
use crate::sys::signals::{self, SignalSet, Signals};

mod hooks;
mod interrupts;
mod lines;
mod measure;
mod perform;
mod take;

use self::lines::Lines;

/// How soon a stop is thought about again when nothing can tell us that a process ended.
const BLIND_PAUSE: Duration = Duration::from_millis(20);

/// Supervises COMMAND until there is nothing left to do.
///
/// # Errors
/// What the supervision needs cannot be had; nothing was started.
pub(crate) fn run(mut config: Config) -> anyhow::Result<End> {
    // A resolver may take its time: signals still end us.
    let mut metrics = Metrics::find(config.metrics, &config.style);
    let (signals, inherited) = signals::catch().context("cannot catch signals")?;
    config.rules.map.note_ignored(inherited.ignored().filter_map(Signal::from_number));
    process::become_subreaper().context("cannot become a subreaper")?;
    let terminal = Terminal::find(neighbours::none);
    let group = Group::beside(terminal.as_ref(), &config.rules);
    let only_one = !config.rules.plans() && config.rules.restart == Restart::Never;
    let directory = Directory::find(config.chdir.as_deref(), only_one);
    let program = Program::new(&config.command, &config.hidden, inherited, group, directory)
        .context("COMMAND has an argument that no program can be given")?;
    let mut trees = Trees::new();
    let mut traffic = TrafficSense::of(config.traffic, &config.rules);
    if config.rules.needs_traffic()
        && let Err(why) = trees.can_see().and_then(|()| traffic.can_see())
    {
        bail!("--idle, --quiet: nothing to watch: {}", report::blindness(why));
    }
    if let Some(unfit) = stdin::unfit(&config.rules, Kind::of(files::STDIN)) {
        bail!("{unfit}");
    }
    let lines = config.rules.lines.map(|lines| Lines::new(lines.longest)).transpose();
    let lines = lines.context("--max-line: there is no memory for lines so long")?;
    let Hooks { on_event, pre_stop } = config.hooks;
    let wants_shell = on_event.is_some() || pre_stop.is_some();
    let shell = wants_shell.then(|| Shell::find(&config.hidden, inherited)).transpose();
    let shell = shell.context("--on-event, --pre-stop: /bin/sh cannot be executed")?;
    let name = config.command.first().map(|name| name.to_string_lossy()).unwrap_or_default();
    let started = now();
    // The last that may fail: a file is not to say that we run when we do not.
    if let Some(metrics) = &mut metrics {
        metrics.begin(started).map_err(anyhow::Error::msg)?;
    }
    let mut supervisor = Supervisor {
        stop_signal: config.rules.stop_signal,
        stop_timeout: config.rules.stop_timeout,
        lines,
        hooks: hooks::Hooks::new(shell, on_event, pre_stop.zip(config.rules.pre_stop)),
        // Random is nice to have: without it, jitter is the same in every run.
        lifecycle: Lifecycle::new(config.rules, started, process::random().unwrap_or_default()),
        reporter: Reporter::new(config.style, &name),
        metrics,
        scope: config.scope,
        program,
        terminal,
        signals,
        unreaped: false,
        waited: SignalSet::EMPTY,
        unsent: Vec::new(),
        trees,
        memory: MemorySense::new(),
        slumber: SleepSense::default(),
        traffic,
        generation: 0,
        sweep: None,
        events: VecDeque::new(),
        end: None,
        awake: started,
        asked: Finality::No,
        leave_by: None,
        interrupts: interrupts::Interrupts::default(),
    };
    supervisor.tell_ignored(config.ignored);
    // From here on nothing may end the program but `Action::Quit`: no `?`, no panic. What fails
    // becomes an event, or a notice.
    Ok(supervisor.supervise())
}

fn now() -> Time {
    Time::at(clock::now())
}

/// Who wakes so long after the deadline that he waited for did not run when it came; nor did he
/// whose work took so much longer than its CPU time.
const ABSENCE: Duration = Duration::from_secs(1);

/// The world, as far as it is ours.
struct Supervisor {
    lifecycle: Lifecycle,
    reporter: Reporter,
    /// `None`: nobody wants any.
    metrics: Option<Metrics>,
    scope: Scope,
    /// What COMMAND may die of because we asked.
    stop_signal: Signal,
    stop_timeout: Duration,
    program: Program,
    /// What COMMAND gets line by line; `None`: it reads our standard input by itself.
    lines: Option<Lines>,
    /// The one on standard input, if it is ours to give.
    terminal: Option<Terminal>,
    signals: Signals,
    /// Some children may have ended that were not asked about yet.
    unreaped: bool,
    /// What waited to be read when COMMAND was about to be started.
    waited: SignalSet,
    trees: Trees,
    memory: MemorySense,
    slumber: SleepSense,
    traffic: TrafficSense,
    generation: u64,
    /// A tree that is to go.
    sweep: Option<Sweep>,
    /// Signals of this step that were not delivered.
    unsent: Vec<Unsent>,
    /// What came of actions: handled before anything else is waited for.
    events: VecDeque<Event>,
    end: Option<End>,
    /// When we were last seen to run.
    awake: Time,
    /// Whether an end was asked for: then nobody need be told of it.
    asked: Finality,
    /// Until then, at most, who is told of events is waited for after COMMAND's end.
    leave_by: Option<Time>,
    hooks: hooks::Hooks,
    interrupts: interrupts::Interrupts,
}

/// What the loop waits for.
#[derive(Clone, Copy, Debug, Default)]
struct Ready {
    /// When the wait began, if we did not run when the deadline came, nor for a while after it.
    overslept: Option<Time>,
    signals: bool,
    input: bool,
    output: bool,
    deaf: bool,
    gauge: bool,
    input_ended: bool,
    tripwire: bool,
    ended: bool,
}

impl Supervisor {
    fn supervise(&mut self) -> End {
        self.tell_failures();
        loop {
            let ready = self.wait();
            self.awake = now();
            if let Some(since) = ready.overslept {
                self.feed(Event::Overslept { since });
            }
            // The order matters: what came from outside before what we planned, an end before a
            // timer (the dead are not killed), a byte before a timer (it came before the deadline).
            let children = ready.signals && self.take_signals();
            self.take_ends(children, ready.ended);
            self.hurry_watcher();
            self.take_lines(ready);
            self.take_input(ready);
            self.take_deadline();
            if let Some(end) = self.end
                && self.may_leave()
            {
                self.abandon_alerts();
                self.finish_metrics();
                return end;
            }
            // After all that matters: it may take as long as a disk does.
            self.write_metrics();
        }
    }

    /// The one place where the program waits.
    fn wait(&mut self) -> Ready {
        #[derive(Clone, Copy, PartialEq)]
        enum Source {
            Signals,
            Input,
            InputEnd,
            Output,
            Deaf,
            Gauge,
            Tripwire,
            End,
        }
        self.signals.hear_io(self.traffic.hears_io() || !self.lifecycle.looks_at_traffic());
        let mut sources: Vec<(Source, BorrowedFd<'_>, Readiness)> = Vec::with_capacity(6);
        let mut add = |source, fd, readiness| sources.push((source, fd, readiness));
        add(Source::Signals, self.signals.as_fd(), Readiness::Readable);
        // Also while nothing is read, because COMMAND does not read on: its writer may be gone.
        if let Some(input) = self.traffic.stdin.until_ended() {
            add(Source::InputEnd, input, Readiness::Ended);
        }
        if let Some(Lines { feed, .. }) = &self.lines {
            feed.input().into_iter().for_each(|fd| add(Source::Input, fd, Readiness::Readable));
            feed.gauge().into_iter().for_each(|fd| add(Source::Gauge, fd, Readiness::Readable));
            match feed.output() {
                Some((output, Readiness::Ended)) => add(Source::Deaf, output, Readiness::Ended),
                Some((output, readiness)) => add(Source::Output, output, readiness),
                None => {}
            }
        } else if self.lifecycle.awaits_input() {
            add(Source::Input, files::STDIN, Readiness::Readable);
        }
        for tripwire in self.traffic.tripwires(now()) {
            add(Source::Tripwire, tripwire, Readiness::Readable);
        }
        for process in self.sweep.iter().flat_map(Sweep::awaited) {
            add(Source::End, process, Readiness::Readable);
        }
        let blind = self.sweep.as_ref().is_some_and(Sweep::is_blind);
        let began = now();
        let due = earliest(self.lifecycle.deadline(), self.leave_by);
        let deadline = earliest(due, blind.then_some(began + BLIND_PAUSE));
        let deadline = earliest(deadline, self.interrupts.deadline());
        let deadline = earliest(deadline, self.metrics.as_ref().and_then(Metrics::deadline));
        let deadline = earliest(deadline, self.unreaped.then_some(began));
        let fds: Vec<_> = sources.iter().map(|(_, fd, readiness)| (*fd, *readiness)).collect();
        let mut ready = Vec::with_capacity(fds.len());
        poll::wait(&fds, deadline.map(|deadline| deadline.since(began)), &mut ready);
        let slept = due.is_some_and(|due| now() >= due.max(began) + ABSENCE);
        let is_ready = |wanted| {
            sources.iter().zip(&ready).any(|((source, ..), ready)| *ready && *source == wanted)
        };
        Ready {
            overslept: slept.then_some(began),
            signals: is_ready(Source::Signals),
            input: is_ready(Source::Input),
            output: is_ready(Source::Output),
            deaf: is_ready(Source::Deaf),
            gauge: is_ready(Source::Gauge),
            input_ended: is_ready(Source::InputEnd),
            tripwire: is_ready(Source::Tripwire),
            ended: is_ready(Source::End) || blind,
        }
    }

    /// Has the core decide about an event, and does what it asks for.
    fn feed(&mut self, event: Event) {
        self.events.push_back(event);
        self.handle_events();
    }

    fn step(&mut self, event: Event, actions: &mut Vec<Action>) {
        self.unsent.clear();
        self.lifecycle.step(now(), event, actions);
        for action in actions.drain(..) {
            self.perform(action);
        }
    }

    /// If we were suspended while we worked: since when. What a look itself costs is work.
    fn absent_since(&mut self, event: &Event) -> Option<Time> {
        let work = match event {
            Event::Observed(seen) => seen.cost,
            _ => Duration::ZERO,
        };
        let now = now();
        let since = std::mem::replace(&mut self.awake, now);
        (now.since(since) >= work.saturating_add(ABSENCE)).then_some(since)
    }

    fn handle_events(&mut self) {
        let mut actions = Vec::new();
        while let Some(event) = self.next_event() {
            if let Some(since) = self.absent_since(&event) {
                self.step(Event::Overslept { since }, &mut actions);
            }
            self.step(event, &mut actions);
        }
    }
}
