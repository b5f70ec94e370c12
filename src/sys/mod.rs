//! What the kernel is asked for: thin and safe, without decisions and without prose. Every `unsafe`
//! of the program is below here. Errors are the kernel's, as `nix::Result` or `io::Result`.

pub(crate) mod area;
mod beside;
pub(crate) mod children;
pub(crate) mod clock;
pub(crate) mod cpu_clock;
pub(crate) mod datagrams;
pub(crate) mod entry;
pub(crate) mod environment;
pub(crate) mod files;
pub(crate) mod kcmp;
pub(crate) mod netlink;
mod optional;
pub(crate) mod poll;
pub(crate) mod process;
pub(crate) mod ram;
pub(crate) mod signals;
pub(crate) mod sockets;
