//! Signals to COMMAND, and to a whole tree until it is gone.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::decide::action::Force;
use crate::decide::exit::Signal;
use crate::sys::process::{self, Id, Process, ProcessFd};

/// `--signal-scope`: who gets forwarded and stop signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// COMMAND's process.
    Child,
    /// Its process group.
    Group,
}

/// Sends a signal to COMMAND, which has not been reaped: its pid is its own. `tree` is what of it
/// could be seen just now, `is_still` tells whether a process is still the same.
///
/// # Errors
/// Nobody got it: what COMMAND's process answered (`EPERM`).
pub(crate) fn pass(
    command: Pid,
    signal: Signal,
    scope: Scope,
    own_group: bool,
    tree: &[Process],
    is_still: impl FnMut(Id) -> bool,
) -> nix::Result<()> {
    let mut sent = Err(Errno::ESRCH);
    if scope == Scope::Group && own_group {
        sent = process::signal_group(command, signal.number());
        if process::leads_group(command) {
            return sent;
        }
    }
    // Whatever its group is by now, and whatever of that can be seen.
    let to_command = process::signal(command, signal.number());
    sent = sent.or(to_command);
    if scope == Scope::Group && !own_group {
        // The group is ours, too, and our neighbours' in a pipeline: only COMMAND's part is meant.
        let group = nix::unistd::getpgrp();
        let others = tree.iter().filter(|it| it.group == group && it.id.pid != command);
        let to_others = pass_to_all(others, signal, is_still);
        sent = sent.or_else(|refused| to_others.map_err(|_| refused));
    }
    sent
}

/// Sends a signal to processes that were seen just now.
///
/// # Errors
/// Nobody got it: what the last of them answered; `ESRCH`: nobody was there.
pub(crate) fn pass_to_all<'a>(
    processes: impl IntoIterator<Item = &'a Process>,
    signal: Signal,
    mut is_still: impl FnMut(Id) -> bool,
) -> nix::Result<()> {
    let mut sent = Err(Errno::ESRCH);
    for process in processes {
        let it =
            hold(process, &mut is_still).and_then(|fd| send(fd.as_ref(), process.id.pid, signal));
        // One that went meanwhile says nothing about the others.
        if sent.is_err() && it != Err(Errno::ESRCH) {
            sent = it;
        }
    }
    sent
}

/// Holds on to a process that was seen, so that no other with its pid gets its signal. `None`: no
/// descriptors are left, or the kernel is old, and what is left is to be quick.
///
/// # Errors
/// `ESRCH`: it is gone.
fn hold(
    process: &Process,
    is_still: &mut impl FnMut(Id) -> bool,
) -> nix::Result<Option<ProcessFd>> {
    let fd = match ProcessFd::open(process.id.pid) {
        Ok(fd) => Some(fd),
        Err(Errno::ESRCH) => return Err(Errno::ESRCH),
        Err(_) => None,
    };
    // Asked only now: from here on the descriptor holds on to the process that answers.
    if is_still(process.id) { Ok(fd) } else { Err(Errno::ESRCH) }
}

fn send(fd: Option<&ProcessFd>, pid: Pid, signal: Signal) -> nix::Result<()> {
    match fd {
        Some(fd) => fd.signal(signal.number()),
        None => process::signal(pid, signal.number()),
    }
}

/// More processes than this are not waited for at a time: when these are gone, others are.
const MOST_AWAITED: usize = 64;

/// A tree on its way out.
#[derive(Debug)]
pub(crate) struct Sweep {
    step: Step,
    /// The last pass has stopped those that live, which are yet to be killed.
    frozen: bool,
    /// Those that were told to end: they need not be asked again.
    told: BTreeSet<Id>,
    /// Some of those that live: each becomes readable when its process ends.
    awaited: Vec<ProcessFd>,
    /// Some process lives that cannot be waited for.
    blind: bool,
    /// COMMAND's group was told to end, since the tree cannot be seen.
    asked_blindly: bool,
}

/// What a pass does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Ask,
    Kill,
    /// The tree forks faster than we kill: everybody is stopped first, for so many passes by now.
    /// The stopped keep their places in whatever limits their number, the killed leave them to
    /// others.
    Freeze(u32),
}

/// Who forks on and on after so many passes is killed as he is found.
const MOST_FREEZING: u32 = 16;

/// What a pass over the tree found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// No process was there.
    Empty,
    /// Some live on for now: none but those that had been told before.
    Known,
    /// Some live on that were not there at the last pass: they may fork faster than we come again.
    Grown,
    /// Some live on, and every one of them refuses our signals.
    Defied,
}

impl Step {
    fn to(force: Force) -> Self {
        match force {
            Force::Ask => Self::Ask,
            Force::Kill => Self::Kill,
        }
    }

    /// The signal that leaves nobody a choice.
    fn compelling(self) -> Option<Signal> {
        match self {
            Self::Ask => None,
            Self::Kill => Some(Signal::KILL),
            Self::Freeze(_) => Some(Signal::STOP),
        }
    }

    /// What comes after this, where the tree has grown or has not. Whoever was stopped is killed.
    fn next(self, grown: bool) -> Self {
        match self {
            Self::Ask => Self::Ask,
            Self::Kill if grown => Self::Freeze(1),
            Self::Freeze(passes) if grown && passes < MOST_FREEZING => Self::Freeze(passes + 1),
            Self::Kill | Self::Freeze(_) => Self::Kill,
        }
    }
}

impl Sweep {
    pub(crate) fn new(force: Force) -> Self {
        let step = Step::to(force);
        Self {
            step,
            frozen: false,
            told: BTreeSet::new(),
            awaited: Vec::new(),
            blind: true,
            asked_blindly: false,
        }
    }

    /// From now on with more force.
    pub(crate) fn escalate(&mut self, force: Force) {
        self.step = Step::to(force);
    }

    /// Whether some were stopped and not killed yet.
    pub(crate) fn has_frozen(&self) -> bool {
        self.frozen
    }

    /// Signals every process of the tree that lives; those that were asked before are not asked
    /// again, those that were killed are. `is_still` tells whether a process is still the same,
    /// `groups` are process groups with none but processes of the tree in them.
    pub(crate) fn pass(
        &mut self,
        tree: &[Process],
        groups: &BTreeSet<Pid>,
        mut is_still: impl FnMut(Id) -> bool,
    ) -> Passed {
        self.awaited.clear();
        self.blind = false;
        self.frozen = matches!(self.step, Step::Freeze(_));
        if let Some(signal) = self.step.compelling() {
            // A fork that is under way when the whole group gets its signal does not happen
            // (fork(2), ERESTARTNOINTR in the kernel): so nobody gets away by forking. One after
            // the other they might.
            for group in groups {
                let _ = process::signal_group(*group, signal.number());
            }
        }
        let (mut living, mut refusing, mut grown) = (0, 0, false);
        for process in tree.iter().filter(|process| !process.is_zombie()) {
            living += 1;
            grown |= !self.told.contains(&process.id);
            // Any other error: it went meanwhile, and the next pass will not find it.
            if self.signal(process, &mut is_still) == Err(Errno::EPERM) {
                refusing += 1;
            }
        }
        // Whoever is left cannot be waited for, or was not even seen (no descriptors): come back.
        self.blind |= self.awaited.is_empty();
        let first = self.told.is_empty();
        self.told = tree.iter().map(|process| process.id).collect();
        self.step = self.step.next(grown && !first);
        let passed = match living {
            0 => Passed::Empty,
            living if living == refusing => Passed::Defied,
            _ if grown || self.frozen => Passed::Grown,
            _ => Passed::Known,
        };
        self.blind |= passed == Passed::Grown;
        passed
    }

    fn signal(
        &mut self,
        process: &Process,
        is_still: &mut impl FnMut(Id) -> bool,
    ) -> nix::Result<()> {
        let pid = process.id.pid;
        let fd = hold(process, is_still)?;
        let send = |signal: Signal| send(fd.as_ref(), pid, signal);
        let sent = match self.step.compelling() {
            Some(signal) => send(signal),
            None if self.told.contains(&process.id) => Ok(()),
            None => {
                // To a stopped process TERM means nothing until CONT (signal(7)).
                send(Signal::TERM).and_then(|()| send(Signal::CONT))
            }
        };
        match fd {
            Some(fd) if self.awaited.len() < MOST_AWAITED => self.awaited.push(fd),
            Some(_) => {}
            None => self.blind = true,
        }
        sent
    }

    /// Where the tree cannot be seen: the signals go to what we know of it, COMMAND and its group.
    /// The group is asked once, as each process of a tree is that can be seen.
    pub(crate) fn pass_blindly(&mut self, command: Option<Pid>, group: Option<Pid>) {
        self.awaited.clear();
        self.blind = true;
        let signals: &[Signal] = match self.step {
            Step::Ask if self.asked_blindly => &[],
            Step::Ask => &[Signal::TERM, Signal::CONT],
            Step::Kill | Step::Freeze(_) => &[Signal::KILL],
        };
        self.asked_blindly = true;
        for signal in signals {
            // What does not reach anybody need not.
            let _ = command.map(|pid| process::signal(pid, signal.number()));
            let _ = group.map(|group| process::signal_group(group, signal.number()));
        }
    }

    /// Each becomes readable when a process of the tree ends.
    pub(crate) fn awaited(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.awaited.iter().map(AsFd::as_fd)
    }

    /// Whether somebody has to come back by himself.
    pub(crate) fn is_blind(&self) -> bool {
        self.blind
    }
}
