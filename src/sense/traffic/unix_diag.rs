//! What socket diagnosis says of Unix sockets (`sock_diag(7)`, `linux/unix_diag.h`). Requests out,
//! answers in. What is cut short is skipped.

use super::wire::{self, Request, Scope, attribute, u32_at};

/// `struct unix_diag_msg`, before its attributes.
const MESSAGE: usize = 16;
const NAME: u16 = 0;
const PEER: u16 = 2;
const QUEUES: u16 = 4;
/// `UDIAG_SHOW_NAME`, `UDIAG_SHOW_PEER`, `UDIAG_SHOW_RQLEN`.
const SHOW: u32 = 1 | 4 | 16;

/// What an answer says about a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Socket<'a> {
    pub(crate) inode: u64,
    pub(crate) listening: bool,
    /// Path or abstract name; an accepted socket has its listener's.
    pub(crate) name: Option<&'a [u8]>,
    /// The inode of the socket at the other end; 0: nobody holds that.
    pub(crate) peer: Option<u64>,
    /// Bytes not yet read; of a listener, connections not yet accepted.
    pub(crate) unread: u32,
    /// Bytes that the other end has not read yet; of a listener, its backlog.
    pub(crate) unsent: u32,
}

/// Asks for all Unix sockets.
pub(crate) fn dump() -> Request {
    // struct unix_diag_req: family, protocol, states, inode, what to show, cookie.
    let mut body = vec![libc::AF_UNIX as u8, 0, 0, 0];
    body.extend(u32::MAX.to_ne_bytes());
    body.extend(0_u32.to_ne_bytes());
    body.extend(SHOW.to_ne_bytes());
    body.extend([0; 8]);
    wire::request(Scope::Dump, &body)
}

/// Reads the message about one socket.
pub(crate) fn socket(body: &[u8]) -> Option<Socket<'_>> {
    let (message, attributes) = body.split_at_checked(MESSAGE)?;
    let queue = |at| attribute(attributes, QUEUES).and_then(|sizes| u32_at(sizes, at));
    Some(Socket {
        inode: u64::from(u32_at(message, 4)?),
        listening: *message.get(2)? == 10,
        name: attribute(attributes, NAME),
        peer: attribute(attributes, PEER).and_then(|peer| u32_at(peer, 0)).map(u64::from),
        unread: queue(0).unwrap_or(0),
        unsent: queue(4).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_kernels_layout() {
        let request = dump().bytes;
        assert_eq!(request.len(), 40);
        assert_eq!(request.get(16..24), Some(&[1, 0, 0, 0, 255, 255, 255, 255][..]));
    }

    #[test]
    fn an_answer_reads_and_may_be_cut_anywhere() {
        let mut body = vec![1, 1, 10, 0];
        body.extend(77_u32.to_ne_bytes());
        body.extend([0; 8]);
        body.extend([7, 0, 0, 0, b'/', b'a', b'b', 0]);
        body.extend([8, 0, 2, 0, 78, 0, 0, 0]);
        body.extend([12, 0, 4, 0, 3, 0, 0, 0, 128, 0, 0, 0]);
        let name: Option<&[u8]> = Some(b"/ab");
        let whole =
            Socket { inode: 77, listening: true, name, peer: Some(78), unread: 3, unsent: 128 };
        assert_eq!(socket(&body), Some(whole));
        for end in 0..body.len() {
            assert_eq!(socket(body.get(..end).unwrap()).is_some(), end >= MESSAGE, "{end}");
        }
    }
}
