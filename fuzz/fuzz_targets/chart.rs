//! Feeds `recycle::fuzzing::chart`.

#![cfg_attr(fuzzing, no_main)]

mod harness;

harness::target!(recycle::fuzzing::chart);
