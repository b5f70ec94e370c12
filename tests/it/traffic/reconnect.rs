//! A client that reconnects at once after each recycle: idle recycles do not help then.

use crate::harness::{Client, Running};
use crate::idle::server;

const ADDRESS: &str = "127.0.0.1:7001";
const SPACED: &str = "idle recycles do not help: each generation only saw its client reconnect; \
                      next idle recycle not before 1s";

/// A client that is back as soon as somebody listens, and then says one thing.
struct Returning {
    message: String,
    /// One of each generation, kept open.
    connections: Vec<Client>,
}

impl Returning {
    fn new(message: &str) -> Self {
        Self { message: message.to_owned(), connections: Vec::new() }
    }

    /// Until so many generations have been told to end.
    fn stays_until(&mut self, run: &mut Running, recycles: usize) {
        run.wait_for(&format!("recycle {recycles}"), |run| {
            if run.entries("listening").len() > self.connections.len() {
                let mut client = Client::connect(ADDRESS).ok()?;
                client.try_exchange(&self.message).ok()?;
                self.connections.push(client);
            }
            (run.entries("got TERM").len() >= recycles).then_some(())
        });
    }
}

#[test]
fn idle_recycles_that_only_make_a_client_reconnect_are_spaced() {
    let mut run = server("--idle 500ms", &format!("listen:{ADDRESS}"));
    let mut client = Returning::new("hello");
    client.stays_until(&mut run, 4);
    let told = [1, 2, 3, 4].map(|generation| run.await_entry(generation, "got TERM").t_ms);
    // Each generation started after the one before it was told to end.
    assert!(told[2] - told[1] >= 1_000, "{told:?}");
    assert!(told[3] - told[2] >= 2_000, "{told:?}");
    let said = run.stderr().matches("idle recycles do not help").count();
    assert_eq!(said, 1, "{}", run.stderr());
    assert!(run.stderr().contains(&format!("generation 2: {SPACED}")), "{}", run.stderr());
}

/// The negative control: what the client says is more than a handshake and a first exchange.
#[test]
fn idle_recycles_of_generations_with_real_traffic_are_not_spaced() {
    let mut run = server("--idle 500ms", &format!("listen:{ADDRESS}"));
    let mut client = Returning::new(&"x".repeat(20_000));
    client.stays_until(&mut run, 4);
    assert!(!run.stderr().contains("do not help"), "{}", run.stderr());
}
