//! Standard input of each kind that can end, with the end that a test writes to.

use super::{Run, Running};
use std::fs::File;
use std::io::{PipeWriter, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pipe,
    /// As Node gives one to its children.
    Socket,
    /// One that controls the program.
    Terminal,
}

/// Writes to a program's standard input, until it is dropped or ended.
pub(crate) enum Input {
    Pipe(PipeWriter),
    Socket(UnixStream),
    /// It belongs to who runs on it.
    Terminal,
}

impl Run {
    /// Stderr is a file, whatever standard input is.
    pub(crate) fn with_input(self, kind: Kind) -> (Self, Input) {
        match kind {
            Kind::Pipe => {
                let (reader, writer) = std::io::pipe().unwrap();
                (self.stdin(reader), Input::Pipe(writer))
            }
            Kind::Socket => {
                let (ours, theirs) = UnixStream::pair().unwrap();
                (self.stdin(OwnedFd::from(theirs)), Input::Socket(ours))
            }
            Kind::Terminal => {
                let stderr = File::create(self.dir().join("stderr")).unwrap();
                (self.on_terminal().stderr(stderr), Input::Terminal)
            }
        }
    }
}

impl Input {
    pub(crate) fn write(&mut self, run: &mut Running, text: &str) {
        match self {
            Self::Pipe(writer) => writer.write_all(text.as_bytes()).unwrap(),
            Self::Socket(writer) => writer.write_all(text.as_bytes()).unwrap(),
            Self::Terminal => run.press(&text.replace('\n', "\r")),
        }
    }

    /// As a writer that goes away; a terminal is hung up.
    pub(crate) fn end(self, run: &mut Running) {
        match self {
            Self::Pipe(_) | Self::Socket(_) => {}
            Self::Terminal => run.hang_up(),
        }
    }

    /// No byte more, from a writer that still reads. The connection lives as long as this does.
    pub(crate) fn end_half(&self) {
        match self {
            Self::Socket(writer) => writer.shutdown(Shutdown::Write).unwrap(),
            Self::Pipe(_) | Self::Terminal => panic!("only sockets have two halves"),
        }
    }
}
