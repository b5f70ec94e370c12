//! Stories about what is said: what was seen, what holds a recycle, and why it comes.

use super::*;
use crate::awake::{Awake, Unarmed};
use crate::event::{Sight, Unseen};
use crate::notice::{Hold, LookedAtMemory, Quietness};
use crate::reason::Reason;
use crate::rules::Quiet;

#[test]
fn each_look_is_explained_with_what_was_seen_and_when_the_next_is() {
    let idle = Idle { after: Duration::from_secs(10), settle: Duration::ZERO };
    let limit = 3 << 30;
    let mut story = Story::running(Rules { idle: Some(idle), memory: max_rss(limit), ..plain() });
    let looked = |seen: Option<(u64, u64)>, quiet: Option<u64>, again_in: u64| {
        let memory = seen.map(|(rss, growth)| LookedAtMemory {
            memory: Memory {
                rss: Bytes(rss),
                settled: Bytes(rss),
                largest: Bytes(rss),
                pss: None,
                pss_at_most: None,
                pages_cost: None,
            },
            limit: Bytes(limit),
            growth: Bytes(growth),
        });
        let [quiet, again_in] = [quiet, Some(again_in)].map(|it| it.map(Duration::from_millis));
        let awake = Some(Awake::Traffic(None));
        let traffic = quiet.map(|quiet| Quietness { quiet, awake });
        Notice::Looked { memory, traffic, again_in }
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
fn samples_are_told_at_their_pace_and_while_a_stop_lasts() {
    let sample_every = Some(Duration::from_secs(10));
    let mut story = Story::running(Rules { sample_every, ..lifetime(25) });
    story.rss = 7;
    story.traffic = Some(20_000);
    assert!(story.core.looks_at_traffic());
    assert_eq!(story.wait(60_000), Some((25_000, stop())));
    assert!(!story.core.looks_at_traffic());
    story.rss = 8;
    assert_eq!(story.wait(60_000), Some((28_000, vec![KILL])));
    story.wait(30_100);
    let told = story.said.iter().filter_map(|notice| match notice {
        Notice::Sampled { generation: 1, sample } => {
            let millis = |span: Duration| span.as_millis();
            let rss = sample.memory.map(|memory| memory.rss.0);
            Some((millis(sample.age), rss, sample.quiet.map(millis)))
        }
        _ => None,
    });
    let told: Vec<_> = told.collect();
    let before =
        [(100, Some(7), Some(0)), (10_100, Some(7), Some(0)), (20_100, Some(7), Some(100))];
    assert_eq!(told[..3], before);
    assert_eq!(told[3..], [(30_100, Some(8), None)], "traffic is nobody's business any more");
}

#[test]
fn a_sample_that_nobody_took_in_time_is_not_made_up_for() {
    let sample_every = Some(Duration::from_secs(1));
    let mut story = Story::running(Rules { sample_every, ..plain() });
    story.tell(10_050, Event::Due);
    let samples = story.said.iter().filter(|notice| matches!(notice, Notice::Sampled { .. }));
    assert_eq!(samples.count(), 1);
    assert_eq!(story.core.deadline(), Some(at(11_050)));
}

/// A look at the pages takes 10 us for each MiB: 4 ms of every second may go into it.
#[test]
fn a_sample_has_pss_where_that_is_cheap() {
    let mib = 1 << 20;
    for (every, rss, paged) in [
        (1_000, 250 * mib, true),
        (1_000, 251 * mib, false),
        (100_000, 1024 * mib - 1, true),
        (100_000, 1024 * mib, false),
    ] {
        let sample_every = Some(Duration::from_millis(every));
        let mut story = Story::running(Rules { sample_every, ..plain() });
        story.rss = rss;
        story.wait(100 + every);
        let Some(Notice::Sampled { sample, .. }) = story.said.last() else { panic!() };
        let pss = sample.memory.and_then(|memory| memory.pss);
        assert_eq!(pss.is_some(), paged, "{every} {rss}");
    }
}

#[test]
fn a_recycle_that_is_held_for_long_is_told_once() {
    let min_lifetime = Duration::from_secs(3600);
    let rules = Rules { min_lifetime, memory: max_rss(100), ..plain() };
    let mut story = Story::running(rules);
    story.rss = 150;
    story.wait(299_000);
    let long = |notice: &&Notice| matches!(notice, Notice::HeldLong { .. });
    assert_eq!(story.said.iter().filter(long).count(), 0);
    story.wait(900_000);
    let told: Vec<_> = story.said.iter().filter(long).collect();
    let [Notice::HeldLong { hold: Hold::MinLifetime, held }] = told[..] else { panic!("{told:?}") };
    assert!((300..302).contains(&held.as_secs()), "{held:?}");
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

/// When and why it was said that the generation cannot go idle.
fn never_armed(story: &Story) -> Vec<(u64, Unarmed)> {
    let said = story.said.iter().filter_map(|notice| match notice {
        Notice::NeverArmed { generation: 1, age, why } => {
            Some((u64::try_from(age.as_millis()).unwrap(), *why))
        }
        _ => None,
    });
    said.collect()
}

/// Looks come at 5.12 s, and then each window.
#[test]
fn that_a_generation_cannot_go_idle_is_told_once_after_ten_windows() {
    let after = Duration::from_millis(5_120);
    let rules = || Rules { idle: Some(Idle { after, settle: Duration::ZERO }), ..plain() };
    let mut story = Story::running(rules());
    story.wait(51_199);
    assert_eq!(never_armed(&story), []);
    story.wait(200_000);
    assert_eq!(never_armed(&story), [(51_200, Unarmed::NothingMoved)]);
    // The controls: it was armed, nothing is planned any more, or nothing goes idle here.
    let mut story = Story::running(rules());
    story.traffic = Some(40_000);
    story.wait(44_000);
    story.traffic = Some(52_000);
    story.wait(52_000);
    assert_eq!(never_armed(&story), []);
    let mut story = Story::running(Rules { memory: max_rss(100), ..rules() });
    story.tell(1, Event::InputSpent);
    story.wait(200_000);
    assert_eq!(never_armed(&story), []);
    let sample_every = Some(Duration::from_secs(10));
    let mut story = Story::running(Rules { sample_every, ..plain() });
    story.wait(200_000);
    assert_eq!(never_armed(&story), []);
}

/// Another program's short connections, which may have been COMMAND's, at each look of these.
fn unclear(rules: Rules, traffic: Option<u64>, until: u64) -> (Story, usize) {
    let mut story = Story::running(rules);
    story.traffic = traffic;
    for millis in (500..=until).step_by(500) {
        let unsure = Some(at(millis));
        story.more = Traffic { unsure, unclear: true, strangers: true, ..Traffic::default() };
        story.wait(millis);
    }
    let strangers = Unseen { what: Sight::Strangers, errno: 0 };
    let said = story.said.iter().filter(|notice| **notice == Notice::CannotSee(strangers)).count();
    (story, said)
}

#[test]
fn connections_of_unknown_owners_are_told_where_they_delay_a_recycle() {
    let idle = Idle { after: Duration::from_secs(10), settle: Duration::ZERO };
    let idle = || Rules { idle: Some(idle), ..plain() };
    assert_eq!(unclear(idle(), Some(100), 20_000).1, 0, "not for a second window yet");
    assert!(unclear(idle(), Some(100), 21_000).1 > 0);
    assert_eq!(unclear(idle(), None, 60_000).1, 0, "it is not armed");
    let quiet = Some(Quiet { gap: Duration::from_secs(2), wait: Duration::from_secs(30) });
    let waits = || Rules { quiet, ..lifetime(10) };
    assert_eq!(unclear(waits(), Some(100), 9_500).1, 0, "nothing is due");
    assert!(unclear(waits(), Some(100), 15_000).1 > 0);
    // Samples look at traffic, too.
    let sample_every = Some(Duration::from_secs(1));
    let sampled = || Rules { sample_every, ..plain() };
    assert_eq!(unclear(sampled(), Some(100), 60_000).1, 0, "nothing goes idle here");
    let (mut story, before) = unclear(Rules { sample_every, ..idle() }, Some(100), 15_000);
    story.tell(15_000, Event::InputSpent);
    for millis in (15_500..=60_000).step_by(500) {
        story.more.unsure = Some(at(millis));
        story.wait(millis);
    }
    let said = story.said.iter().filter(|notice| matches!(notice, Notice::CannotSee(_))).count();
    assert_eq!((before, said), (0, 0), "nothing is planned any more");
}

/// Its line has PSS, and advises `--max-pss` where that is far less than RSS.
#[test]
fn a_memory_recycle_is_told_with_pss_though_the_counters_confirmed_it() {
    let mut story = Story::running(Rules { memory: max_rss(1 << 30), ..plain() });
    story.rss = 2 << 30;
    assert!(story.wait(10_000).is_some());
    let (used, limit) = (Bytes(2 << 30), Bytes(1 << 30));
    let reason = Reason::Rss { used, limit, pss: Some(used) };
    let due =
        |notice: &Notice| matches!(notice, Notice::Due { reason: told, .. } if *told == reason);
    assert!(story.said.iter().any(due), "{:?}", story.said);
}
