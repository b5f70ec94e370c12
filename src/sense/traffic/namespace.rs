//! Counters of the whole network namespace (`/proc/net/snmp`, `proc_pid_net(5)`): they stand in for
//! sockets that cannot be watched one by one. They tell that something moved here since the last
//! look, not whose it was.

use std::collections::BTreeMap;

use crate::sense::procfs;
use crate::sys::files;

/// What has moved here since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// TCP segments, with bare acknowledgements and keepalive probes.
    segments: u64,
    /// TCP connections made and accepted.
    births: u64,
    /// TCP connections accepted.
    accepts: u64,
    /// UDP datagrams, both families.
    datagrams: u64,
}

/// What stands in for sockets that cannot be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stand {
    /// For all of TCP.
    Segments,
    /// For TCP connections that come and go between two looks.
    Births,
    /// The same, only connections that others began.
    Accepts,
    /// For UDP.
    Datagrams,
}

/// The watcher of the counters.
#[derive(Debug, Default)]
pub(crate) struct NamespaceSense {
    /// A process of another namespace, whose counters they are.
    of: Option<i32>,
    /// What each was when it was asked for last.
    before: BTreeMap<Stand, u64>,
    /// Read once a look.
    latest: Option<Counters>,
    /// Datagrams among them that we sent ourselves.
    own: u64,
    buffer: Vec<u8>,
}

impl NamespaceSense {
    /// What was read for the last look is old.
    pub(crate) fn begin_look(&mut self) {
        self.latest = None;
    }

    /// The same for the namespace of this process.
    pub(crate) fn begin_look_at(&mut self, process: i32) {
        (self.of, self.latest) = (Some(process), None);
    }

    /// So many datagrams have been sent by us since the start. Whether they arrived in this very
    /// namespace nobody tells us: those that did count, as it may have been others that did.
    pub(crate) fn disown(&mut self, datagrams: u64) {
        self.own = datagrams;
    }

    /// Whether it has moved since it was asked for last; the first time, nobody knows. `None`: it
    /// cannot be seen.
    pub(crate) fn moved(&mut self, stand: Stand) -> Option<Moved> {
        if self.latest.is_none() {
            self.latest = self.read();
        }
        let latest = self.latest?.of(stand);
        Some(match self.before.insert(stand, latest) {
            None => Moved::Unknown,
            Some(before) if before == latest => Moved::No,
            Some(_) => Moved::Yes,
        })
    }

    /// Whether there are counters to read.
    pub(crate) fn is_readable(&mut self) -> bool {
        self.read().is_some()
    }

    fn read(&mut self) -> Option<Counters> {
        let net = self.of.map_or_else(|| "/proc/net".to_owned(), net);
        let snmp = files::read_path(&format!("{net}/snmp"), &mut self.buffer).ok()?;
        let mut counters = Counters::from_snmp(snmp)?;
        // Without IPv6 there is no such file, and nothing to count.
        if let Ok(text) = files::read_path(&format!("{net}/snmp6"), &mut self.buffer) {
            counters.datagrams = counters.datagrams.wrapping_add(udp_from_snmp6(text));
        }
        counters.datagrams = counters.datagrams.wrapping_sub(self.own);
        Some(counters)
    }
}

/// What `/proc` has about the network namespace of a process.
pub(crate) fn net(process: i32) -> String {
    format!("/proc/{process}/net")
}

/// Whether a counter has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    Yes,
    No,
    Unknown,
}

impl Counters {
    fn of(&self, stand: Stand) -> u64 {
        match stand {
            Stand::Segments => self.segments,
            Stand::Births => self.births,
            Stand::Accepts => self.accepts,
            Stand::Datagrams => self.datagrams,
        }
    }

    /// A line of names is followed by one of values; TCP is counted for both families here.
    pub(crate) fn from_snmp(text: &[u8]) -> Option<Self> {
        let sum = |protocol: &[u8], wanted: &[&[u8]]| {
            let mut lines = text.split(|byte| *byte == b'\n');
            let names = lines.find(|line| line.starts_with(protocol))?;
            let values = lines.find(|line| line.starts_with(protocol))?;
            let words = |line: &'_ [u8]| {
                line.split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect::<Vec<_>>()
            };
            let (names, values) = (words(names), words(values));
            let pairs = names.iter().zip(&values);
            let found = pairs.filter(|(name, _)| wanted.contains(&name.as_slice()));
            let numbers: Vec<_> = found.filter_map(|(_, value)| procfs::number(value)).collect();
            (numbers.len() == wanted.len()).then(|| numbers.into_iter().fold(0, u64::wrapping_add))
        };
        Some(Self {
            segments: sum(b"Tcp:", &[b"InSegs", b"OutSegs"])?,
            births: sum(b"Tcp:", &[b"ActiveOpens", b"PassiveOpens"])?,
            accepts: sum(b"Tcp:", &[b"PassiveOpens"])?,
            datagrams: sum(b"Udp:", &[b"InDatagrams", b"OutDatagrams"])?,
        })
    }
}

pub(crate) fn udp_from_snmp6(text: &[u8]) -> u64 {
    let lines = text.split(|byte| *byte == b'\n');
    let numbers = lines.filter_map(|line| {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let wanted: [&[u8]; 2] = [b"Udp6InDatagrams", b"Udp6OutDatagrams"];
        words.next().filter(|name| wanted.contains(name)).and(words.next())
    });
    numbers.filter_map(procfs::number).fold(0, u64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_read() {
        let snmp = b"Ip: A B\nIp: 1 2\nTcp: ActiveOpens PassiveOpens X InSegs OutSegs\n\
            Tcp: 1 2 -1 30 40\nUdp: InDatagrams NoPorts OutDatagrams\nUdp: 5 9 6\nUdpLite: A\n";
        let counters = Counters { segments: 70, births: 3, accepts: 2, datagrams: 11 };
        assert_eq!(Counters::from_snmp(snmp), Some(counters));
        for end in 0..snmp.len() - 12 {
            assert_ne!(Counters::from_snmp(snmp.get(..end).unwrap()), Some(counters));
        }
        assert_eq!(udp_from_snmp6(b"Ip6X 1\nUdp6InDatagrams  \t7\nUdp6OutDatagrams 8\n"), 15);
        assert!(NamespaceSense::default().is_readable());
    }
}
