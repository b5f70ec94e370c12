//! How much RAM the machine has, asked without `/proc`.

/// In bytes (`sysinfo(2)`); `None`: a filter refuses the call.
pub(crate) fn total() -> Option<u64> {
    nix::sys::sysinfo::sysinfo().ok().map(|info| info.ram_total())
}
