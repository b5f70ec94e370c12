//! The StatsD server of those who invented it, in the test's own network, and what it has counted.

use crate::harness::{Client, Run, Running, tool};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Where it listens; 1FBD in hexadecimal digits.
pub(super) const ADDRESS: &str = "127.0.0.1:8125";
const CONSOLE: &str = "127.0.0.1:8126";

/// It adds up for an hour before it begins anew.
const CONFIGURATION: &str = "{
    address: '127.0.0.1', port: 8125, mgmt_address: '127.0.0.1', mgmt_port: 8126,
    backends: [], flushInterval: 3600000, title: false
}";

pub(super) struct Receiver(Running);

pub(super) type Values = BTreeMap<String, f64>;

impl Receiver {
    pub(super) fn start() -> Self {
        let program = concat!(env!("CARGO_TARGET_TMPDIR"), "/statsd/node_modules/statsd/stats.js");
        let there = Path::new(program).exists();
        assert!(there, "this test needs statsd: run .ci/test --install-only");
        let run = Run::bare();
        fs::write(run.dir().join("statsd.js"), CONFIGURATION).unwrap();
        let node = tool("node");
        let mut run = run.command([node.to_str().unwrap(), program, "statsd.js"]).spawn();
        run.wait_for("the server", |_| {
            let sockets = fs::read_to_string("/proc/thread-self/net/udp").unwrap();
            (sockets.contains(":1FBD ") && Client::connect(CONSOLE).is_ok()).then_some(())
        });
        Self(run)
    }

    pub(super) fn gauges(&self) -> Values {
        ask("gauges")
    }

    pub(super) fn counters(&self) -> Values {
        ask("counters")
    }

    /// Waits until this has come of it.
    pub(super) fn await_counter(&mut self, name: &str, wanted: f64) {
        self.0.wait_for(&format!("{name} {wanted}"), |_| {
            (ask("counters").get(name) == Some(&wanted)).then_some(())
        });
    }

    pub(super) fn await_gauge(&mut self, name: &str, wanted: impl Fn(f64) -> bool) -> f64 {
        self.0.wait_for(name, |_| ask("gauges").get(name).copied().filter(|it| wanted(*it)))
    }
}

/// What its console says: an object of JavaScript, as node shows it.
fn ask(what: &str) -> Values {
    let mut client = Client::connect(CONSOLE).unwrap();
    client.send(what);
    let mut text = String::new();
    loop {
        match client.receive_line().as_str() {
            "END" => break,
            line => text.push_str(line),
        }
    }
    let pairs = text.split([',', '{', '}']).filter_map(|pair| pair.split_once(": "));
    pairs.map(|(name, value)| (trim(name), value.trim().parse().unwrap())).collect()
}

fn trim(name: &str) -> String {
    name.trim().trim_matches('\'').to_owned()
}
