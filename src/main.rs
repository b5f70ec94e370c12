//! The `recycle` program: the library does everything.

use std::process::ExitCode;

/// musl's allocator maps and unmaps single pages: 40 system calls before the first `exec`.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    recycle::run()
}
