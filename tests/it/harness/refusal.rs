//! System calls that a filter in front of the kernel answers with an error (seccomp(2)), as old
//! kernels, gVisor and the profiles of containers do.

use super::{Running, let_pass};
use libc::{c_int, c_long, sock_filter};
use std::time::Duration;

/// Runs every test's program under such a filter: `pidfd_open:EPERM`.
const VARIABLE: &str = "TEST_REFUSES";

const CALLS: [(&str, c_long); 5] = [
    ("pidfd_open", libc::SYS_pidfd_open),
    ("pidfd_getfd", libc::SYS_pidfd_getfd),
    ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
    ("close_range", libc::SYS_close_range),
    ("pwritev2", libc::SYS_pwritev2),
];
const ERRORS: [(&str, c_int); 3] =
    [("ENOSYS", libc::ENOSYS), ("EPERM", libc::EPERM), ("EINVAL", libc::EINVAL)];

/// A call, and what it is answered with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) call: &'static str,
    pub(crate) error: &'static str,
    number: c_long,
    errno: c_int,
}

/// Something that `recycle` cannot do without a system call, and how it says so. A test that needs
/// it names it (`Running::losing`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    call: &'static str,
    message: &'static str,
}

/// Without this call no socket can be fetched from COMMAND.
const FETCH: &str = "pidfd_getfd";
/// COMMAND with a Unix socket is never idle.
pub(crate) const UNIX_IDLENESS: Loss =
    Loss { call: FETCH, message: "cannot see the traffic of Unix sockets (pidfd_getfd: " };
/// Datagrams do not start the idle timer.
pub(crate) const UDP_IDLENESS: Loss = Loss {
    call: FETCH,
    message: "cannot see the traffic of UDP sockets one by one (pidfd_getfd: ",
};
/// COMMAND with sockets of unknown kind is never idle.
pub(crate) const IDLENESS_WITHOUT_SOCK_DIAG: Loss = Loss {
    call: FETCH,
    message: "cannot see the traffic of sockets other than TCP, UDP and Unix (pidfd_getfd: ",
};
/// `--traffic unix` has nothing to watch: `recycle` does not start COMMAND.
pub(crate) const TRAFFIC_UNIX: Loss = Loss {
    call: FETCH,
    message: "recycle: --idle, --quiet: nothing to watch: the traffic of Unix sockets cannot be \
              seen here (pidfd_getfd: ",
};

impl Loss {
    /// Whether this refusal causes the loss.
    fn is_real(self, refusal: Option<Refusal>) -> bool {
        // `pidfd_getfd` needs what `pidfd_open` returns.
        refusal.is_some_and(|refusal| {
            refusal.call == self.call || (refusal.call == "pidfd_open" && self.call == FETCH)
        })
    }
}

impl Running {
    /// Names something that the test needs and that `recycle` cannot do where a call is refused.
    /// The test asserts then what `recycle` says and does instead: `is_never_idle`,
    /// `cannot_start`.
    pub(crate) fn losing(mut self, loss: Loss) -> Self {
        self.lost.extend(Some(loss).filter(|loss| loss.is_real(self.refusal)));
        self
    }

    /// Whether a loss that the test has named is real.
    pub(crate) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// Whether this line reports a loss that the test has named.
    pub(crate) fn reports_loss(&self, line: &str) -> bool {
        self.lost.iter().any(|loss| line.contains(loss.message))
    }

    /// If idleness is lost, asserts that `recycle` says so and does not recycle COMMAND after more
    /// than two windows of a second.
    pub(crate) fn is_never_idle(&mut self) -> bool {
        let lost = self.lost.clone();
        for loss in &lost {
            self.await_stderr(loss.message);
        }
        if !lost.is_empty() {
            let_pass(Duration::from_millis(2500));
            assert_eq!((self.recycles().len(), self.entries("got TERM").len()), (0, 0));
            assert!(self.lives(), "ended");
        }
        !lost.is_empty()
    }

    /// If what was to be watched is lost, asserts that `recycle` says so and starts nothing.
    pub(crate) fn cannot_start(&mut self) -> bool {
        let lost = self.lost.clone();
        for loss in &lost {
            assert_eq!(self.finish(), super::End::Code(125));
            let stderr = self.stderr();
            assert!(stderr.starts_with(loss.message), "{stderr}");
            assert_eq!(self.generations(), 0);
        }
        !lost.is_empty()
    }
}

/// Each call with each error.
pub(crate) fn refusals() -> impl Iterator<Item = Refusal> {
    CALLS.into_iter().flat_map(|(call, number)| {
        ERRORS.map(|(error, errno)| Refusal { call, error, number, errno })
    })
}

/// Runs these tests, by their names, in another process of this program, where every test's
/// `recycle` is refused that call. Fails if one of them does, or is not there.
#[expect(clippy::disallowed_methods, reason = "tests start programs")]
pub(crate) fn pass_under(refusal: Refusal, tests: &[&str]) {
    let mut these = std::process::Command::new(std::env::current_exe().unwrap());
    these.args(["--exact", "--test-threads=4"]).args(tests).env(VARIABLE, refusal.to_string());
    let output = these.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let passed = format!("test result: ok. {} passed;", tests.len());
    assert!(output.status.success() && said.contains(&passed), "{refusal}: {said}");
}

/// What the environment asks for.
pub(super) fn from_environment() -> Option<Refusal> {
    let given = std::env::var(VARIABLE).ok()?;
    let found = refusals().find(|refusal| refusal.to_string() == given);
    Some(found.unwrap_or_else(|| {
        let all: Vec<_> = refusals().map(|refusal| refusal.to_string()).collect();
        panic!("{VARIABLE} '{given}': expected one of {}", all.join(", "))
    }))
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}", self.call, self.error)
    }
}

impl Refusal {
    /// In this process and all that it starts, for good. Neither allocates nor takes locks.
    #[expect(unsafe_code, reason = "nix has no seccomp")]
    pub(super) fn begin(self) -> nix::Result<()> {
        let (number, errno) = (self.number.cast_unsigned(), self.errno.cast_unsigned());
        let step = |code: u32, jf, k| sock_filter { code: code as u16, jt: 0, jf, k };
        let filter = [
            // The first word that the kernel hands over is the number of the call.
            step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
            step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, number as u32),
            step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | errno),
            step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
        ];
        let program =
            libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
        // SAFETY: the program is read during the call, and points to the steps above. Root may do
        // this as it is; others must give up on set-user-ID programs first.
        unsafe {
            if libc::geteuid() != 0 {
                nix::errno::Errno::result(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
            }
            let mode = libc::SECCOMP_MODE_FILTER;
            nix::errno::Errno::result(libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program))?;
        }
        Ok(())
    }
}
