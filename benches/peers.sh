#!/usr/bin/env bash
# Brings the programs that `recycle` is measured beside: Debian's and PyPI's, into target/tmp/peers.
# What is installed already is taken as it is. Packages are unpacked, not installed: nothing is
# started, it takes no root, and `rm -r` undoes it. What cannot be had is named, here and by
# `cargo bench`, and the rest is measured.
#
#     benches/peers.sh && cargo bench
set -euo pipefail
cd "$(dirname "$0")/.."

# A program that is measured, and Debian's package that has it.
needed=(
    catatonit:catatonit
    dumb-init:dumb-init
    monit:monit
    nginx:nginx-light
    ps:procps # memmon asks it
    runsv:runit
    s6-supervise:s6
    systemd-socket-activate:systemd
    timeout:coreutils
    tini-static:tini
    wrk:wrk
)
# The binary that is measured is the static one.
musl=x86_64-unknown-linux-musl

export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
peers=${CARGO_TARGET_DIR:-target}/tmp/peers
mkdir -p "$peers/archives/partial"
peers=$(cd "$peers" && pwd)
missing=()

# With what it needs and is not installed.
fetch() {
    apt-get install --yes -qq --download-only --no-install-recommends -o Debug::NoLocking=1 \
        -o APT::Sandbox::User=root -o Dir::Cache::archives="$peers/archives" "$1" \
        </dev/null >/dev/null 2>&1
}

for need in "${needed[@]}"; do
    program=${need%%:*} package=${need##*:}
    command -v "$program" >/dev/null && continue
    [[ -z $(find "$peers/usr" -name "$program" -type f 2>/dev/null) ]] || continue
    if ! fetch "$package"; then
        ((EUID != 0)) || apt-get update -qq </dev/null || true
        fetch "$package" || missing+=("$package")
    fi
done
for archive in "$peers"/archives/*.deb; do
    [[ -f $archive ]] || continue
    dpkg-deb --extract "$archive" "$peers"
    dpkg-deb --show --showformat '${Package} ${Version}\n' "$archive" >>"$peers/versions"
    rm "$archive"
done

if [[ ! -d $peers/python/superlance ]]; then
    python3 -m pip install --quiet --no-deps --target "$peers/python" \
        supervisor==4.3.0 superlance==2.0.0 || missing+=("supervisor and superlance")
fi
if command -v rustup >/dev/null && ! rustup target list --installed | grep -qx "$musl"; then
    rustup target add "$musl" || missing+=("$musl")
fi

((${#missing[@]} == 0)) || printf 'Cannot be had: %s\n' "${missing[@]}" >&2
