//! Counters of the whole network namespace, where sockets cannot be watched one by one. They do not
//! tell whose traffic it was, so they delay idleness. They arm it only where the tree must have had
//! a part.

use super::{Findings, SocketSense, is_pid_1};
use crate::decide::event::{Sight, Unseen};
use crate::decide::traffic::Way;
use crate::sense::traffic::holdings::Holdings;
use crate::sense::traffic::namespace::{Moved, Stand};
use crate::sense::traffic::proc_tcp;

impl SocketSense {
    /// All of TCP, where socket diagnosis does not answer. `ran`: the tree may have run since this
    /// was asked last.
    pub(super) fn count_connections(
        &mut self,
        holdings: &Holdings,
        ran: bool,
        error: nix::Error,
        findings: &mut Findings<'_>,
    ) -> Result<(), Unseen> {
        let rows = proc_tcp::rows("/proc/net").unwrap_or_default();
        let ours = || rows.iter().filter(|row| holdings.has(row.inode));
        if !ran && holdings.hidden.is_none() && !rows.is_empty() {
            // What moved was another program's, or it waits for a tree that has not run.
            self.namespace.moved(Stand::Accepts);
            self.namespace.moved(Stand::Segments);
            if ours().any(|row| row.unread > 0) {
                findings.sum.note_unsure(findings.now);
            }
            findings.unseen.push(Unseen { what: Sight::Connections, errno: error as i32 });
            return Ok(());
        }
        self.count_accepts(ours().any(|row| row.listening), findings);
        self.count_together(Sight::Connections, Stand::Segments, error, findings)
    }

    /// Connections that come and go between two looks, where the kernel does not announce their
    /// end. A tree that has not run has neither made nor accepted one.
    pub(super) fn count_births(&mut self, findings: &mut Findings<'_>) -> Result<(), Unseen> {
        let Some(error) = self.deaf.take() else { return Ok(()) };
        if !self.ran {
            self.namespace.moved(Stand::Accepts);
            self.namespace.moved(Stand::Births);
            findings.unseen.push(Unseen { what: Sight::Deaths, errno: error as i32 });
            return Ok(());
        }
        self.count_accepts(self.tcp.listens(), findings);
        self.count_together(Sight::Deaths, Stand::Births, error, findings)
    }

    /// Others have connected to a listener of this network: to the tree's, if it has one.
    fn count_accepts(&mut self, listens: bool, findings: &mut Findings<'_>) {
        if self.namespace.moved(Stand::Accepts) == Some(Moved::Yes) && listens {
            findings.sum.note_imprecisely(Way::Inbound, findings.now);
        }
    }

    /// Counters of the namespace stand in for what cannot be seen.
    pub(super) fn count_together(
        &mut self,
        what: Sight,
        stand: Stand,
        error: nix::Error,
        findings: &mut Findings<'_>,
    ) -> Result<(), Unseen> {
        let errno = error as i32;
        match self.namespace.moved(stand) {
            Some(Moved::Yes) if is_pid_1() => {
                findings.sum.note_imprecisely(Way::Inbound, findings.now);
            }
            Some(Moved::Yes) => findings.sum.note_unsure(findings.now),
            Some(Moved::No) => {}
            Some(Moved::Unknown) => findings.sum.note_unsure(findings.now),
            None => return Err(Unseen { what: Sight::Counters, errno }),
        }
        findings.unseen.push(Unseen { what, errno });
        Ok(())
    }
}
