//! Memory by the page, straight from the kernel (`mmap(2)`): what was never touched costs nothing,
//! and what is not needed any more is given back.

use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// So many bytes, all zero at first.
#[derive(Debug)]
pub(crate) struct Area {
    start: NonNull<u8>,
    length: usize,
}

impl Area {
    /// # Errors
    /// `ENOMEM`: there is no room for it, or not allowed to be (`RLIMIT_AS`, `setrlimit(2)`).
    #[expect(unsafe_code, reason = "mmap")]
    pub(crate) fn new(length: usize) -> io::Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping, wherever the kernel likes, of no file.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), length, protection, flags, -1, 0) };
        match NonNull::new(start.cast()) {
            Some(start) if start.as_ptr() != libc::MAP_FAILED.cast() => Ok(Self { start, length }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Lets go of what lies behind the first `kept` bytes, a multiple of 64 KiB: it is zero again.
    #[expect(unsafe_code, reason = "madvise")]
    pub(crate) fn give_back(&mut self, kept: usize) {
        let Some(length) = self.length.checked_sub(kept) else { return };
        // SAFETY: the range is inside the mapping, and begins at a page: none is larger than
        // 64 KiB. That it may fail costs memory and nothing else.
        let _ = unsafe {
            libc::madvise(self.start.as_ptr().add(kept).cast(), length, libc::MADV_DONTNEED)
        };
    }
}

#[expect(unsafe_code, reason = "it is ours")]
impl Deref for Area {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the mapping has this length, is readable, and lives as long as we do.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

#[expect(unsafe_code, reason = "it is ours")]
impl DerefMut for Area {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: the same; it is writable, and nobody else has it.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Area {
    #[expect(unsafe_code, reason = "munmap")]
    fn drop(&mut self) {
        // SAFETY: nobody has a part of it any more.
        let _ = unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}
