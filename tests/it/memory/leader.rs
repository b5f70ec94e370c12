//! A process whose first thread has ended (state Z) while others run: its memory counts.

use crate::harness::{End, Run, tool};

/// The first thread ends (exit(2), not exit_group(2)); another one holds this many MiB then.
const LEADERLESS: &str = "\
import ctypes, os, sys, threading, time
def hold():
    time.sleep(1)
    held = bytearray(b'x') * (int(sys.argv[1]) << 20)
    time.sleep(2)
    os._exit(5)
threading.Thread(target=hold).start()
ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)
";

fn leaderless(options: &str, mib: &str) -> Run {
    let python = tool("python3");
    Run::new(options).command([
        python.as_os_str(),
        "-c".as_ref(),
        LEADERLESS.as_ref(),
        mib.as_ref(),
    ])
}

#[test]
fn memory_counts_after_the_first_thread_has_ended() {
    for (options, line) in [
        ("--max-rss 60M", " recycled: rss "),
        ("--max-pss 60M", " recycled: pss "),
        ("--kill-rss 60M", " recycled: rss "),
    ] {
        leaderless(options, "100").spawn().await_stderr(line);
    }
}

/// The control.
#[test]
fn little_memory_after_the_first_thread_has_ended_is_left_alone() {
    let (end, run) = leaderless("--max-rss 60M", "1").finish();
    assert_eq!((end, run.stderr().as_str()), (End::Code(5), ""));
}
