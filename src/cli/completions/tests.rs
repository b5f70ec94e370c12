//! Writes what shells know of the command line, and holds it against what is committed. All that
//! they know of options is generated; what goes on behind them is in `completions/parts`.
//!
//! With `WRITE_COMPLETIONS=1` in the environment of `cargo test`, the files are written anew.
#![cfg(feature = "chart")]

use std::fs;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::{Shell, generate};

use crate::cli::{Args, parse};
use crate::decide::exit::Signal;
use crate::units::Bytes;

/// Options with a value of fixed words, and these.
const WORDS: [(&str, &[&str]); 5] = [
    ("stdin", &["inherit", "lines"]),
    ("then", &["restart", "exit", "command", "wait"]),
    ("signal-scope", &["child", "group"]),
    ("restart", &["never", "on-failure", "always"]),
    ("log-format", &["text", "json", "logfmt"]),
];
const TRAFFIC: [&str; 6] = ["stdin", "sockets", "tcp", "udp", "unix", "inbound"];
/// Their values are command lines for a shell.
const SCRIPTS: [&str; 2] = ["pre-stop", "on-event"];

/// All with a name, those that nobody can catch among them or not.
fn signals(uncaught: bool) -> Vec<String> {
    let all = (1..=31).filter_map(Signal::from_number);
    let wanted = |it: &Signal| uncaught || ![Signal::KILL, Signal::STOP, Signal::CHLD].contains(it);
    all.filter(wanted).map(|it| it.to_string().trim_start_matches("SIG").to_owned()).collect()
}

/// The command line as it is, with what completions want to know beside. It is not said where the
/// options are: the program would carry it.
fn command() -> Command {
    Args::command().mut_args(|arg| {
        let Some(option) = arg.get_long().map(str::to_owned) else {
            return arg.value_hint(ValueHint::CommandWithArguments).help(None::<&str>);
        };
        let words = WORDS.iter().find(|(name, _)| *name == option).map(|(_, words)| *words);
        match (option.as_str(), words) {
            (_, Some(words)) => arg.value_parser(PossibleValuesParser::new(words)),
            ("stop-signal", _) => {
                // Without its feature `string`, clap has words from the source only.
                let names = signals(true).into_iter().map(|name| &*name.leak());
                arg.value_parser(PossibleValuesParser::new(names))
            }
            (option, _) if SCRIPTS.contains(&option) => arg.value_hint(ValueHint::CommandString),
            _ if arg.get_action().takes_values() => arg.value_hint(ValueHint::Other),
            _ => arg,
        }
    })
}

fn with_value() -> String {
    let command = command();
    let options = command.get_arguments().filter(|arg| arg.get_action().takes_values());
    let names = options.filter_map(Arg::get_long).map(|name| format!("--{name}"));
    names.collect::<Vec<_>>().join(" ")
}

fn generated(shell: Shell) -> String {
    let mut text = Vec::new();
    generate(shell, &mut command(), "recycle", &mut text);
    String::from_utf8(text).unwrap()
}

/// The part that is written by hand, with the words that it wants.
fn part(shell: &str) -> String {
    let text = read(&format!("completions/parts/command.{shell}"));
    let text = text.replace("@WITH_VALUE@", &with_value());
    let text = text.replace("@TRAFFIC@", &TRAFFIC.join(" "));
    let text = text.replace("@CAUGHT@", &signals(false).join(" "));
    let text = text.replace("@SIGNALS@", &signals(true).join(" "));
    text.replace("@SIGNALS_LIST@", &signals(true).join(","))
}

/// Every place of it, of which there must be one.
fn swapped(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "clap_complete does not write {from:?} any more:\n{text}");
    text.replace(from, to)
}

fn bash() -> String {
    let text = generated(Shell::Bash);
    swapped(&text, "complete -F _recycle ", "complete -F _recycle_or_command ") + &part("bash")
}

fn zsh() -> String {
    let text = generated(Shell::Zsh);
    // Behind COMMAND, options are its own.
    let text = swapped(&text, " -C)", " -C -A '-*')");
    let text = swapped(&text, "'*::command:_cmdambivalent'", "'*::: :_recycle_command'");
    let text = swapped(&text, ":LIST:'", ":LIST:_recycle_traffic'");
    // A colon would end it, which clap_complete does not know of this place.
    let text = swapped(&text, ":FROM:TO:'", ":FROM\\:TO:_recycle_map_signal'");
    let text = swapped(&text, ":URL:'", ":URL:_recycle_metrics'");
    // The end calls what must be known before it.
    let end = "if [ \"$funcstack[1]\" = \"_recycle\" ]";
    swapped(&text, end, &format!("{}{end}", part("zsh")))
}

fn fish() -> String {
    let text = generated(Shell::Fish);
    // Behind COMMAND, options are its own.
    let own = "complete -c recycle -n __recycle_options ";
    swapped(&text, "complete -c recycle ", own) + &part("fish")
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn what_is_committed_is_what_the_command_line_is() {
    let files = [
        ("completions/recycle.bash", bash()),
        ("completions/_recycle", zsh()),
        ("completions/recycle.fish", fish()),
    ];
    for (name, text) in files {
        if std::env::var_os("WRITE_COMPLETIONS").is_some() {
            fs::write(path(name), &text).unwrap();
        }
        let same = read(name) == text;
        assert!(same, "{name} is old: WRITE_COMPLETIONS=1 cargo test completions writes it anew");
    }
}

#[test]
fn every_word_that_is_offered_is_taken() {
    let mut values = Vec::new();
    for (option, words) in WORDS {
        values.extend(words.iter().map(|word| format!("--{option}={word}")));
    }
    values.extend(TRAFFIC.map(|word| format!("--traffic={word}")));
    values.extend(signals(true).into_iter().map(|name| format!("--stop-signal={name}")));
    // TERM must stay a way to end: it has no other words.
    for name in signals(false) {
        values.push(format!("--map-signal={name}:USR1"));
        let words = if name == "TERM" { &[][..] } else { &["none", "recycle"] };
        values.extend(words.iter().map(|word| format!("--map-signal={name}:{word}")));
    }
    values.extend(["prom:x.prom", "statsd://h:1"].map(|url| format!("--metrics={url}")));
    for value in values {
        let words = ["recycle", "--idle=1h", value.as_str(), "true"].into_iter();
        let taken = parse(words.map(Into::into), || Some(Bytes(1 << 30)));
        assert!(taken.is_ok(), "{value}: {taken:?}");
    }
}
