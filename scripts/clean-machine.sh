#!/usr/bin/env bash
# Follows the README word for word where nothing is installed: in a root folder that debootstrap makes,
# with Debian's smallest system, rustup's toolchain and a clone of what is committed here. Takes root,
# debootstrap, and whatever network apt, cargo, npm and pip take here; it is no part of CI.
#
#     scripts/clean-machine.sh FOLDER            # some minutes; FOLDER is made if it is not there
#     scripts/clean-machine.sh FOLDER --tests    # all of .ci/test, too
#
# What is done once is not done again: for a machine that is clean, remove FOLDER first. Nothing is
# mounted but in a mount namespace that ends with this.
set -euo pipefail
cd "$(dirname "$0")/.."

# A block of shell: its section, its number there, and the file (README.md).
block() {
    awk -v section="## $1" -v wanted="$2" '
        /^## / { inside = ($0 == section) }
        inside && /^```/ { code = ($0 == "```sh"); number += code; next }
        inside && code && number == wanted { print }' "${3-README.md}"
}

# Inside.
follow() {
    local tests=$1 section number text
    trap 'echo "clean-machine: line $LINENO failed" >&2' ERR
    set -E
    cd /root/recycle
    export PATH="$HOME/.cargo/bin:$PATH"
    for step in "See it work:1" "Install:1" "Install:2" "Install:3"; do
        section=${step%:*} number=${step##*:}
        text=$(block "$section" "$number")
        [[ -n $text ]] || { echo "README: no block $number in $section" >&2 && exit 1; }
        printf '\n== %s, block %s\n%s\n' "$section" "$number" "$text"
        bash -ec "$text" </dev/null
    done
    recycle --version
    # Cargo's and dpkg's.
    ls -l ~/.cargo/bin/recycle /usr/bin/recycle

    [[ $(block "See it work" 2) == .ci/test ]]
    if [[ $tests == --tests ]]; then
        printf '\n== .ci/test\n'
        .ci/test
    else
        printf '\n== .ci/test --install-only\n'
        .ci/test --install-only
    fi
    # With node, which that has brought. It goes on for ever, until told to end.
    text=$(block "Draw a chart" 1 docs/recipes.md)
    printf '\n== Draw a chart\n%s\n' "$text"
    timeout --signal TERM 10 bash -c "${text%%$'\n'*}" </dev/null || (($? == 124))
    bash -ec "${text#*$'\n'}"
    grep -q '</svg>' memory.svg
    printf '\n== All is well\n'
}

if [[ ${1-} == --inside ]]; then
    follow "${2-}"
    exit
fi

root=${1:?scripts/clean-machine.sh FOLDER [--tests]}
if [[ ! -e $root/etc/debian_version ]]; then
    # To reach the registries by TLS, and to clone; and what rustup says that it needs: a linker.
    debootstrap --variant=minbase --include=ca-certificates,git,gcc,libc6-dev bookworm "$root"
fi
root=$(realpath "$root")
home=$root/root
# How this machine reaches the world.
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
for file in .cargo/config.toml .cargo/config .npmrc .config/pip/pip.conf; do
    [[ ! -e $HOME/$file ]] || install -D -m 600 "$HOME/$file" "$home/$file"
done
mkdir -p "$home/.cargo/bin" "$home/.rustup"
# All that rustup calls cargo, rustc and so on is itself.
cp "$(command -v rustup)" "$home/.cargo/bin/rustup"
for name in cargo rustc rustdoc cargo-fmt cargo-clippy rustfmt clippy-driver; do
    ln -sf rustup "$home/.cargo/bin/$name"
done
rm -rf "$home/recycle"
git clone --quiet --no-local . "$home/recycle"

# As the root of its own, not by chroot: containers within could have none in turn.
# shellcheck disable=SC2016 # they are for the shell inside
exec unshare --mount --pid --fork --kill-child --propagation private bash -ec '
    root=$1 rustup=$2
    shift 2
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount --bind "$rustup" "$root/root/.rustup"
    cd "$root"
    pivot_root . mnt
    umount --lazy /mnt
    cd /
    exec /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb "$@"' \
    bash "$root" "${RUSTUP_HOME:-$HOME/.rustup}" \
    bash /root/recycle/scripts/clean-machine.sh --inside "${2-}"
