//! Where numbers go: the forms of `--metrics`.

use std::net::Ipv6Addr;
use std::path::Path;

use super::{Parsed, port};
use crate::report::metrics::{Kind, Server, Target};

/// `statsd://HOST:PORT[/PREFIX]` or `prom:FILE`.
pub(crate) fn target(text: &str) -> Parsed<Target> {
    let kind = match text.split_once(':') {
        Some(("prom", file)) => {
            let names_a_file = Path::new(file).file_name().is_some() && !file.ends_with('/');
            let path = names_a_file.then(|| file.into());
            Kind::File(path.ok_or("expected a file behind prom:")?)
        }
        _ => Kind::Statsd(server(text)?),
    };
    Ok(Target { text: text.to_owned(), kind })
}

fn server(text: &str) -> Parsed<Server> {
    let form = "expected statsd://HOST:PORT[/PREFIX] or prom:FILE";
    let rest = text.strip_prefix("statsd://").ok_or(form)?;
    let (address, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, number) = address.rsplit_once(':').ok_or(form)?;
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let names = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let host = match inside {
        Some(inside) if inside.parse::<Ipv6Addr>().is_ok() => inside,
        Some(_) => return Err("expected an IPv6 address in the brackets".into()),
        None if host.contains(':') => {
            return Err("an IPv6 address needs brackets: statsd://[::1]:8125".into());
        }
        None if !host.is_empty() && host.chars().all(|c| names(c) || c == '.') => host,
        None => return Err("expected a name or an address behind statsd://".into()),
    };
    let prefix = if prefix.is_empty() { "recycle" } else { prefix };
    let fits = |part: &str| !part.is_empty() && part.chars().all(names);
    if prefix.len() > 255 || !prefix.split('.').all(fits) {
        let allowed = "letters, digits, - and _, with dots between";
        return Err(format!("expected a prefix of at most 255 bytes: {allowed}"));
    }
    Ok(Server { host: host.to_owned(), port: port(number)?, prefix: prefix.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statsd(text: &str) -> Option<(String, u16, String)> {
        match target(text).ok()?.kind {
            Kind::Statsd(Server { host, port, prefix }) => Some((host, port, prefix)),
            Kind::File(_) => None,
        }
    }

    #[test]
    fn servers() {
        for (text, host, port, prefix) in [
            ("statsd://localhost:8125", "localhost", 8125, "recycle"),
            ("statsd://localhost:8125/", "localhost", 8125, "recycle"),
            ("statsd://10.0.0.1:1/a.b-c_d.0", "10.0.0.1", 1, "a.b-c_d.0"),
            ("statsd://[::1]:65535/x", "::1", 65535, "x"),
            ("statsd://a-b.c_d.example.:8125/x", "a-b.c_d.example.", 8125, "x"),
        ] {
            let expected = Some((host.to_owned(), port, prefix.to_owned()));
            assert_eq!(statsd(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_server_says_what_it_lacks() {
        for (text, lacks) in [
            ("", "statsd://HOST:PORT[/PREFIX] or prom:FILE"),
            ("localhost:8125", "statsd://HOST:PORT"),
            ("http://localhost:8125", "statsd://HOST:PORT"),
            ("statsd:localhost:8125", "statsd://HOST:PORT"),
            ("statsd://localhost", "statsd://HOST:PORT"),
            ("statsd://:8125", "a name or an address"),
            ("statsd://a b:8125", "a name or an address"),
            ("statsd://user@host:8125", "a name or an address"),
            ("statsd://h:", "a port from 1 to 65535"),
            ("statsd://h:0", "a port from 1 to 65535"),
            ("statsd://h:65536", "a port from 1 to 65535"),
            ("statsd://h:x/y", "a port from 1 to 65535"),
            ("statsd://::1:8125", "needs brackets"),
            ("statsd://[::1:8125", "needs brackets"),
            ("statsd://[127.0.0.1]:8125", "an IPv6 address in the brackets"),
            ("statsd://[]:8125", "an IPv6 address in the brackets"),
            ("statsd://h:1/a..b", "a prefix"),
            ("statsd://h:1/a/b", "a prefix"),
            ("statsd://h:1/a:b", "a prefix"),
            ("statsd://h:1/.", "a prefix"),
        ] {
            let error = target(text).unwrap_err();
            assert!(error.contains(lacks), "{text}: {error}");
        }
        let long = |length| format!("statsd://h:1/{}", "x".repeat(length));
        assert!(target(&long(255)).is_ok() && target(&long(256)).is_err());
    }

    #[test]
    fn files() {
        for file in ["/var/x.prom", "x.prom", "../x", "./a:b c"] {
            assert_eq!(target(&format!("prom:{file}")).unwrap().kind, Kind::File(file.into()));
        }
        for text in ["prom:", "prom:/", "prom:a/", "prom:..", "prom:a/..", "prom", "prom:."] {
            assert!(target(text).is_err(), "{text}");
        }
    }
}
