//! TCP sockets in `/proc/PID/net/tcp` and `tcp6` (`proc_pid_net(5)`): owners and queues, without
//! times. Read only where socket diagnosis does not answer.

use crate::sense::procfs;
use crate::sys::files;

/// A socket of the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) inode: u64,
    pub(crate) listening: bool,
    /// Bytes not yet read; of a listener, connections not yet accepted.
    pub(crate) unread: u64,
}

/// Reads the sockets of the network namespace whose directory of `/proc` this is, such as
/// `/proc/net`.
///
/// # Errors
/// The table of IPv4 cannot be read. Without IPv6 there is no second table.
pub(crate) fn rows(net: &str) -> std::io::Result<Vec<Row>> {
    let mut buffer = Vec::new();
    let mut rows: Vec<Row> = parse(files::read_path(&format!("{net}/tcp"), &mut buffer)?).collect();
    if let Ok(text) = files::read_path(&format!("{net}/tcp6"), &mut buffer) {
        rows.extend(parse(text));
    }
    Ok(rows)
}

pub(crate) fn parse(text: &[u8]) -> impl Iterator<Item = Row> {
    text.split(|byte| *byte == b'\n').skip(1).filter_map(row)
}

/// `sl local_address rem_address st tx_queue:rx_queue tr:when retrnsmt uid timeout inode ...`.
fn row(line: &[u8]) -> Option<Row> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let state = words.nth(3)?;
    let (_, unread) = std::str::from_utf8(words.next()?).ok()?.split_once(':')?;
    let unread = u64::from_str_radix(unread, 16).ok()?;
    let inode = procfs::number(words.nth(4)?)?;
    Some(Row { inode, listening: state == b"0A", unread })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when
   0: 0100007F:1B59 00000000:0000 0A 00000000:00000002 00:00000000 00000000     0        0 147
   1: 0100007F:1B59 0100007F:C7CE 01 00000000:0000001F 00:00000000 00000000     0        0 148 1
";

    #[test]
    fn tables_read() {
        let rows: Vec<_> = parse(TABLE.as_bytes()).collect();
        let listener = Row { inode: 147, listening: true, unread: 2 };
        assert_eq!(rows, [listener, Row { inode: 148, listening: false, unread: 31 }]);
    }

    #[test]
    fn tables_cut_anywhere_do_no_harm() {
        for end in 0..TABLE.len() {
            assert!(parse(TABLE.as_bytes().get(..end).unwrap()).count() <= 2);
        }
    }

    #[test]
    fn an_own_listener_is_found() {
        use std::os::fd::AsRawFd;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let link = std::fs::read_link(format!("/proc/self/fd/{}", listener.as_raw_fd())).unwrap();
        let inode = procfs::socket_inode(link.to_str().unwrap().as_bytes()).unwrap();
        let rows = rows("/proc/thread-self/net").unwrap();
        assert!(rows.iter().any(|row| row.inode == inode && row.listening));
    }
}
