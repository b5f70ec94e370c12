//! StatsD: a line for each number, in datagrams that nobody waits for. Whatever cannot be sent at
//! once is lost, as it is on its way.

use std::io::ErrorKind;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};

use super::number::{Number, Value};
use super::target::Server;
use crate::sys::datagrams;

/// What every network carries in one piece. A sample fits, unless names are long.
const LONGEST: usize = 512;

/// A server, found.
#[derive(Debug)]
pub(super) struct Statsd {
    /// Those of its name, the ones to try first first.
    addresses: Vec<SocketAddr>,
    /// `None`: no way there yet, or no more.
    socket: Option<UdpSocket>,
    /// What all names begin with, dot included.
    prefix: String,
    sent: u64,
}

impl Statsd {
    /// Asks the resolver, if it is not an address. Of IPv4 and IPv6 the former is tried first:
    /// most servers listen there by default, and a datagram that nobody takes is not missed.
    ///
    /// # Errors
    /// What the resolver says.
    pub(super) fn find(server: &Server, name: &str) -> Result<Self, String> {
        let found = (server.host.as_str(), server.port).to_socket_addrs();
        let found: Vec<_> = found.map_err(|error| reason(&error))?.collect();
        let older = found.iter().filter(|address| address.is_ipv4());
        let newer = found.iter().filter(|address| address.is_ipv6());
        let addresses = older.chain(newer).copied().collect();
        let prefix = format!("{}.{}.", server.prefix, harmless(name));
        Ok(Self { addresses, socket: None, prefix, sent: 0 })
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) fn send(&mut self, changes: &[(Number, Value)]) {
        for datagram in datagrams_of(&self.prefix, changes) {
            self.send_one(&datagram);
        }
    }

    /// Once more where there was something left to hear of earlier ones: that nobody took one
    /// (then this one has not been sent), or that the socket's own address is gone.
    fn send_one(&mut self, datagram: &str) {
        for _ in 0..2 {
            if self.socket.is_none() {
                let mut addresses = self.addresses.iter();
                self.socket = addresses.find_map(|address| datagrams::connect(*address).ok());
            }
            let Some(socket) = &self.socket else { return };
            match socket.send(datagram.as_bytes()).map_err(|error| error.kind()) {
                Ok(_) => {
                    self.sent += 1;
                    return;
                }
                Err(ErrorKind::WouldBlock) => return,
                Err(ErrorKind::ConnectionRefused) => {}
                Err(_) => self.socket = None,
            }
        }
    }
}

/// `recycle.worker.rss:61440000|g` and so on, a line each.
fn datagrams_of(prefix: &str, changes: &[(Number, Value)]) -> Vec<String> {
    let mut datagrams: Vec<String> = Vec::new();
    for (number, value) in changes {
        let (dot, detail) = match number {
            Number::Recycles(reason) => (".", *reason),
            _ => ("", ""),
        };
        let kind = if number.counts() { 'c' } else { 'g' };
        let line = format!("{prefix}{}{dot}{detail}:{value}|{kind}", number.key());
        match datagrams.last_mut() {
            Some(last) if last.len() + 1 + line.len() <= LONGEST => {
                last.push('\n');
                last.push_str(&line);
            }
            _ => datagrams.push(line),
        }
    }
    datagrams
}

/// Of all that a name may have, what every StatsD leaves as it is.
fn harmless(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    if name.is_empty() { "_".to_owned() } else { name }
}

/// Without what std puts before it.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_share_datagrams_as_long_as_they_fit() {
        let rss = (Number::Rss, Value::Count(u64::MAX));
        let recycles = (Number::Recycles("kill-rss"), Value::Count(1));
        let age = (Number::Age, Value::Span(std::time::Duration::from_micros(61_023_999)));
        let lines = "a.b.rss:18446744073709551615|g\na.b.recycles.kill-rss:1|c\na.b.age:61.023|g";
        assert_eq!(datagrams_of("a.b.", &[rss, recycles, age]), [lines]);
        let none: [String; 0] = [];
        assert_eq!(datagrams_of("a.b.", &[]), none);
        // A line of this is 26 bytes longer than its prefix.
        for (prefix, sizes) in [(60, vec![5 * 86 + 4, 2 * 86 + 1]), (600, vec![626; 7])] {
            let datagrams = datagrams_of(&"x".repeat(prefix), &[rss; 7]);
            let found: Vec<_> = datagrams.iter().map(String::len).collect();
            assert_eq!(found, sizes);
        }
    }

    #[test]
    fn names_keep_nothing_that_means_something() {
        for (name, harmless_name) in [
            ("worker", "worker"),
            ("web-1_a", "web-1_a"),
            ("web.1", "web_1"),
            ("a:1|c\nb@0.1#t é/", "a_1_c_b_0_1_t___"),
            ("", "_"),
        ] {
            assert_eq!(harmless(name), harmless_name);
        }
    }
}
