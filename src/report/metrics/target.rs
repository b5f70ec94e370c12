//! Where numbers go: what a value of `--metrics` means.

use std::path::PathBuf;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// As it was typed.
    pub(crate) text: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `statsd://HOST:PORT[/PREFIX]`
    Statsd(Server),
    /// `prom:FILE`
    File(PathBuf),
}

/// A StatsD server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    /// A name, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What all names begin with.
    pub(crate) prefix: String,
}
