#!/usr/bin/env bash
# Makes the release twice and has the same bytes come out; unpacks the tarball; installs, runs and
# removes the package by dpkg, in a root folder of its own where there is nothing else. Takes root.
#
#     scripts/check-release.sh
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "check-release: $*" >&2
    exit 1
}

version=$(sed -nE '0,/^version/s/^version = "(.*)"$/\1/p' Cargo.toml)
artefacts=$(scripts/release.sh | tail -n 1)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

echo "== The same bytes again"
cp -r "$artefacts" "$place/first"
# In a world with other habits.
(umask 077 && TZ=Asia/Tokyo scripts/release.sh) >/dev/null
diff -r "$place/first" "$artefacts"
(cd "$artefacts" && sha256sum --check --strict SHA256SUMS)

echo "== The tarball"
name=recycle-$version-x86_64-unknown-linux-musl
tar -xzf "$artefacts/$name.tar.gz" -C "$place"
unpacked=$place/$name
[[ "$("$unpacked/recycle" --version)" == "recycle $version" ]] || fail "says another version"
"$unpacked/recycle" --max-rss 512M -- true
for file in man/recycle{.1,-events.5,-internals.7} \
    completions/{recycle.bash,_recycle,recycle.fish} README.md CHANGELOG.md \
    LICENSE-MIT LICENSE-APACHE; do
    cmp "$file" "$unpacked/$file"
done
grep -q '^==== clap ' "$unpacked/THIRD-PARTY" || fail "does not tell whose libraries it has"

echo "== Hardening"
# As checksec has it: PIE that needs no loader, full RELRO, NX.
headers=$(readelf --wide --file-header --program-headers --dynamic "$unpacked/recycle")
has() { grep -Eq "$1" <<<"$headers" || fail "$2"; }
has_not() { ! grep -Eq "$1" <<<"$headers" || fail "$2"; }
has '^ *Type: +DYN ' "is not position-independent"
has 'FLAGS_1.* PIE' "is a shared library, not a program"
has_not '^ *INTERP ' "needs a loader"
has '^ *GNU_RELRO ' "has no read-only relocations"
has 'FLAGS.*NOW' "has no full RELRO: it binds lazily"
has '^ *GNU_STACK .* RW +0x' "has an executable stack"
has_not '^ *LOAD .* RWE ' "has a segment that is writable and executable"

echo "== The package"
deb=$artefacts/recycle_$version-1_amd64.deb
head -n 1 packaging/changelog | grep -qF "recycle ($version-1) " ||
    fail "packaging/changelog does not begin with $version-1"
# dpkg itself, its scripts if any, and what it knows: all of a system that is not this one.
root=$place/root
mkdir -p "$root"/var/lib/dpkg/{info,updates,triggers}
touch "$root"/var/lib/dpkg/{status,available}
dpkg=(dpkg "--root=$root" --log=/dev/null)
"${dpkg[@]}" --install "$deb" >/dev/null
"${dpkg[@]}" --status recycle | grep -x 'Status: install ok installed'
[[ "$(chroot "$root" /usr/bin/recycle --version)" == "recycle $version" ]] ||
    fail "does not run where nothing else is"
cmp "$unpacked/recycle" "$root/usr/bin/recycle"
for page in recycle.1 recycle-events.5 recycle-internals.7; do
    man -M "$root/usr/share/man" -w "${page##*.}" "${page%.*}"
    cmp <(gzip -dc "$root/usr/share/man/man${page##*.}/$page.gz") "man/$page"
done
cmp <(gzip -dc "$root/usr/share/doc/recycle/changelog.gz") CHANGELOG.md
cmp "$root/usr/share/bash-completion/completions/recycle" completions/recycle.bash
cmp "$root/usr/share/zsh/vendor-completions/_recycle" completions/_recycle
cmp "$root/usr/share/fish/vendor_completions.d/recycle.fish" completions/recycle.fish
for file in copyright README.md THIRD-PARTY changelog.Debian.gz; do
    [[ -s $root/usr/share/doc/recycle/$file ]] || fail "$file is not in the package"
done
"${dpkg[@]}" --remove recycle >/dev/null
left=$(find "$root" -mindepth 1 -not -path "$root/var*")
[[ -z $left ]] || fail "leaves behind: $left"

echo "== All is well"
