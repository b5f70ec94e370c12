#!/usr/bin/env bash
# In a pipeline: numbers in, their squares out, by a consumer that may be recycled at any time.
#
#     seq 1000000 | examples/pipeline.sh | tail -n 1
#
# Of what recycle says nothing gets into the data: it is on standard error.

# The pipeline fails if any part does: recycle ends as the last generation of the consumer did.
set -euo pipefail

# A generation that is told to go ends between two lines. The shell reads no more than one line at a
# time, so that what it has not answered is still in the pipe, for the next generation: a consumer that
# reads ahead (most do) would lose that much.
consumer='
    over=
    trap "over=yes" TERM
    while [ -z "$over" ] && IFS= read -r number; do
        case $number in *[!0-9]* | "" | 0?*) echo "no number: $number" >&2; exit 65 ;; esac
        echo "$((number * number))"
    done
'

# When the input has ended, no recycle is planned any more: nothing is left for another generation.
sed -u '/^#/d' | recycle --idle 5m --max-rss 64M -- sh -c "$consumer" | cat
