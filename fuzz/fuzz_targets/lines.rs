//! Feeds `recycle::fuzzing::lines`.

#![cfg_attr(fuzzing, no_main)]

mod harness;

harness::target!(recycle::fuzzing::lines);
