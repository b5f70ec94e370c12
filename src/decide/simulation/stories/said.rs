//! Stories about what is said: what was seen, what holds a recycle, and why it comes.

use super::*;
use crate::decide::event::Reason;
use crate::decide::notice::{Hold, LookedAtMemory};
use crate::decide::rules::Quiet;

#[test]
fn each_look_is_explained_with_what_was_seen_and_when_the_next_is() {
    let idle = Idle { after: Duration::from_secs(10), settle: Duration::ZERO };
    let limit = 3 << 30;
    let mut story = Story::running(Rules { idle: Some(idle), memory: max_rss(limit), ..plain() });
    let looked = |seen: Option<(u64, u64)>, quiet: Option<u64>, again_in: u64| {
        let memory = seen.map(|(rss, growth)| LookedAtMemory {
            memory: Memory { rss: Bytes(rss), settled: Bytes(rss), pss: None },
            limit: Bytes(limit),
            growth: Bytes(growth),
        });
        let [quiet, again_in] = [quiet, Some(again_in)].map(|it| it.map(Duration::from_millis));
        Notice::Looked { memory, quiet, again_in }
    };
    assert!(story.said.contains(&looked(Some((0, 0)), None, 20)), "{:?}", story.said);
    story.traffic = Some(15);
    story.wait(20);
    assert_eq!(story.said.last(), Some(&looked(None, Some(5), 980)), "memory is next");
    story.rss = 1 << 30;
    story.wait(1_000);
    assert_eq!(story.said.last(), Some(&looked(Some((1 << 30, 1 << 30)), None, 1_000)));
}

#[test]
fn what_holds_a_recycle_is_said_when_it_begins_and_when_it_changes() {
    let quiet = Some(Quiet { gap: Duration::from_secs(2), wait: Duration::from_secs(30) });
    let min_lifetime = Duration::from_secs(15);
    let mut story = Story::running(Rules { quiet, min_lifetime, ..lifetime(10) });
    for millis in (0..40_000).step_by(500) {
        story.traffic = Some(millis);
        story.wait(millis + 499);
        story.tell(millis + 499, moved(millis));
    }
    let holds = story.said.iter().filter(|notice| matches!(notice, Notice::Held(_)));
    let expected = [Hold::MinLifetime, Hold::Traffic].map(Notice::Held);
    assert!(holds.eq(expected.iter()), "{:?}", story.said);
}

/// Its line has PSS, and advises `--max-pss` where that is far less than RSS.
#[test]
fn a_memory_recycle_is_told_with_pss_though_the_counters_confirmed_it() {
    let mut story = Story::running(Rules { memory: max_rss(1 << 30), ..plain() });
    story.rss = 2 << 30;
    assert!(story.wait(10_000).is_some());
    let (used, limit) = (Bytes(2 << 30), Bytes(1 << 30));
    let reason = Reason::Rss { used, limit, pss: Some(used) };
    assert!(story.said.contains(&Notice::Stopping { generation: 1, reason }), "{:?}", story.said);
}
