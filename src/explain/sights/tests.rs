//! Where less can be seen than elsewhere.

use crate::explain::facts::Facts;
use crate::explain::tests::{facts, part};
use crate::sense::means::Means;

#[test]
fn where_less_can_be_seen_it_says_what_stands_in() {
    let forbidden = Err(libc::EPERM);
    let means = Means {
        pages: Err(libc::EACCES),
        deaths: forbidden,
        fetching: forbidden,
        others: false,
        ..facts().means
    };
    let blind = |means| Facts { means, ..facts() };
    let seen = |line, means| part("What is seen here, and how", line, &blind(means));
    let text = "\
- Memory: of each process (statm), and not page by page (smaps_rollup:
  Permission denied): --max-pss does nothing, --max-rss takes two looks.
- Standard input: nothing that has traffic.
- TCP: when each connection last moved a byte (sock_diag). Those that
  come and go cannot be seen (Operation not permitted): the counters of
  the whole network stand in.
- UDP: not one by one (pidfd_getfd: Operation not permitted): the
  counters of the whole network stand in.
- Unix: not at all (pidfd_getfd: Operation not permitted). While COMMAND
  has one that leads out of it, it is not taken to be idle; --traffic
  tcp,udp leaves them out.
- If COMMAND changes its user, all that moves in this network counts as
  its own.";
    assert_eq!(seen("--max-rss 1G --idle 1h node", means), text);
    let means = Means { connections: forbidden, counters: false, ..means };
    let text = "\
- TCP: not one by one (sock_diag: Operation not permitted): COMMAND is
  not taken to be idle.
- If COMMAND changes its user, all that moves in this network counts as
  its own.";
    assert_eq!(seen("--idle 1h --traffic tcp node", means), text);
    let text = "\
- Processes: none, /proc is not there or not ours. Only signals, ends
  and age count.";
    assert_eq!(seen("--idle 1h --max-rss 1G node", Means { processes: false, ..means }), text);
}
