//! `--traffic`: what is not asked for is ignored, and the same with another word is not.

use super::Door::{self, OtherTcp, Tcp, Udp, Unix};
use super::{WORLD, arm, assert_awake_while, assert_idle_in_spite_of, silent_udp, world};
use crate::harness::{
    Loss, Running, TRAFFIC_UNIX, UDP_IDLENESS, UNIX_IDLENESS, answer_lines, let_pass, listener,
    now_ms,
};
use crate::idle::{assert_goes_idle, server};
use std::time::Duration;

const NOTHING: &[Loss] = &[];
const UDP: &[Loss] = &[UDP_IDLENESS];
const UNIX: &[Loss] = &[UNIX_IDLENESS];
const BOTH: &[Loss] = &[UDP_IDLENESS, UNIX_IDLENESS];

/// `lost`: what cannot be had where sockets cannot be fetched.
fn world_of(words: &str, lost: &[Loss]) -> Running {
    lost.iter().copied().fold(world(&format!("--idle 1s --traffic {words}")), Running::losing)
}

/// Whether `--traffic unix` has nothing to watch, and says so.
fn cannot_watch_unix_alone() -> bool {
    server("--idle 1s --traffic unix", WORLD).losing(TRAFFIC_UNIX).cannot_start()
}

/// Goes idle although somebody keeps knocking at these doors.
fn assert_deaf(words: &str, armed_by: Door, noise: &[Door], lost: &[Loss]) {
    let mut run = world_of(words, lost);
    let armed_ms = arm(&run, armed_by);
    assert_idle_in_spite_of(&mut run, armed_ms, |run| {
        for door in noise {
            // It may be about to leave, and the next one may not be there yet.
            let _ = door.knock(run);
        }
    });
}

/// Stays awake as long as somebody knocks at this door, and is idle after that.
fn assert_hears(words: &str, door: Door, lost: &[Loss]) {
    let mut run = world_of(words, lost);
    assert_awake_while(&mut run, |run| door.knock(run).unwrap());
}

#[test]
fn tcp_is_not_udp_and_not_unix() {
    assert_deaf("tcp", Tcp, &[Udp, Unix], NOTHING);
}

#[test]
fn udp_is_not_tcp_and_not_unix() {
    assert_deaf("udp", Udp, &[Tcp, Unix], UDP);
}

#[test]
fn unix_is_not_tcp_and_not_udp() {
    if !cannot_watch_unix_alone() {
        assert_deaf("unix", Unix, &[Tcp, Udp], NOTHING);
    }
}

/// Nothing that counts ever happens, so it is never idle.
#[test]
fn what_does_not_count_does_not_arm() {
    for (words, door) in [("tcp", Unix), ("udp", Tcp), ("unix", Udp), ("tcp,!port:7001", Tcp)] {
        if words == "unix" && cannot_watch_unix_alone() {
            continue;
        }
        let run = world(&format!("--idle 300ms --traffic {words}"));
        arm(&run, door);
        let_pass(Duration::from_millis(1500));
        assert_eq!(run.entries("got TERM").len(), 0, "{words} was armed by {door:?}");
    }
}

#[test]
fn tcp_hears_tcp() {
    assert_hears("tcp", Tcp, NOTHING);
}

#[test]
fn udp_hears_udp() {
    assert_hears("udp", Udp, UDP);
}

#[test]
fn unix_hears_unix() {
    if !cannot_watch_unix_alone() {
        assert_hears("unix", Unix, NOTHING);
    }
}

#[test]
fn words_add_up() {
    assert_hears("tcp,udp,unix", Unix, BOTH);
    assert_deaf("tcp,udp", Udp, &[Unix], UDP);
}

#[test]
fn inbound_hears_tcp_that_comes_in() {
    assert_hears("inbound", Tcp, UNIX);
}

#[test]
fn inbound_hears_datagrams_that_come_in() {
    assert_hears("inbound", Udp, BOTH);
}

#[test]
fn inbound_hears_unix_connections_that_come_in() {
    assert_hears("inbound", Unix, UNIX);
}

/// A metrics scraper does not keep a server awake.
#[test]
fn another_port_is_ignored_where_it_is_said_so() {
    assert_deaf("sockets,!port:7002", Tcp, &[OtherTcp], UNIX);
    assert_deaf("sockets,!port:7003", Tcp, &[Udp], UNIX);
}

#[test]
fn every_other_port_is_heard() {
    assert_hears("sockets,!port:7002", Tcp, UNIX);
    assert_hears("sockets,!port:7002", Udp, BOTH);
}

#[test]
fn only_one_port_is_heard_where_it_is_said_so() {
    assert_deaf("sockets,port:7001", Tcp, &[OtherTcp, Udp], NOTHING);
}

#[test]
fn the_one_port_is_heard() {
    assert_hears("tcp,port:7002", OtherTcp, NOTHING);
    assert_hears("sockets,port:7003", Udp, UDP);
}

#[test]
fn without_a_filter_every_port_is_heard() {
    assert_hears("sockets", OtherTcp, UNIX);
}

/// The other end's port is a port, too.
#[test]
fn a_port_is_a_remote_port_as_well() {
    let address = answer_lines(listener());
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    let steps = format!("bg:short-connects:300ms@{address} listen:0");
    let mut run = server(&format!("--idle 1s --traffic tcp,!port:{port}"), &steps);
    let mut client = run.connect(1);
    let (_, armed_ms) = client.exchange("hello");
    assert_goes_idle(&mut run, armed_ms, 1000);
}

/// What COMMAND asks others goes on and on.
#[test]
fn inbound_ignores_connections_that_command_makes() {
    let address = answer_lines(listener());
    let steps = format!("bg:short-connects:300ms@{address} listen:0");
    let mut run = server("--idle 1s --traffic inbound", &steps);
    let mut client = run.connect(1);
    let (_, armed_ms) = client.exchange("hello");
    assert_goes_idle(&mut run, armed_ms, 1000);
}

/// The control: without the word they count, once somebody has come in.
#[test]
fn connections_that_command_makes_count_otherwise() {
    let address = answer_lines(listener());
    let steps = format!("bg:short-connects:300ms@{address} listen:0");
    let mut run = server("--idle 1s", &steps);
    let mut client = run.connect(1);
    client.exchange("hello");
    let_pass(Duration::from_millis(3500));
    assert_eq!(run.entries("got TERM").len(), 0, "recycled while it asked others");
    assert!(run.entries("answered").iter().any(|entry| entry.t_ms > now_ms() - 2000));
}

/// Nothing ever comes back.
#[test]
fn inbound_ignores_datagrams_that_command_sends() {
    let sink = silent_udp();
    let address = sink.local_addr().unwrap();
    let steps = format!("bg:udp-connect:300ms@{address} udp:0");
    let mut run = server("--idle 1s --traffic inbound", &steps).losing(UDP_IDLENESS);
    let address = run.address(1);
    let_pass(Duration::from_secs(1));
    let armed_ms = super::ask_udp(&address).unwrap();
    assert_goes_idle(&mut run, armed_ms, 1000);
}
