//! Parsers for `/proc`: bytes in, numbers out, nothing copied, nothing read. What does not look as
//! `proc(5)` says is `None`.

/// What `/proc/PID/stat` says, as far as we care (`proc_pid_stat(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    /// `R`, `S`, `D`, `Z`, `T` (stopped), `t` (traced), `X` ...
    pub(crate) state: u8,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    /// CPU time in clock ticks, of the process and of the children that it has waited for.
    pub(crate) cpu_ticks: u64,
    pub(crate) threads: u64,
    /// When it started, in clock ticks since boot: with the pid, an identity.
    pub(crate) start: u64,
}

/// Parses `/proc/PID/stat`. The name in it may hold anything, also `)` and newlines: what counts
/// comes after the last `)`.
pub(crate) fn stat(text: &[u8]) -> Option<Stat> {
    let name_ends = text.iter().rposition(|byte| *byte == b')')?;
    let mut fields = text.get(name_ends + 1..)?.split(|byte| *byte == b' ').skip(1);
    // Numbered as in the manual: the state is field 3.
    let state = *fields.next()?.first()?;
    let parent = signed(fields.next()?)?;
    let group = signed(fields.next()?)?;
    let mut cpu_ticks = 0_u64;
    let mut times = fields.by_ref().skip(8);
    for _ in 14..=17 {
        // Times of children may read as negative on old kernels; they count nothing then.
        cpu_ticks = cpu_ticks.saturating_add(number(times.next()?).unwrap_or(0));
    }
    let threads = number(times.nth(2)?)?;
    let start = number(times.nth(1)?)?;
    Some(Stat { state, parent, group, cpu_ticks, threads, start })
}

/// The resident pages of `/proc/PID/statm` (`proc_pid_statm(5)`).
pub(crate) fn resident_pages(statm: &[u8]) -> Option<u64> {
    number(statm.split(|byte| *byte == b' ').nth(1)?)
}

/// A field of `/proc/PID/smaps_rollup` or `/proc/meminfo`, in bytes: `Rss:   123 kB`.
pub(crate) fn kilobytes(text: &[u8], field: &[u8]) -> Option<u64> {
    let line = text
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(b":"))?;
    let value = line.trim_ascii().strip_suffix(b" kB")?;
    number(value)?.checked_mul(1024)
}

/// The pids in `/proc/PID/task/TID/children` (`proc_tid_children(5)`).
pub(crate) fn pids(children: &[u8]) -> impl Iterator<Item = i32> {
    children.split(|byte| byte.is_ascii_whitespace()).filter_map(signed)
}

/// The inode in the link of a socket's descriptor: `socket:[123]`.
pub(crate) fn socket_inode(link: &[u8]) -> Option<u64> {
    number(link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?)
}

/// An unsigned decimal number and nothing else.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn signed(text: &[u8]) -> Option<i32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_fields() {
        let line = b"77 (a) R 1 (\n) S 1 76 76 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 5 0 9999 1 2";
        let stat = stat(line).unwrap();
        let (parent, group) = (1, 76);
        let expected = Stat { state: b'S', parent, group, cpu_ticks: 100, threads: 5, start: 9999 };
        assert_eq!(stat, expected);
    }

    #[test]
    fn our_own_stat_reads() {
        let text = std::fs::read("/proc/self/stat").unwrap();
        let stat = stat(&text).unwrap();
        assert!(stat.threads >= 1 && stat.start > 0);
        assert_eq!(stat.group, nix::unistd::getpgrp().as_raw());
    }

    #[test]
    fn what_is_cut_short_is_none() {
        let line = b"77 (x) S 1 76 76 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 5 0 9999";
        for end in 0..line.len() - 4 {
            assert_eq!(stat(line.get(..end).unwrap()), None, "{end}");
        }
    }

    #[test]
    fn other_files_read() {
        assert_eq!(resident_pages(b"100 42 7 1 0 5 0\n"), Some(42));
        assert_eq!(resident_pages(b""), None);
        let rollup =
            b"55-7f ---p 0 00:00 0   [rollup]\nRss:     884 kB\nPss:   385 kB\nPss_Dirty: 1 kB\n";
        assert_eq!(kilobytes(rollup, b"Rss"), Some(884 * 1024));
        assert_eq!(kilobytes(rollup, b"Pss"), Some(385 * 1024));
        assert_eq!(kilobytes(rollup, b"Swap"), None);
        assert_eq!(pids(b"12 345 6 ").collect::<Vec<_>>(), [12, 345, 6]);
        assert_eq!(socket_inode(b"socket:[4242]"), Some(4242));
        assert_eq!(socket_inode(b"pipe:[4242]"), None);
    }
}
