//! The wire format of netlink (`netlink(7)`): messages and their attributes, out of a datagram.
//! Nothing is copied, and what is cut short is left out. Uses `std` and `libc` only, so that it can
//! be fuzzed by itself.

/// `struct nlmsghdr`.
pub(crate) const HEADER: usize = 16;
/// The one type of message in socket diagnosis (`sock_diag(7)`).
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLMSG_ERROR: u16 = libc::NLMSG_ERROR as u16;
const NLMSG_DONE: u16 = libc::NLMSG_DONE as u16;

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// By one message.
    One,
    /// By many, and `Message::Done`.
    Dump,
}

/// A request on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    pub(crate) scope: Scope,
}

/// A request with this behind its header.
pub(crate) fn request(scope: Scope, body: &[u8]) -> Request {
    let dump = if scope == Scope::Dump { libc::NLM_F_DUMP } else { 0 };
    let flags = u16::try_from(libc::NLM_F_REQUEST | dump).unwrap_or_default();
    let length = u32::try_from(HEADER + body.len()).unwrap_or_default();
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend(length.to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    // Sequence number and port: the kernel's answers are told apart by their order.
    bytes.extend([0; 8]);
    bytes.extend(body);
    Request { bytes, scope }
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    /// About one socket.
    Socket(&'a [u8]),
    /// The end of a dump.
    Done,
    /// An `errno(3)`.
    Error(i32),
}

/// Splits a datagram into its messages.
pub(crate) fn messages(mut datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        loop {
            let length = usize::try_from(u32_at(datagram, 0)?).ok()?;
            let kind = u16_at(datagram, 4)?;
            let body = datagram.get(HEADER..length)?;
            datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
            return Some(match kind {
                NLMSG_DONE => Message::Done,
                NLMSG_ERROR => Message::Error(u32_at(body, 0)?.cast_signed().wrapping_neg()),
                SOCK_DIAG_BY_FAMILY => Message::Socket(body),
                _ => continue,
            });
        }
    })
}

/// The first attribute of this kind (`rtnetlink(7)`).
pub(crate) fn attribute(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16_at(attributes, 0)?);
        let value = attributes.get(4..length)?;
        if u16_at(attributes, 2)? == wanted {
            return Some(value);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_ne_bytes)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_kernels_layout() {
        let request = request(Scope::Dump, &[7; 56]).bytes;
        assert_eq!(u32_at(&request, 0), Some(72));
        assert_eq!(u16_at(&request, 4), Some(20));
        assert_eq!(u16_at(&request, 6), Some(0x301));
        assert_eq!(request.get(16..), Some(&[7; 56][..]));
    }

    #[test]
    fn lengths_that_lie_end_it() {
        let mut message = request(Scope::One, &[1, 2, 3, 4]).bytes;
        assert_eq!(messages(&message).collect::<Vec<_>>(), [Message::Socket(&[1, 2, 3, 4])]);
        for length in [0_u32, 1, 15, 21, 1 << 31, u32::MAX] {
            message.get_mut(..4).unwrap().copy_from_slice(&length.to_ne_bytes());
            assert_eq!(messages(&message).next(), None, "{length}");
        }
    }

    #[test]
    fn an_attribute_is_found_behind_others() {
        // Lengths 5 and 8: the first is padded to 8.
        let attributes = [5, 0, 9, 0, 1, 0, 0, 0, 8, 0, 4, 0, 1, 2, 3, 4];
        assert_eq!(attribute(&attributes, 4), Some(&[1, 2, 3, 4][..]));
        assert_eq!(attribute(&attributes, 9), Some(&[1][..]));
        assert_eq!(attribute(&attributes, 1), None);
        assert_eq!(attribute(&[0, 0, 9, 0], 1), None);
    }
}
