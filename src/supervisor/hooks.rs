//! The user's own commands: told of events one at a time, and asked to get ready for a stop.

use std::ffi::CString;
use std::time::Duration;

use nix::unistd::Pid;

use super::{Supervisor, now};
use crate::act::hook::{self, Errand, Shell};
use crate::decide::action::Preparation;
use crate::decide::alerts::Alerts;
use crate::decide::event::Event;
use crate::decide::exit::Exit;
use crate::decide::notice::{Hook, HookFailure, Notice};
use crate::decide::time::Time;
use crate::report;
use crate::sense::tree::cpu;
use crate::sys::files;

/// What `--on-event` gets for each event.
const ALERT_LIMIT: Duration = Duration::from_secs(30);

/// By so much our idea of a keeper's time may differ from its own.
const SLACK: Duration = Duration::from_millis(100);

/// What was asked for, and what runs of it.
#[derive(Debug)]
pub(super) struct Hooks {
    /// `None`: nothing was asked for.
    shell: Option<Shell>,
    on_event: Option<CString>,
    pre_stop: Option<(CString, Duration)>,
    alerts: Alerts<report::Event>,
    /// The keepers that live.
    keepers: Vec<Keeper>,
}

#[derive(Clone, Copy, Debug)]
struct Keeper {
    pid: Pid,
    purpose: Purpose,
    /// Its time is over then.
    until: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Alert,
    Prepare { generation: u64 },
}

impl Purpose {
    fn hook(self) -> Hook {
        match self {
            Self::Alert => Hook::OnEvent,
            Self::Prepare { .. } => Hook::PreStop,
        }
    }
}

impl Hooks {
    pub(super) fn new(
        shell: Option<Shell>,
        on_event: Option<CString>,
        pre_stop: Option<(CString, Duration)>,
    ) -> Self {
        Self { shell, on_event, pre_stop, alerts: Alerts::default(), keepers: Vec::new() }
    }

    /// Whether somebody is still being told.
    pub(super) fn are_telling(&self) -> bool {
        !self.alerts.is_idle()
    }

    pub(super) fn any_lives(&self) -> bool {
        !self.keepers.is_empty()
    }

    fn limit(&self, purpose: Purpose) -> Duration {
        match (purpose, &self.pre_stop) {
            (Purpose::Prepare { .. }, Some((_, limit))) => *limit,
            (Purpose::Prepare { .. }, None) | (Purpose::Alert, _) => ALERT_LIMIT,
        }
    }
}

impl Supervisor {
    /// Tells those who count, people, and who wants to be told of what matters. Numbers first:
    /// whoever has read the line finds them sent.
    pub(super) fn tell(&mut self, notice: &Notice) {
        if let Some(metrics) = &mut self.metrics {
            metrics.tell(notice);
        }
        if self.reporter.is_old(notice) {
            return;
        }
        self.reporter.tell(notice);
        // When an end is asked for, whoever asked knows.
        if self.hooks.on_event.is_none() || self.was_asked() || !notice.entry().alerts {
            return;
        }
        let alert = self.hooks.alerts.add(self.reporter.event(notice, self.running()));
        self.send(alert);
    }

    /// Sends an alert; those that cannot be started are over at once.
    fn send(&mut self, mut alert: Option<report::Event>) {
        while let Some(event) = alert {
            alert = match self.run_hook(Purpose::Alert, &event) {
                true => None,
                false => self.hooks.alerts.told(),
            };
        }
    }

    pub(super) fn prepare(&mut self, preparation: Preparation) {
        let Preparation { generation, age, reason } = preparation;
        let event = self.reporter.event(&Notice::Due { generation, age, reason }, self.running());
        if !self.run_hook(Purpose::Prepare { generation }, &event) {
            self.events.push_back(Event::Prepared { generation });
        }
    }

    /// COMMAND's process, until it was reaped.
    fn running(&self) -> Option<report::Running> {
        let pid = u64::try_from(self.trees.command()?.as_raw()).ok()?;
        Some(report::Running { generation: self.generation, pid })
    }

    /// Tells whether it runs.
    fn run_hook(&mut self, purpose: Purpose, event: &report::Event) -> bool {
        let limit = self.hooks.limit(purpose);
        let Hooks { shell, on_event, pre_stop, .. } = &self.hooks;
        let command = match purpose {
            Purpose::Alert => on_event.as_ref(),
            Purpose::Prepare { .. } => pre_stop.as_ref().map(|(command, _)| command),
        };
        let (Some(shell), Some(command)) = (shell, command) else { return false };
        let (variables, input) = (event.variables.as_slice(), event.json.as_str());
        match shell.run(Errand { command, variables, input, limit }, &self.signals) {
            Ok(keeper) => {
                self.trees.add_stranger(keeper);
                self.hooks.keepers.push(Keeper { pid: keeper, purpose, until: now() + limit });
                true
            }
            Err(errno) => {
                let failure = HookFailure::NotStarted(errno as i32);
                self.reporter.tell(&Notice::HookFailed { hook: purpose.hook(), failure });
                false
            }
        }
    }

    /// A child of ours has ended: if it was a keeper, what follows is done. `used` is the CPU time
    /// of all children before.
    pub(super) fn take_keeper(&mut self, pid: Pid, end: Exit, used: Option<Duration>) {
        let Some(place) = self.hooks.keepers.iter().position(|keeper| keeper.pid == pid) else {
            return;
        };
        let Keeper { purpose, .. } = self.hooks.keepers.swap_remove(place);
        if let Some(used) = used {
            self.trees.discount(cpu::of_reaped().saturating_sub(used));
        }
        if let Some(failure) = hook::failure(end, self.hooks.limit(purpose)) {
            self.reporter.tell(&Notice::HookFailed { hook: purpose.hook(), failure });
        }
        match purpose {
            Purpose::Prepare { generation } => self.feed(Event::Prepared { generation }),
            Purpose::Alert => {
                let next = self.hooks.alerts.told();
                self.send(next);
                self.tell_lost();
            }
        }
    }

    /// The stop has overtaken what was to come before it: it would meet the next generation.
    pub(super) fn give_up_preparing(&self) {
        for keeper in &self.hooks.keepers {
            // One whose time is over ends by itself now, and that is worth a word.
            let has_time = now() + SLACK < keeper.until;
            if has_time && matches!(keeper.purpose, Purpose::Prepare { .. }) {
                hook::give_up(keeper.pid);
            }
        }
    }

    /// Whether somebody wanted an end, a moment ago or for good.
    fn was_asked(&self) -> bool {
        self.asked.holds(now())
    }

    /// Whether we may leave: COMMAND is gone for good, and nobody is told of it any more, or it has
    /// taken long enough, or nobody waits.
    pub(super) fn may_leave(&self) -> bool {
        let over = self.leave_by.is_none_or(|until| now() >= until);
        over || self.was_asked() || !self.hooks.are_telling()
    }

    /// COMMAND is gone for good.
    pub(super) fn will_leave(&mut self) {
        self.leave_by = Some(now() + ALERT_LIMIT);
        if self.hooks.are_telling() {
            self.lines = None;
            files::let_go_of_input_and_output();
        }
    }

    /// We leave: what is still to be told will not be.
    pub(super) fn abandon_alerts(&mut self) {
        self.hooks.alerts.abandon();
        self.tell_lost();
    }

    fn tell_lost(&mut self) {
        if let Some(count) = self.hooks.alerts.lost() {
            self.reporter.tell(&Notice::EventsLost { count });
        }
    }
}
