//! Safety: what no trace may do. The judge hears everything that the core is told and does, and
//! knows the truth about the world.

use std::collections::VecDeque;
use std::time::Duration;

use crate::decide::event::{Action, Force, Reason};
use crate::decide::exit::{End, Signal};
use crate::decide::notice::Notice;
use crate::decide::rules::Rules;
use crate::decide::time::Time;

/// The truth at the moment of an action.
#[derive(Clone, Copy, Debug)]
pub(super) struct Truth {
    pub(super) now: Time,
    pub(super) started: Time,
    /// COMMAND's process exists, or its end has not been told yet.
    pub(super) command: bool,
    /// Some process of the tree lives.
    pub(super) tree: bool,
    pub(super) rss: u64,
    pub(super) pss: u64,
    /// The last traffic that counts, of this generation.
    pub(super) traffic: Option<Time>,
    /// Whether any of it arms idleness.
    pub(super) armed: bool,
    pub(super) stopped: bool,
}

/// What the judge remembers.
#[derive(Debug, Default)]
pub(super) struct Judge {
    terminated: bool,
    input_ended: bool,
    quit: bool,
    /// When the stop that is under way began, and whether it may kill at once.
    stop: Option<(Time, bool)>,
    restarts: VecDeque<Time>,
    generation: u64,
}

impl Judge {
    /// The core was told that TERM came.
    pub(super) fn terminated(&mut self) {
        self.terminated = true;
    }

    /// The core was told that the input ended.
    pub(super) fn input_ended(&mut self) {
        self.input_ended = true;
    }

    /// COMMAND ended by itself: what it left behind may be killed a stop timeout from here.
    pub(super) fn exited(&mut self, now: Time) {
        self.stop.get_or_insert((now, false));
    }

    /// Nothing is planned any more, and rightly so.
    pub(super) fn is_over(&self) -> bool {
        self.terminated || self.input_ended
    }

    pub(super) fn has_quit(&self) -> bool {
        self.quit
    }

    /// Checks one action; an error says which law it breaks.
    pub(super) fn judge(
        &mut self,
        action: &Action,
        rules: &Rules,
        truth: Truth,
    ) -> Result<(), String> {
        let law = |kept: bool, law: &str| if kept { Ok(()) } else { Err(law.to_owned()) };
        law(!self.quit, "Quit is the last action")?;
        match action {
            Action::Start { generation, .. } => {
                law(!truth.tree, "never two generations")?;
                law(!self.terminated, "no start after TERM")?;
                let next = [self.generation, self.generation + 1].contains(generation);
                law(next, "generations count up by one")?;
                self.generation = *generation;
                self.stop = None;
                Ok(())
            }
            Action::Pass(_) => law(truth.command, "no signal to a reaped process"),
            Action::Sweep(Force::Kill) => {
                let (began, at_once) = self.stop.unwrap_or((truth.now, false));
                let over = rules.memory.kill.is_some_and(|(kill, _)| truth.rss > kill.0);
                let late = truth.now >= began + rules.stop_timeout;
                law(late || at_once || over, "KILL only after the stop timeout, or for kill-rss")
            }
            Action::Tell(Notice::Stopping { reason, .. }) => self.judge_stop(*reason, rules, truth),
            Action::Tell(Notice::Exited { .. }) => self.judge_restart(rules, truth.now),
            Action::Quit(end) => {
                self.quit = true;
                let planned = matches!(end, End::Status(_)) || !truth.command || self.terminated;
                law(planned || matches!(end, End::Signal(_)), "an end has a reason")
            }
            Action::Sweep(Force::Ask) | Action::Look(_) | Action::Suspend | Action::Tell(_) => {
                Ok(())
            }
        }
    }

    fn judge_restart(&mut self, rules: &Rules, now: Time) -> Result<(), String> {
        let budget = rules.max_restarts;
        self.restarts.push_back(now);
        while self.restarts.front().is_some_and(|at| now.since(*at) >= budget.window) {
            self.restarts.pop_front();
        }
        let kept = self.restarts.len() <= usize::try_from(budget.restarts).unwrap();
        if kept { Ok(()) } else { Err("restarts stay within their budget".into()) }
    }

    fn judge_stop(&mut self, reason: Reason, rules: &Rules, truth: Truth) -> Result<(), String> {
        let law = |kept: bool, law: &str| if kept { Ok(()) } else { Err(law.to_owned()) };
        let age = truth.now.since(truth.started);
        let quiet = truth.now.since(truth.traffic.unwrap_or(truth.started));
        let by_kill = matches!(reason, Reason::KillRss { .. });
        self.stop = Some((truth.now, by_kill));
        law(!self.terminated, "no recycle after TERM")?;
        law(by_kill || !self.input_ended, "no planned recycle after the end of input")?;
        if by_kill || matches!(reason, Reason::Signal(_)) {
            let (limit, _) = rules.memory.kill.unzip();
            let over = limit.is_some_and(|limit| truth.rss > limit.0);
            return law(!by_kill || over, "kill-rss only above its limit");
        }
        law(age >= rules.min_lifetime, "no recycle before min-lifetime")?;
        law(!truth.stopped, "a stopped COMMAND is not recycled")?;
        match reason {
            Reason::Rss { limit, .. } => law(truth.rss > limit.0, "rss only above its limit"),
            Reason::Pss { limit, .. } => law(truth.pss > limit.0, "pss only above its limit"),
            Reason::Lifetime { limit } => {
                let least = limit.saturating_sub(rules.lifetime.unwrap().jitter.of_time(limit));
                law(age >= least, "a lifetime is lived, less its jitter")
            }
            Reason::Idle { .. } => {
                law(truth.armed, "idle only after traffic")?;
                law(quiet >= rules.idle.unwrap().after, "idle only when quiet for so long")
            }
            Reason::KillRss { .. } | Reason::Signal(_) => Ok(()),
        }
    }
}

/// How long after it is due a recycle must have begun, whatever holds it: all holds one after
/// another, the longest storm, and some looks.
pub(super) fn patience(rules: &Rules) -> Duration {
    let quiet = rules.quiet.map(|quiet| quiet.wait).unwrap_or_default();
    rules.min_lifetime + quiet + rules.stop_timeout * 2 + Duration::from_mins(6)
}

/// The signals that end COMMAND unless it ignores them.
pub(super) fn is_deadly(signal: Signal) -> bool {
    ![Signal::CONT, Signal::TSTP, Signal::TTIN, Signal::TTOU, Signal::CHLD].contains(&signal)
}
