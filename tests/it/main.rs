//! The behaviour of the real binary.
