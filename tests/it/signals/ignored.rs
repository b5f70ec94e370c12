//! Signals that were ignored when `recycle` was started (`nohup`, a script's `&`, `trap ''`): they
//! are passed on, COMMAND inherits that they are ignored, and they mean nothing more.

use super::{catchable, name};
use crate::harness::{End, Run, Running, free_port, http, recycle_path, send_signal, tool};
use crate::real_nginx::with_nginx;
use std::fs;
use std::path::PathBuf;

const SHIELDED: &[i32] = &[libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

#[test]
fn every_ignored_signal_arrives_where_it_is_handled() {
    let signals: Vec<_> = catchable().collect();
    let run = Run::new("").signals(&signals, &[]);
    let mut run = run.fixture("trap:all ready forever").spawn();
    run.await_entry(1, "ready");
    for signal in signals {
        run.signal(signal);
        run.await_entry(1, &format!("got {}", name(signal)));
    }
}

/// None of them is an end, and none holds a recycle.
#[test]
fn ignored_signals_mean_nothing_to_recycle() {
    for &signal in SHIELDED {
        let script = format!("trap:{} ready wait-file:go once:exit:3 forever", name(signal));
        let run = Run::new("--restart always").signals(SHIELDED, &[]);
        let mut run = run.fixture(&script).spawn();
        run.await_entry(1, "ready");
        run.signal(signal);
        run.await_entry(1, "got");
        run.touch("go");
        run.await_entry(2, "ready");
    }
}

/// Whoever names one wants it to be heard.
#[test]
fn an_ignored_signal_that_is_mapped_means_what_the_map_says() {
    let run = Run::new("--map-signal QUIT:recycle,INT:USR1").signals(SHIELDED, &[]);
    let mut run = run.fixture("trap:USR1 ready forever").spawn();
    run.await_entry(1, "ready");
    run.signal(libc::SIGQUIT);
    run.await_entry(2, "ready");
    run.signal(libc::SIGINT);
    run.await_entry(2, "got USR1");
}

/// Nothing before COMMAND, `tini` and `recycle`.
fn wrappers() -> [Vec<PathBuf>; 3] {
    let words = |program, option: &str| vec![program, option.into(), "--".into()];
    [vec![], words(tool("tini-static"), "-g"), words(recycle_path().to_owned(), "-q")]
}

/// A shell with this script, whose `"$@"` is the wrapper and COMMAND.
fn script(script: &str, wrapper: Vec<PathBuf>) -> Run {
    let shell = ["sh", "-c", script, "sh"].into_iter().map(PathBuf::from);
    Run::bare().through(shell.chain(wrapper))
}

const BACKGROUND: &str = r#""$@" & echo $! > pid.new; mv pid.new pid; wait $!"#;

#[test]
fn nginx_behind_a_scripts_ampersand_quits_on_quit() {
    for wrapper in wrappers() {
        let port = free_port();
        let mut run = with_nginx(script(BACKGROUND, wrapper), port, "").spawn();
        run.wait_for("nginx to listen", |_| http(port, "GET /", b"").ok());
        // The script writes it, beside nginx.
        let job = run.wait_for("its pid", |run| {
            fs::read_to_string(run.dir().join("pid")).ok()?.trim().parse().ok()
        });
        send_signal(job, libc::SIGQUIT);
        assert_eq!(run.finish(), End::Code(0));
    }
}

const HANDLERS: &str = "
import signal
def note(number, frame):
    print(signal.Signals(number).name, flush=True)
for name in ('SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'):
    print(name, signal.getsignal(getattr(signal, name)).name, flush=True)
    signal.signal(getattr(signal, name), note)
print('ready', flush=True)
while True:
    signal.pause()
";

#[test]
fn handlers_of_python_run_behind_a_trap_that_ignores() {
    let outputs = wrappers().map(|wrapper| {
        let run = script(r#"trap '' HUP INT QUIT TERM; exec "$@""#, wrapper);
        let python = tool("python3");
        let mut run = run.command([python.to_str().unwrap(), "-c", HANDLERS]).spawn();
        let await_line = |run: &mut Running, line: &str| {
            run.wait_for(line, |run| run.stdout().lines().any(|it| it == line).then_some(()));
        };
        await_line(&mut run, "ready");
        for signal in SHIELDED {
            run.signal(*signal);
            await_line(&mut run, &format!("SIG{}", name(*signal)));
        }
        run.stdout()
    });
    assert!(outputs[0].contains("SIGTERM SIG_IGN"), "{}", outputs[0]);
    assert_eq!([&outputs[1], &outputs[2]], [&outputs[0], &outputs[0]]);
}

/// Who does not handle them is protected from them.
#[test]
fn nohup_and_trap_protect_command() {
    let shields = [
        (r#"exec nohup "$@""#, libc::SIGHUP),
        (r#"trap '' INT; exec "$@""#, libc::SIGINT),
        (r#"trap '' TERM; exec "$@""#, libc::SIGTERM),
    ];
    for (shield, signal) in shields {
        for wrapper in wrappers() {
            let mut run = script(shield, wrapper).fixture("trap:USR1 ready forever").spawn();
            run.await_entries(1, "ready");
            run.signal(signal);
            run.signal(libc::SIGUSR1);
            run.await_entries(1, "got USR1");
        }
    }
}
