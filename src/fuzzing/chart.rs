//! Logs to be drawn: any bytes are a log, also twice. Whatever it holds comes to a picture or to
//! one line that says why not, and the picture is whole.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::chart;

thread_local! {
    /// Nothing is written to a disk.
    static LOG: RefCell<File> = RefCell::new(memory());
}

fn memory() -> File {
    File::from(memfd_create("log", MFdFlags::MFD_CLOEXEC).unwrap())
}

/// Draws a log, once and twice.
pub fn log(text: &[u8]) {
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
