//! TCP connections that died: whose they were, and what they had said.
//!
//! Of a connection that was never seen alive, and on whose port the tree does not listen, nobody
//! tells whose it was. The CPU clocks do, nearly always: a tree that has not run has opened and
//! closed nothing. What the tree's connections carried, they carried by the time that it last ran.

use super::{Findings, SocketSense, is_pid_1};
use crate::decide::event::Unseen;
use crate::decide::time::Time;
use crate::decide::traffic::{Traffic, Way};
use crate::sense::clocks;
use crate::sense::traffic::deaths::{Death, Heard, Missed};
use crate::sense::traffic::known::Whose;
use crate::sense::traffic::sources::Extent;
use crate::sense::traffic::tcp;
use crate::sys::process::Process;

/// More unclear deaths than these tell nothing new.
const MOST_UNCLEAR: usize = 256;
/// While the tree does not run, so many connections of other programs between two looks are enough
/// to know that there are some.
const FLOOD_OF_OTHERS: usize = 32;

impl SocketSense {
    /// Hears of connections that died since the last look.
    pub(super) fn hear(&mut self, findings: &mut Findings<'_>) -> Result<(), Unseen> {
        let began = self.deaths.begin();
        let Findings { now, members, .. } = *findings;
        let (deaths, elsewhere) = (&mut self.deaths, &mut self.elsewhere);
        let (heard, ran) = self.runs.around(members, || {
            elsewhere.drain(now);
            deaths.hear(now)
        });
        let matters = heard.is_about_others() || self.elsewhere.has_news();
        self.ran = ran || matters && clocks::any_runs(members);
        match began {
            Ok(Missed::Began) => findings.sum.note_unsure(now),
            Ok(_) => {}
            // Counters stand in when it is known whether the tree listens.
            Err(error) => self.deaf = Some(error),
        }
        self.take(heard, self.ran, now, findings.sum);
        if self.ran && self.sources.tcp == Extent::All {
            self.deaths.resume();
        }
        self.clear_up(now, findings.sum);
        Ok(())
    }

    /// The same, between two looks. Where the kernel tells nothing, the next look will say so.
    pub(super) fn overhear_deaths(&mut self, now: Time, members: &[Process], sum: &mut Traffic) {
        let mut heard = Heard::default();
        let ((), ran) = self.runs.around(members, || self.deaths.overhear(now, &mut heard));
        let ran = ran || heard.is_about_others() && clocks::any_runs(members);
        self.take(heard, ran, now, sum);
        self.clear_up(now, sum);
        if !self.unclear.is_empty() {
            sum.note_unexplained(now);
        }
    }

    /// `ran`: the tree may have run since the time before.
    fn take(&mut self, heard: Heard, ran: bool, now: Time, sum: &mut Traffic) {
        if ran {
            (self.last_ran, self.ran_since_survey) = (now, true);
        }
        match heard.accepted {
            Missed::Nothing | Missed::Began => {}
            // How much they carried is not known; or they may have been to another address.
            Missed::Flood | Missed::Overflow if !self.times || self.tcp.shares_ports() => {
                sum.note_unsure(now);
            }
            Missed::Flood | Missed::Overflow => sum.note_imprecisely(Way::Inbound, now),
        }
        let missed = matches!(heard.others, Missed::Flood | Missed::Overflow);
        if missed && ran && self.sources.tcp == Extent::All {
            sum.note_unsure(now);
            self.counted_unclear = true;
        }
        if !ran && (missed || heard.count_of_others >= FLOOD_OF_OTHERS) {
            self.strangers_at = Some(now);
            self.deaths.leave_others();
        }
        for death in heard.deaths {
            self.bury(&death, ran, now, sum);
        }
    }

    /// Counts what a connection said before it died, if it is known to be ours.
    fn bury(&mut self, death: &Death, ran: bool, now: Time, sum: &mut Traffic) {
        match self.tcp.whose(death, &self.sources) {
            Whose::Ours(way) if self.sources.tcp.has(way) => self.tcp.count_dead(death, way, sum),
            Whose::Ours(_) | Whose::Nobodys => {}
            Whose::Unclear if !ran && !self.ran_since_survey => {
                // Another program's, or one that the tree closed when it last ran.
                self.strangers_at = Some(now);
                if self.sources.tcp == Extent::All {
                    sum.note_unsure(self.last_ran);
                }
            }
            // The tree may have begun to listen on its port: a survey will tell.
            Whose::Unclear if self.unclear.len() < MOST_UNCLEAR => self.unclear.push(*death),
            Whose::Unclear if self.sources.tcp == Extent::All => sum.note_unsure(death.last_data),
            Whose::Unclear => {}
        }
    }

    /// Of unclear deaths, those on whose ports nobody listens were connections that somebody
    /// opened.
    fn clear_up(&mut self, now: Time, sum: &mut Traffic) {
        if self.unclear.is_empty() {
            return;
        }
        let (tcp, unclear) = (&self.tcp, &self.unclear);
        let is_one =
            |port| !tcp.knows_listener(port) && unclear.iter().any(|death| death.may_be_of(port));
        if tcp::somebody_listens(&mut self.dialogue, is_one) == Ok(false) {
            self.bury_unclear(now, sum);
        }
    }

    /// Whose they are is as clear as it will ever be. Unknown is not quiet: it delays. But it arms
    /// nothing, and is not COMMAND's payload.
    pub(super) fn bury_unclear(&mut self, now: Time, sum: &mut Traffic) {
        for death in std::mem::take(&mut self.unclear) {
            match self.tcp.whose(&death, &self.sources) {
                Whose::Ours(way) if self.sources.tcp.has(way) => {
                    self.tcp.count_dead(&death, way, sum);
                }
                Whose::Ours(_) | Whose::Nobodys => {}
                Whose::Unclear if self.sources.tcp < Extent::All => {}
                Whose::Unclear if self.is_alone() => {
                    self.tcp.count_dead(&death, Way::Outbound, sum);
                }
                Whose::Unclear => {
                    let last_data = death.last_data.min(self.last_ran);
                    self.tcp.count_unclear(&Death { last_data, ..death }, sum);
                    (self.counted_unclear, self.strangers_at) = (true, Some(now));
                }
            }
        }
    }

    /// Whether other programs' connections have come and gone here of late: then every look may
    /// find some whose owner is not known.
    pub(super) fn has_strangers(&self, now: Time) -> bool {
        let lately = self.strangers_at.is_some_and(|at| now < at + self.window);
        self.sources.tcp == Extent::All && (lately || self.deaths.has_left_others())
    }

    /// As PID 1, a network in which nobody else was ever seen is the container's own.
    fn is_alone(&self) -> bool {
        is_pid_1() && self.strangers_at.is_none() && !self.tcp.has_seen_strangers()
    }
}

impl Heard {
    /// Whether it may matter if the tree has run.
    fn is_about_others(&self) -> bool {
        self.count_of_others > 0 || self.others != Missed::Nothing
    }
}
