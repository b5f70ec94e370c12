//! The memory of this program itself.

use std::ffi::{c_int, c_void};

/// A smaller page would be given back in part, which the kernel refuses; there are none.
const PAGE: u64 = 4096;

/// Gives back the pages of program text and constants that the start has touched: parsing a command
/// line takes more of them than all that follows. They are clean copies of the file; what is needed
/// again is mapped again from the page cache, a microsecond for 64 KiB (`madvise(2)`,
/// `MADV_DONTNEED`).
#[expect(unsafe_code, reason = "nix has no dl_iterate_phdr")]
pub(crate) fn give_back_text() {
    // SAFETY: the callback has the type that is asked for, and keeps nothing.
    unsafe { libc::dl_iterate_phdr(Some(give_back), std::ptr::null_mut()) };
}

/// For the program itself, which comes first (`dl_iterate_phdr(3)`), and no library.
///
/// # Safety
/// `info` is one that the C library hands out.
#[expect(unsafe_code, reason = "program headers are pointers")]
unsafe extern "C" fn give_back(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    _data: *mut c_void,
) -> c_int {
    // SAFETY: the C library hands out a valid structure with so many headers.
    let (base, headers) = unsafe {
        let info = &*info;
        let headers = std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum));
        (info.dlpi_addr, headers)
    };
    for header in headers {
        let loads = header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0;
        if !loads {
            continue;
        }
        let start = (base + header.p_vaddr) / PAGE * PAGE;
        let length = base + header.p_vaddr + header.p_memsz - start;
        // SAFETY: nobody can have written to these pages, so what is mapped again is the same.
        unsafe { libc::madvise(start as *mut c_void, length as usize, libc::MADV_DONTNEED) };
    }
    // No library.
    1
}
