//! The sections of the report: each measures one thing.

pub(crate) mod gap;
pub(crate) mod growth;
pub(crate) mod host;
pub(crate) mod life;
pub(crate) mod limits;
pub(crate) mod lines;
pub(crate) mod rest;
pub(crate) mod start;
pub(crate) mod traffic;
pub(crate) mod web;
