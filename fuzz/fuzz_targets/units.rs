//! Feeds `recycle::fuzzing::units`.

#![cfg_attr(fuzzing, no_main)]

mod harness;

harness::target!(recycle::fuzzing::units);
