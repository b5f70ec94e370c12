//! The wire format of TCP socket diagnosis (`sock_diag(7)`, `linux/inet_diag.h`): requests out,
//! answers in, nothing copied. What is cut short or of unknown shape is skipped.

use std::time::Duration;

/// The two families there are.
pub(super) const FAMILIES: [u8; 2] = [libc::AF_INET as u8, libc::AF_INET6 as u8];

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLMSG_ERROR: u16 = libc::NLMSG_ERROR as u16;
const NLMSG_DONE: u16 = libc::NLMSG_DONE as u16;
const HEADER: usize = 16;
const REQUEST: usize = HEADER + 56;
/// The id of a socket in requests and answers: ports, addresses, interface, cookie.
const ID: usize = 48;
/// `struct inet_diag_msg`, before its attributes.
const MESSAGE: usize = 72;
const INET_DIAG_INFO: u16 = 2;

/// States of TCP sockets that a process can hold (`include/net/tcp_states.h`). Left out: SYN_SENT,
/// on which nothing has moved; TIME_WAIT and requests, which no process holds.
const STATES: u32 = 1 << ESTABLISHED | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << LISTEN | 1 << 11;
const ESTABLISHED: u8 = 1;
const LISTEN: u8 = 10;

/// How a socket is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SocketId {
    family: u8,
    id: [u8; ID],
}

/// One end of a connection: address and port, as IPv6 has them, so that both ends compare equal
/// when one of them sees IPv4 through an IPv6 socket.
pub(super) type End = ([u8; 16], u16);

impl SocketId {
    /// Our end and the other one.
    pub(super) fn ends(&self) -> (End, End) {
        let port = |at| self.id.get(at..at + 2).and_then(|port| port.try_into().ok());
        let end = |address, at| (self.address(address), port(at).map_or(0, u16::from_be_bytes));
        (end(4, 0), end(20, 2))
    }

    fn address(&self, at: usize) -> [u8; 16] {
        let mut address = [0; 16];
        let (from, length) = if self.family == FAMILIES[0] { (12, 4) } else { (0, 16) };
        if let Some((to, bytes)) = address.get_mut(from..).zip(self.id.get(at..at + length)) {
            to.copy_from_slice(bytes);
        }
        if self.family == FAMILIES[0] {
            // ::ffff:a.b.c.d (ipv6(7)).
            (address[10], address[11]) = (0xff, 0xff);
        }
        address
    }
}

/// What an answer says about a socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Socket {
    pub(super) id: SocketId,
    pub(super) inode: u64,
    pub(super) local_port: u16,
    pub(super) listening: bool,
    /// Bytes not yet read; of a listener, connections not yet accepted.
    pub(super) receive_queue: u32,
    /// How long ago payload last moved, in either direction; a birth counts as payload.
    pub(super) last_data: Option<Duration>,
}

/// A question to the kernel.
#[derive(Debug)]
pub(super) struct Request {
    bytes: [u8; REQUEST],
    dump: bool,
}

impl Request {
    /// For all TCP sockets of a family, with their times.
    pub(super) fn dump(family: u8) -> Self {
        let flags = libc::NLM_F_REQUEST | libc::NLM_F_DUMP;
        Self { bytes: request(family, flags, STATES, [0; ID]), dump: true }
    }

    /// For one socket.
    pub(super) fn ask(socket: SocketId) -> Self {
        let flags = libc::NLM_F_REQUEST;
        Self { bytes: request(socket.family, flags, u32::MAX, socket.id), dump: false }
    }

    /// On the wire.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the answer is one message; else it ends with `Message::Done`.
    pub(super) fn has_one_answer(&self) -> bool {
        !self.dump
    }
}

fn request(family: u8, flags: libc::c_int, states: u32, id: [u8; ID]) -> [u8; REQUEST] {
    let mut request = [0; REQUEST];
    let flags = u16::try_from(flags).unwrap_or_default();
    let mut fill = |at: usize, bytes: &[u8]| {
        if let Some(place) = request.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    fill(0, &u32::try_from(REQUEST).unwrap_or_default().to_ne_bytes());
    fill(4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    fill(6, &flags.to_ne_bytes());
    fill(HEADER, &[family, libc::IPPROTO_TCP as u8, 1 << (INET_DIAG_INFO - 1), 0]);
    fill(HEADER + 4, &states.to_ne_bytes());
    fill(HEADER + 8, &id);
    request
}

/// One message of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Message {
    Socket(Socket),
    /// The end of a dump.
    Done,
    /// An `errno(3)`.
    Error(i32),
}

/// Splits a datagram into its messages.
pub(super) fn messages(mut datagram: &[u8]) -> impl Iterator<Item = Message> {
    std::iter::from_fn(move || {
        loop {
            let length = usize::try_from(u32_at(datagram, 0)?).ok()?;
            let kind = u16_at(datagram, 4)?;
            let body = datagram.get(HEADER..length)?;
            datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
            return Some(match kind {
                NLMSG_DONE => Message::Done,
                NLMSG_ERROR => Message::Error(u32_at(body, 0)?.cast_signed().wrapping_neg()),
                SOCK_DIAG_BY_FAMILY => match socket(body) {
                    Some(socket) => Message::Socket(socket),
                    None => continue,
                },
                _ => continue,
            });
        }
    })
}

fn socket(body: &[u8]) -> Option<Socket> {
    let (message, attributes) = body.split_at_checked(MESSAGE)?;
    let id: [u8; ID] = message.get(4..4 + ID)?.try_into().ok()?;
    let info = attribute(attributes, INET_DIAG_INFO);
    Some(Socket {
        id: SocketId { family: *message.first()?, id },
        inode: u64::from(u32_at(message, 68)?),
        local_port: u16::from_be_bytes([*id.first()?, *id.get(1)?]),
        listening: *message.get(1)? == LISTEN,
        receive_queue: u32_at(message, 56)?,
        last_data: info.and_then(last_data),
    })
}

/// The younger of `tcpi_last_data_sent` and `tcpi_last_data_recv` (`struct tcp_info`, `tcp(7)`).
/// Acknowledgements and keepalives touch neither.
fn last_data(info: &[u8]) -> Option<Duration> {
    const SENT: usize = 44;
    const RECEIVED: usize = 52;
    let millis = u32_at(info, SENT)?.min(u32_at(info, RECEIVED)?);
    Some(Duration::from_millis(millis.into()))
}

/// The first attribute of this kind (`rtnetlink(7)`).
fn attribute(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16_at(attributes, 0)?);
        let value = attributes.get(4..length)?;
        if u16_at(attributes, 2)? == wanted {
            return Some(value);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_kernels_layout() {
        let request = Request::dump(2).bytes;
        assert_eq!(u32_at(&request, 0), Some(72));
        assert_eq!(u16_at(&request, 4), Some(20));
        assert_eq!(u16_at(&request, 6), Some(0x301));
        assert_eq!(request.get(16..20), Some(&[2, 6, 2, 0][..]));
    }

    #[test]
    fn answers_cut_anywhere_do_no_harm() {
        // A listener on port 80 with one connection waiting, with an empty tcp_info.
        let mut answer = vec![0_u8; 16 + 72 + 4 + 60];
        let length = u32::try_from(answer.len()).unwrap();
        answer.get_mut(0..4).unwrap().copy_from_slice(&length.to_ne_bytes());
        answer.get_mut(4..6).unwrap().copy_from_slice(&20_u16.to_ne_bytes());
        answer.get_mut(16..22).unwrap().copy_from_slice(&[2, 10, 0, 0, 0, 80]);
        answer.get_mut(72..76).unwrap().copy_from_slice(&1_u32.to_ne_bytes());
        answer.get_mut(84..88).unwrap().copy_from_slice(&4242_u32.to_ne_bytes());
        answer.get_mut(88..92).unwrap().copy_from_slice(&[64, 0, 2, 0]);
        let Some(Message::Socket(socket)) = messages(&answer).next() else { panic!("no socket") };
        assert_eq!((socket.local_port, socket.listening), (80, true));
        assert_eq!((socket.receive_queue, socket.inode), (1, 4242));
        assert_eq!(socket.last_data, Some(Duration::ZERO));
        for end in 0..answer.len() {
            messages(answer.get(..end).unwrap()).for_each(drop);
        }
        for place in 0..answer.len() {
            for value in [0, 1, 3, 127, 255] {
                let mut broken = answer.clone();
                *broken.get_mut(place).unwrap() = value;
                assert!(messages(&broken).take(100).count() < 100, "endless at {place}");
            }
        }
    }
}
