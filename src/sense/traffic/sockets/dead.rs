//! TCP connections that died: whose they were, and what they had said.

use super::{Findings, SocketSense, is_pid_1};
use crate::decide::event::Unseen;
use crate::decide::traffic::{Traffic, Way};
use crate::sense::traffic::deaths::{Death, Heard};
use crate::sense::traffic::known::Whose;
use crate::sense::traffic::sources::Extent;
use crate::sense::traffic::tcp;

/// More unclear deaths than these tell nothing new.
const MOST_UNCLEAR: usize = 256;

impl SocketSense {
    /// Hears of connections that died since the last look.
    pub(super) fn hear(&mut self, findings: &mut Findings<'_>) -> Result<(), Unseen> {
        let mut dead = Vec::new();
        match self.deaths.hear(findings.now, |death| dead.push(death)) {
            Ok(Heard::All) => {}
            // What flooded us has counted; it is taken to go on.
            Ok(Heard::Flood) => findings.sum.note_imprecisely(Way::Outbound, findings.now),
            Ok(Heard::NotAll | Heard::Nothing) => findings.sum.note_unsure(findings.now),
            // Counters stand in when it is known whether the tree listens.
            Err(error) => self.deaf = Some(error),
        }
        for death in dead {
            self.bury(&death, findings.sum);
        }
        self.clear_up(findings.sum);
        Ok(())
    }

    /// Counts what a connection said before it died, if it is known to be ours.
    pub(super) fn bury(&mut self, death: &Death, sum: &mut Traffic) {
        match self.tcp.whose(death, &self.sources) {
            Whose::Ours(way) if self.sources.tcp.has(way) => self.tcp.count_dead(death, way, sum),
            Whose::Ours(_) | Whose::Nobodys => {}
            Whose::Unclear if self.unclear.len() < MOST_UNCLEAR => self.unclear.push(*death),
            Whose::Unclear => {}
        }
    }

    /// Of unclear deaths, those on whose ports nobody listens were connections that somebody
    /// opened.
    pub(super) fn clear_up(&mut self, sum: &mut Traffic) {
        if self.unclear.is_empty() {
            return;
        }
        let (tcp, unclear) = (&self.tcp, &self.unclear);
        let is_one =
            |port| !tcp.knows_listener(port) && unclear.iter().any(|death| death.may_be_of(port));
        if tcp::somebody_listens(&mut self.dialogue, is_one) == Ok(false) {
            self.bury_unclear(sum);
        }
    }

    /// Whose they are is as clear as it will ever be: unknown is not quiet.
    pub(super) fn bury_unclear(&mut self, sum: &mut Traffic) {
        for death in std::mem::take(&mut self.unclear) {
            match self.tcp.whose(&death, &self.sources) {
                Whose::Unclear if self.sources.tcp < Extent::All => {}
                Whose::Unclear if is_pid_1() => self.tcp.count_dead(&death, Way::Outbound, sum),
                Whose::Unclear => {
                    // It may have been another program's: that delays, and arms nothing.
                    let mut perhaps = Traffic::default();
                    self.tcp.count_dead(&death, Way::Outbound, &mut perhaps);
                    if let Some(at) = perhaps.last() {
                        sum.note_unsure(at);
                    }
                    self.counted_unclear = true;
                }
                Whose::Ours(_) | Whose::Nobodys => self.bury(&death, sum),
            }
        }
    }
}
