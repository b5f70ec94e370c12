//! The hands: they change the world and decide nothing.

pub(crate) mod directory;
pub(crate) mod feed;
pub(crate) mod hook;
pub(crate) mod interrupt;
pub(crate) mod leave;
pub(crate) mod spawn;
pub(crate) mod stop;
pub(crate) mod terminal;
