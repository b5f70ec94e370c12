//! Who listens: asked without all other sockets.

use super::dialogue::Dialogue;
use super::inet_diag::{self, FAMILIES};
use super::tcp::port;

/// Whether anybody listens on one of these ports.
///
/// # Errors
/// The kernel does not tell.
pub(super) fn somebody_listens(
    dialogue: &mut Dialogue,
    wanted: impl Fn(u16) -> bool,
) -> nix::Result<bool> {
    let mut found = false;
    for family in FAMILIES {
        let each = |body: &[u8]| {
            found |= inet_diag::socket(body).is_some_and(|listener| wanted(port(&listener)));
        };
        dialogue.ask(&inet_diag::dump_listeners(family), each)?;
    }
    Ok(found)
}
