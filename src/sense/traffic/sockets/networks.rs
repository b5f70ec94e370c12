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
        let Self { sources, began, times, counts_payload, ran, ran_since_survey, .. } = self;
        let (began, wanted) = (*began, (*times, *counts_payload));
        let (ran, ran_since_survey) = (*ran, *ran_since_survey);
        let scope = Scope { sources, began, wanted, ran, ran_since_survey };
        self.elsewhere.ask_hottest(scope, findings);
    }

    /// Looks at all TCP sockets there.
    pub(super) fn survey_elsewhere(
        &mut self,
        members: &[Process],
        holdings: &mut Holdings,
        ran_since_survey: bool,
        findings: &mut Findings<'_>,
    ) -> Result<(), Unseen> {
        let Self { sources, began, times, counts_payload, ran, .. } = self;
        let (began, wanted, ran) = (*began, (*times, *counts_payload), *ran);
        if sources.tcp == Extent::Nothing {
            return Ok(());
        }
        let scope = Scope { sources, began, wanted, ran, ran_since_survey };
        self.elsewhere.survey(members, holdings, (scope, self.own.as_slice()), findings)
    }
}
