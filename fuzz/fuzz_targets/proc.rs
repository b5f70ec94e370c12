//! What files of `/proc` say: any bytes are any of them. The sources are the program's own; this
//! file stands where their parents do, and what they read is what the fuzzer made up.

#![cfg_attr(fuzzing, no_main)]

use std::hint::black_box;

use self::namespace::{Moved, NamespaceSense, Stand};

mod harness;
#[allow(dead_code, reason = "only what is parsed is fuzzed")]
#[path = "../../src/sense/limit.rs"]
mod limit;
#[allow(dead_code, reason = "only what is parsed is fuzzed")]
#[path = "../../src/sense/traffic/namespace.rs"]
mod namespace;
#[path = "../../src/sense/traffic/proc_tcp.rs"]
mod proc_tcp;
#[path = "../../src/sense/procfs.rs"]
mod procfs;
#[allow(dead_code, reason = "only what is parsed is fuzzed")]
#[path = "../../src/sense/traffic/rings.rs"]
mod rings;
#[allow(dead_code, reason = "for limits only")]
#[path = "../../src/units.rs"]
mod units;

/// Where `namespace` and `proc_tcp` look for their helpers.
mod sense {
    pub(crate) use crate::procfs;
}

/// Where they look for files.
mod sys {
    pub(crate) mod ram {
        pub(crate) fn total() -> Option<u64> {
            None
        }
    }

    pub(crate) mod files {
        use std::cell::RefCell;
        use std::io;

        thread_local! {
            /// What every file says.
            pub(crate) static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }

        /// The same as the program's, but for what is read.
        pub(crate) fn read_path<'a>(_: &str, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
            TEXT.with_borrow(|text| buffer.clone_from(text));
            Ok(buffer)
        }
    }
}

harness::target!(file);

fn file(text: &[u8]) {
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

/// What does not change does not move.
fn counters(text: &[u8]) {
    sys::files::TEXT.with_borrow_mut(|file| text.clone_into(file));
    // A line is a socket of each of two tables, or none; the first line is a heading.
    let rows = proc_tcp::rows("").unwrap_or_default();
    assert!(rows.len() <= 2 * text.iter().filter(|byte| **byte == b'\n').count());
    let mut sense = NamespaceSense::default();
    let readable = sense.is_readable();
    for before in [Moved::Unknown, Moved::No] {
        sense.begin_look();
        for stand in [Stand::Segments, Stand::Births, Stand::Accepts, Stand::Datagrams] {
            assert_eq!(sense.moved(stand), readable.then_some(before));
        }
    }
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
