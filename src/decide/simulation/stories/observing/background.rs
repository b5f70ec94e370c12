//! What `--observe` tells of background traffic, and suggests for it.

use super::*;
use crate::notice::Advice;
use crate::traffic::Way;

/// A worker with a heartbeat of 8 bytes every 2 s on a connection of its own, and with jobs.
struct Worker {
    story: Story,
    payload: Payload,
}

impl Worker {
    fn new() -> Self {
        Self { story: Story::running(observing(plain())), payload: Payload::default() }
    }

    /// Lives until this second, with jobs of 2,000 bytes in each of these.
    fn lives(&mut self, seconds: std::ops::Range<u64>, jobs: &[u64]) {
        for second in seconds {
            let login = if second == 0 { 700 } else { 0 };
            let beat = if second.is_multiple_of(2) { 8 } else { 0 };
            let job = if jobs.contains(&second) { 2_000 } else { 0 };
            let millis = second * 1_000 + 50;
            self.moves(millis, login + beat + job);
            assert_eq!(self.story.wait(millis + 900), None);
        }
    }

    fn moves(&mut self, millis: u64, bytes: u64) {
        (self.payload.connections, self.payload.changes) = (1, 1);
        self.payload.outbound_burst = 0;
        if bytes > 0 {
            self.payload.add(Way::Outbound, bytes);
            self.payload.last = Some(at(millis));
            self.story.more.outbound = Some(at(millis));
        }
        self.story.more.payload = Some(self.payload);
    }

    fn ends(mut self, second: u64) -> Observed {
        self.story.ends(second * 1_000, Event::Exited(Exit::Status(0)))
    }
}

fn told(observed: &Observed) -> Option<(u64, u64)> {
    observed.background.map(|seen| (seen.inbound.0, seen.outbound.0))
}

#[test]
fn heartbeats_are_measured_and_a_floor_is_suggested() {
    let mut worker = Worker::new();
    // Gaps above the heartbeats: from 51 s on, when they are known.
    worker.lives(0..600, &[100, 130, 160, 480]);
    let observed = worker.ends(600);
    assert_eq!(told(&observed), Some((0, 40)));
    let gaps = observed.background.unwrap().gaps.unwrap();
    assert_eq!(gaps.longest.as_secs(), 319, "from the end of a job to the next");
    let all = observed.gaps.unwrap();
    assert!(all.longest <= Duration::from_secs(2), "each heartbeat ends one: {all:?}");
    let Advice { idle, floor, early_job, .. } = observed.advice.unwrap();
    let five_minutes = Duration::from_secs(300);
    assert_eq!(idle, Some(five_minutes), "without the background nothing stands out");
    assert_eq!(floor, Some((Bytes(3 << 10), five_minutes)));
    assert_eq!(early_job, None);
}

#[test]
fn a_job_soon_after_the_login_is_a_reason_not_to_settle() {
    for (job, told) in [(6, Some(Bytes(2_008))), (1, None), (12, None)] {
        let mut worker = Worker::new();
        worker.lives(0..600, &[job, 100, 130, 160, 480]);
        assert_eq!(worker.ends(600).advice.unwrap().early_job, told, "{job}");
    }
}

/// The negative controls.
#[test]
fn without_steady_traffic_there_is_no_background() {
    let mut worker = Worker::new();
    for second in 0..300 {
        let request = if second % 7 == 0 { 200 + second } else { 0 };
        worker.moves(second * 1_000 + 50, request);
        worker.story.wait(second * 1_000 + 950);
    }
    assert_eq!(told(&worker.ends(300)), None);
    // What could not be seen is not measured.
    let mut worker = Worker::new();
    worker.story.hides_all = true;
    worker.lives(0..100, &[]);
    assert_eq!(told(&worker.ends(100)), None);
}
