//! What cannot be seen, in words: the same for people and in a machine's log.

use std::fmt;

use crate::decide::event::{Sight, Unseen};

/// What there is to see, and what follows when it cannot be seen.
fn sight(what: Sight) -> (&'static str, &'static str) {
    match what {
        Sight::Processes => (
            "which processes COMMAND has",
            "memory limits do nothing, and a stop reaches only COMMAND and its process group; \
             signals, ends and --max-lifetime work",
        ),
        Sight::Memory => ("the memory of all processes", "what cannot be seen is not counted"),
        Sight::Pages => {
            ("memory page by page", "--max-pss waits until it is seen, --max-rss takes two looks")
        }
        Sight::Input => ("the traffic of standard input", NEVER),
        Sight::Owners => {
            ("which sockets COMMAND has", "all sockets of this network count as its own")
        }
        Sight::Rings => ("which files are registered with io_uring", NEVER),
        Sight::Connections => ("TCP connections one by one", TOGETHER),
        Sight::Deaths => ("TCP connections that come and go", TOGETHER),
        Sight::Elsewhere => (
            "TCP connections in another network namespace one by one",
            "the counters of that network stand in for them",
        ),
        Sight::Strangers => (
            "whose short outgoing connections ended here while COMMAND ran",
            "they delay idleness; --traffic inbound leaves them out, and so does an own container",
        ),
        Sight::MptcpPayload => (
            "the payload of MPTCP connections that have ended",
            "they delay idleness in spite of --idle-floor",
        ),
        Sight::Datagrams => ("the traffic of UDP sockets one by one", TOGETHER),
        Sight::Unix => ("the traffic of Unix sockets", NEVER),
        Sight::Others => ("the traffic of sockets other than TCP, UDP and Unix", NEVER),
        Sight::Counters => ("the traffic of sockets", NEVER),
    }
}

/// What there is to see, in a word for machines.
pub(super) fn word(what: Sight) -> &'static str {
    match what {
        Sight::Processes => "processes",
        Sight::Memory => "memory",
        Sight::Pages => "pages",
        Sight::Input => "stdin",
        Sight::Owners => "owners",
        Sight::Rings => "io-uring",
        Sight::Connections => "tcp",
        Sight::Deaths => "tcp-ends",
        Sight::Elsewhere => "other-network",
        Sight::Strangers => "strangers",
        Sight::MptcpPayload => "mptcp-payload",
        Sight::Datagrams => "udp",
        Sight::Unix => "unix",
        Sight::Others => "others",
        Sight::Counters => "counters",
    }
}

const NEVER: &str = "COMMAND is not taken to be idle while it has any (see --traffic)";
const TOGETHER: &str = "the counters of its whole network stand in for them";

/// Something that cannot be seen, why, and what follows.
pub(super) struct CannotSee(pub(super) Unseen);

impl fmt::Display for CannotSee {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unseen { what, errno } = self.0;
        let (words, so) = sight(what);
        match errno {
            0 => write!(out, "cannot see {words}: {so}"),
            errno => write!(out, "cannot see {words} ({}{}): {so}", call(what), error(errno)),
        }
    }
}

/// The system call to look up, where that helps: it is often forbidden.
fn call(what: Sight) -> &'static str {
    match what {
        Sight::Datagrams | Sight::Unix | Sight::Others => "pidfd_getfd: ",
        Sight::Connections | Sight::Deaths => "sock_diag: ",
        Sight::Processes
        | Sight::Memory
        | Sight::Pages
        | Sight::Input
        | Sight::Owners
        | Sight::Rings
        | Sight::Elsewhere
        | Sight::Strangers
        | Sight::MptcpPayload
        | Sight::Counters => "",
    }
}

/// Why nothing can be seen of what counts as traffic.
pub(super) struct Blindness(pub(super) Unseen);

impl fmt::Display for Blindness {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unseen { what: Sight::Input, errno: 0 } => {
                out.write_str("of --traffic only stdin, and that cannot have any")
            }
            Unseen { what, errno } => {
                let ((words, _), call) = (sight(what), call(what));
                write!(out, "{words} cannot be seen here ({call}{})", error(errno))
            }
        }
    }
}

/// The words that the C library has for an `errno(3)`.
pub(super) fn error(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
