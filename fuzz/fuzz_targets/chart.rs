//! Logs to be drawn: any bytes are a log, also twice. Whatever it holds comes to a picture or to
//! one line that says why not, and the picture is whole.

#![cfg_attr(fuzzing, no_main)]

use std::cell::RefCell;
use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::path::PathBuf;

#[path = "../../src/chart/mod.rs"]
mod chart;
mod harness;
#[allow(dead_code, reason = "only what is drawn is fuzzed")]
#[path = "../../src/units.rs"]
mod units;

thread_local! {
    /// Nothing is written to a disk.
    static LOG: RefCell<File> = RefCell::new(memory());
}

fn memory() -> File {
    // SAFETY: the name is a C string.
    let fd = unsafe { libc::memfd_create(c"log".as_ptr(), libc::MFD_CLOEXEC) };
    assert!(fd >= 0);
    // SAFETY: the descriptor is new, and nobody else's.
    unsafe { File::from_raw_fd(fd) }
}

harness::target!(log);

fn log(text: &[u8]) {
    let path = LOG.with_borrow_mut(|file| {
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text)).unwrap();
        PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
    });
    let one = draw(std::slice::from_ref(&path));
    let two = draw(&[path.clone(), path]);
    assert_eq!(one, two, "what can be drawn can be drawn beside another one");
}

fn draw(files: &[PathBuf]) -> bool {
    match chart::draw(files) {
        Ok(chart) => {
            assert!(chart.svg.trim_end().ends_with("</svg>"), "the picture has no end");
            for forbidden in ["NaN", "inf"] {
                let drawn = chart.svg.split('"').skip(1).step_by(2);
                let numbers = drawn.filter(|text| text.starts_with(|c: char| c.is_ascii_digit()));
                let numbers = numbers.collect::<Vec<_>>().join(" ");
                assert!(!numbers.contains(forbidden), "a coordinate is {forbidden}");
            }
            assert!(chart.remarks.iter().all(|remark| !remark.contains('\n')));
            true
        }
        Err(error) => {
            assert!(!format!("{error:#}").contains('\n'));
            false
        }
    }
}
