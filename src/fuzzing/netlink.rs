//! What the kernel answers about sockets: any bytes are a datagram, and whatever is in it is read
//! to the last field.

use std::hint::black_box;

use crate::sense::traffic::wire::{self, HEADER, Message, Scope};
use crate::sense::traffic::{inet_diag, unix_diag};

/// Reads a datagram of `sock_diag(7)`.
pub fn datagram(data: &[u8]) {
    let most = data.len() / HEADER;
    // One more than there may be shows that there are too many, and an endless one ends.
    let messages: Vec<_> = wire::messages(data).take(most + 1).collect();
    assert!(messages.len() <= most, "{} messages in {} bytes", messages.len(), data.len());

    let mut behind = 0;
    for message in &messages {
        match *message {
            Message::Socket(body) => {
                let at = place(body, data);
                assert!(at >= behind + HEADER, "messages overlap");
                behind = at + body.len();
                inet(body);
                unix(body);
            }
            Message::Error(errno) => _ = black_box(errno),
            Message::Done => {}
        }
    }
    // Also without a header, which is hard to guess.
    inet(data);
    unix(data);
    cut(data, &messages);
}

fn inet(body: &[u8]) {
    let Some(socket) = inet_diag::socket(body) else {
        assert!(body.len() < 72, "a whole message is left out");
        return;
    };
    black_box(format!("{socket:?}"));
    assert_eq!(socket.inode, u64::from(u32_at(body, 68)));
    assert_eq!(socket.unread, u32_at(body, 56));

    let port = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
    let ((here, local), (there, remote)) = socket.id.ends();
    assert_eq!([local, remote], [port(4), port(6)]);
    assert_eq!(socket.id.ports(), [local, remote]);
    if body[0] == inet_diag::FAMILIES[0] {
        assert_eq!((&here[12..], &there[12..]), (&body[8..12], &body[24..28]));
        assert!([here, there].iter().all(|end| end[..12] == *b"\0\0\0\0\0\0\0\0\0\0\xff\xff"));
    } else {
        assert_eq!((&here[..], &there[..]), (&body[8..24], &body[24..40]));
    }
    assert_eq!(socket.id.cookie().to_ne_bytes(), body[44..52]);

    // What asks for it again is one message with `struct inet_diag_req_v2`, and says the same id.
    let asked = inet_diag::ask(&socket.id);
    assert_eq!(asked.scope, Scope::One);
    let asked = asked.bytes;
    assert_eq!((asked.len(), u32_at(&asked, 0)), (HEADER + 56, 72));
    assert_eq!((asked[HEADER], &asked[HEADER + 8..]), (body[0], &body[4..52]));
    let again: Vec<_> = wire::messages(&asked).take(2).collect();
    assert_eq!(again, [Message::Socket(&asked[HEADER..])]);
}

fn unix(body: &[u8]) {
    let Some(socket) = unix_diag::socket(body) else {
        assert!(body.len() < 16, "a whole message is left out");
        return;
    };
    black_box(format!("{socket:?}"));
    assert_eq!(socket.inode, u64::from(u32_at(body, 4)));
    assert_eq!(socket.listening, body[2] == 10);
    assert!(socket.peer.is_none_or(|peer| u32::try_from(peer).is_ok()));
    if let Some(name) = socket.name {
        assert!(place(name, body) >= 20, "a name lies before the attributes");
    }
}

/// A datagram that is cut short says nothing but what the whole one says, and less of it.
fn cut(data: &[u8], messages: &[Message<'_>]) {
    let keep = usize::from(data.last().copied().unwrap_or_default()) * data.len() / 256;
    let short = &data[..keep];
    let left: Vec<_> = wire::messages(short).take(messages.len() + 1).collect();
    assert!(messages.starts_with(&left), "{left:?} of {messages:?}");

    if let (Some(whole), Some(left)) = (inet_diag::socket(data), inet_diag::socket(short)) {
        assert_eq!((whole.id, whole.inode, whole.state), (left.id, left.inode, left.state));
        // An attribute that is cut off may uncover nothing.
        assert!(left.info.is_none() || left.info == whole.info);
    }
    if let (Some(whole), Some(left)) = (unix_diag::socket(data), unix_diag::socket(short)) {
        assert!(left.name.is_none() || left.name == whole.name);
        assert!(left.peer.is_none() || left.peer == whole.peer);
        assert!(left.unread == 0 || left.unread == whole.unread);
    }
}

/// Where a part lies in its whole.
fn place(part: &[u8], whole: &[u8]) -> usize {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    assert!(whole.start <= part.start && part.end <= whole.end, "a part lies outside");
    part.start.addr() - whole.start.addr()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
