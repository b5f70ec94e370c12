#!/bin/sh
# A leak, and its cure: the same leaking program twice, alone and under `recycle --max-rss 64M`, with
# the memory of both printed second by second. Needs a Rust toolchain and half a minute.
set -eu
cd "$(dirname "$0")/.."

limit_mb=64
seconds=27
# 5 MB a second, so that a generation is over the limit after 12 s: were it over within 10 s of the
# start, twice in a row, recycle would say that the limit is too low, and hold off.
leak=leak:5M/s

echo "Building recycle and a program that leaks 5 MB a second ..."
cargo build --quiet --bin recycle --example fixture
bin=${CARGO_TARGET_DIR:-target}/debug

# The pids of a process's children.
children() {
    list=
    # The list does not end with a newline, which makes `read` fail.
    read -r list 2>/dev/null <"/proc/$1/task/$1/children" || :
    echo "$list"
}

# The resident memory of these processes, in MB.
memory() {
    sum=0
    for pid; do
        while read -r key value _; do
            if [ "$key" = VmRSS: ]; then sum=$((sum + value)); fi
        done 2>/dev/null <"/proc/$pid/status" || :
    done
    echo $((sum / 1024))
}

bar() {
    n=$(($1 * 24 / limit_mb))
    while [ "$n" -gt 0 ]; do
        printf '#'
        n=$((n - 1))
    done
}

alone='' wrapped=''
clean_up() { kill $alone $wrapped 2>/dev/null || :; }
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "\$ fixture $leak &"
"$bin/examples/fixture" "$leak" &
alone=$!
echo "\$ recycle --max-rss ${limit_mb}M -- fixture $leak &"
"$bin/recycle" --max-rss "${limit_mb}M" -- "$bin/examples/fixture" "$leak" &
wrapped=$!

printf '%5s %9s %10s\n' time alone recycled
second=0
while [ "$second" -lt "$seconds" ]; do
    sleep 1
    second=$((second + 1))
    recycled=$(memory $(children "$wrapped"))
    printf '%4ss %8sM %9sM  %s\n' "$second" "$(memory "$alone")" "$recycled" "$(bar "$recycled")"
done

echo "After $seconds seconds: alone $(memory "$alone") MB and growing, under recycle never much over" \
    "$limit_mb MB."
