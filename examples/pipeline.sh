#!/usr/bin/env bash
# In a pipeline: numbers in, their squares out, by a consumer that may be recycled at any time.
#
#     seq 1000000 | examples/pipeline.sh | tail -n 1
#
# Of what recycle says nothing gets into the data: it is on standard error.

# The pipeline fails if any part does: recycle ends as the last generation of the consumer did.
set -euo pipefail

# It reads to the end of its input, and then ends. It need not know that this is a recycle: the next
# generation goes on with the next line (--stdin lines).
consumer='
    while IFS= read -r number; do
        case $number in *[!0-9]* | "" | 0?*) echo "no number: $number" >&2; exit 65 ;; esac
        echo "$((number * number))"
    done
'

# When the input has ended, recycles go on only as long as lines are left.
sed -u '/^#/d' | recycle --idle 5m --max-rss 64M --stdin lines -- sh -c "$consumer" | cat
