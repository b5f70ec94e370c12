//! The part of the tree that lives in other network namespaces.

use super::{Findings, SocketSense};
use crate::decide::event::Unseen;
use crate::sense::traffic::elsewhere::Scope;
use crate::sense::traffic::holdings::Holdings;
use crate::sense::traffic::sources::Extent;
use crate::sys::process::Process;

impl SocketSense {
    /// Asks what moved last there.
    pub(super) fn ask_elsewhere(&mut self, findings: &mut Findings<'_>) {
        let Self { sources, began, times, counts_payload, ran, .. } = self;
        let (began, wanted, ran) = (*began, (*times, *counts_payload), *ran);
        self.elsewhere.ask_hottest(Scope { sources, began, wanted, ran }, findings);
    }

    /// Looks at all TCP sockets there.
    pub(super) fn survey_elsewhere(
        &mut self,
        members: &[Process],
        holdings: &mut Holdings,
        findings: &mut Findings<'_>,
    ) -> Result<(), Unseen> {
        let Self { sources, began, times, counts_payload, ran, .. } = self;
        let (began, wanted, ran) = (*began, (*times, *counts_payload), *ran);
        if sources.tcp == Extent::Nothing {
            return Ok(());
        }
        let choice = (Scope { sources, began, wanted, ran }, self.own.as_slice());
        self.elsewhere.survey(members, holdings, choice, findings)
    }
}
