//! Files that are registered with an io_uring: a process may close its descriptors of them, and use
//! them all the same. The ring's `/proc/PID/fdinfo/FD` lists them.

use crate::sense::procfs;

/// The name of a ring in `/proc/PID/fd`.
pub(crate) const NAME: &[u8] = b"anon_inode:[io_uring]";

/// What a ring tells of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Registered {
    /// The inodes of the sockets among them.
    Sockets(Vec<u64>),
    /// The ring is in use at this moment, and the kernel does not wait for it.
    Busy,
    /// There are some, and what they are is not told: older kernels.
    Unknown,
}

/// Reads the ring's `fdinfo`.
pub(crate) fn registered(fdinfo: &[u8]) -> Registered {
    let mut lines = fdinfo.split(|byte| *byte == b'\n');
    if !lines.by_ref().any(|line| line.starts_with(b"UserFiles:")) {
        return Registered::Busy;
    }
    let mut sockets = Vec::new();
    for (_, name) in lines.map_while(numbered) {
        match procfs::socket_inode(name) {
            Some(inode) => sockets.push(inode),
            None if is_no_socket(name) => {}
            None => return Registered::Unknown,
        }
    }
    Registered::Sockets(sockets)
}

/// `   12: NAME`.
fn numbered(line: &[u8]) -> Option<(u64, &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (number, name) = line.split_at_checked(colon)?;
    Some((procfs::number(number.trim_ascii())?, name.get(1..)?.trim_ascii()))
}

/// Whether it is known to be something else: a path, `pipe:[1]`, `anon_inode:[eventfd]`, an empty
/// place. Older kernels say `TCP`, and only the last part of a path.
fn is_no_socket(name: &[u8]) -> bool {
    name == b"<none>" || name.starts_with(b"/") || name.ends_with(b"]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(files: &str) -> Registered {
        registered(format!("pos:\t0\nUserFiles:\t5\n{files}UserBufs:\t0\n").as_bytes())
    }

    #[test]
    fn registered_sockets_are_found() {
        let files = "    0: socket:[640106]\n    1: <none>\n    2: /etc/passwd\n    3: pipe:[7]\n";
        assert_eq!(ring(files), Registered::Sockets(vec![640_106]));
        assert_eq!(ring(""), Registered::Sockets(vec![]));
        let two = "    0: socket:[1]\n65535: socket:[2]\n";
        assert_eq!(ring(two), Registered::Sockets(vec![1, 2]));
    }

    #[test]
    fn what_is_not_told_is_not_taken_for_nothing() {
        assert_eq!(ring("    0: TCP\n"), Registered::Unknown);
        assert_eq!(ring("    0: \n"), Registered::Unknown);
        assert_eq!(registered(b"pos:\t0\nflags:\t02\n"), Registered::Busy);
        assert_eq!(registered(b""), Registered::Busy);
    }
}
