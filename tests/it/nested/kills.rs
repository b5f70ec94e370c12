//! Somebody kills a `recycle` in the midst of others: its own COMMAND ends with it, and what else
//! it had goes to the next `recycle` up.

use super::{App, POLITE, Wrapped, app, end_of};
use crate::harness::{End, Running, lives, look_up, send_signal};

/// Kills this `recycle`; its COMMAND is gone after that, and all others live.
fn kill(run: &mut Running, app: &App, victim: Wrapped) {
    send_signal(victim.recycle, libc::SIGKILL);
    run.await_gone(victim.recycle);
    run.await_gone(victim.command);
    for wrapped in app.all() {
        for pid in [wrapped.recycle, wrapped.command] {
            let gone = [victim.recycle, victim.command].contains(&pid);
            assert!(gone || lives(pid), "{pid} is gone");
        }
    }
}

#[test]
fn killed_a_programs_recycle_takes_the_program_along() {
    for which in [0, 4] {
        let mut run = app("", POLITE).spawn();
        let app = App::await_ready(&mut run);
        let victim = app.programs[which];
        kill(&mut run, &app, victim);
        run.await_reaped(victim.command);
        run.wait_for("a supervisor to see it", |run| {
            (!run.entries("ended").is_empty()).then_some(())
        });
        assert_eq!(end_of(&run, victim.recycle).2, "KILL");
        run.signal(libc::SIGTERM);
        assert_eq!(run.finish(), End::Code(0));
    }
}

#[test]
fn killed_a_supervisors_recycle_takes_the_supervisor_along_and_leaves_the_rest_to_the_next() {
    let mut run = app("", POLITE).spawn();
    let app = App::await_ready(&mut run);
    kill(&mut run, &app, app.inner);
    run.await_reaped(app.inner.command);
    for program in &app.programs[2..] {
        let heir = run.wait_for("a parent", |_| {
            look_up(program.recycle).map(|it| it.parent).filter(|&it| it != app.inner.command)
        });
        assert_eq!(heir, run.pid());
    }
    // It is reaped there, too.
    let orphan = app.programs[2];
    send_signal(orphan.recycle, libc::SIGTERM);
    run.await_reaped(orphan.recycle);
    // ... and gets its TERM when all ends.
    run.signal(libc::SIGTERM);
    assert_eq!(run.finish(), End::Code(0));
    for program in &app.programs {
        run.await_gone(program.recycle);
        run.await_gone(program.command);
    }
}

#[test]
fn killed_the_outermost_takes_its_own_command_along() {
    let mut run = app("", POLITE).spawn();
    let app = App::await_ready(&mut run);
    run.signal(libc::SIGKILL);
    assert_eq!(run.finish(), End::Signal(libc::SIGKILL));
    run.await_gone(app.outer.command);
    // Nobody has told the others anything.
    for wrapped in &app.all()[1..] {
        assert!(lives(wrapped.recycle) && lives(wrapped.command));
    }
}

#[test]
fn what_a_killed_one_leaves_is_reaped_by_the_next() {
    for (which, heir) in [(0, None), (3, Some(()))] {
        let script = format!("orphan:1:mark:orphan,forever {POLITE}");
        let mut run = app("", &script).spawn();
        run.await_entries(5, "mark:orphan");
        let app = App::await_ready(&mut run);
        let victim = app.programs[which];
        let orphans = run.entries("mark:orphan");
        let mut orphans = orphans.iter().map(|entry| entry.pid);
        let parent = |pid| look_up(pid).map(|it| it.parent);
        let orphan = orphans.find(|&pid| parent(pid) == Some(victim.recycle)).unwrap();
        kill(&mut run, &app, victim);
        let next = heir.map_or(run.pid(), |()| app.inner.recycle);
        run.wait_for("the next one up", |_| (parent(orphan) == Some(next)).then_some(()));
        send_signal(orphan, libc::SIGKILL);
        run.await_reaped(orphan);
    }
}
