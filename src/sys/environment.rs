//! The environment as the kernel handed it over, which nobody here changes: nothing of it is
//! copied, and what is no variable is passed on like any other entry.

use std::ffi::{CStr, c_char};

/// One entry of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry(&'static CStr);

impl Entry {
    /// As `execve(2)` takes it.
    pub(crate) fn as_c_str(self) -> &'static CStr {
        self.0
    }

    /// What stands before the first `=`; without one, all of it (`environ(7)`).
    pub(crate) fn name(self) -> &'static [u8] {
        self.0.to_bytes().split(|byte| *byte == b'=').next().unwrap_or_default()
    }

    /// Whether its name is one of these.
    pub(crate) fn is_among(self, names: &[String]) -> bool {
        names.iter().any(|name| self.name() == name.as_bytes())
    }
}

/// All entries, in their order.
#[expect(unsafe_code, reason = "the C library has it behind a pointer")]
pub(crate) fn entries() -> impl Iterator<Item = Entry> {
    unsafe extern "C" {
        static environ: *const *const c_char;
    }
    // SAFETY: nobody in this program writes to it; it is null or ends with null.
    let mut next = unsafe { environ };
    std::iter::from_fn(move || {
        // SAFETY: as above; we stop at the end. What it points to are strings that lie there as
        // long as the program runs.
        unsafe {
            let entry = (!next.is_null() && !(*next).is_null()).then(|| CStr::from_ptr(*next))?;
            next = next.add(1);
            Some(Entry(entry))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_the_library_says() {
        let ours: Vec<_> = entries().map(|entry| entry.as_c_str().to_bytes().to_vec()).collect();
        let theirs = std::env::vars_os().map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            name.into_encoded_bytes()
        });
        assert_eq!(ours, theirs.collect::<Vec<_>>());
    }

    #[test]
    fn a_name_ends_at_the_first_equals_sign() {
        for (entry, name) in [(c"A=b=c", "A"), (c"A=", "A"), (c"A", "A"), (c"=A", ""), (c"", "")] {
            assert_eq!(Entry(entry).name(), name.as_bytes());
        }
        let among = |entry, names: [&str; 2]| Entry(entry).is_among(&names.map(str::to_owned));
        assert!(among(c"A=1", ["B", "A"]));
        assert!(!among(c"AA=1", ["B", "A"]));
    }
}
