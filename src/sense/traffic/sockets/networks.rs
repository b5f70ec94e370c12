//! The part of the tree that lives in other network namespaces. `ran`: the tree used CPU time since
//! the last look.

use super::{Findings, SocketSense};
use crate::decide::event::Unseen;
use crate::sense::traffic::elsewhere::Scope;
use crate::sense::traffic::holdings::Holdings;
use crate::sense::traffic::sources::Extent;
use crate::sys::process::Process;

impl SocketSense {
    /// Asks what moved last there.
    pub(super) fn ask_elsewhere(&mut self, ran: bool, findings: &mut Findings<'_>) {
        let Self { sources, began, counts_payload, .. } = self;
        let (began, counts_payload) = (*began, *counts_payload);
        self.elsewhere.ask_hottest(Scope { sources, began, counts_payload, ran }, findings);
    }

    /// Looks at all TCP sockets there.
    pub(super) fn survey_elsewhere(
        &mut self,
        members: &[Process],
        holdings: &mut Holdings,
        ran: bool,
        findings: &mut Findings<'_>,
    ) -> Result<(), Unseen> {
        let Self { sources, began, counts_payload, .. } = self;
        let (began, counts_payload) = (*began, *counts_payload);
        if sources.tcp == Extent::Nothing {
            return Ok(());
        }
        let choice = (Scope { sources, began, counts_payload, ran }, self.own.as_slice());
        self.elsewhere.survey(members, holdings, choice, findings)
    }
}
