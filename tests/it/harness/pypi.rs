//! Python packages that Debian does not have, or only old: `.ci/test` installs them.

use std::path::Path;

/// A directory for `PYTHONPATH`: celery, gunicorn, pika, redis and websockets.
pub(crate) fn pypi() -> &'static Path {
    let place = Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/pypi"));
    assert!(place.exists(), "this test needs Python packages: run .ci/test --install-only");
    place
}
