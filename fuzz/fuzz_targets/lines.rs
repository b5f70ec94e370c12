//! The book of what was read from standard input and handed over line by line, between a writer and
//! generations that the fuzzer chooses: no line is lost, given twice, invented, or torn by a
//! recycle. What must hold is in the model.

#![cfg_attr(fuzzing, no_main)]

mod harness;

/// The program's, with the model, which is a part of its tests.
#[allow(dead_code, reason = "most of it is for others")]
#[path = "../../src/act/feed"]
mod feed {
    mod lines;
    #[path = "lines/model.rs"]
    pub(crate) mod model;
    use lines::Lines;
}

#[allow(dead_code, reason = "most of it is for others")]
#[path = "../../src/sys"]
mod sys {
    pub(crate) mod area;
}

harness::target!(feed::model::live_as_chosen);
