//! What is known of programs that are used a lot, in one table: `--explain` warns by it, and the
//! manual prints it. Pure.

use std::path::Path;

use super::Plan;
use crate::sense::program::Search;
use crate::units::Bytes;

/// A program, or a family of them that behave alike. What is `None` is not known, or as elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// As people call it.
    pub(super) title: &'static str,
    /// What its files are called, but for digits behind it: `python3.11`, `apache2`.
    names: &'static [&'static str],
    /// RSS of doing nothing but sleep, rounded down: Node 20.20, CPython 3.11, Ruby 3.1, OpenJDK
    /// 17, PHP 8.2 and Perl 5.36 on Debian 12, x86-64, 2 s after their start (`VmRSS`,
    /// `proc_pid_status(5)`).
    pub(super) bare: Option<Bytes>,
    /// What it does that makes processes which share their pages.
    pub(super) shares: Option<&'static str>,
    /// The signal for a graceful stop, where TERM is none.
    pub(super) stop: Option<Stop>,
    /// What makes it take all of `--stop-timeout`, and what helps.
    pub(super) held: Option<Held>,
    /// When it goes to the background, as far as its arguments tell.
    pub(super) leaves: Option<Leaves>,
    /// Whether it stays in front of the program that is meant, and may keep signals to itself.
    pub(super) in_front: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub(super) signal: &'static str,
    pub(super) on_term: &'static str,
    pub(super) on_signal: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) cause: &'static str,
    pub(super) remedy: &'static str,
}

/// Its process ends, and the server goes on without it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Leaves {
    /// With one of these arguments, or pairs of them.
    With(&'static [&'static str]),
    /// Without all of these.
    Without { arguments: &'static [&'static str], remedy: &'static str },
}

const MIB: u64 = 1 << 20;
const WORKERS: &str = "forks workers";

const fn program(title: &'static str, names: &'static [&'static str]) -> Known {
    Known {
        title,
        names,
        bare: None,
        shares: None,
        stop: None,
        held: None,
        leaves: None,
        in_front: false,
    }
}

const fn interpreter(title: &'static str, names: &'static [&'static str], mib: u64) -> Known {
    Known { bare: Some(Bytes(mib * MIB)), ..program(title, names) }
}

const fn forking(title: &'static str, names: &'static [&'static str]) -> Known {
    Known { shares: Some(WORKERS), ..program(title, names) }
}

/// The same, with a signal of its own for a graceful stop.
const fn server(title: &'static str, names: &'static [&'static str], stop: Stop) -> Known {
    Known { stop: Some(stop), ..forking(title, names) }
}

impl Known {
    /// The same, where these arguments send it to the background.
    const fn leaving(self, with: &'static [&'static str]) -> Self {
        Self { leaves: Some(Leaves::With(with)), ..self }
    }

    /// The same, where these keep it in the foreground.
    const fn staying(self, arguments: &'static [&'static str], remedy: &'static str) -> Self {
        Self { leaves: Some(Leaves::Without { arguments, remedy }), ..self }
    }
}

/// Most servers cut off by TERM what they would finish by another signal.
const fn finishes_on(signal: &'static str) -> Stop {
    Stop {
        signal,
        on_term: "cuts off the requests that it is answering",
        on_signal: "finishes them",
    }
}

pub(super) const TABLE: [Known; 28] = [
    server("Apache", &["apache", "httpd"], finishes_on("WINCH")).staying(
        &[
            "-DFOREGROUND",
            "-D FOREGROUND",
            "-DNO_DETACH",
            "-D NO_DETACH",
            "-DONE_PROCESS",
            "-D ONE_PROCESS",
            "-X",
        ],
        "-DFOREGROUND",
    ),
    forking("Celery", &["celery"]).leaving(&["multi start", "multi restart", "--detach", "-D"]),
    program("dnsmasq", &["dnsmasq"]).staying(
        &["-k", "--keep-in-foreground", "-d", "--no-daemon"],
        "-k (or keep-in-foreground in its configuration)",
    ),
    forking("Gunicorn", &["gunicorn"]).leaving(&["-D", "--daemon"]),
    Known { shares: None, ..server("HAProxy", &["haproxy"], finishes_on("USR1")) }.leaving(&["-D"]),
    interpreter("Java", &["java"], 36),
    Known { shares: None, ..server("lighttpd", &["lighttpd"], finishes_on("INT")) }
        .staying(&["-D"], "-D"),
    Known { in_front: true, ..program("make", &["make", "gmake", "just"]) },
    program("memcached", &["memcached"]).leaving(&["-d", "--daemon"]),
    program("MySQL", &["mysqld"]).leaving(&["--daemonize", "-D"]),
    server("nginx", &["nginx", "openresty"], finishes_on("QUIT"))
        .staying(&["daemon off"], "-g \"daemon off;\" (or that in its configuration)"),
    Known {
        held: Some(Held {
            cause: "clients go on asking over connections that they keep, server.close() waits",
            remedy: "After the signal, answer with Connection: close",
        }),
        ..interpreter("Node", &["node", "nodejs"], 39)
    },
    program("OpenSSH", &["sshd"]).staying(&["-D", "-d", "-i"], "-D"),
    Known {
        in_front: true,
        ..program("package managers", &["npm", "npx", "yarn", "yarnpkg", "pnpm", "pnpx", "uv"])
    },
    interpreter("Perl", &["perl"], 4),
    program("pg_ctl", &["pg_ctl"]).leaving(&["start", "restart"]),
    interpreter("PHP", &["php"], 17),
    server(
        "PHP-FPM",
        &["php-fpm"],
        Stop {
            on_signal: "finishes them, for as long as its process_control_timeout",
            ..finishes_on("QUIT")
        },
    )
    .staying(&["-F", "--nodaemonize"], "-F (or daemonize = no in its configuration)"),
    server(
        "PostgreSQL",
        &["postgres", "postmaster"],
        Stop {
            signal: "INT",
            on_term: "waits until its last client has left",
            on_signal: "ends their sessions",
        },
    ),
    forking("Puma", &["puma"]),
    interpreter("Python", &["python"], 8),
    Known {
        shares: Some("saves in the background (BGSAVE, BGREWRITEAOF)"),
        ..program("Redis", &["redis-server", "valkey-server", "keydb-server"])
    }
    .leaving(&["--daemonize yes"]),
    interpreter("Ruby", &["ruby"], 13),
    Known {
        in_front: true,
        ..program("shells", &["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish"])
    },
    program("Supervisor", &["supervisord"])
        .staying(&["-n", "--nodaemon"], "-n (or nodaemon=true in its configuration)"),
    server("Unicorn", &["unicorn", "unicorn_rails"], finishes_on("QUIT"))
        .leaving(&["-D", "--daemonize"]),
    server(
        "uWSGI",
        &["uwsgi"],
        Stop {
            signal: "QUIT",
            on_term: "starts its workers anew and stays, unless it has die-on-term",
            on_signal: "ends",
        },
    )
    .leaving(&["--daemonize", "--daemonize=", "-d"]),
    program("Varnish", &["varnishd"]).staying(&["-F", "-d"], "-F"),
];

impl Leaves {
    /// Whether it goes to the background with these arguments; of those that send it there, which
    /// one does. A configuration file may say otherwise.
    pub(super) fn with(self, arguments: &[String]) -> Option<&'static str> {
        match self {
            Self::With(all) => all.iter().find(|one| has(arguments, one)).copied(),
            Self::Without { arguments: all, remedy } => {
                let stays = all.iter().any(|one| has(arguments, one) || is_among(arguments, one));
                (!stays).then_some(remedy)
            }
        }
    }
}

/// Whether this is one of the arguments, or several of them in a row, or a part of one, as in
/// `daemon off; worker_processes 2;`. What ends in `=` takes a value.
fn has(arguments: &[String], words: &str) -> bool {
    let line: Vec<_> = arguments.iter().flat_map(|argument| argument.split_whitespace()).collect();
    let line = format!(" {} ", line.join(" ").replace(';', " ; "));
    let end = if words.ends_with('=') { "" } else { " " };
    line.contains(&format!(" {words}{end}"))
}

/// Whether this option of one letter stands behind one dash with others: `-nF`.
fn is_among(arguments: &[String], option: &str) -> bool {
    let Some(letter) = option.strip_prefix('-').filter(|rest| rest.len() == 1) else {
        return false;
    };
    let grouped = |argument: &&String| argument.starts_with('-') && !argument.starts_with("--");
    arguments.iter().filter(grouped).any(|argument| argument.contains(letter))
}

/// What is known of COMMAND, by its names as it was typed and as it was found: a script is also
/// what runs it. Each with the name that it is known by.
pub(super) fn of(plan: Plan<'_>) -> Vec<(String, Known)> {
    let typed = plan.config.command.first().and_then(|name| Path::new(name).file_name());
    let mut names: Vec<_> =
        typed.map(|name| name.to_string_lossy().into_owned()).into_iter().collect();
    if let Search::Found(found) = &plan.facts.program {
        names.extend(found.names());
    }
    let known = |name: &String| {
        let found =
            TABLE.iter().find(|known| known.names.iter().any(|known| is_called(name, known)));
        found.map(|known| (super::shown(name), *known))
    };
    let mut all: Vec<(String, Known)> = Vec::new();
    for (name, known) in names.iter().filter_map(known) {
        if all.iter().all(|(_, other)| other.title != known.title) {
            all.push((name, known));
        }
    }
    all
}

/// Programs are called `python3.11`, `php-fpm8.2`, `apache2`.
fn is_called(name: &str, known: &str) -> bool {
    let rest = name.strip_prefix(known);
    rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::exit::Signal;
    use std::fmt::Write;

    /// The table as the manual has it.
    fn roff() -> String {
        let mut text = String::new();
        for known in TABLE {
            let Known { title, names, bare, shares, stop, held, leaves, in_front } = known;
            writeln!(text, ".TP\n.BR \"{title}\" \" ({})\"", names.join(", ")).unwrap();
            if let Some(bare) = bare {
                writeln!(text, "Needs {bare} to do nothing.").unwrap();
            }
            if let Some(shares) = shares {
                let better = ".B --max-pss\ncounts what its processes share once.";
                writeln!(text, "If it {shares},\n{better}").unwrap();
            }
            if let Some(Stop { signal, on_term, on_signal }) = stop {
                let better = format!(".BR \"--stop-signal {signal}\" :\nit {on_signal}.");
                writeln!(text, "On TERM it {on_term};\n{better}").unwrap();
            }
            if let Some(Held { cause, remedy }) = held {
                let long = ".BR --stop-timeout .";
                writeln!(text, "If {cause} for\n{long}\n{remedy}.").unwrap();
            }
            match leaves {
                Some(Leaves::With(arguments)) => {
                    let arguments: Vec<_> =
                        arguments.iter().filter(|argument| !argument.ends_with('=')).collect();
                    let (last, others) = arguments.split_last().unwrap();
                    let others: Vec<_> =
                        others.iter().map(|argument| argument.to_string()).collect();
                    let or = if others.is_empty() { "" } else { " or " };
                    let all = format!("{}{or}{last}", others.join(", "));
                    writeln!(text, "Goes to the background with {all}.").unwrap();
                }
                Some(Leaves::Without { remedy, .. }) => {
                    writeln!(text, "Goes to the background unless it has {remedy}.").unwrap();
                }
                None => {}
            }
            if in_front {
                let better = ".B \"--signal-scope group\"\nreaches both.";
                writeln!(text, "May keep signals from the program that it starts;\n{better}")
                    .unwrap();
            }
        }
        text.replace('-', "\\-")
    }

    #[test]
    fn the_manual_prints_the_table() {
        let manual = include_str!("../../man/recycle-internals.7");
        let (_, section) = manual.split_once(".SS \"Well\\-known programs\"\n").unwrap();
        let section = section.split("\n.SS ").next().unwrap();
        let entries = section.find(".TP\n").map(|from| &section[from..]).unwrap();
        assert_eq!(format!("{}\n", entries.trim_end()), roff());
    }

    /// Each with a line that is not like it in one word.
    #[test]
    fn arguments_tell_what_goes_to_the_background() {
        let leaves = |line: &str| {
            let mut words = line.split(' ').map(|word| word.replace('~', " "));
            let name = words.next().unwrap();
            let known =
                TABLE.iter().find(|it| it.names.iter().any(|known| is_called(&name, known)));
            known.unwrap().leaves.unwrap().with(&words.collect::<Vec<_>>()).is_some()
        };
        for (line, other) in [
            ("redis-server --daemonize yes", "redis-server --daemonize no"),
            ("redis-server r.conf --port 1 --daemonize yes", "redis-server r.conf"),
            ("gunicorn -w 2 -D app", "gunicorn -w 2 app:D"),
            ("gunicorn --daemon app", "gunicorn --daemons app"),
            ("nginx", "nginx -g daemon~off;"),
            ("nginx -g daemon~on;", "nginx -g user~x;daemon~~off~;pid~x;"),
            ("apache2 -k start", "apache2 -k start -DFOREGROUND"),
            ("httpd -D NO", "httpd -D FOREGROUND"),
            ("apache2", "apache2 -X"),
            ("php-fpm8.2 -n", "php-fpm8.2 -nF"),
            ("php-fpm", "php-fpm --nodaemonize"),
            ("lighttpd -f x", "lighttpd -Df x"),
            ("haproxy -f x -D", "haproxy -f x -W"),
            ("memcached -d", "memcached -m 64"),
            ("mysqld --daemonize", "mysqld --daemonize=OFF"),
            ("uwsgi --daemonize=/log", "uwsgi --daemonized"),
            ("unicorn -D", "unicorn -c D"),
            ("celery -A app multi start w1", "celery -A app worker"),
            ("celery -A app worker --detach", "celery multi show w1"),
            ("pg_ctl -D data start", "pg_ctl -D data status"),
            ("sshd", "sshd -D"),
            ("dnsmasq", "dnsmasq --keep-in-foreground"),
            ("supervisord", "supervisord -n"),
            ("varnishd -a :80", "varnishd -a :80 -F"),
        ] {
            assert!(leaves(line), "{line}");
            assert!(!leaves(other), "{other}");
        }
    }

    #[test]
    fn the_table_is_in_order_and_names_signals() {
        for known in TABLE {
            assert!(!known.names.is_empty(), "{known:?}");
            if let Some(stop) = known.stop {
                assert_ne!(Signal::parse(stop.signal).unwrap(), Signal::TERM, "{known:?}");
            }
        }
        let names: Vec<_> = TABLE.iter().flat_map(|known| known.names).collect();
        let twice =
            names.iter().find(|name| names.iter().filter(|other| other == name).count() > 1);
        assert_eq!(twice, None);
        assert!(TABLE.is_sorted_by_key(|known| known.title.to_lowercase()));
    }

    #[test]
    fn versions_are_no_part_of_a_name() {
        for name in ["python", "python3", "python3.11", "python3."] {
            assert!(is_called(name, "python"), "{name}");
        }
        for name in ["pythonista", "ipython", "pytho", "python3-config", ""] {
            assert!(!is_called(name, "python"), "{name}");
        }
    }
}
