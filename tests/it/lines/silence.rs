//! Generations that come and go while nothing is written.

use super::{assert_drained, assert_same, assert_whole, await_kept, fed, kept, run};
use crate::harness::{End, Running};

/// So many recycles from now.
fn await_recycles(run: &mut Running, number: usize) {
    let before = run.recycles().len();
    run.wait_for("recycles", |run| (run.recycles().len() >= before + number).then_some(()));
}

#[test]
fn no_line_is_invented_and_none_is_lost() {
    let (mut run, mut producer) = fed(run("--max-lifetime 10ms").fixture("append:out"));
    await_recycles(&mut run, 20);
    assert_same(&kept(&run), b"");
    // It belongs to nobody yet.
    producer.write(b"begun");
    await_recycles(&mut run, 10);
    assert_same(&kept(&run), b"");
    producer.write(b" and ended\nthe next\n\n");
    await_kept(&mut run, b"begun and ended\nthe next\n\n");
    producer.write(b"the last");
    await_recycles(&mut run, 10);
    assert_same(&kept(&run), b"begun and ended\nthe next\n\n");
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), b"begun and ended\nthe next\n\nthe last");
    assert_drained(&run);
}

#[test]
fn nothing_at_all_is_given_as_nothing() {
    let (mut run, producer) = fed(run("--max-lifetime 10ms").fixture("append:out"));
    await_recycles(&mut run, 5);
    drop(producer);
    assert_eq!(run.finish(), End::Code(0));
    assert_same(&kept(&run), b"");
    assert_whole(&run);
}
