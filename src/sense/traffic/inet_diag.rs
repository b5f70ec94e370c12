//! What socket diagnosis says of TCP and UDP sockets (`sock_diag(7)`, `linux/inet_diag.h`).
//! Requests out, answers in. What is cut short is skipped.

use std::time::Duration;

use super::wire::{self, Request, Scope, attribute, u32_at, u64_at};

/// The two families there are.
pub(crate) const FAMILIES: [u8; 2] = [libc::AF_INET as u8, libc::AF_INET6 as u8];

/// The id of a socket in requests and answers: ports, addresses, interface, cookie.
const ID: usize = 48;
const COOKIE: usize = 40;
/// `struct inet_diag_msg`, before its attributes.
const MESSAGE: usize = 72;
const INET_DIAG_INFO: u16 = 2;
const INET_DIAG_ULP_INFO: u16 = 19;
const INET_DIAG_REQ_PROTOCOL: u16 = 3;

/// States of TCP sockets that a process can hold (`include/net/tcp_states.h`). Left out: TIME_WAIT
/// and requests, which no process holds.
const HELD: u32 = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11;

/// The protocols that can be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
}

/// What a socket is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// TCP: payload may come. UDP: it has one peer.
    Connected,
    Listening,
    /// TCP: on its way in or out of a connection. UDP: without a peer.
    Other,
}

/// How a socket is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketId {
    family: u8,
    id: [u8; ID],
}

/// One end of a connection: address and port, as IPv6 has them, so that both ends compare equal
/// when one of them sees IPv4 through an IPv6 socket.
pub(crate) type End = ([u8; 16], u16);

impl SocketId {
    /// Our end and the other one.
    pub(crate) fn ends(&self) -> (End, End) {
        let port = |at| self.id.get(at..at + 2).and_then(|port| port.try_into().ok());
        let end = |address, at| (self.address(address), port(at).map_or(0, u16::from_be_bytes));
        (end(4, 0), end(20, 2))
    }

    /// Our port and the other one.
    pub(crate) fn ports(&self) -> [u16; 2] {
        let ((_, local), (_, remote)) = self.ends();
        [local, remote]
    }

    /// No other socket ever has the same.
    pub(crate) fn cookie(&self) -> u64 {
        u64_at(&self.id, COOKIE).unwrap_or_default()
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
pub(crate) struct Socket {
    pub(crate) id: SocketId,
    /// 0: no process holds it (yet, or any more).
    pub(crate) inode: u64,
    pub(crate) state: State,
    /// Bytes not yet read; of a listener, connections not yet accepted.
    pub(crate) unread: u32,
    pub(crate) info: Option<Info>,
    /// A subflow of an MPTCP connection, or an MPTCP listener.
    pub(crate) is_mptcp: bool,
}

impl Socket {
    /// A TCP socket that is disconnected: a listener, or one whose peer is not known any more. An
    /// end of an MPTCP connection that closes after the other end is disconnected before it dies.
    pub(crate) fn has_no_peer(&self) -> bool {
        let [_, there] = self.id.ports();
        there == 0
    }
}

/// What `struct tcp_info` says (`tcp(7)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Info {
    /// How long ago payload last moved, in either direction; a birth counts as payload.
    pub(crate) last_data: Duration,
    /// Payload that was ever received, or sent and acknowledged. Off by up to two: a SYN and a FIN
    /// count.
    pub(crate) payload_bytes: u64,
    /// Whether it ever was a connection. One that never was has neither time, so both are the same;
    /// one that was disconnected keeps the time when it sent.
    pub(crate) was_connected: bool,
}

/// Asks for all sockets of a family that a process can hold.
pub(crate) fn dump(family: u8, protocol: Protocol) -> Request {
    let states = if protocol == Protocol::Tcp { HELD } else { u32::MAX };
    request(Scope::Dump, family, protocol, states, &[0; ID])
}

/// Asks for the TCP listeners of a family.
pub(crate) fn dump_listeners(family: u8) -> Request {
    request(Scope::Dump, family, Protocol::Tcp, 1 << 10, &[0; ID])
}

/// Asks for the MPTCP sockets of a family: `dump` has their subflows. The number of their protocol
/// does not fit into the request itself.
pub(crate) fn dump_mptcp(family: u8) -> Request {
    let mut body = vec![family, libc::IPPROTO_RAW as u8, 0, 0];
    body.extend(u32::MAX.to_ne_bytes());
    body.extend([0; ID]);
    body.extend(8_u16.to_ne_bytes());
    body.extend(INET_DIAG_REQ_PROTOCOL.to_ne_bytes());
    body.extend(libc::IPPROTO_MPTCP.to_ne_bytes());
    wire::request(Scope::Dump, &body)
}

/// Asks for one TCP socket.
pub(crate) fn ask(socket: &SocketId) -> Request {
    request(Scope::One, socket.family, Protocol::Tcp, u32::MAX, &socket.id)
}

fn request(scope: Scope, family: u8, protocol: Protocol, states: u32, id: &[u8; ID]) -> Request {
    let (protocol, info) = match protocol {
        Protocol::Tcp => (libc::IPPROTO_TCP as u8, 1 << (INET_DIAG_INFO - 1)),
        Protocol::Udp => (libc::IPPROTO_UDP as u8, 0),
    };
    // struct inet_diag_req_v2.
    let mut body = vec![family, protocol, info, 0];
    body.extend(states.to_ne_bytes());
    body.extend(id);
    wire::request(scope, &body)
}

/// Reads the message about one socket.
pub(crate) fn socket(body: &[u8]) -> Option<Socket> {
    let (message, attributes) = body.split_at_checked(MESSAGE)?;
    let id: [u8; ID] = message.get(4..4 + ID)?.try_into().ok()?;
    let state = match *message.get(1)? {
        1 => State::Connected,
        10 => State::Listening,
        _ => State::Other,
    };
    Some(Socket {
        id: SocketId { family: *message.first()?, id },
        inode: u64::from(u32_at(message, 68)?),
        state,
        unread: u32_at(message, 56)?,
        info: attribute(attributes, INET_DIAG_INFO).and_then(info),
        is_mptcp: attribute(attributes, INET_DIAG_ULP_INFO).is_some_and(names_mptcp),
    })
}

/// Whether the protocol above TCP is MPTCP (`INET_ULP_INFO_NAME`).
fn names_mptcp(info: &[u8]) -> bool {
    attribute(info, 1).is_some_and(|name| name.starts_with(b"mptcp"))
}

/// Acknowledgements and keepalives touch neither `tcpi_last_data_sent` nor `tcpi_last_data_recv`.
fn info(info: &[u8]) -> Option<Info> {
    const SENT: usize = 44;
    const RECEIVED: usize = 52;
    const BYTES_ACKED: usize = 120;
    const BYTES_RECEIVED: usize = 128;
    let (sent, received) = (u32_at(info, SENT)?, u32_at(info, RECEIVED)?);
    let millis = sent.min(received);
    // Kernels before 4.1 do not count.
    let bytes = |at| u64_at(info, at).unwrap_or_default();
    Some(Info {
        last_data: Duration::from_millis(millis.into()),
        payload_bytes: bytes(BYTES_ACKED).saturating_add(bytes(BYTES_RECEIVED)),
        was_connected: sent != received,
    })
}

#[cfg(test)]
mod tests {
    use super::super::wire::{HEADER, Message, messages, u16_at};
    use super::*;

    #[test]
    fn requests_have_the_kernels_layout() {
        let request = dump(2, Protocol::Tcp).bytes;
        assert_eq!((request.len(), u16_at(&request, 6)), (72, Some(0x301)));
        assert_eq!(request.get(16..20), Some(&[2, 6, 2, 0][..]));
        let mptcp = dump_mptcp(2).bytes;
        assert_eq!((mptcp.len(), mptcp.get(72..)), (80, Some(&[8, 0, 3, 0, 6, 1, 0, 0][..])));
        assert_eq!(dump(10, Protocol::Udp).bytes.get(16..20), Some(&[10, 17, 0, 0][..]));
    }

    /// A listener on port 80 with one connection waiting, with a tcp_info of zeros.
    fn answer() -> Vec<u8> {
        let mut body = vec![0_u8; MESSAGE + 4 + 136];
        body.get_mut(..6).unwrap().copy_from_slice(&[2, 10, 0, 0, 0, 80]);
        body.get_mut(56..60).unwrap().copy_from_slice(&1_u32.to_ne_bytes());
        body.get_mut(68..72).unwrap().copy_from_slice(&4242_u32.to_ne_bytes());
        body.get_mut(72..76).unwrap().copy_from_slice(&[140, 0, 2, 0]);
        *body.get_mut(MESSAGE + 4 + 120).unwrap() = 9;
        wire::request(Scope::One, &body).bytes
    }

    fn sockets(datagram: &[u8]) -> Vec<Socket> {
        let bodies = messages(datagram).filter_map(|message| match message {
            Message::Socket(body) => socket(body),
            Message::Done | Message::Error(_) => None,
        });
        bodies.take(100).collect()
    }

    #[test]
    fn an_answer_reads() {
        let found = sockets(&answer());
        let [socket] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((socket.id.ports(), socket.state), ([80, 0], State::Listening));
        assert_eq!((socket.unread, socket.inode), (1, 4242));
        let info = Info { last_data: Duration::ZERO, payload_bytes: 9, was_connected: false };
        assert_eq!((socket.info, socket.has_no_peer(), socket.is_mptcp), (Some(info), true, false));
    }

    /// As the kernel announces the end that closed second: no peer, no bytes, the time it sent.
    #[test]
    fn a_disconnected_mptcp_subflow_was_a_connection() {
        let mut answer = answer();
        let info = HEADER + MESSAGE + 4;
        answer.get_mut(info + 44..info + 48).unwrap().copy_from_slice(&104_u32.to_ne_bytes());
        answer.get_mut(info + 52..info + 56).unwrap().copy_from_slice(&9999_u32.to_ne_bytes());
        let ulp = [16, 0, 19, 0, 10, 0, 1, 0, b'm', b'p', b't', b'c', b'p', 0, 0, 0];
        answer.extend(ulp);
        let length = u32::try_from(answer.len()).unwrap();
        answer.get_mut(..4).unwrap().copy_from_slice(&length.to_ne_bytes());
        let found = sockets(&answer);
        let [socket] = found.as_slice() else { panic!("{found:?}") };
        assert!(socket.has_no_peer() && socket.is_mptcp);
        let info = socket.info.unwrap();
        assert_eq!((info.was_connected, info.last_data), (true, Duration::from_millis(104)));
    }

    #[test]
    fn answers_cut_anywhere_do_no_harm() {
        let answer = answer();
        for end in 0..answer.len() {
            sockets(answer.get(..end).unwrap());
        }
        for place in 0..answer.len() {
            for value in [0, 1, 3, 127, 255] {
                let mut broken = answer.clone();
                *broken.get_mut(place).unwrap() = value;
                assert!(sockets(&broken).len() < 100, "endless at {place}");
            }
        }
        assert!(sockets(answer.get(..HEADER + MESSAGE).unwrap()).is_empty());
    }
}
