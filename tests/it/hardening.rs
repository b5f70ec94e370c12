//! The binary, dynamic or static, has what `checksec` looks for: it is position-independent (PIE),
//! what the start has relocated is read-only (full RELRO), and nothing is both writable and
//! executable (NX). `scripts/check-release.sh` asks the same of the release.

use crate::harness::{recycle_path, static_recycle};

const LOAD: u64 = 1;
const DYNAMIC: u64 = 2;
const INTERPRETER: u64 = 3;
const GNU_STACK: u64 = 0x6474_e551;
const GNU_RELRO: u64 = 0x6474_e552;

const EXECUTABLE: u64 = 1;
const WRITABLE: u64 = 2;

/// A 64-bit little-endian ELF file (`elf(5)`).
struct Elf(Vec<u8>);

impl Elf {
    fn number(&self, at: u64, size: usize) -> u64 {
        let at = usize::try_from(at).unwrap();
        let bytes = &self.0[at..at + size];
        bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// Where each program header is in the file.
    fn headers(&self) -> impl Iterator<Item = u64> {
        let (table, size, count) = (self.number(32, 8), self.number(54, 2), self.number(56, 2));
        (0..count).map(move |header| table + header * size)
    }

    fn header(&self, kind: u64) -> Option<u64> {
        self.headers().find(|header| self.number(*header, 4) == kind)
    }

    /// The value of an entry of the dynamic section, 0 if it is not there.
    fn dynamic(&self, tag: u64) -> u64 {
        let Some(header) = self.header(DYNAMIC) else { return 0 };
        let (start, size) = (self.number(header + 8, 8), self.number(header + 32, 8));
        let mut entries = (0..size / 16).map(|entry| start + entry * 16);
        let entry = entries.find(|entry| self.number(*entry, 8) == tag);
        entry.map_or(0, |entry| self.number(entry + 8, 8))
    }

    /// What is missing.
    fn flaws(&self) -> Vec<&'static str> {
        assert_eq!(self.0[..6], *b"\x7fELF\x02\x01");
        let flags = |header| self.number(header, 4);
        let is_both = |header: &u64| {
            let flags = flags(*header + 4) & (EXECUTABLE | WRITABLE);
            self.number(*header, 4) == LOAD && flags == EXECUTABLE | WRITABLE
        };
        let stack = self.header(GNU_STACK);
        let stack_is_executable = stack.is_none_or(|header| flags(header + 4) & EXECUTABLE != 0);
        // DT_FLAGS and DT_FLAGS_1.
        let (bind_now, now, pie) = (self.dynamic(30) & 8, self.dynamic(0x6fff_fffb) & 1, 1 << 27);
        let is_pie = self.number(16, 2) == 3 && self.dynamic(0x6fff_fffb) & pie != 0;
        [
            (!is_pie, "PIE"),
            (self.header(GNU_RELRO).is_none(), "RELRO"),
            (bind_now == 0 && now == 0, "BIND_NOW"),
            (stack_is_executable || self.headers().any(|header| is_both(&header)), "NX"),
        ]
        .into_iter()
        .filter_map(|(is_missing, property)| is_missing.then_some(property))
        .collect()
    }
}

#[test]
fn both_binaries_are_hardened() {
    for path in [recycle_path().into(), static_recycle()] {
        let elf = Elf(std::fs::read(&path).unwrap());
        assert_eq!(elf.flaws(), Vec::<&str>::new(), "{}", path.display());
    }
}

#[test]
fn the_static_binary_needs_no_loader() {
    let elf = Elf(std::fs::read(static_recycle()).unwrap());
    assert_eq!(elf.header(INTERPRETER), None);
    let dynamic = Elf(std::fs::read(recycle_path()).unwrap());
    assert!(dynamic.header(INTERPRETER).is_some());
}

#[test]
fn a_binary_without_one_of_these_is_noticed() {
    let file = std::fs::read(static_recycle()).unwrap();
    let without = |change: &dyn Fn(&mut Elf)| {
        let mut elf = Elf(file.clone());
        change(&mut elf);
        elf.flaws()
    };
    let set = |elf: &mut Elf, at: u64, byte| elf.0[usize::try_from(at).unwrap()] = byte;
    assert_eq!(without(&|elf| set(elf, 16, 2)), ["PIE"]);
    let change_header = |kind, at: u64, byte| {
        without(&|elf: &mut Elf| {
            let header = elf.header(kind).unwrap();
            set(elf, header + at, byte);
        })
    };
    assert_eq!(change_header(GNU_RELRO, 0, 0), ["RELRO"]);
    assert_eq!(change_header(GNU_STACK, 4, 7), ["NX"]);
    assert_eq!(change_header(LOAD, 4, 7), ["NX"]);
    assert_eq!(change_header(DYNAMIC, 0, 0), ["PIE", "BIND_NOW"]);
}
