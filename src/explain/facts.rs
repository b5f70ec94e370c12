//! What the machine says about a command line. Nothing is changed, nothing is read from standard
//! input, nothing is started.

use super::warnings::NOTIFY_SOCKET;
use crate::act::hook::shell_is_there;
use crate::act::spawn::files_for;
use crate::act::terminal::{Group, Terminal};
use crate::cli::Config;
use crate::decide::event::Unseen;
use crate::decide::exit::Signal;
use crate::sense::limit::{self, Limit};
use crate::sense::means::Means;
use crate::sense::neighbours;
use crate::sense::program::Search;
use crate::sense::startable;
use crate::sense::traffic::TrafficSense;
use crate::sense::tree::Trees;
use crate::sys::files::{self, Kind};
use crate::sys::signals;

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) program: Search,
    /// `None`: unknown.
    pub(super) limit: Option<Limit>,
    pub(super) input: Kind,
    /// Nothing can be seen of what counts as traffic, though something depends on it.
    pub(super) nothing_to_watch: Option<Unseen>,
    pub(super) means: Means,
    pub(super) group: Group,
    /// Signals that are ignored here, and so in COMMAND.
    pub(super) ignored: Vec<Signal>,
    pub(super) is_pid_1: bool,
    /// A service manager waits for notifications (`sd_notify(3)`).
    pub(super) is_notified: bool,
    /// There is something for a shell to run, and no shell: as in `errno(3)`.
    pub(super) no_shell: Option<i32>,
}

impl Facts {
    pub(super) fn gather(config: &Config) -> Self {
        let name = config.command.first().map(|name| name.as_os_str()).unwrap_or_default();
        let mut traffic = TrafficSense::of(config.traffic.clone(), &config.rules);
        let seen = match config.rules.needs_traffic() {
            true => Trees::new().can_see().and_then(|()| traffic.can_see()),
            false => Ok(()),
        };
        let hooks = &config.hooks;
        let terminal = Terminal::find(neighbours::none);
        Self {
            program: startable::find(&files_for(name), config.chdir.as_deref()),
            limit: limit::find(),
            input: Kind::of(files::STDIN),
            nothing_to_watch: seen.err(),
            means: Means::find(),
            group: Group::beside(terminal.as_ref(), &config.rules),
            ignored: signals::ignored().filter_map(Signal::from_number).collect(),
            is_pid_1: std::process::id() == 1,
            is_notified: std::env::var_os(NOTIFY_SOCKET).is_some_and(|path| !path.is_empty()),
            no_shell: (hooks.on_event.is_some() || hooks.pre_stop.is_some())
                .then(shell_is_there)
                .and_then(|there| there.err().map(|errno| errno as i32)),
        }
    }
}
