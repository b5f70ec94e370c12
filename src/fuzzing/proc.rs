//! What files of `/proc` say: any bytes are any of them.

use std::hint::black_box;

use crate::sense::traffic::{namespace, proc_tcp, rings};
use crate::sense::{limit, procfs};

/// Reads a file of `/proc`.
pub fn file(text: &[u8]) {
    if let Some(stat) = procfs::stat(text) {
        black_box(format!("{stat:?}"));
        // The name in it may be anything that an honest process can call itself.
        let end = text.iter().rposition(|byte| *byte == b')').unwrap_or_default();
        let renamed = [b"1 (a) R 1 2) ", &text[end..]].concat();
        assert_eq!(procfs::stat(&renamed), Some(stat));
    }
    black_box(procfs::resident_pages(text));
    black_box(rings::registered(text));
    for field in [&b"Rss"[..], b"Pss", b"MemTotal", b"MemAvailable", b""] {
        let bytes = procfs::kilobytes(text, field);
        assert!(bytes.is_none_or(|bytes| bytes % 1024 == 0));
    }
    assert!(procfs::pids(text).count() <= text.len() / 2 + 1);
    if let Some(inode) = procfs::socket_inode(text) {
        let link = format!("socket:[{inode}]");
        assert_eq!(procfs::socket_inode(link.as_bytes()), Some(inode));
    }
    counters(text);
    cgroups(text);
}

/// A line is a socket, or none; the first line is a heading.
fn counters(text: &[u8]) {
    let rows = proc_tcp::parse(text).count();
    assert!(rows <= text.iter().filter(|byte| **byte == b'\n').count());
    black_box(namespace::Counters::from_snmp(text));
    black_box(namespace::udp_from_snmp6(text));
}

/// One text is both files: our cgroups, and where they are mounted.
fn cgroups(text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let found = limit::memory_cgroups(&text, &text);
    // One for each version.
    assert!(found.len() <= 2);
    for (directory, root) in found {
        // On the way up from there, the root is come by: the way ends.
        assert!(directory.ancestors().any(|way| way == root), "{directory:?} in {root:?}");
        let named = |path: &str| text.contains(path);
        assert!(root.to_str().is_some_and(named), "{root:?} is nowhere in the file");
    }
}
