//! What is read by whom, until when.

use crate::explain::facts::Facts;
use crate::explain::tests::{explained, facts, part};
use crate::sys::files::Kind;

fn with(input: Kind) -> Facts {
    Facts { input, ..facts() }
}

#[test]
fn a_worker_in_a_pipeline_is_explained() {
    let text = "\
COMMAND is node: /usr/bin/node

A recycle comes when
- a generation is 1h old

Standard input
- recycle reads it, and hands it to COMMAND line by line.
- A line of more than 1M is passed on in pieces, and no recycle comes
  inside it.
- Nothing is read while COMMAND has not taken what there is.

How it goes
1. The line that is being handed over is finished, and COMMAND's input
   is closed. COMMAND has 30s to end by itself.
2. If it has not, COMMAND's own process gets SIGTERM, then SIGCONT.
3. When it has ended, what it left behind gets SIGTERM and SIGCONT.
4. Whatever is left 30s after that signal, or that end, gets SIGKILL.
5. As soon as the last process is gone, the next generation starts. It
   gets what this one had not read, from the start of a line.

When COMMAND ends by itself
- recycle ends as it did. What it left behind is left alone.
- Once standard input has ended and nothing of it is left, no recycle
  comes any more, and nothing is started again.
";
    let said = explained("--stdin lines --max-lifetime 1h node", &with(Kind::Pipe));
    assert!(said.starts_with(text), "{said}");
}

#[test]
fn other_inputs_than_pipes_say_what_they_are() {
    let line = "--stdin lines --max-line 4K node";
    for (input, words) in [
        (Kind::Terminal, "\n- It is a terminal: COMMAND gets a line when it is complete.\n"),
        (Kind::File, "\n- It is a file, and read once, from where it is.\n"),
        (Kind::Nothing, "\n- There is nothing to be read: COMMAND comes to its end at once.\n"),
    ] {
        let said = part("Standard input", line, &with(input));
        assert!(said.contains(words), "{said}");
        assert!(said.contains("more than 4K"), "{said}");
    }
    // Nothing is planned, and nothing is started again: its end changes nothing.
    assert!(!explained(line, &with(Kind::Pipe)).contains("Once standard input has ended"));
    let restarted = explained(&format!("--restart always {line}"), &with(Kind::File));
    assert!(restarted.contains("nothing of it is left"), "{restarted}");
    assert!(!restarted.contains("Each generation reads"), "{restarted}");
}

#[test]
fn a_server_behind_a_client_is_explained() {
    let line = "--idle 10m --then wait --eof-timeout 5s node";
    let text = "\
- When it has ended, and COMMAND has not 5s after that, COMMAND gets
  SIGTERM, and 30s later SIGKILL, and recycle ends as it did.";
    assert_eq!(part("Standard input", line, &with(Kind::Socket)), text);
    let next = "\
4. As soon as the last process is gone, nothing runs until input waits;
   then the next generation starts. If it ends instead, so does recycle.
";
    assert!(explained(line, &with(Kind::Socket)).contains(next));
    let at_once = format!("--stop-timeout 0s {line}");
    let said = part("Standard input", &at_once, &with(Kind::Pipe)).replace("\n  ", " ");
    assert!(said.contains("COMMAND gets SIGTERM and SIGKILL, and"), "{said}");
}

#[test]
fn an_input_that_cannot_wait_or_end_is_refused() {
    let first = |line: &str, input| {
        let text = explained(line, &with(input)).replace('\n', " ");
        text.contains("recycle would end with 125 and start nothing. --").then_some(text)
    };
    let wait = "--idle 10m --then wait node";
    let said = first(wait, Kind::File).unwrap();
    assert!(
        said.contains("--then wait: standard input is not a pipe, socket or terminal"),
        "{said}"
    );
    assert_eq!(first(wait, Kind::Pipe), None);
    let said = first("--eof-timeout 5s node", Kind::Nothing).unwrap();
    assert!(said.contains("--eof-timeout: standard input is not a pipe,"), "{said}");
    assert_eq!(first("--eof-timeout 5s node", Kind::Terminal), None);
    assert_eq!(first("--eof-timeout 5s --stdin lines node", Kind::Nothing), None);
    let said = first("--stdin lines node", Kind::Messages).unwrap();
    assert!(said.contains("--stdin lines: standard input is a socket of messages,"), "{said}");
    assert_eq!(first("--stdin lines node", Kind::Socket), None);
}

#[test]
fn without_time_to_drain_a_signal_follows_at_once() {
    let line = "--stdin lines --drain-timeout 0s --max-lifetime 1h node";
    let steps = "\
1. The line that is being handed over is finished, and COMMAND's input
   is closed.
2. COMMAND's own process gets SIGTERM, then SIGCONT.
";
    let said = part("How it goes", line, &with(Kind::Pipe));
    assert!(said.starts_with(steps), "{said}");
}
