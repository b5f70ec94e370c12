//! `--chart`, a mode of its own: every word is a file, and no other option means anything.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{bail, ensure};

use super::{Given, Request};

/// What was asked for. Variables do not matter: they are meant for what runs.
pub(super) fn request(given: &Given, words: Vec<OsString>) -> anyhow::Result<Request> {
    if let Some(other) = given.on_command_line().find(|option| *option != "chart") {
        bail!("--{other}: cannot be combined with --chart");
    }
    ensure!(!words.is_empty(), "no LOG was given: recycle --chart LOG... > FILE.svg");
    Ok(Request::Chart(words.into_iter().map(PathBuf::from).collect()))
}
