//! Feeds `recycle_decide::simulation::live_as_chosen`.

#![cfg_attr(fuzzing, no_main)]

mod harness;

harness::target!(recycle_decide::simulation::live_as_chosen);
