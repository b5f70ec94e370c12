//! What bash, zsh and fish complete a command line to: the real shells, at a terminal where they
//! want one, with a key pressed.

use crate::harness::{Run, tool};

/// Types a line, presses Tab, and returns what the shell has to offer.
type Ask = fn(&str) -> Vec<String>;

const SHELLS: [(&str, Ask); 3] = [("bash", bash), ("zsh", zsh), ("fish", fish)];

/// Where a shell that was asked has written all of its answer.
const END: &str = "-- that is all --";

fn completions(name: &str) -> String {
    format!("{}/completions/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Bash's own line editor breaks the line into words. What it would show goes into a file.
fn bash(line: &str) -> Vec<String> {
    at_terminal(
        &["bash", "--noprofile", "--rcfile", "./shellrc", "-i"],
        &format!(
            "source /usr/share/bash-completion/bash_completion\n\
             source {}\n\
             around() {{ _recycle_or_command \"$@\"; \
                 printf '%s\\n' \"${{COMPREPLY[@]}}\" '{END}' >answer; }}\n\
             complete -F around -o nosort -o bashdefault -o default recycle\n\
             echo started\n",
            completions("recycle.bash")
        ),
        line,
    )
}

/// Zsh is asked by a widget of its own, which writes down what every `compadd` matches.
fn zsh(line: &str) -> Vec<String> {
    at_terminal(
        &["zsh", "-d", "-i"],
        &format!(
            "fpath=({} $fpath)\n\
             autoload -U compinit && compinit -u -D\n\
             compadd() {{ local -a found; builtin compadd -O found \"$@\"; \
                 print -rl -- $found >>answer; builtin compadd \"$@\" }}\n\
             ask() {{ _main_complete; compstate[insert]= compstate[list]=; \
                 print -r -- '{END}' >>answer }}\n\
             zle -C ask complete-word ask\n\
             bindkey '^I' ask\n\
             print started\n",
            completions("")
        ),
        line,
    )
}

fn at_terminal(shell: &[&str], start: &str, line: &str) -> Vec<String> {
    let run = Run::bare().on_terminal();
    tool(shell[0]);
    for name in ["shellrc", ".zshrc"] {
        std::fs::write(run.dir().join(name), start).unwrap();
    }
    std::fs::create_dir(run.dir().join("a-folder")).unwrap();
    let home = run.dir().to_owned();
    let run = run.env("HOME", &home).env("ZDOTDIR", &home).env("TERM", "vt100").env("PS1", "$ ");
    let mut run = run.command(shell).spawn();
    run.await_screen("started");
    // Typed ahead, it would be echoed; the shell takes it all the same.
    run.press(&format!("{line}\t"));
    let answer = home.join("answer");
    let words = run.wait_for("an answer", |_| {
        let text = std::fs::read_to_string(&answer).ok()?;
        let words = text.strip_suffix('\n')?.strip_suffix(END)?;
        Some(words.lines().filter(|it| !it.is_empty()).map(str::to_owned).collect())
    });
    run.signal(libc::SIGHUP);
    words
}

/// Fish says by itself what it would.
fn fish(line: &str) -> Vec<String> {
    tool("fish");
    let ask = format!("source {}; complete -C '{line}'", completions("recycle.fish"));
    let run = Run::bare();
    std::fs::create_dir(run.dir().join("a-folder")).unwrap();
    let home = run.dir().to_owned();
    let run = run.env("HOME", &home).env("XDG_CONFIG_HOME", &home).command(["fish", "-c", &ask]);
    let (_, run) = run.finish();
    assert_eq!(run.stderr(), "", "{line}");
    // A description follows.
    run.stdout().lines().map(|word| word.split('\t').next().unwrap().to_owned()).collect()
}

/// Asks each shell, and holds that all of these are among what it offers, and none of those. Zsh
/// writes a word of a list without what stands before it, and nothing behind; the others do.
fn assert_offers(line: &str, wanted: &[&str], unwanted: &[&str]) {
    for (shell, ask) in SHELLS {
        let words = ask(line);
        let has = |word: &&&str| {
            words
                .iter()
                .map(|it| it.trim_end_matches([' ', ':', '=']))
                .any(|it| it == **word || it.rsplit(',').next() == Some(word))
        };
        for word in wanted {
            assert!(has(&word), "{shell} does not offer {word:?} for {line:?}: {words:?}");
        }
        for word in unwanted {
            assert!(!has(&word), "{shell} offers {word:?} for {line:?}: {words:?}");
        }
    }
}

#[test]
fn options_are_offered_by_their_beginning() {
    assert_offers("recycle --max-", &["--max-rss", "--max-pss", "--max-lifetime"], &["--idle"]);
    assert_offers("recycle --idle 10m --log", &["--log-format"], &["--idle"]);
    assert_offers("recycle -v --map-signal USR1:recycle --expl", &["--explain"], &[]);
    // Its value is a word of one's own: no option, no file.
    assert_offers("recycle --max-rss ", &[], &["--max-rss", "a-folder", "ls"]);
}

#[test]
fn words_of_options_are_offered() {
    assert_offers(
        "recycle --then ",
        &["restart", "exit", "command", "wait"],
        &["a-folder", "--idle"],
    );
    assert_offers("recycle --stdin ", &["inherit", "lines"], &["a-folder"]);
    assert_offers("recycle --restart on", &["on-failure"], &["never"]);
    assert_offers("recycle --idle 5m --signal-scope ", &["child", "group"], &[]);
    assert_offers("recycle --log-format l", &["logfmt"], &["json"]);
    assert_offers("recycle --stop-signal USR", &["USR1", "USR2"], &["TERM"]);
    assert_offers("recycle --traffic ", &["stdin", "inbound"], &["a-folder"]);
    assert_offers("recycle --traffic stdin,t", &["tcp"], &["udp"]);
    assert_offers("recycle --map-signal USR", &["USR1", "USR2"], &["recycle"]);
    assert_offers("recycle --metrics p", &["prom"], &["statsd://"]);
}

#[test]
fn words_are_offered_behind_an_equals_sign_and_a_colon() {
    let ends = |words: Vec<String>, end: &str| words.iter().any(|it| it.ends_with(end));
    for (shell, ask) in SHELLS {
        for (line, end) in [
            ("recycle --then=e", "exit"),
            ("recycle --then=", "restart"),
            ("recycle --traffic=tcp,u", "udp"),
            ("recycle --map-signal USR1:re", "recycle"),
            ("recycle --map-signal=USR1:", "none"),
        ] {
            let words = ask(line);
            assert!(ends(words.clone(), end), "{shell}: {line}: {words:?}");
        }
    }
}

#[test]
fn commands_are_offered_where_one_begins() {
    for before in [
        "",
        "-- ",
        "--idle 10m -- ",
        "--then exit:75 --idle=10m ",
        "--metrics statsd://127.0.0.1:8125/app -- ",
    ] {
        assert_offers(&format!("recycle {before}setp"), &["setpriv"], &["--idle", "--settle"]);
    }
}

/// From its first word on, what is known of COMMAND is what matters.
#[test]
fn commands_complete_themselves() {
    for before in ["", "-- ", "--idle 10m -- ", "--metrics=statsd://127.0.0.1:8125/app -v "] {
        assert_offers(&format!("recycle {before}timeout --ki"), &["--kill-after"], &["--kill-rss"]);
        assert_offers(&format!("recycle {before}timeout --idl"), &[], &["--idle"]);
    }
    assert_offers("recycle -- recycle --max-", &["--max-rss"], &[]);
}

#[test]
fn files_are_offered_where_logs_are_drawn() {
    // Of bash's own, which looks for files when nothing else was found, it says nothing here.
    assert_offers("recycle --chart setp", &[], &["setpriv"]);
    for ask in [zsh as Ask, fish] {
        let words = ask("recycle --chart a-f");
        assert!(words.iter().any(|it| it.trim_end_matches('/') == "a-folder"), "{words:?}");
    }
}
