//! The words about traffic.

use std::fmt;
use std::time::Duration;

use crate::units::{Bytes, Span};

/// `background traffic: 48B in 5s; more than 96B is traffic`
pub(super) fn write_background(
    out: &mut fmt::Formatter<'_>,
    bytes: Bytes,
    window: Duration,
    floor: Bytes,
) -> fmt::Result {
    let window = Span(window);
    match bytes {
        Bytes(0) => write!(out, "background traffic: none in {window}; every byte is traffic"),
        _ => write!(out, "background traffic: {bytes} in {window}; more than {floor} is traffic"),
    }
}

/// `generation 3: idle recycles do not help: ...; next idle recycle not before 4m`
pub(super) fn write_only_reconnects(
    out: &mut fmt::Formatter<'_>,
    generation: u64,
    kept_until: Duration,
) -> fmt::Result {
    write!(
        out,
        "generation {generation}: idle recycles do not help: each generation only saw its client \
         reconnect; next idle recycle not before {}",
        Span(kept_until)
    )
}
