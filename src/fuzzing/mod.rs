//! What reads others' words, fed with anything. The fuzz targets call these.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a fuzz target fails by panicking"
)]

#[cfg(feature = "chart")]
mod chart;
mod netlink;
mod proc;
mod typed;

#[cfg(feature = "chart")]
pub use self::chart::log as chart;
pub use self::netlink::datagram as netlink;
pub use self::proc::file as proc;
pub use self::typed::typed as units;

/// Feeds lines to generations that the bytes choose.
pub fn lines(data: &[u8]) {
    crate::act::feed::lines::model::live_as_chosen(data);
}
