//! The senses: they answer questions about the world and decide nothing.

pub(crate) mod clocks;
pub(crate) mod limit;
pub(crate) mod means;
pub(crate) mod memory;
pub(crate) mod neighbours;
pub(crate) mod procfs;
pub(crate) mod program;
pub(crate) mod startable;
pub(crate) mod traffic;
pub(crate) mod tree;
