#!/bin/sh
# A leak, and its cure: the same leaking program twice, alone and under `recycle --max-rss 64M`, with
# the memory of both drawn over the same minute. Needs a Rust toolchain, and leaves a picture behind.
#
#     examples/leak-demo.sh [SECONDS]
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
echo "Building recycle and a program that leaks ..."
cargo build --quiet --bin recycle --example fixture --example leak-demo
exec "$target/debug/examples/leak-demo" "$target/leak-demo.svg" "$@"
