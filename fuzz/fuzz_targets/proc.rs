//! Feeds `recycle::fuzzing::proc`.

#![cfg_attr(fuzzing, no_main)]

mod harness;

harness::target!(recycle::fuzzing::proc);
