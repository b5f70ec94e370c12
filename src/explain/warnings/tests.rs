//! The boundaries of each warning, and the words for each floor.

use super::*;
use crate::explain::facts::Facts;
use crate::explain::tests::{self, LIMIT, explained, named, part};
use crate::sense::program::{Found, Search};
use crate::sys::files::Kind;

/// Only what was typed tells what COMMAND is.
fn facts() -> Facts {
    Facts { program: Search::Missing, ..tests::facts() }
}

/// The warnings, each on one line.
fn warnings(line: &str, facts: &Facts) -> Vec<String> {
    let text = explained(line, facts);
    let Some((_, warnings)) = text.split_once("\nWarnings\n- ") else { return Vec::new() };
    let items = warnings.split("\n- ");
    items.map(|item| item.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_stop_signal_that_is_ignored_here_is_warned_of() {
    let facts = Facts { ignored: vec![named("INT"), named("QUIT")], ..facts() };
    let said = "SIGINT is ignored here (nohup, or a script's &). Unless COMMAND handles it, each \
                stop takes 30s and ends by SIGKILL.";
    assert_eq!(warnings("--max-lifetime 1h --stop-signal INT app", &facts), [said]);
    assert_eq!(warnings("--max-lifetime 1h app", &facts), [""; 0]);
    assert_eq!(warnings("--stop-signal INT app", &facts), [""; 0], "there is no stop");
    for quiet in ["--kill-rss 1G", "--max-lifetime 1h --observe", "--max-rss 1G --stop-timeout 0s"]
    {
        let line = format!("{quiet} --stop-signal INT app");
        assert_eq!(warnings(&line, &facts), [""; 0], "{quiet}: nobody is asked");
    }
}

#[test]
fn notifications_need_access_and_are_not_to_tell_of_a_recycle() {
    let facts = |is_notified| Facts { is_notified, ..facts() };
    let warned = warnings("--max-lifetime 1h app", &facts(true));
    let [access, stopping] = &warned[..] else { panic!("{warned:?}") };
    assert!(access.ends_with("unless the unit has NotifyAccess=all."), "{access}");
    assert!(stopping.starts_with("If COMMAND sends STOPPING=1 "), "{stopping}");
    let warned = warnings("app", &facts(true));
    assert_eq!(warned, std::slice::from_ref(access), "there is no recycle");
    assert_eq!(warnings("--max-lifetime 1h app", &facts(false)), [""; 0]);
    // What the warning says helps.
    for remedy in [
        "env -u NOTIFY_SOCKET app",
        "/usr/bin/env -i A=b -uNOTIFY_SOCKET app",
        "env --unset NOTIFY_SOCKET app",
        "env A=b --unset=NOTIFY_SOCKET app",
        "env -C / - app",
        "env --ignore-environment app",
    ] {
        let line = format!("--max-lifetime 1h -- {remedy}");
        assert_eq!(warnings(&line, &facts(true)), [""; 0], "{remedy}");
    }
    for other in ["env app -u NOTIFY_SOCKET", "env -u OTHER app", "app -u NOTIFY_SOCKET", "env"] {
        let line = format!("--max-lifetime 1h -- {other}");
        assert_eq!(warnings(&line, &facts(true)).len(), 2, "{other}");
    }
}

/// Each with the last value that is warned of, and the first that is not.
#[test]
fn limits_near_a_bare_interpreter_are_warned_of() {
    let facts = |file: &str, interpreter: &str| {
        let interpreter = interpreter.split_whitespace().map(str::to_owned).collect();
        let program = Search::Found(Found { file: file.into(), interpreter });
        Facts { program, ..facts() }
    };
    for (file, interpreter, low, enough) in [
        ("/usr/bin/node", "", "77M", "78M"),
        ("/usr/bin/nodejs", "", "77M", "78M"),
        ("/usr/bin/python3.11", "", "15M", "16M"),
        ("/opt/bin/serve", "/usr/bin/python3 -u", "15M", "16M"),
        ("/opt/bin/npm", "/usr/bin/env node", "77M", "78M"),
        ("/usr/bin/ruby3.1", "", "25M", "26M"),
        ("/usr/bin/java", "", "71M", "72M"),
        ("/usr/bin/php8.2", "", "33M", "34M"),
        ("/usr/bin/perl", "", "7M", "8M"),
        ("/usr/bin/nodes", "", "2047K", "2M"),
    ] {
        let facts = facts(file, interpreter);
        // No other warning: this is about limits.
        let at_once = "--stop-timeout 0s --signal-scope group --";
        for option in ["--max-rss", "--max-pss", "--kill-rss"] {
            let warned = warnings(&format!("{option} {low} {at_once} ./x"), &facts);
            let [line] = &warned[..] else { panic!("{file} {low}: {warned:?}") };
            assert!(line.starts_with(&format!("{option} ")), "{line}");
            assert_eq!(
                warnings(&format!("{option} {enough} {at_once} ./x"), &facts),
                [""; 0],
                "{file}"
            );
        }
    }
    let line = "--max-rss 64M is less than twice what Node needs to do nothing (39M): restarts \
                will not help.";
    assert_eq!(
        warnings("--max-rss 64M --stop-timeout 0s node", &facts("/usr/bin/node", "")),
        [line]
    );
}

#[test]
fn limits_that_the_kernel_comes_before_are_warned_of() {
    let origin = "the limit in /sys/fs/cgroup/memory.max: the kernel may kill COMMAND first.";
    let near = format!("--kill-rss 1.8G is near 2G, {origin}");
    assert_eq!(warnings("--kill-rss 1844M app", &facts()), [near]);
    assert_eq!(warnings("--kill-rss 1843M app", &facts()), [""; 0]);
    let over = format!("--max-rss 2G is not below 2G, {origin}");
    assert_eq!(warnings("--max-rss 2G app", &facts()), [over]);
    assert_eq!(warnings("--max-rss 2047M app", &facts()), [""; 0]);
    let facts = Facts { limit: Some(Limit { bytes: LIMIT, file: None }), ..facts() };
    let warned = warnings("--max-pss 3G app", &facts);
    assert!(warned[0].contains("not below 2G, this machine's RAM: "), "{warned:?}");
}

#[test]
fn of_those_who_fork_workers_pss_tells_more() {
    let said = "--max-rss 1G counts a page once for each process that shares it. If gunicorn \
                forks workers, --max-pss tells more.";
    assert_eq!(warnings("--max-rss 1G gunicorn", &facts()), [said]);
    for quiet in ["--max-pss 1G gunicorn", "--max-pss 1G --kill-rss 1.5G gunicorn"] {
        assert_eq!(warnings(quiet, &facts()), [""; 0]);
    }
    assert_eq!(warnings("--kill-rss 1G php-fpm8.2 -F", &facts()).len(), 1);
    assert_eq!(warnings("--max-rss 1G app", &facts()), [""; 0]);
}

#[test]
fn a_fork_that_saves_data_shares_pages_too() {
    let said = "--max-rss 1G counts a page once for each process that shares it. If redis-server \
                saves in the background (BGSAVE, BGREWRITEAOF), --max-pss tells more.";
    assert_eq!(warnings("--max-rss 1G redis-server", &facts()), [said]);
    assert_eq!(warnings("--max-rss 1G /opt/bin/valkey-server", &facts()).len(), 1);
    assert_eq!(warnings("--max-pss 1G redis-server", &facts()), [""; 0]);
    assert_eq!(warnings("--max-rss 1G redis-cli", &facts()), [""; 0]);
}

/// Each with the signal that it is not warned of.
#[test]
fn servers_that_stop_gracefully_by_another_signal_are_warned_of() {
    for (name, signal, said) in [
        (
            "postgres",
            "INT",
            "waits until its last client has left. With --stop-signal INT it ends \
                             their sessions.",
        ),
        (
            "nginx -g daemon off;",
            "QUIT",
            "cuts off the requests that it is answering. With --stop-signal QUIT it \
                           finishes them.",
        ),
        (
            "apache2 -DFOREGROUND",
            "WINCH",
            "cuts off the requests that it is answering. With --stop-signal \
                              WINCH it finishes them.",
        ),
        (
            "php-fpm8.2 -F",
            "QUIT",
            "cuts off the requests that it is answering. With --stop-signal \
                                QUIT it finishes them, for as long as its process_control_timeout.",
        ),
        (
            "uwsgi",
            "QUIT",
            "starts its workers anew and stays, unless it has die-on-term. With \
                           --stop-signal QUIT it ends.",
        ),
    ] {
        let called = name.split(' ').next().unwrap();
        let line = format!("On SIGTERM {called} {said}");
        assert_eq!(warnings(&format!("--idle 1h {name}"), &facts()), [line], "{name}");
        for quiet in [
            format!("--idle 1h --stop-signal {signal} {name}"),
            format!("--idle 1h --observe {name}"),
            format!("--sample-every 1s {name}"),
        ] {
            assert_eq!(warnings(&quiet, &facts()), [""; 0], "{quiet}");
        }
    }
    assert_eq!(warnings("--idle 1h gunicorn", &facts()), [""; 0]);
}

#[test]
fn a_signal_that_is_not_for_a_graceful_stop_is_warned_of() {
    let said = "nginx does not stop gracefully on SIGINT: use --stop-signal QUIT.";
    assert_eq!(warnings("--idle 1h --stop-signal INT nginx -g daemon off;", &facts()), [said]);
    for (name, signal) in [
        ("nginx", "USR2"),
        ("nginx", "KILL"),
        ("apache2", "USR1"),
        ("postgres", "QUIT"),
        ("php-fpm8.2", "INT"),
        ("uwsgi", "HUP"),
    ] {
        let stays = match name {
            "nginx" => "nginx -g daemon off;",
            "apache2" => "apache2 -DFOREGROUND",
            "php-fpm8.2" => "php-fpm8.2 -F",
            _ => name,
        };
        let line = format!("--idle 1h --stop-signal {signal} {stays}");
        let warned = warnings(&line, &facts());
        let [warning] = &warned[..] else { panic!("{line}: {warned:?}") };
        let begin = format!("{name} does not stop gracefully on SIG{signal}: use --stop-signal ");
        assert!(warning.starts_with(&begin), "{warning}");
    }
    for quiet in [
        "--idle 1h --stop-signal INT uwsgi",
        "--idle 1h --stop-signal INT gunicorn",
        "--idle 1h --observe --stop-signal INT nginx -g daemon off;",
        "--kill-rss 1G --max-pss 900M --observe --stop-signal INT nginx -g daemon off;",
        "--stop-signal INT nginx -g daemon off;",
    ] {
        assert_eq!(warnings(quiet, &facts()), [""; 0], "{quiet}");
    }
}

#[test]
fn clients_that_hold_a_stop_are_warned_of() {
    let said = "If node's clients go on asking over connections that they keep, server.close() \
                waits: a stop takes 20s and ends by SIGKILL. After the signal, answer with \
                Connection: close.";
    for line in ["--max-lifetime 1h", "--max-rss 1G", "--max-pss 1G"] {
        assert_eq!(warnings(&format!("{line} --stop-timeout 20s node"), &facts()), [said]);
        assert_eq!(warnings(&format!("{line} app"), &facts()), [""; 0]);
        // A stop that waits for silence finds no such client.
        for quiet in ["--quiet 2s", "--observe", "--stop-timeout 0s", "--stop-signal KILL"] {
            assert_eq!(warnings(&format!("{line} {quiet} node"), &facts()), [""; 0], "{quiet}");
        }
    }
    assert_eq!(warnings("--idle 1h node", &facts()), [""; 0]);
    assert_eq!(warnings("--kill-rss 1G node", &facts()), [""; 0]);
}

#[test]
fn a_shell_or_a_package_manager_in_front_is_warned_of() {
    let said = |name| {
        format!(
            "{name} may keep signals from the program that it starts, unless it starts it by \
             exec: --signal-scope group reaches both."
        )
    };
    for name in ["sh", "bash", "npm", "make"] {
        assert_eq!(warnings(&format!("{name} start"), &facts()), [said(name)]);
        let group = format!("--signal-scope group {name} start");
        assert_eq!(warnings(&group, &facts()), [""; 0], "{name}");
    }
    let interpreter = vec!["/bin/sh".to_owned()];
    let program = Search::Found(Found { file: "/srv/start.sh".into(), interpreter });
    let script = Facts { program, ..facts() };
    assert_eq!(warnings("./start.sh", &script), [said("sh")]);
    let config =
        ["recycle", "--explain", "sh", "-c", "exec node app.js"].map(Into::into).into_iter();
    let request = crate::cli::parse(config, || Some(LIMIT)).unwrap();
    let crate::cli::Request::Explain(config, given) = request else { panic!("not explained") };
    let text = crate::explain::words(Plan { config: &config, given: &given, facts: &facts() });
    assert!(!text.contains("Warnings"), "{text}");
}

/// Each as it would not be watched, and in the foreground.
#[test]
fn a_program_that_goes_to_the_background_is_warned_of() {
    for (signal, leaves, stays, said) in [
        (
            "TERM",
            "redis-server --daemonize yes",
            "redis-server",
            "redis-server goes to the background with --daemonize yes, where recycle does not \
             watch it: run it in the foreground.",
        ),
        (
            "QUIT",
            "nginx",
            "nginx -g daemon off;",
            "nginx goes to the background, where recycle does not watch it, unless it has -g \
             \"daemon off;\" (or that in its configuration).",
        ),
        (
            "TERM",
            "gunicorn -D app:app",
            "gunicorn app:app",
            "gunicorn goes to the background with -D, where recycle does not watch it: run it in \
             the foreground.",
        ),
        (
            "WINCH",
            "/usr/sbin/apache2 -k start",
            "/usr/sbin/apache2 -D FOREGROUND",
            "apache2 goes to the background, where recycle does not watch it, unless it has \
             -DFOREGROUND.",
        ),
    ] {
        // No other warning: this one comes wherever something is to be watched or restarted.
        for options in ["--kill-rss 1G --max-pss 900M", "--restart always"] {
            let options = format!("{options} --stop-signal {signal}");
            assert_eq!(warnings(&format!("{options} {leaves}"), &facts()), [said]);
            assert_eq!(warnings(&format!("{options} {stays}"), &facts()), [""; 0]);
        }
        assert_eq!(warnings(leaves, &facts()), [""; 0], "nothing is watched");
    }
    let interpreter = vec!["/usr/bin/python3".to_owned()];
    let program = Search::Found(Found { file: "/srv/bin/gunicorn".into(), interpreter });
    let script = Facts { program, ..facts() };
    assert_eq!(warnings("--restart always gunicorn --daemon", &script).len(), 1);
}

#[test]
fn an_idle_time_within_a_heartbeat_is_warned_of() {
    let said = "--idle 30s is no longer than the usual silence on connections in use: HTTP \
                keep-alive (5 to 75s), WebSocket pings (20 to 30s), AMQP heartbeats (30s). Who is \
                connected and waits is cut off then.";
    assert_eq!(warnings("--idle 30s node", &facts()), [said]);
    let inbound = warnings("--idle 30s --traffic inbound node", &facts());
    assert!(!inbound[0].contains("AMQP"), "{inbound:?}");
    for quiet in [
        "--idle 31s node",
        "--idle 5s --traffic stdin,udp,unix node",
        "--idle 5s --idle-floor 1K node",
        "--max-rss 1G --quiet 2s node",
    ] {
        assert_eq!(warnings(quiet, &facts()), [""; 0], "{quiet}");
    }
}

#[test]
fn as_pid_1_a_stop_that_no_platform_waits_for_is_warned_of() {
    let facts = |is_pid_1| Facts { is_pid_1, ..facts() };
    let warned = |timeout| warnings(&format!("--stop-timeout {timeout} node"), &facts(true));
    let docker = "--stop-timeout 11s is more than a COMMAND gets when the container is stopped: \
                  by default docker stop waits 10s.";
    assert_eq!(warned("11s"), [docker]);
    assert_eq!(warned("10s"), [""; 0]);
    assert!(warned("30s")[0].ends_with("waits 10s."), "{:?}", warned("30s"));
    assert!(warned("31s")[0].ends_with("waits 10s, Kubernetes and Heroku 30s."));
    assert_eq!(warnings("--stop-timeout 1h node", &facts(false)), [""; 0]);
    assert_eq!(warnings("node", &facts(true)), [""; 0], "nobody asked for the default");
}

#[test]
fn each_kind_of_floor_is_explained() {
    for (floor, words) in [
        ("64B", "no more than 64B of TCP payload and nothing else for 5m"),
        (
            "64B/conn",
            "no more than 64B of TCP payload for each open connection and nothing else for 5m",
        ),
        (
            "auto",
            "no more TCP payload than twice the background traffic, once that is learned, and \
             nothing else for 5m",
        ),
    ] {
        let line = format!("--idle 5m --idle-floor {floor} node");
        let part = part("A recycle comes when", &line, &facts());
        assert!(part.replace("\n ", "").contains(words), "{part}");
    }
}

#[test]
fn a_server_that_sleeps_refuses_its_clients() {
    let facts = Facts { input: Kind::Pipe, ..facts() };
    let refused = "they are refused while it is asleep.";
    let said = |line| explained(line, &facts).replace('\n', " ").replace("  ", " ");
    assert!(said("--idle 10m --then wait node").contains("if COMMAND serves clients on sockets"));
    assert!(!said("--idle 10m --then exit node").contains(refused));
}
