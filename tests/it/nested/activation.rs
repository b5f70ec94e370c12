//! Sockets that somebody else listens on: `systemd-socket-activate` starts `recycle`, whose COMMAND
//! is told that they are for it, in every generation.

use crate::harness::{Client, Run, Running, fixture_path, free_port, recycle_path, tool};

/// A server that is started by the first client, and its address.
fn activated(script: &str) -> (Running, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let run = Run::bare();
    // What the environment says of a process says it of the one that becomes `recycle`.
    // The number of a pidfd is nobody's, so nobody finds it to be its own.
    let shell = "export WATCHDOG_PID=$$ WATCHDOG_USEC=1000000 SYSTEMD_EXEC_PID=$$
                 export LISTEN_PIDFDID=18446744073709551615; exec \"$@\"";
    let activate = tool("systemd-socket-activate");
    let activate = [activate.to_str().unwrap(), "-l", &address, "--fdname=web"];
    let handed_on = ["FIXTURE_JOURNAL", "WATCHDOG_PID", "WATCHDOG_USEC", "SYSTEMD_EXEC_PID"];
    let handed_on = handed_on.into_iter().chain(["LISTEN_PIDFDID"]);
    let handed_on: Vec<_> = handed_on.map(|name| format!("-E{name}")).collect();
    let recycle = [recycle_path().to_str().unwrap(), "--map-signal", "USR1:recycle", "--"];
    let words = ["sh", "-c", shell, "sh"].into_iter().chain(activate);
    let words = words.chain(handed_on.iter().map(String::as_str));
    let words = words.chain(recycle).chain([fixture_path().to_str().unwrap()]);
    let mut run = run.command(words.chain(script.split(' '))).spawn();
    run.await_stderr("Listening on");
    (run, address)
}

#[test]
fn every_generation_serves_the_socket_and_nobody_is_refused() {
    let (mut run, address) = activated("watched inherited:1 ready forever");
    let mut client = Client::connect(&address).unwrap();
    for generation in 1..=4 {
        client.send("hello");
        assert_eq!(client.receive_line(), generation.to_string());
        run.await_entry(generation, "ready");
        // From here on this generation accepts nobody: the next client waits for the next one.
        client = Client::connect(&address).unwrap();
        run.recycle();
    }
    run.await_entry(5, "inherited 1 web");
    assert_eq!([run.entries("inherited 1 web").len(), run.entries("watched").len()], [5, 5]);
    assert!(run.entries("error").is_empty());
}

#[test]
fn a_crowd_that_comes_while_nobody_accepts_is_served_by_the_next_generation() {
    let (mut run, address) = activated("once:inherited:1 from:2:inherited:20 ready forever");
    let mut first = Client::connect(&address).unwrap();
    assert_eq!(first.exchange("hello").0, "1");
    run.await_entry(1, "ready");
    let mut crowd: Vec<_> = (0..20).map(|_| Client::connect(&address).unwrap()).collect();
    crowd.iter_mut().for_each(|client| client.send("hello"));
    run.recycle();
    for client in &mut crowd {
        assert_eq!(client.receive_line(), "2");
    }
}
