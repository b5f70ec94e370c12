//! Very many processes: a look at their counters does what it can in its time, the largest first.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::MemorySense;
use crate::sys::process::{Id, Process};

/// Of more processes than this, a look at the counters reads the largest, and some of the others in
/// turn: 2 ms at the most, however many they are.
const MOST_READ: usize = 512;

impl MemorySense {
    /// Those of many processes that are not read this time: they have what they had when they were
    /// read last. A process that was never read is read.
    pub(super) fn left_out(&mut self, members: &[(&Process, bool)]) -> BTreeSet<Id> {
        if members.len() <= MOST_READ {
            return BTreeSet::new();
        }
        let resident = |id: &Id| self.known.get(id).and_then(|known| known.resident);
        let ids = members.iter().map(|(process, _)| process.id);
        let mut read: Vec<(u64, Id)> = ids.filter_map(|id| Some((resident(&id)?, id))).collect();
        if read.len() <= MOST_READ {
            return BTreeSet::new();
        }
        read.sort_unstable_by_key(|(resident, _)| Reverse(*resident));
        let mut rest: Vec<Id> =
            read.split_off(MOST_READ / 2).into_iter().map(|(_, id)| id).collect();
        rest.sort_unstable();
        let first = rest.partition_point(|id| Some(*id) <= self.turn);
        rest.rotate_left(first);
        let left = rest.split_off(MOST_READ / 2);
        self.turn = rest.last().copied();
        left.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nix::unistd::Pid;

    use super::super::Known;
    use super::*;
    use crate::decide::time::Time;

    fn process(number: usize) -> Process {
        let pid = Pid::from_raw(i32::try_from(number + 1).unwrap());
        let id = Id { pid, start: 1 };
        Process { id, parent: Pid::from_raw(1), state: b'S', group: pid, cpu_ticks: 0, threads: 1 }
    }

    /// Each process has as many bytes as its number; the last one was never read.
    fn sense(processes: &[Process]) -> MemorySense {
        let mut sense = MemorySense::new();
        for (number, process) in processes.iter().enumerate() {
            let resident = (number + 1 < processes.len()).then_some(number as u64);
            let first_seen = Time::at(Duration::ZERO);
            let (statm, has_own_memory, pages) = (None, true, None);
            let known = Known { first_seen, statm, has_own_memory, resident, pages };
            sense.known.insert(process.id, known);
        }
        sense
    }

    #[test]
    fn the_largest_are_read_each_time_and_all_others_in_turn() {
        let processes: Vec<_> = (0..2_000).map(process).collect();
        let mut sense = sense(&processes);
        let members: Vec<_> = processes.iter().map(|process| (process, true)).collect();
        let mut read = BTreeSet::new();
        for _ in 0..7 {
            let left = sense.left_out(&members);
            assert_eq!(processes.len() - left.len(), MOST_READ + 1, "and the unread one");
            let largest = processes.iter().skip(2_000 - MOST_READ / 2 - 1);
            assert!(largest.clone().all(|process| !left.contains(&process.id)));
            read.extend(processes.iter().map(|it| it.id).filter(|id| !left.contains(id)));
        }
        assert_eq!(read.len(), processes.len(), "in seven looks, all of them");
    }

    #[test]
    fn of_a_few_hundred_all_are_read() {
        let processes: Vec<_> = (0..MOST_READ).map(process).collect();
        let members: Vec<_> = processes.iter().map(|process| (process, true)).collect();
        assert!(sense(&processes).left_out(&members).is_empty());
    }
}
