//! Feeds `recycle::fuzzing::netlink`.

#![cfg_attr(fuzzing, no_main)]

mod harness;

harness::target!(recycle::fuzzing::netlink);
