#!/usr/bin/env bash
# Makes what is handed out, for x86_64: the static binary with its manual and completions as a tarball,
# the same as a Debian package, and their checksums. The same commit gives the same bytes, whoever
# builds it and where, with the same Rust: times are the commit's, and no path gets in.
#
#     scripts/release.sh    # into target/release-artefacts, whose path is its last line
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C
# Files have the modes that are written here.
umask 022

cargo_deb=3.8.0
musl=x86_64-unknown-linux-musl
target=$(cargo metadata --locked --no-deps --format-version 1 |
    sed -E 's/.*"target_directory":"([^"]*)".*/\1/')
version=$(sed -nE '0,/^version/s/^version = "(.*)"$/\1/p' Cargo.toml)
if [[ -z "${SOURCE_DATE_EPOCH-}" ]]; then
    # Apart from `export`, which would hide that there is no commit to ask.
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
    if [[ -n $(git status --porcelain) ]]; then
        echo "This is not what was committed: the time of the last commit is not its own." >&2
    fi
fi
export SOURCE_DATE_EPOCH
# The same commit gives the same bytes only with the same flags.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS

if [[ "$(cargo deb --version 2>/dev/null)" != "$cargo_deb" ]]; then
    cargo install --locked --quiet "cargo-deb@$cargo_deb"
fi

# The first paths are for cargo's own build, which would be done again when flags change.
built=$target/release-build
sources=${CARGO_HOME:-$HOME/.cargo}/registry/src
remapped="target.$musl.rustflags=[\"--remap-path-prefix=$sources=\"]"
cargo build --locked --release --target "$musl" --target-dir "$built" --config "$remapped"
binary=$built/$musl/release/recycle

# ldd fails for one kind of static binary and not for the other; its words tell.
linked=$(ldd "$binary" 2>&1 || :)
if ! grep -Eq 'statically linked|not a dynamic executable' <<<"$linked"; then
    printf '%s is not static:\n%s\n' "$binary" "$linked" >&2
    exit 1
fi
"$binary" -- true
if grep -aqF "$HOME" "$binary"; then
    printf '%s tells who built it: %s\n' "$binary" "$HOME" >&2
    exit 1
fi

# What is linked into it wants its licences told.
licences() {
    local crate name crate_version licence folder texts
    cargo tree --locked --package recycle-cli --target "$musl" --edges normal,no-proc-macro --prefix none --no-dedupe \
        --format '{p}|{l}' | sort -u | while IFS='|' read -r crate licence; do
        read -r name crate_version _ <<<"$crate"
        [[ $name != recycle-* ]] || continue
        printf '==== %s %s: %s\n\n' "$name" "${crate_version#v}" "$licence"
        folder=$(echo "$sources"/*/"$name-${crate_version#v}")
        # A name that leads out of the package is all that some put in.
        texts=$(find "$folder" -maxdepth 1 -type f -size +199c \
            '(' -name 'LICEN[CS]E-MIT*' -o -name 'LICEN[CS]E' -o -name 'LICEN[CS]E.*' ')' | sort)
        if [[ -n $texts ]]; then
            xargs -d '\n' cat <<<"$texts"
        else
            sed -nE 's/^authors = /Copyright: /p' "$folder/Cargo.toml"
        fi
        echo
    done
    printf '==== %s\n' 'The standard library of Rust: MIT OR Apache-2.0, the Rust project developers' \
        'musl: MIT, Rich Felker et al.'
}
licences >"$built/$musl/release/THIRD-PARTY"

artefacts=$target/release-artefacts
rm -rf "$artefacts"
mkdir -p "$artefacts"

name=recycle-$version-$musl
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/$name"
cp -r "$binary" "$built/$musl/release/THIRD-PARTY" man completions README.md CHANGELOG.md LICENSE-* \
    "$folder/$name"
rm -r "$folder/$name/completions/parts"
[[ ! -d docs ]] || cp -r docs "$folder/$name"
chmod -R u=rwX,go=rX "$folder/$name"
tar -C "$folder" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
    --format=ustar -cf - "$name" | gzip -9n >"$artefacts/$name.tar.gz"

# Cargo has stripped it; stripping it again could change its bytes.
CARGO_TARGET_DIR=$built cargo deb --quiet --no-build --no-strip --target "$musl" \
    --output "$artefacts/recycle_${version}-1_amd64.deb" >/dev/null

(cd "$artefacts" && sha256sum -- * >"$folder/SHA256SUMS" && mv "$folder/SHA256SUMS" .)
chmod 644 "$artefacts"/*
ls -l "$artefacts"
echo "$artefacts"
