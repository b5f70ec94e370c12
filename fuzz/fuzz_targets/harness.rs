//! A target is one body that is fed in two ways: by the fuzzer, with whatever it thinks of, and
//! without it, on stable Rust, with the seeds that are kept. What a seed once broke stays mended.

/// Makes a program of a body.
macro_rules! target {
    ($body:path) => {
        #[cfg(fuzzing)]
        ::libfuzzer_sys::fuzz_target!(|data: &[u8]| $body(data));

        #[cfg(not(fuzzing))]
        fn main() {
            crate::harness::replay(env!("CARGO_BIN_NAME"), $body);
        }
    };
}
pub(crate) use target;

/// Feeds a body with all that is kept for the target; the first one that breaks it is named.
#[cfg(not(fuzzing))]
pub(crate) fn replay(target: &str, body: fn(&[u8])) {
    /// Names the seed when its run is cut short.
    struct Fed(std::path::PathBuf);

    impl Drop for Fed {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("fed with {}", self.0.display());
            }
        }
    }

    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(&directory).expect("a target has seeds") {
        let fed = Fed(entry.expect("seeds can be listed").path());
        body(&std::fs::read(&fed.0).expect("seeds can be read"));
        seeds += 1;
    }
    assert!(seeds > 0, "no seed in {}", directory.display());
    println!("{target}: {seeds} seeds");
}
